<?php
require __DIR__ . '/../wp-load.php';
$user = auth_redirect();
header('Referrer-Policy: strict-origin-when-cross-origin');
echo "Dashboard of $user, settings {$_COOKIE['wp-settings-1']}";
