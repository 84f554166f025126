//! Stores for tests.

use std::sync::Arc;

use courseware::{OpenMode, StoreUrl, SystemClock};
use tempfile::TempDir;
use xblock_core::clock::Clock;
use xblock_core::runtime::{MemoryRuntime, Runtime};

/// An empty store in memory.
pub(crate) fn memory() -> Arc<dyn Runtime> {
    Arc::new(MemoryRuntime::new(Arc::new(SystemClock)))
}

/// Runs a test with every pair of kinds of stores, both empty.
pub(crate) fn for_all_pairs(test: impl Fn(&Arc<dyn Runtime>, &Arc<dyn Runtime>)) {
    let kinds = ["memory:", "blockstore:", "modulestore:"];
    for from in kinds {
        for to in kinds {
            let directory = tempfile::tempdir().unwrap();
            test(&open(from, &directory, "from"), &open(to, &directory, "to"));
        }
    }
}

/// Runs a test with a store of every kind, empty.
pub(crate) fn for_all(test: impl Fn(&Arc<dyn Runtime>)) {
    for kind in ["memory:", "blockstore:", "modulestore:"] {
        let directory = tempfile::tempdir().unwrap();
        test(&open(kind, &directory, "store"));
    }
}

fn open(kind: &str, directory: &TempDir, name: &str) -> Arc<dyn Runtime> {
    let url = match kind {
        "memory:" => StoreUrl::Memory,
        kind => format!("{kind}{}", directory.path().join(name).display()).parse().unwrap(),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    url.open(OpenMode::Create, &blocks::registry().unwrap(), &clock).unwrap()
}
