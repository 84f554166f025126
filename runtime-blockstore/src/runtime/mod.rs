//! The XBlock runtime over bundles: one bundle is one learning context.

mod adopting;
mod asset_metadata;
mod assets;
mod block_files;
mod branch;
mod cache;
mod carrying;
mod commit;
mod content_check;
mod conventions;
#[cfg(test)]
mod costs;
mod definitions;
mod draft;
mod feed;
mod included;
mod includes;
mod index_check;
mod layout;
mod links;
mod locating;
mod origin;
mod outline;
mod reading;
mod refresh;
mod rendering;
mod restored;
mod room;
mod tables;
mod tree;
mod view;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use uuid::{NoContext, Timestamp, Uuid};
use xblock_core::block::Registry;
use xblock_core::clock::Clock;
use xblock_core::runtime::{Branch, RuntimeError};

use crate::context::LearningContexts;
use crate::database::{Access, Connection};
use crate::digest::Digest;
use crate::error::BlockstoreError;
use crate::rows;
use crate::schema::{self, Home};
use crate::storage::Mark;
use crate::store::Blockstore;

use cache::DefinitionCache;
use tables::Tables;

/// How many seconds somebody may wait for the lock who is about to make a draft.
const LONGEST_WAIT: i64 = 3600;

pub use index_check::IndexFault;
pub use links::{ContextError, ContextLink, LinkChanges, LinkTarget, LinkUpdates};
pub use outline::OutlineBlock;
pub(crate) use restored::{Restored, know_again};

/// Courses and libraries in a Blockstore.
///
/// Each learning context is a bundle (`docs/course-bundle.md`); which one, and by which conventions, its kind says
/// ([`LearningContexts`]). The published branch is the bundle's latest version, the draft branch its draft `studio_draft`, or
/// the latest version where there is none. Both change together, in one transaction of the database.
pub struct BlockstoreRuntime {
    store: Blockstore,
    registry: Registry,
    contexts: LearningContexts,
    definitions: DefinitionCache,
    /// Digests of draft documents, with what the file system said of the file then.
    summaries: Mutex<HashMap<Uuid, (Mark, Digest)>>,
    /// States whose documents were found whole in this process: bundle, branch, latest version.
    proved: Mutex<HashSet<(Uuid, Branch, Option<Digest>)>>,
    /// Whether the index is kept in memory, because the store's own is missing or out of date and may not be written.
    in_memory: AtomicBool,
}

impl BlockstoreRuntime {
    /// Opens a store for reading and writing; it is made where it is missing.
    ///
    /// # Errors
    /// Failures of the medium, and [`RuntimeError::Corrupt`].
    pub fn open(dir: &Path, registry: Registry, clock: Arc<dyn Clock>) -> Result<Self, RuntimeError> {
        Self::over(Blockstore::open(dir, Access::ReadWrite, clock)?, registry)
    }

    /// Lays the runtime over a store that is open; for reading only, where the store is.
    ///
    /// # Errors
    /// As [`BlockstoreRuntime::open`].
    pub fn over(store: Blockstore, registry: Registry) -> Result<Self, RuntimeError> {
        Self::with_contexts(store, registry, LearningContexts::standard())
    }

    /// Lays the runtime over a store that is open, for other kinds of learning contexts than courses and libraries.
    ///
    /// # Errors
    /// As [`BlockstoreRuntime::open`].
    pub fn with_contexts(
        store: Blockstore,
        registry: Registry,
        contexts: LearningContexts,
    ) -> Result<Self, RuntimeError> {
        if store.db.access() == Access::ReadOnly {
            return Self::over_read_only(store, registry, contexts);
        }
        store.db.create_index(Home::Main)?;
        let runtime = Self::new(store, registry, contexts);
        runtime.sweep(None)?;
        Ok(runtime)
    }

