//! Stores that dumps are loaded into, a new one for each.

use std::cell::Cell;
use std::sync::Arc;

use runtime_modulestore::ModulestoreRuntime;
use runtime_modulestore::store::{MongoStore, MongoUrl, StoreMode};
use tempfile::TempDir;
use xblock_core::block::Registry;
use xblock_core::clock::FixedClock;
use xblock_testkit::Service;

use super::{Outcome, text};

/// Makes empty stores of one kind.
pub(super) struct Stores {
    /// The server whose databases they are; without one they are files.
    server: Option<Service>,
    made: Cell<u32>,
    /// The blocks that are read and written.
    pub(super) registry: Registry,
}

impl Stores {
    /// Stores that are files.
    pub(super) fn files() -> Outcome<Self> {
        Ok(Self { server: None, made: Cell::default(), registry: blocks::registry().map_err(text)? })
    }

    /// Stores that are databases of a server on MongoDB's protocol, which runs as long as this value is held.
    pub(super) fn databases() -> Outcome<Self> {
        let server = Service::start("mongodb.py", &[]).ok_or("no server runs here")?;
        Ok(Self { server: Some(server), ..Self::files()? })
    }

    /// Makes a store, and a folder of the caller's own that goes with it.
    pub(super) fn fresh(&self, clock: FixedClock) -> Outcome<(ModulestoreRuntime, TempDir)> {
        let folder = tempfile::tempdir().map_err(text)?;
        let (registry, clock) = (self.registry.clone(), Arc::new(clock));
        let runtime = match &self.server {
            None => {
                ModulestoreRuntime::open(folder.path().join("store.db"), registry, clock).map_err(text)?
            }
            Some(server) => {
                let number = self.made.replace(self.made.get() + 1);
                let url = MongoUrl::parse(&format!("{}vectors_{number}", server.url)).map_err(text)?;
                let store = MongoStore::open(&url, None, StoreMode::ReadWrite).map_err(text)?;
                ModulestoreRuntime::over(store, registry, clock)
            }
        };
        Ok((runtime, folder))
    }
}
