#![no_main]

#[path = "../see.rs"]
#[allow(dead_code)]
mod see;

use xblock_testkit::fuzz::{ProblemEngine, answers};

libfuzzer_sys::fuzz_target!(|data: &[u8]| answers(data, &ProblemEngine { see: &see::see }));
