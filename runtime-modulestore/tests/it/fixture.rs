//! Stores in temporary folders.

use std::path::Path;
use std::sync::Arc;

use chrono::DateTime;
use runtime_modulestore::ModulestoreRuntime;
use tempfile::TempDir;
use xblock_core::clock::{Clock, FixedClock};
use xblock_testkit::Fresh;

use crate::classes::registry;

/// A moment with milliseconds.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(FixedClock(DateTime::from_timestamp_millis(1_930_000_000_123).expect("a moment")))
}

/// Opens a store in a folder.
pub(crate) fn open(folder: &Path) -> ModulestoreRuntime {
    ModulestoreRuntime::open(folder.join("store.db"), registry(), clock()).expect("the store opens")
}

/// A store that lives as long as the folder.
pub(crate) fn new_store() -> (ModulestoreRuntime, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    (open(folder.path()), folder)
}

/// A store for the suite.
pub(crate) fn fresh() -> Fresh {
    let (runtime, folder) = new_store();
    Fresh::with_guard(runtime, folder)
}
