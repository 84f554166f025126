//! Everything one branch of a context holds, in memory: the common form of a package, a store and their differences.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Read};
use std::sync::{Arc, OnceLock};

use xblock_core::keys::{AssetKey, ContextKey, UsageKey};
use xblock_core::runtime::{
    AssetData, AssetMetadata, AssetSource, AssetStream, BlockData, Branch, ContentDigest,
    DamagedAssetMetadata, EditOp, Runtime, RuntimeError, Unlisted,
};

use crate::error::CoursewareError;
use crate::progress::{Progress, Stage};

/// A static file with its attributes; its bytes are read only when they are needed.
#[derive(Clone)]
pub struct AssetContent {
    /// Its attributes.
    pub data: AssetData,
    /// Its bytes.
    pub source: Arc<dyn AssetSource>,
    /// The digest of its bytes, once it is known; clones share it.
    digest: Arc<OnceLock<Arc<str>>>,
}

impl fmt::Debug for AssetContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssetContent")
            .field("data", &self.data)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

impl AssetContent {
    /// Makes one whose bytes nobody has looked at yet.
    #[must_use]
    pub fn new(data: AssetData, source: Arc<dyn AssetSource>) -> Self {
        Self { data, source, digest: Arc::default() }
    }

    /// Returns the digest of the bytes, reading them if need be.
    ///
    /// # Errors
    /// What reading the bytes gives.
    pub fn digest(&self) -> io::Result<Arc<str>> {
        if let Some(digest) = self.digest.get() {
            return Ok(digest.clone());
        }
        let (digest, _) = ContentDigest::of_reader(self.source.open()?)?;
        Ok(self.digest.get_or_init(|| digest).clone())
    }

    /// Says whether attributes and bytes are the same; the bytes are looked at last.
    ///
    /// # Errors
    /// What reading the bytes gives.
    pub fn is_same(&self, other: &Self) -> io::Result<bool> {
        Ok(self.data == other.data && self.digest()? == other.digest()?)
    }
}

/// What one branch of a context holds.
#[derive(Debug, Clone, Default)]
pub struct BranchContent {
    /// Its blocks, detached and orphaned ones included.
    pub blocks: BTreeMap<UsageKey, Arc<BlockData>>,
    /// Its static files.
    pub assets: BTreeMap<AssetKey, AssetContent>,
    /// What is said about files, whether it has them or not.
    pub metadata: BTreeMap<AssetKey, Arc<AssetMetadata>>,
    /// What is said about files and cannot be read.
    pub damaged_metadata: Vec<DamagedAssetMetadata>,
    /// What it has and its lists leave out.
    pub unlisted: BTreeSet<Unlisted>,
    /// Blocks it has and that cannot be read, each with the reason, where [`BranchContent::read_around`] found them.
    pub damaged: BTreeMap<UsageKey, String>,
}

impl BranchContent {
    /// Reads a branch out of a store; bytes of static files stay there.
    ///
    /// # Errors
    /// The store's own, and [`CoursewareError::Interrupted`].
    pub fn read(
        runtime: &Arc<dyn Runtime>,
        context: &ContextKey,
        branch: Branch,
        progress: &Progress<'_>,
    ) -> Result<Self, CoursewareError> {
        Self::read_or(runtime, context, branch, progress, |_, error| Err(error.into()))
    }

    /// Reads a branch around blocks that cannot be read, which are only noted.
    ///
    /// # Errors
    /// As [`BranchContent::read`], for everything else.
    pub fn read_around(
        runtime: &Arc<dyn Runtime>,
        context: &ContextKey,
        branch: Branch,
        progress: &Progress<'_>,
    ) -> Result<Self, CoursewareError> {
        let mut damaged = BTreeMap::new();
        let content = Self::read_or(runtime, context, branch, progress, |usage, error| {
            damaged.insert(usage, error.to_string());
            Ok(())
        })?;
        Ok(Self { damaged, ..content })
    }

    /// Reads as [`BranchContent::read_around`] what is to be replaced; nothing where the branch cannot be read at all.
    ///
    /// # Errors
    /// As [`BranchContent::read`], for everything else.
    pub(crate) fn read_replaced(
        runtime: &Arc<dyn Runtime>,
        context: &ContextKey,
        branch: Branch,
        progress: &Progress<'_>,
    ) -> Result<Option<Self>, CoursewareError> {
        match runtime.usages(context, branch) {
            Err(error) if error.is_damage() => Ok(None),
            Err(error) => Err(error.into()),
            Ok(_) => Self::read_around(runtime, context, branch, progress).map(Some),
        }
    }

