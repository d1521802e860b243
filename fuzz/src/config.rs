//! A configuration of any texts. `rempart_config::take` says what must hold whatever they are.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rempart_config::take(input));
