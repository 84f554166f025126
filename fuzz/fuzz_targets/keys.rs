#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| xblock_testkit::fuzz::keys(data));