    fn read_or(
        runtime: &Arc<dyn Runtime>,
        context: &ContextKey,
        branch: Branch,
        progress: &Progress<'_>,
        mut meet_damage: impl FnMut(UsageKey, RuntimeError) -> Result<(), CoursewareError>,
    ) -> Result<Self, CoursewareError> {
        let mut content = Self::default();
        let usages = runtime.usages(context, branch)?;
        let total = usages.len() as u64;
        for (done, usage) in (0..).zip(usages) {
            progress.step(Stage::ReadStore, done, Some(total))?;
            match runtime.block(&usage, branch) {
                Ok(record) => drop(content.blocks.insert(usage, record.data)),
                Err(error) if error.is_damage() => meet_damage(usage, error)?,
                Err(error) => return Err(error.into()),
            }
        }
        progress.step(Stage::ReadStore, total, Some(total))?;
        content.unlisted = runtime.unlisted(context, branch)?.into_iter().collect();
        for record in runtime.assets(context, branch)? {
            let (key, digest) = (record.key.clone(), record.digest.clone());
            let source = StoredAsset { runtime: runtime.clone(), key, branch, digest };
            let digest = Arc::new(OnceLock::from(record.digest));
            let asset = AssetContent { data: record.data, source: Arc::new(source), digest };
            content.assets.insert(record.key, asset);
        }
        let said = runtime.asset_metadata(context, branch)?;
        content.metadata =
            said.records.into_iter().map(|(key, metadata)| (key, Arc::new(metadata))).collect();
        content.damaged_metadata = said.damaged;
        Ok(content)
    }

    /// Says whether this is what is wanted. A block or file that cannot be read there may be any here, and of one about which
    /// that cannot be read, anything may be said.
    ///
    /// # Errors
    /// What reading the bytes of static files gives.
    pub fn is_same(&self, wanted: &Self) -> Result<bool, CoursewareError> {
        let kept: BTreeSet<_> = unlisted_assets(wanted).collect();
        let readable = self.blocks.iter().filter(|(usage, _)| !wanted.damaged.contains_key(*usage));
        if self.damaged.keys().any(|usage| !wanted.damaged.contains_key(usage))
            || !readable.eq(&wanted.blocks)
            || self.metadata_steps(wanted).next().is_some()
            || !self.assets.keys().filter(|key| !kept.contains(key)).eq(wanted.assets.keys())
        {
            return Ok(false);
        }
        for (key, asset) in &self.assets {
            if let Some(theirs) = wanted.assets.get(key)
                && !asset.is_same(theirs).map_err(|source| CoursewareError::asset(key, source))?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Lists what has to be said about files, or no longer, so that it is what is wanted. What is said of a file stays
    /// where that cannot be read on the wanted side.
    pub(crate) fn metadata_steps(&self, wanted: &Self) -> impl Iterator<Item = EditOp> {
        let kept: BTreeSet<_> = damaged_keys(wanted).collect();
        let gone = self.metadata.keys().chain(damaged_keys(self));
        let gone: BTreeSet<_> =
            gone.filter(|key| !wanted.metadata.contains_key(*key) && !kept.contains(key)).collect();
        let new = wanted.metadata.iter().filter(|(key, said)| self.metadata.get(*key) != Some(*said));
        let put =
            new.map(|(key, said)| EditOp::PutAssetMetadata { key: key.clone(), metadata: said.clone() });
        gone.into_iter().map(|key| EditOp::DeleteAssetMetadata { key: key.clone() }).chain(put)
    }
}

/// Lists the files whose attributes cannot be read.
pub(crate) fn unlisted_assets(content: &BranchContent) -> impl Iterator<Item = &AssetKey> {
    content.unlisted.iter().filter_map(|unlisted| match unlisted {
        Unlisted::Asset { key, .. } => key.as_ref(),
        Unlisted::Block { .. } => None,
    })
}

fn damaged_keys(content: &BranchContent) -> impl Iterator<Item = &AssetKey> {
    content.damaged_metadata.iter().filter_map(|damaged| damaged.key.as_ref())
}

/// The bytes of a static file that lies in a store.
struct StoredAsset {
    runtime: Arc<dyn Runtime>,
    key: AssetKey,
    branch: Branch,
    /// The digest it had when the branch was read.
    digest: Arc<str>,
}

impl AssetSource for StoredAsset {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        let file = self.runtime.open_asset(&self.key, self.branch).map_err(io::Error::other)?;
        if file.record().digest != self.digest {
            let error = format!("{} became another file since the {} branch was read", self.key, self.branch);
            return Err(io::Error::other(error));
        }
        Ok(Box::new(AssetStream::new(file)))
    }
}