    /// Opens a store for reading; nothing on the medium changes.
    ///
    /// # Errors
    /// As [`BlockstoreRuntime::open`], also where there is no store.
    pub fn open_read_only(
        dir: &Path,
        registry: Registry,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RuntimeError> {
        Self::over(Blockstore::open(dir, Access::ReadOnly, clock)?, registry)
    }

    fn over_read_only(
        store: Blockstore,
        registry: Registry,
        contexts: LearningContexts,
    ) -> Result<Self, RuntimeError> {
        let has_index = store.db.read(schema::has_index)?;
        let runtime = Self::new(store, registry, contexts);
        if !has_index {
            runtime.index_in_memory()?;
        }
        Ok(runtime)
    }

    fn new(store: Blockstore, registry: Registry, contexts: LearningContexts) -> Self {
        Self {
            store,
            registry,
            contexts,
            definitions: DefinitionCache::default(),
            summaries: Mutex::default(),
            proved: Mutex::default(),
            in_memory: AtomicBool::new(false),
        }
    }

    /// Returns the bundles store below.
    #[must_use]
    pub fn blockstore(&self) -> &Blockstore {
        &self.store
    }

    fn tables<'c>(&self, db: &'c Connection) -> Tables<'c> {
        let in_memory = self.in_memory.load(Ordering::Acquire);
        Tables::new(db, if in_memory { Home::Temporary } else { Home::Main })
    }

    /// Begins an index in memory in place of the store's own; what bundles were told they are is known there, too.
    fn index_in_memory(&self) -> Result<(), BlockstoreError> {
        self.store.db.create_index(Home::Temporary)?;
        self.store.db.write_temporary(|db| {
            if !db.has_table("xblock_bundle")? {
                return Ok(());
            }
            let tables = Tables::new(db, Home::Temporary);
            for (bundle, key) in Tables::new(db, Home::Main).told()? {
                tables.adopt(bundle, &key)?;
            }
            Ok::<_, BlockstoreError>(())
        })?;
        self.in_memory.store(true, Ordering::Release);
        Ok(())
    }

    /// Names a draft that is about to be made; the name says when.
    fn new_draft(&self) -> Uuid {
        let now = self.store.clock.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
    }

    /// Says whether a draft was named lately, so that somebody may be about to make it.
    fn is_about_to_be_made(&self, draft: Uuid) -> bool {
        let Some((seconds, _)) = draft.get_timestamp().map(|time| time.to_unix()) else { return false };
        let now = self.store.clock.now().timestamp();
        i64::try_from(seconds).is_ok_and(|named| now.saturating_sub(named).abs() < LONGEST_WAIT)
    }

    /// Removes draft folders that commits left behind, and notes one that is about to be made.
    ///
    /// Whoever makes one has the lock that this has now, and leaves no note; so a folder is nobody's. Where there is none,
    /// somebody may be waiting for the lock.
    fn sweep(&self, next: Option<Uuid>) -> Result<(), BlockstoreError> {
        self.store.db.write(|db| {
            let tables = self.tables(db);
            for draft in tables.garbage()? {
                if rows::has_draft(db, draft)?
                    || self.store.storage.remove_folder(draft)?
                    || !self.is_about_to_be_made(draft)
                {
                    tables.drop_garbage(draft)?;
                }
            }
            next.map_or(Ok(()), |draft| tables.add_garbage(draft))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use chrono::{DateTime, TimeDelta, Utc};
    use xblock_core::clock::FixedClock;

    use super::BlockstoreRuntime;
    use crate::database::Access;
    use crate::store::Blockstore;

    fn open(folder: &Path, now: DateTime<Utc>) -> BlockstoreRuntime {
        let store = Blockstore::open(folder, Access::ReadWrite, Arc::new(FixedClock(now))).unwrap();
        BlockstoreRuntime::over(store, super::costs::classes::registry()).unwrap()
    }

    #[test]
    fn a_sweep_leaves_the_notes_of_those_who_wait_and_takes_folders_and_old_notes() {
        let folder = tempfile::tempdir().unwrap();
        let now = Utc::now();
        let waiting = open(folder.path(), now);
        let draft = waiting.new_draft();
        waiting.sweep(Some(draft)).unwrap();
        let is_noted = |runtime: &BlockstoreRuntime| {
            runtime.store.db.read(|db| runtime.tables(db).is_garbage(draft)).unwrap()
        };
        // Opening a store sweeps, and so does every new context.
        let other = open(folder.path(), now + TimeDelta::minutes(10));
        other.sweep(Some(other.new_draft())).unwrap();
        assert!(is_noted(&waiting));
        let place = folder.path().join("storage").join(draft.to_string());
        std::fs::create_dir_all(&place).unwrap();
        other.sweep(None).unwrap();
        assert!(!is_noted(&waiting) && !place.exists());

        waiting.sweep(Some(draft)).unwrap();
        let later = open(folder.path(), now + TimeDelta::hours(2));
        assert!(!is_noted(&later));
    }
}
