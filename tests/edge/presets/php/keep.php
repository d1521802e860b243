<?php
// PHP as it is set up: it takes whatever session a browser brings (session.use_strict_mode is off).
session_start();
echo session_id();
