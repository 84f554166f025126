//! Comparison of one context in two stores: every block, field, child, aside and static file.
//!
//! Not compared is what each store makes up for itself: versions, definition keys, and who edited when.

mod difference;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use serde::Serialize;
use xblock_core::keys::{AssetKey, ContextKey, UsageKey};
use xblock_core::runtime::{
    AssetRecord, BlockData, Branch, ContentDigest, DamagedAssetMetadata, Runtime, RuntimeError, Unlisted,
};

use crate::block_files::WithBlockFiles;
use crate::error::CoursewareError;
use crate::progress::{Progress, Stage};
use crate::sides::{FieldPair, Side, asides, attributes, field_pairs, said, value_pairs};
use crate::steady::steady;

pub use difference::Difference;

/// Bytes of a static file read at once.
const PIECE: usize = 1024 * 1024;

/// What to compare.
#[derive(Debug, Clone)]
pub struct CompareOptions<'a> {
    /// The branches; both by default.
    pub branches: Vec<Branch>,
    /// Where to report to and what stops the work.
    pub progress: Progress<'a>,
}

impl Default for CompareOptions<'_> {
    fn default() -> Self {
        Self { branches: Branch::ALL.to_vec(), progress: Progress::default() }
    }
}

/// What a comparison looked at and what it found.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Comparison {
    /// How many blocks were compared, over all branches.
    pub blocks: usize,
    /// How many fields of them, over all branches.
    pub fields: usize,
    /// How many static files were compared byte by byte, over all branches.
    pub assets: usize,
    /// The differences, in order of branch and key.
    pub differences: Vec<Difference>,
}

impl Comparison {
    /// Says whether both stores hold the same.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Compares a context in two stores, one state of it with one; where others change it meanwhile, it is read again.
///
/// # Errors
/// [`RuntimeError::NoSuchContext`](xblock_core::runtime::RuntimeError::NoSuchContext) where either store does not have the
/// context, [`CoursewareError::Unsteady`], and the stores' own.
pub fn compare(
    left: &dyn Runtime,
    right: &dyn Runtime,
    context: &ContextKey,
    options: &CompareOptions<'_>,
) -> Result<Comparison, CoursewareError> {
    steady(&[(left, context), (right, context)], || compare_once(left, right, context, options))
}

fn compare_once(
    left: &dyn Runtime,
    right: &dyn Runtime,
    context: &ContextKey,
    options: &CompareOptions<'_>,
) -> Result<Comparison, CoursewareError> {
    let (left, right) = (WithBlockFiles::new(left), WithBlockFiles::new(right));
    let (left, right): (&dyn Runtime, &dyn Runtime) = (&left, &right);
    let (left_record, right_record) = (left.context(context)?, right.context(context)?);
    let mut comparer =
        Comparer { left, right, context, options, found: Comparison::default(), read: HashSet::new() };
    if left_record.root != right_record.root {
        let (left, right) = (left_record.root.clone(), right_record.root.clone());
        comparer.found.differences.push(Difference::Root { left, right });
    }
    for &branch in &options.branches {
        match (left_record.head(branch), right_record.head(branch)) {
            (Some(_), Some(_)) => {
                comparer.blocks(branch)?;
                let unreadable = comparer.unlisted(branch)?;
                comparer.assets(branch, &unreadable)?;
                comparer.metadata(branch)?;
            }
            (None, None) => {}
            (Some(_), None) => comparer.only_in(branch, Side::Left),
            (None, Some(_)) => comparer.only_in(branch, Side::Right),
        }
    }
    Ok(comparer.found)
}

struct Comparer<'a> {
    left: &'a dyn Runtime,
    right: &'a dyn Runtime,
    context: &'a ContextKey,
    options: &'a CompareOptions<'a>,
    found: Comparison,
    /// Files whose bytes were read and are those their store says: most are the same in both branches.
    read: HashSet<(bool, AssetKey, Arc<str>)>,
}

