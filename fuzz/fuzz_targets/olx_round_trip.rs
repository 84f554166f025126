#![no_main]

use std::sync::LazyLock;

static REGISTRY: LazyLock<xblock_core::block::Registry> =
    LazyLock::new(|| blocks::registry().expect("no type twice"));

libfuzzer_sys::fuzz_target!(|data: &[u8]| xblock_testkit::fuzz::olx_round_trip(data, &REGISTRY));
