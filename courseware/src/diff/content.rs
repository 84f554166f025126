//! What a side of a difference holds, read whole: a package, branches of a store, or one version.

use std::collections::BTreeMap;
use std::sync::Arc;

use xblock_core::block::Registry;
use xblock_core::keys::{AssetKey, ContextKey, UsageKey};
use xblock_core::olx::{PackageSource, ReadOptions, Severity, read_course};
use xblock_core::runtime::{
    AssetData, AssetMetadataRecords, AssetRecord, BlockData, Branch, ContentDigest, Runtime, VersionContent,
};

use super::address::StateName;
use super::report::{SideDescription, StateOnlyIn};
use crate::error::CoursewareError;
use crate::progress::{Progress, Stage};
use crate::sides::Side;
use crate::steady::steady;

/// A static file without its bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct FileState {
    /// Its attributes.
    pub data: AssetData,
    /// Its size in bytes.
    pub length: u64,
    /// The digest of its bytes, [`ContentDigest`].
    pub digest: Arc<str>,
}

impl From<AssetRecord> for FileState {
    fn from(record: AssetRecord) -> Self {
        Self { data: record.data, length: record.length, digest: record.digest }
    }
}

/// One state of a course.
#[derive(Debug, Clone, Default)]
pub struct StateContent {
    /// Its blocks.
    pub blocks: BTreeMap<UsageKey, Arc<BlockData>>,
    /// Blocks it has and that cannot be read, with the reason.
    pub unreadable: BTreeMap<UsageKey, String>,
    /// Its static files; none where the store does not know which ones it had.
    pub files: Option<BTreeMap<AssetKey, FileState>>,
    /// What it says about files, whether it has them or not; none where a package does not say.
    pub asset_metadata: Option<AssetMetadataRecords>,
}

impl StateContent {
    /// Says whether another state has the very same blocks in memory; equal ones may not be found out.
    pub(super) fn has_same_blocks(&self, other: &Self) -> bool {
        self.unreadable == other.unreadable
            && self.blocks.len() == other.blocks.len()
            && self
                .blocks
                .iter()
                .zip(&other.blocks)
                .all(|((usage, data), (key, other))| usage == key && Arc::ptr_eq(data, other))
    }
}

/// A side of a difference.
#[derive(Debug, Clone)]
pub struct CourseContent {
    /// What it is called, such as its path.
    pub name: String,
    /// The course or library.
    pub context: ContextKey,
    /// The block everything hangs below.
    pub root: UsageKey,
    /// Its states: the branches, published first, or the only one that was asked for.
    pub states: Vec<(StateName, StateContent)>,
    /// Whether all there is was asked for, not one state.
    pub is_whole: bool,
    /// How many errors the package has.
    pub errors: usize,
}

impl CourseContent {
    /// Reads a package with the files it has; `branch` limits what is read to one branch.
    ///
    /// # Errors
    /// [`CoursewareError::Olx`] for what is no package at all, and what reading its files gives.
    pub fn read_package(
        name: &str,
        source: &Arc<dyn PackageSource>,
        registry: &Registry,
        branch: Option<Branch>,
        progress: &Progress<'_>,
    ) -> Result<Self, CoursewareError> {
        progress.step(Stage::ReadPackage, 0, None)?;
        let package = read_course(&**source, &ReadOptions::default(), registry)?;
        let mut files = BTreeMap::new();
        for asset in &package.assets {
            progress.step(Stage::ReadPackage, files.len() as u64, Some(package.assets.len() as u64))?;
            let unreadable = |error| CoursewareError::asset(&asset.key, error);
            let file = source.open(&asset.path).map_err(|error| unreadable(std::io::Error::other(error)))?;
            let file = file.ok_or_else(|| unreadable(std::io::ErrorKind::NotFound.into()))?;
            let (digest, length) = ContentDigest::of_reader(file).map_err(unreadable)?;
            let state = FileState { data: asset.data.clone(), length, digest };
            files.insert(asset.key.clone(), state);
        }
        let published = StateContent {
            blocks: package.published,
            unreadable: BTreeMap::new(),
            files: Some(files),
            asset_metadata: package
                .asset_metadata
                .map(|records| AssetMetadataRecords { records, damaged: Vec::new() }),
        };
        let mut draft = published.clone();
        draft.blocks.extend(package.draft);
        let states = [(Branch::Published, published), (Branch::Draft, draft)];
        let is_wanted = |found: Branch| branch.is_none_or(|branch| branch == found);
        let is_error = |severity| severity == Severity::Error;
        Ok(Self {
            name: name.to_owned(),
            context: package.context,
            root: package.root,
            states: states
                .into_iter()
                .filter(|(found, _)| is_wanted(*found))
                .map(|(found, state)| (StateName::Branch(found), state))
                .collect(),
            is_whole: branch.is_none(),
            errors: package.diagnostics.iter().filter(|remark| is_error(remark.severity)).count(),
        })
    }

    /// Reads a course out of a store: one state, or both branches; where others change it meanwhile, it is read again.
    ///
    /// # Errors
    /// [`CoursewareError::Unsteady`], and the store's own.
    pub fn read_store(
        name: &str,
        store: &dyn Runtime,
        context: &ContextKey,
        state: Option<&StateName>,
        progress: &Progress<'_>,
    ) -> Result<Self, CoursewareError> {
        match state {
            // A version stays what it is.
            Some(StateName::Version(_)) => Self::read_once(name, store, context, state, progress),
            _ => steady(&[(store, context)], || Self::read_once(name, store, context, state, progress)),
        }
    }

