//! The states an edit is planned on.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use xblock_core::keys::{AssetKey, UsageKey};
use xblock_core::runtime::{BlockData, BranchState, RuntimeError};

use super::BlockstoreRuntime;
use super::definitions::Source;
use super::layout::asset_path;
use super::tables::StateRow;
use super::view::View;
use crate::document::{FileRecord, Snapshot};

/// A branch as the index describes it.
pub(super) struct IndexedBranch<'v> {
    pub(super) runtime: &'v BlockstoreRuntime,
    pub(super) view: &'v View<'v>,
    pub(super) state: StateRow,
    pub(super) source: Source,
}

impl BranchState for IndexedBranch<'_> {
    fn block(&self, usage: &UsageKey) -> Result<Option<Arc<BlockData>>, RuntimeError> {
        match self.runtime.locate(self.view, &self.state, usage) {
            // A child may be named that is not there; an edit goes around it.
            Err(RuntimeError::BrokenInclude { .. }) | Ok(None) => Ok(None),
            Ok(Some(located)) => {
                self.runtime.read_located(self.view, &self.state, self.source, usage, &located).map(Some)
            }
            Err(error) => Err(error),
        }
    }

    fn parents(&self, usage: &UsageKey) -> Result<Vec<UsageKey>, RuntimeError> {
        let rows = self.view.tables.parents(self.state.id, usage.block_type(), usage.block_id())?;
        self.view.usages(rows)
    }

    /// Lists the blocks whose definitions are their own; what includes give comes and goes with these.
    fn usages(&self) -> Result<Vec<UsageKey>, RuntimeError> {
        self.view.usages(self.view.tables.usages(self.state.id)?)
    }

    fn has_asset(&self, key: &AssetKey) -> Result<bool, RuntimeError> {
        Ok(self.view.tables.asset(self.state.id, key.asset_type(), key.path())?.is_some())
    }
}

/// An older version, read from its snapshot.
pub(super) struct SnapshotBranch<'r> {
    runtime: &'r BlockstoreRuntime,
    view: &'r View<'r>,
    snapshot: Arc<Snapshot>,
    usages: BTreeMap<UsageKey, FileRecord>,
    /// Parents by child; it takes reading every block, so it is made when it is asked for.
    parents: OnceCell<BTreeMap<UsageKey, BTreeSet<UsageKey>>>,
}

impl<'r> SnapshotBranch<'r> {
    pub(super) fn new(runtime: &'r BlockstoreRuntime, view: &'r View<'r>, snapshot: Arc<Snapshot>) -> Self {
        let source = Source { bundle: snapshot.bundle_uuid, draft: None };
        let mut usages = BTreeMap::new();
        for (path, record) in &snapshot.files {
            if let Some((block_type, id)) = runtime.block_at(&view.conventions, source, path, record)
                && let Ok(usage) = view.key.make_usage_key(&block_type, &id)
            {
                usages.insert(usage, record.clone());
            }
        }
        Self { runtime, view, snapshot, usages, parents: OnceCell::new() }
    }
}

impl BranchState for SnapshotBranch<'_> {
    fn block(&self, usage: &UsageKey) -> Result<Option<Arc<BlockData>>, RuntimeError> {
        let Some(record) = self.usages.get(usage) else { return Ok(None) };
        let source = Source { bundle: self.snapshot.bundle_uuid, draft: None };
        self.runtime.read_block(&self.view.reader(source), usage, record.hash, record.size).map(Some)
    }

    fn parents(&self, usage: &UsageKey) -> Result<Vec<UsageKey>, RuntimeError> {
        let parents = match self.parents.get() {
            Some(parents) => parents,
            None => {
                let mut found: BTreeMap<UsageKey, BTreeSet<UsageKey>> = BTreeMap::new();
                for parent in self.usages.keys() {
                    for child in self.block(parent)?.iter().flat_map(|data| &data.children) {
                        found.entry(child.clone()).or_default().insert(parent.clone());
                    }
                }
                self.parents.get_or_init(|| found)
            }
        };
        Ok(parents.get(usage).into_iter().flatten().cloned().collect())
    }

    fn usages(&self) -> Result<Vec<UsageKey>, RuntimeError> {
        Ok(self.usages.keys().cloned().collect())
    }

    fn has_asset(&self, key: &AssetKey) -> Result<bool, RuntimeError> {
        Ok(self.snapshot.files.contains_key(&asset_path(key)))
    }
}
