<?php
require __DIR__ . '/wp-load.php';
$user = user_of(LOGGED_IN_COOKIE);
echo $user === null ? 'Welcome' : "Howdy, $user";