    /// Reads a course as [`CourseContent::read_store`] does, whether others change it meanwhile or not.
    fn read_once(
        name: &str,
        store: &dyn Runtime,
        context: &ContextKey,
        state: Option<&StateName>,
        progress: &Progress<'_>,
    ) -> Result<Self, CoursewareError> {
        let record = store.context(context)?;
        let mut read = Self {
            name: name.to_owned(),
            context: context.clone(),
            root: record.root.clone(),
            states: Vec::new(),
            is_whole: state.is_none(),
            errors: 0,
        };
        match state {
            Some(StateName::Version(version)) => {
                let content = store.version(context, version)?;
                read.root = content.root.clone();
                read.states.push((StateName::Version(version.clone()), version_state(content)));
            }
            Some(StateName::Branch(branch)) => {
                let state = branch_state(store, context, *branch, progress)?;
                read.states.push((StateName::Branch(*branch), state));
            }
            None => {
                for branch in Branch::ALL {
                    if record.head(branch).is_some() {
                        let state = branch_state(store, context, branch, progress)?;
                        read.states.push((StateName::Branch(branch), state));
                    }
                }
            }
        }
        Ok(read)
    }

    pub(super) fn description(&self) -> SideDescription {
        SideDescription {
            name: self.name.clone(),
            context: self.context.clone(),
            states: self.states.iter().map(|(name, _)| name.to_string()).collect(),
            errors: self.errors,
        }
    }

    fn branch(&self, branch: Branch) -> Option<&StateContent> {
        self.states.iter().find(|(name, _)| *name == StateName::Branch(branch)).map(|(_, state)| state)
    }
}

fn version_state(content: VersionContent) -> StateContent {
    let mut state = StateContent {
        files: content
            .assets
            .map(|files| files.into_iter().map(|file| (file.key.clone(), file.into())).collect()),
        asset_metadata: Some(content.asset_metadata),
        ..StateContent::default()
    };
    for (usage, data) in content.blocks {
        match data {
            Ok(data) => drop(state.blocks.insert(usage, data)),
            Err(error) => drop(state.unreadable.insert(usage, error.to_string())),
        }
    }
    state
}

fn branch_state(
    store: &dyn Runtime,
    context: &ContextKey,
    branch: Branch,
    progress: &Progress<'_>,
) -> Result<StateContent, CoursewareError> {
    let mut state = StateContent::default();
    let usages = store.usages(context, branch)?;
    let total = usages.len() as u64;
    for (done, usage) in (0..).zip(usages) {
        progress.step(Stage::ReadStore, done, Some(total))?;
        match store.block(&usage, branch) {
            Ok(record) => drop(state.blocks.insert(usage, record.data)),
            Err(error) if error.is_damage() => drop(state.unreadable.insert(usage, error.to_string())),
            Err(error) => return Err(error.into()),
        }
    }
    let files = store.assets(context, branch)?;
    state.files = Some(files.into_iter().map(|file| (file.key.clone(), file.into())).collect());
    state.asset_metadata = Some(store.asset_metadata(context, branch)?);
    Ok(state)
}

/// Two states that are to be looked at, with a name for what is found.
pub(super) type StatePair<'a> = (String, &'a StateContent, &'a StateContent);

/// Finds which states stand against each other: branch against branch, or the one state that was asked for.
pub(super) fn pair_states<'a>(
    left: &'a CourseContent,
    right: &'a CourseContent,
) -> (Vec<StatePair<'a>>, Vec<StateOnlyIn>) {
    let (mut pairs, mut only_in) = (Vec::new(), Vec::new());
    if left.is_whole && right.is_whole {
        for branch in Branch::ALL {
            let side = match (left.branch(branch), right.branch(branch)) {
                (Some(before), Some(after)) => {
                    pairs.push((branch.to_string(), before, after));
                    continue;
                }
                (Some(_), None) => Side::Left,
                (None, Some(_)) => Side::Right,
                (None, None) => continue,
            };
            only_in.push(StateOnlyIn { state: branch.to_string(), side });
        }
        return (pairs, only_in);
    }
    if let (Some((before_name, before)), Some((after_name, after))) =
        (chosen(left, right), chosen(right, left))
    {
        let name = match before_name == after_name {
            true => before_name.to_string(),
            false => format!("{before_name}..{after_name}"),
        };
        pairs.push((name, before, after));
    }
    (pairs, only_in)
}

/// Returns the state of a side that stands against the one of the other.
fn chosen<'a>(of: &'a CourseContent, other: &CourseContent) -> Option<&'a (StateName, StateContent)> {
    if !of.is_whole {
        return of.states.first();
    }
    // Versions are mostly published ones.
    let wanted = match other.states.first() {
        Some((wanted @ StateName::Branch(_), _)) => wanted.clone(),
        _ => StateName::Branch(Branch::Published),
    };
    of.states.iter().find(|(name, _)| *name == wanted).or_else(|| of.states.last())
}
