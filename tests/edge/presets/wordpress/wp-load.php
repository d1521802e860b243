<?php
// What WordPress does with cookies, and nothing else of it: names that end in a hash of the site's address, one pair for the
// administration and one for the whole site, and settings that scripts read.
$_SERVER['HTTPS'] = ($_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '') === 'https' ? 'on' : '';
define('COOKIEHASH', md5('https://museum.localhost'));
define('SECURE_AUTH_COOKIE', 'wordpress_sec_' . COOKIEHASH);
define('AUTH_COOKIE', 'wordpress_' . COOKIEHASH);
define('LOGGED_IN_COOKIE', 'wordpress_logged_in_' . COOKIEHASH);
define('TEST_COOKIE', 'wordpress_test_cookie');

function is_ssl() { return $_SERVER['HTTPS'] === 'on'; }
function auth_cookie() { return is_ssl() ? SECURE_AUTH_COOKIE : AUTH_COOKIE; }
function ticket($user) { return $user . '|1999999999|' . hash_hmac('sha256', $user, 'salt'); }
function user_of($name) {
    $user = explode('|', $_COOKIE[$name] ?? '')[0];
    return hash_equals(ticket($user), $_COOKIE[$name] ?? '') ? $user : null;
}
function auth_redirect() {
    if (user_of(auth_cookie()) === null) {
        header('Location: /wp-login.php?redirect_to=' . urlencode($_SERVER['REQUEST_URI']) . '&reauth=1', true, 302);
        exit;
    }
    return user_of(auth_cookie());
}
