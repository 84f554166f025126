//! The suite on the runtime in memory, the one it is written against.

mod contract;

use std::sync::Arc;

use chrono::DateTime;
use xblock_core::clock::FixedClock;
use xblock_core::runtime::MemoryRuntime;
use xblock_testkit::Fresh;

xblock_testkit::runtime_suite!(memory, crate::fresh_memory);

fn fresh_memory() -> Fresh {
    let noon = DateTime::from_timestamp(1_930_000_000, 0).expect("a moment");
    Fresh::new(MemoryRuntime::new(Arc::new(FixedClock(noon))))
}
