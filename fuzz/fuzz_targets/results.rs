#![no_main]

#[path = "../see.rs"]
#[allow(dead_code)]
mod see;

libfuzzer_sys::fuzz_target!(|data: &[u8]| see::results(data));
