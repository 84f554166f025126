//! The behaviour suite on bundles.

use std::sync::Arc;

use chrono::DateTime;
use runtime_blockstore::BlockstoreRuntime;
use xblock_core::clock::FixedClock;
use xblock_testkit::Fresh;

xblock_testkit::runtime_suite!(blockstore, crate::suite::fresh);

pub fn fresh() -> Fresh {
    let dir = tempfile::tempdir().expect("a folder");
    let noon = DateTime::from_timestamp(1_930_000_000, 0).expect("a moment");
    let runtime = BlockstoreRuntime::open(dir.path(), crate::registry(), Arc::new(FixedClock(noon)))
        .expect("a new store");
    Fresh::with_guard(runtime, dir)
}
