//! Loading what `mongodump` wrote into a store, which is there afterwards or, where that fails, is not made.

use std::path::Path;
use std::sync::Arc;

use runtime_modulestore::{DumpCounts, OnDamage};
use tempfile::TempPath;
use xblock_core::block::Registry;
use xblock_core::clock::Clock;
use xblock_core::runtime::RuntimeError;

use crate::error::CoursewareError;
use crate::opening::{OpenMode, StoreError, make_parent};
use crate::store_url::StoreUrl;

impl StoreUrl {
    /// Loads a dump into a Modulestore. A file that is not there yet is made beside its place and gets its name when it is
    /// whole, so that a dump that is refused leaves none, and nobody writes into one that goes away again.
    ///
    /// # Errors
    /// [`StoreError`], and what [`runtime_modulestore::ModulestoreRuntime::import_dump_with`] says.
    pub fn load_dump(
        &self,
        folder: &Path,
        on_damage: OnDamage,
        registry: &Registry,
        clock: &Arc<dyn Clock>,
    ) -> Result<DumpCounts, CoursewareError> {
        let load = |url: &Self| -> Result<DumpCounts, CoursewareError> {
            let store = url.open_modulestore(OpenMode::Create, registry, clock)?;
            Ok(store.import_dump_with(folder, on_damage)?)
        };
        let file = match self {
            Self::Modulestore(file) if file.symlink_metadata().is_err() => file,
            _ => return load(self),
        };
        make_parent(file)?;
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        let making = tempfile::Builder::new().prefix(".new-store-").tempdir_in(parent);
        let making = making.map_err(|source| StoreError::Directory { path: parent.to_path_buf(), source })?;
        let made = making.path().join("store");
        let counts = load(&Self::Modulestore(made.clone()))?;
        let failed = |error: &dyn std::fmt::Display| {
            RuntimeError::storage("naming the new store", format!("{}: {error}", file.display()))
        };
        // What SQLite has not moved into the file would stay behind.
        let log = making.path().join("store-wal");
        if log.metadata().is_ok_and(|log| log.len() > 0) {
            return Err(failed(&"its log cannot be closed").into());
        }
        let made = TempPath::try_from_path(made).map_err(|error| failed(&error))?;
        made.persist_noclobber(file).map_err(|error| failed(&error.error))?;
        Ok(counts)
    }
}
