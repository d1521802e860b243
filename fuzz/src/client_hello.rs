//! What a client sends first, read by rustls and by us. `rempart_tls::take_hello` says what must hold whatever it is.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rempart_tls::take_hello(input));