impl Comparer<'_> {
    fn only_in(&mut self, branch: Branch, side: Side) {
        self.found.differences.push(Difference::BranchOnlyIn { branch, side });
    }

    fn blocks(&mut self, branch: Branch) -> Result<(), CoursewareError> {
        let left: BTreeSet<_> = self.left.usages(self.context, branch)?.into_iter().collect();
        let right: BTreeSet<_> = self.right.usages(self.context, branch)?.into_iter().collect();
        let all: BTreeSet<_> = left.union(&right).collect();
        let total = all.len() as u64;
        for (done, usage) in (0..).zip(all) {
            self.options.progress.step(Stage::CompareBlocks, done, Some(total))?;
            self.found.blocks += 1;
            let side = match (left.contains(usage), right.contains(usage)) {
                (true, true) => {
                    let (left, right) =
                        (self.read(branch, usage, Side::Left)?, self.read(branch, usage, Side::Right)?);
                    if let (Some(left), Some(right)) = (left, right) {
                        self.block(branch, usage, &left, &right);
                    }
                    continue;
                }
                (true, false) => Side::Left,
                _ => Side::Right,
            };
            self.found.differences.push(Difference::BlockOnlyIn { branch, usage: usage.clone(), side });
        }
        self.options.progress.step(Stage::CompareBlocks, total, Some(total))
    }

    const fn store(&self, side: Side) -> &dyn Runtime {
        match side {
            Side::Left => self.left,
            Side::Right => self.right,
        }
    }

    /// Reads a block; one that is damaged is a difference, and the others are compared all the same.
    fn read(
        &mut self,
        branch: Branch,
        usage: &UsageKey,
        side: Side,
    ) -> Result<Option<Arc<BlockData>>, CoursewareError> {
        match self.store(side).block(usage, branch) {
            Ok(record) => Ok(Some(record.data)),
            Err(error) if error.is_damage() => {
                let (usage, reason) = (Some(usage.clone()), error.to_string());
                self.found.differences.push(Difference::BlockUnreadable { branch, usage, side, reason });
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn block(&mut self, branch: Branch, usage: &UsageKey, left: &BlockData, right: &BlockData) {
        for FieldPair { place, name, left, right } in field_pairs(left, right) {
            self.found.fields += 1;
            if left != right {
                self.found.differences.push(Difference::Field {
                    branch,
                    usage: usage.clone(),
                    scope: place,
                    name: name.clone(),
                    left: left.cloned(),
                    right: right.cloned(),
                });
            }
        }
        if left.children != right.children {
            self.found.differences.push(Difference::Children {
                branch,
                usage: usage.clone(),
                left: left.children.clone(),
                right: right.children.clone(),
            });
        }
        if left.asides != right.asides {
            self.found.differences.push(Difference::Asides {
                branch,
                usage: usage.clone(),
                left: asides(left),
                right: asides(right),
            });
        }
    }

    /// Tells what the stores cannot list; returns the files among that.
    fn unlisted(&mut self, branch: Branch) -> Result<BTreeSet<AssetKey>, CoursewareError> {
        let mut files = BTreeSet::new();
        for side in [Side::Left, Side::Right] {
            for unlisted in self.store(side).unlisted(self.context, branch)? {
                self.found.differences.push(match unlisted {
                    Unlisted::Block { place, reason } => {
                        let reason = format!("{place}: {reason}");
                        Difference::BlockUnreadable { branch, usage: None, side, reason }
                    }
                    Unlisted::Asset { key, place, reason } => {
                        files.extend(key.clone());
                        let reason = format!("{place}: {reason}");
                        Difference::AssetUnreadable { branch, key, side, reason }
                    }
                });
            }
        }
        Ok(files)
    }

    fn assets(&mut self, branch: Branch, unreadable: &BTreeSet<AssetKey>) -> Result<(), CoursewareError> {
        let index = |records: Vec<AssetRecord>| -> BTreeMap<AssetKey, AssetRecord> {
            records.into_iter().map(|record| (record.key.clone(), record)).collect()
        };
        let left = index(self.left.assets(self.context, branch)?);
        let right = index(self.right.assets(self.context, branch)?);
        let all: BTreeSet<_> =
            left.keys().chain(right.keys()).filter(|key| !unreadable.contains(*key)).collect();
        let total = all.len() as u64;
        for (done, key) in (0..).zip(all) {
            self.options.progress.step(Stage::CompareAssets, done, Some(total))?;
            self.found.assets += 1;
            let side = match (left.get(key), right.get(key)) {
                (Some(left), Some(right)) => {
                    self.asset(branch, left, right)?;
                    continue;
                }
                (Some(_), None) => Side::Left,
                _ => Side::Right,
            };
            self.found.differences.push(Difference::AssetOnlyIn { branch, key: key.clone(), side });
        }
        self.options.progress.step(Stage::CompareAssets, total, Some(total))
    }

    /// Compares what is said about files, whether there are any.
    fn metadata(&mut self, branch: Branch) -> Result<(), CoursewareError> {
        let mut unreadable = BTreeSet::new();
        let mut read = |comparer: &mut Self, side| -> Result<BTreeMap<_, _>, CoursewareError> {
            let said = comparer.store(side).asset_metadata(comparer.context, branch)?;
            for DamagedAssetMetadata { key, place, reason } in said.damaged {
                unreadable.extend(key.clone());
                let reason = format!("{place}: {reason}");
                let found = Difference::AssetMetadataUnreadable { branch, key, side, reason };
                comparer.found.differences.push(found);
            }
            Ok(said.records.into_iter().collect())
        };
        let (left, right) = (read(self, Side::Left)?, read(self, Side::Right)?);
        let all: BTreeSet<_> = left.keys().chain(right.keys()).collect();
        for key in all.into_iter().filter(|key| !unreadable.contains(*key)) {
            let (left, right) = match (left.get(key), right.get(key)) {
                (Some(left), Some(right)) => (said(left), said(right)),
                (left, _) => {
                    let side = if left.is_some() { Side::Left } else { Side::Right };
                    let key = key.clone();
                    self.found.differences.push(Difference::AssetMetadataOnlyIn { branch, key, side });
                    continue;
                }
            };
            for (name, left, right) in value_pairs(&left, &right) {
                if left != right {
                    let (key, name) = (key.clone(), name.clone());
                    let (left, right) = (left.cloned(), right.cloned());
                    let differs = Difference::AssetMetadata { branch, key, name, left, right };
                    self.found.differences.push(differs);
                }
            }
        }
        Ok(())
    }

    fn asset(
        &mut self,
        branch: Branch,
        left: &AssetRecord,
        right: &AssetRecord,
    ) -> Result<(), CoursewareError> {
        let key = &left.key;
        let (left_data, right_data) = (attributes(&left.data), attributes(&right.data));
        for (name, left, right) in value_pairs(&left_data, &right_data) {
            if left != right {
                self.found.differences.push(Difference::AssetAttribute {
                    branch,
                    key: key.clone(),
                    name: name.clone(),
                    left: left.cloned(),
                    right: right.cloned(),
                });
            }
        }
        let left = self.bytes(branch, Side::Left, left)?;
        let right = self.bytes(branch, Side::Right, right)?;
        if let (Some(left), Some(right)) = (left, right)
            && left != right
        {
            self.found.differences.push(Difference::AssetBytes { branch, key: key.clone(), left, right });
        }
        Ok(())
    }

    /// Reads a file and returns the digest of what was read, not the one the store keeps; none where it is damaged.
    fn bytes(
        &mut self,
        branch: Branch,
        side: Side,
        record: &AssetRecord,
    ) -> Result<Option<Arc<str>>, CoursewareError> {
        let seen = (side == Side::Left, record.key.clone(), record.digest.clone());
        if self.read.contains(&seen) {
            return Ok(Some(record.digest.clone()));
        }
        let actual = match digest_of(self.store(side), &record.key, branch) {
            Err(error) if error.is_damage() => {
                let (key, reason) = (Some(record.key.clone()), error.to_string());
                self.found.differences.push(Difference::AssetUnreadable { branch, key, side, reason });
                return Ok(None);
            }
            actual => actual?,
        };
        if actual == record.digest {
            self.read.insert(seen);
        } else {
            self.found.differences.push(Difference::AssetDigest {
                branch,
                key: record.key.clone(),
                side,
                stored: record.digest.clone(),
                actual: actual.clone(),
            });
        }
        Ok(Some(actual))
    }
}

/// Digests a file as it is, in pieces.
fn digest_of(store: &dyn Runtime, key: &AssetKey, branch: Branch) -> Result<Arc<str>, RuntimeError> {
    let mut file = store.open_asset(key, branch)?;
    let (mut digest, mut at) = (ContentDigest::default(), 0);
    while at < file.record().length {
        let piece = file.read_at(at, PIECE)?;
        if piece.is_empty() {
            break;
        }
        digest.update(&piece);
        at += piece.len() as u64;
    }
    Ok(digest.finish())
}
