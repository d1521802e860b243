<?php
session_start();
if (!isset($_SESSION['card'])) {
    header('Location: /login.php');
    exit;
}
$scheme = $_SERVER['HTTP_X_FORWARDED_PROTO'] ?? 'http';
echo "reader {$_SESSION['card']}, {$scheme}, session " . session_id() . "\n";
