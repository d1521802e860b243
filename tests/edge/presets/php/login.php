<?php
// A login of the plainest kind. Whatever follows in the path (PATH_INFO) makes no difference to it.
session_start();
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    echo '<form method="post"><input name="card"><input name="pin" type="password"></form>';
} elseif (($_POST['pin'] ?? '') === '4821') {
    session_regenerate_id(true);
    $_SESSION['card'] = $_POST['card'];
    header('Location: /account.php');
} else {
    http_response_code(401);
    echo 'wrong';
}
