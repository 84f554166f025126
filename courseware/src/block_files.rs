//! Static files that belong to single blocks, seen as files of their context.
//!
//! Bundles keep such files (`{type}/{id}/static/`); packages and a Modulestore have one folder of static files for a whole
//! course. What leaves a Blockstore looks through this view, so that those files come along: `/static/NAME` in a
//! block's texts then finds the same bytes among the files of the course.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use xblock_core::keys::{AssetKey, ContextKey, DefinitionKey, UsageKey};
use xblock_core::runtime::{
    AssetMetadataRecords, AssetReader, AssetRecord, BlockAsset, BlockRecord, Branch, Change, Commit,
    ContextRecord, Cursor, DefinitionRecord, Edit, Origin, Runtime, RuntimeError, Unlisted, VersionContent,
    VersionId, VersionRecord,
};

use crate::forward::forward;

/// A file of a block that has no place among the files of its course, because another one is called so there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct BlockFileLeftOut {
    /// The block.
    pub usage: UsageKey,
    /// The name of the file.
    pub name: String,
}

/// A runtime whose files of single blocks are files of the context, too. Everything else is as in the runtime within.
pub(crate) struct WithBlockFiles<R> {
    within: R,
    branches: Mutex<BTreeMap<(ContextKey, Branch), Arc<BlockFiles>>>,
}

/// The files of the blocks of a branch.
#[derive(Default)]
struct BlockFiles {
    files: BTreeMap<AssetKey, BlockFile>,
    left_out: Vec<BlockFileLeftOut>,
}

struct BlockFile {
    usage: UsageKey,
    name: String,
    record: AssetRecord,
}

impl<R: Deref<Target: Runtime> + Send + Sync> WithBlockFiles<R> {
    pub(crate) fn new(within: R) -> Self {
        Self { within, branches: Mutex::default() }
    }

    /// Lists the files of blocks that found no place, of the branches whose files were listed.
    pub(crate) fn left_out(&self) -> Vec<BlockFileLeftOut> {
        let branches = self.branches.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left_out: Vec<_> = branches.values().flat_map(|files| files.left_out.clone()).collect();
        left_out.sort();
        left_out.dedup();
        left_out
    }

    /// Looks for the files of all blocks, given the files that the context has itself.
    fn look(
        &self,
        context: &ContextKey,
        branch: Branch,
        own: &[AssetRecord],
    ) -> Result<Arc<BlockFiles>, RuntimeError> {
        let mut found = BlockFiles::default();
        let own: BTreeMap<&AssetKey, &AssetRecord> = own.iter().map(|record| (&record.key, record)).collect();
        for usage in self.within.usages(context, branch)? {
            let files = match self.within.block_assets(&usage, branch) {
                // Whoever reads the block says so.
                Err(error) if error.is_damage() => continue,
                files => files?,
            };
            for file in files {
                let Some(record) = file.in_context(context) else {
                    found.left_out.push(BlockFileLeftOut { usage: usage.clone(), name: file.name });
                    continue;
                };
                let taken = own.get(&record.key).copied();
                let taken = taken.or_else(|| found.files.get(&record.key).map(|file| &file.record));
                match taken {
                    Some(other) if other.digest == record.digest => {}
                    Some(_) => {
                        found.left_out.push(BlockFileLeftOut { usage: usage.clone(), name: file.name });
                    }
                    None => {
                        let (usage, name) = (usage.clone(), file.name);
                        found.files.insert(record.key.clone(), BlockFile { usage, name, record });
                    }
                }
            }
        }
        let found = Arc::new(found);
        let mut branches = self.branches.lock().unwrap_or_else(PoisonError::into_inner);
        branches.insert((context.clone(), branch), found.clone());
        Ok(found)
    }

    fn files(&self, context: &ContextKey, branch: Branch) -> Result<Arc<BlockFiles>, RuntimeError> {
        let known = {
            let branches = self.branches.lock().unwrap_or_else(PoisonError::into_inner);
            branches.get(&(context.clone(), branch)).cloned()
        };
        match known {
            Some(files) => Ok(files),
            None => self.look(context, branch, &self.within.assets(context, branch)?),
        }
    }

    /// Does something with a file of a block, where the context has none of this key.
    fn or_of_block<T>(
        &self,
        key: &AssetKey,
        branch: Branch,
        own: Result<T, RuntimeError>,
        read: impl FnOnce(&BlockFile) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        match own {
            Err(RuntimeError::NoSuchAsset { .. }) => {
                match self.files(&key.context_key(), branch)?.files.get(key) {
                    Some(file) => read(file),
                    None => own,
                }
            }
            own => own,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<R: Deref<Target: Runtime> + Send + Sync> Runtime for WithBlockFiles<R> {
    forward! { to within:
        contexts, damaged_contexts, context, usages, unlisted, block, parents, definition, asset_metadata, block_assets, read_block_asset,
        open_block_asset, history, version, changes, is_feed_behind, commit, origin, keep_origin,
    }

    fn assets(&self, context: &ContextKey, branch: Branch) -> Result<Vec<AssetRecord>, RuntimeError> {
        let mut assets = self.within.assets(context, branch)?;
        let files = self.look(context, branch, &assets)?;
        if !files.files.is_empty() {
            assets.extend(files.files.values().map(|file| file.record.clone()));
            assets.sort_by(|one, other| one.key.cmp(&other.key));
        }
        Ok(assets)
    }

    fn asset(&self, key: &AssetKey, branch: Branch) -> Result<AssetRecord, RuntimeError> {
        self.or_of_block(key, branch, self.within.asset(key, branch), |file| Ok(file.record.clone()))
    }

    fn read_asset(&self, key: &AssetKey, branch: Branch) -> Result<Vec<u8>, RuntimeError> {
        self.or_of_block(key, branch, self.within.read_asset(key, branch), |file| {
            self.within.read_block_asset(&file.usage, &file.name, branch)
        })
    }

    fn open_asset(&self, key: &AssetKey, branch: Branch) -> Result<Box<dyn AssetReader>, RuntimeError> {
        self.or_of_block(key, branch, self.within.open_asset(key, branch), |file| {
            self.within.open_block_asset(&file.usage, &file.name, branch)
        })
    }
}
