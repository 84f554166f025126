#![no_main]

#[path = "../see.rs"]
#[allow(dead_code)]
mod see;

use xblock_testkit::fuzz::{ProblemEngine, problem};

libfuzzer_sys::fuzz_target!(|data: &[u8]| problem(data, &ProblemEngine { see: &see::see }));
