<?php
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    http_response_code(405);
    exit('XML-RPC server accepts POST requests only.');
}
echo '<methodResponse><fault><value>403</value></fault></methodResponse>';
