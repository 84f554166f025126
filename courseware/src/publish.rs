//! Publishing: a context's draft in one store becomes what learners see there and in another store.
//!
//! Two commits, one in each store, each whole or not at all. A crash between them leaves the target at its old state, and
//! the next run does what is left. A run that finds everything done commits nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{
    Base, Branch, ContextRecord, DamagedAssetMetadata, Edit, Runtime, RuntimeError, Unlisted, VersionId,
};

use crate::block_files::{BlockFileLeftOut, WithBlockFiles};
use crate::branch_content::BranchContent;
use crate::edit_steps::{ChangeCounts, EditSteps};
use crate::error::CoursewareError;
use crate::import::replace;
use crate::progress::{Progress, Stage};
use crate::steady::{as_found, steady, unless_deleted};

/// How to publish.
#[derive(Debug, Clone, Copy, Default)]
pub struct PublishOptions<'a> {
    /// Who publishes; none by default.
    pub author: Option<i64>,
    /// Where to report to and what stops the work.
    pub progress: Progress<'a>,
}

/// What publishing did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublishReport {
    /// The context.
    pub context: ContextKey,
    /// The version made in the source, absent where its draft had no changes.
    pub source_commit: Option<VersionId>,
    /// The version of the source that the target has now.
    pub source_version: VersionId,
    /// The version made in the target, absent where it was the same already.
    pub target_commit: Option<VersionId>,
    /// The version learners see in the target.
    pub target_version: VersionId,
    /// How many blocks the published state has.
    pub blocks: usize,
    /// How many static files the published state has.
    pub assets: usize,
    /// What changed in the target's draft to get there; its published branch follows.
    pub changes: ChangeCounts,
    /// Blocks whose unpublished changes came along as such, because the source is only read and cannot publish them.
    pub kept_drafts: Vec<UsageKey>,
    /// Draft blocks of the target that differed from its published branch and were replaced.
    pub replaced_drafts: Vec<UsageKey>,
    /// Files of single blocks that the target does not have, because another file of the course is called so.
    pub block_files_left_out: Vec<BlockFileLeftOut>,
    /// Blocks of the source that cannot be read and did not come along; those of the target stay.
    pub damaged_blocks: Vec<DamagedBlock>,
    /// What the source says about files, cannot be read and did not come along; what the target says of them stays.
    pub damaged_asset_metadata: Vec<DamagedAssetMetadata>,
    /// What else the source has, cannot be read and did not come along; files of the target stay.
    pub unlisted: BTreeSet<Unlisted>,
    /// Why the target does not keep the files the source was imported from, absent where it does or there are none.
    /// Exports from the target then write all files anew.
    pub origin_lost: Option<String>,
}

/// A block that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DamagedBlock {
    /// The block.
    pub usage: UsageKey,
    /// What is wrong with it.
    pub reason: String,
}

impl PublishReport {
    /// Says whether there was nothing to do in either store.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.source_commit.is_none() && self.target_commit.is_none()
    }
}

/// Publishes a context: what is draft in `from` is published there and brought into `to`, both branches.
///
/// A course of Old Mongo, which is only read, comes with its drafts as drafts. A block that cannot be read is named, and the
/// course around it goes on: what the target has of it stays.
///
/// # Errors
/// [`CoursewareError::UnreadableDraft`] where something is to be published in the source and blocks there cannot be read,
/// [`RuntimeError::Conflict`] where somebody changed the target meanwhile ([`CoursewareError::Deleted`] where it was deleted), or the source again and again
/// ([`CoursewareError::Unsteady`]), [`CoursewareError::OtherRoot`], and the stores' own. What a failing run has committed stays, and the next run goes on from there.
pub fn publish(
    from: &Arc<dyn Runtime>,
    to: &Arc<dyn Runtime>,
    context: &ContextKey,
    options: &PublishOptions<'_>,
) -> Result<PublishReport, CoursewareError> {
    let with_block_files = Arc::new(WithBlockFiles::new(from.clone()));
    let from: &Arc<dyn Runtime> = &(with_block_files.clone() as Arc<dyn Runtime>);
    let (source_commit, mut damaged, is_only_read) = match publish_source(from, context, options) {
        // Courses of Old Mongo are only read.
        Err(CoursewareError::Runtime(RuntimeError::UnsupportedKey { .. })) => (None, BTreeMap::new(), true),
        published => {
            let (commit, damaged) = published?;
            (commit, damaged, false)
        }
    };
    let (source, content, drafts) = steady(&[(&**from, context)], || {
        let source = from.context(context)?;
        let content = BranchContent::read_around(from, context, Branch::Published, &options.progress)?;
        let drafts = match is_only_read {
            true => BranchContent::read_around(from, context, Branch::Draft, &options.progress)?,
            false => content.clone(),
        };
        Ok((source, content, drafts))
    })?;
    let source_version = published_version(&source)?;

    let mut replaced_drafts = Vec::new();
    let (base, draft, published) = match to.context(context) {
        Ok(record) => {
            if record.root != source.root {
                return Err(CoursewareError::OtherRoot {
                    context: context.clone(),
                    present: record.root,
                    wanted: source.root,
                });
            }
            let read = |branch| BranchContent::read_around(to, context, branch, &options.progress);
            let (draft, published) = as_found(&**to, &record, || {
                let draft = read(Branch::Draft)?;
                let published = match record.published {
                    Some(_) => {
                        BranchContent::read_replaced(to, context, Branch::Published, &options.progress)?
                    }
                    None => None,
                };
                Ok((draft, published))
            })?;
            if let Some(published) = &published {
                replaced_drafts = replaced(&draft, published, &drafts);
            }
            (Base::Version(record.draft.version), draft, published)
        }
        Err(RuntimeError::NoSuchContext { .. }) => {
            (Base::New { root: source.root.clone() }, BranchContent::default(), None)
        }
        Err(error) => return Err(error.into()),
    };

    let changes = EditSteps::between(&draft, &drafts)?.counts;
    let ops = replace(&draft, published.as_ref(), &content, &drafts)?;
    let mut target_commit = None;
    if !ops.is_empty() {
        options.progress.step(Stage::Write, 0, Some(1))?;
        let mut edit = Edit::new(context.clone(), base);
        edit.author = options.author;
        edit.message = format!("Publish {source_version}");
        edit.ops = ops;
        let was_there = matches!(edit.base, Base::Version(_));
        let commit = to.commit(edit).map_err(CoursewareError::from);
        let commit = if was_there { unless_deleted(&**to, context, commit)? } else { commit? };
        target_commit = Some(commit.published.unwrap_or(commit.draft));
        options.progress.step(Stage::Write, 1, Some(1)).or_else(ignore_stop)?;
    }
    let target_version = published_version(&to.context(context)?)?;
    damaged.extend(content.damaged.clone());
    damaged.extend(drafts.damaged.clone());
    let origin_lost = carry_origin(from, to, context).err().map(|error| error.to_string());
    Ok(PublishReport {
        context: context.clone(),
        source_commit,
        source_version,
        target_commit,
        target_version,
        blocks: content.blocks.len(),
        assets: content.assets.len(),
        changes,
        kept_drafts: kept_drafts(&content, &drafts),
        replaced_drafts,
        block_files_left_out: with_block_files.left_out(),
        damaged_blocks: damaged.into_iter().map(|(usage, reason)| DamagedBlock { usage, reason }).collect(),
        unlisted: content.unlisted.union(&drafts.unlisted).cloned().collect(),
        damaged_asset_metadata: damaged_metadata(content, drafts),
        origin_lost,
    })
}

/// Lets the target keep the files the source was imported from. The course is published whether that succeeds or not.
fn carry_origin(
    from: &Arc<dyn Runtime>,
    to: &Arc<dyn Runtime>,
    context: &ContextKey,
) -> Result<(), RuntimeError> {
    match from.origin(context)? {
        Some(origin) if to.origin(context)?.as_ref() != Some(&origin) => {
            to.keep_origin(context, Some(&origin))
        }
        _ => Ok(()),
    }
}

/// After the last write there is nothing left to stop.
fn ignore_stop(error: CoursewareError) -> Result<(), CoursewareError> {
    match error {
        CoursewareError::Interrupted => Ok(()),
        error => Err(error),
    }
}

/// Publishes the draft in its own store, unless it is published as it is; returns the version made.
///
/// # Errors
/// [`RuntimeError::Conflict`] where somebody changed the draft meanwhile, [`CoursewareError::UnreadableDraft`], and the
/// store's own; then nothing was written.
pub fn publish_draft(
    store: &Arc<dyn Runtime>,
    context: &ContextKey,
    options: &PublishOptions<'_>,
) -> Result<Option<VersionId>, CoursewareError> {
    publish_source(store, context, options).map(|(version, _)| version)
}

/// Publishes as [`publish_draft`], and lists the blocks that cannot be read in a draft that is published but for them.
fn publish_source(
    store: &Arc<dyn Runtime>,
    context: &ContextKey,
    options: &PublishOptions<'_>,
) -> Result<(Option<VersionId>, BTreeMap<UsageKey, String>), CoursewareError> {
    let (record, damaged, is_published) = steady(&[(&**store, context)], || {
        let record = store.context(context)?;
        let draft = BranchContent::read_around(store, context, Branch::Draft, &options.progress)?;
        let is_published = match record.published {
            Some(_) => BranchContent::read_replaced(store, context, Branch::Published, &options.progress)?
                .map_or(Ok(false), |published| published.is_same(&draft))?,
            None => false,
        };
        Ok((record, draft.damaged, is_published))
    })?;
    if is_published {
        return Ok((None, damaged));
    }
    let mut edit = Edit::new(context.clone(), Base::Version(record.draft.version)).publish_all();
    edit.author = options.author;
    edit.message = "Publish".into();
    options.progress.step(Stage::Write, 0, None)?;
    match (store.commit(edit), damaged.first_key_value()) {
        (Err(error), Some((usage, reason))) if error.is_damage() => Err(CoursewareError::UnreadableDraft {
            context: context.clone(),
            usage: usage.clone(),
            reason: reason.clone(),
            more: damaged.len() - 1,
        }),
        (commit, _) => Ok((commit?.published, damaged)),
    }
}

fn published_version(record: &ContextRecord) -> Result<VersionId, CoursewareError> {
    match &record.published {
        Some(head) => Ok(head.version.clone()),
        None => Err(RuntimeError::NoSuchBranch { key: record.key.clone(), branch: Branch::Published }.into()),
    }
}

/// Lists what either branch says about files and cannot be read.
fn damaged_metadata(published: BranchContent, drafts: BranchContent) -> Vec<DamagedAssetMetadata> {
    let all: BTreeSet<_> = published.damaged_metadata.into_iter().chain(drafts.damaged_metadata).collect();
    all.into_iter().collect()
}

/// Lists the blocks whose drafts are not what is published.
fn kept_drafts(published: &BranchContent, drafts: &BranchContent) -> Vec<UsageKey> {
    let usages: BTreeSet<_> = published.blocks.keys().chain(drafts.blocks.keys()).collect();
    let differs = |usage: &&&UsageKey| {
        let is_known = [published, drafts].iter().all(|content| !content.damaged.contains_key(**usage));
        is_known && published.blocks.get(**usage) != drafts.blocks.get(**usage)
    };
    usages.iter().filter(differs).map(|usage| (*usage).clone()).collect()
}

/// Lists the blocks that were edited in the target, not published there, and are not what comes now.
fn replaced(draft: &BranchContent, published: &BranchContent, new: &BranchContent) -> Vec<UsageKey> {
    draft
        .blocks
        .iter()
        .filter(|(usage, data)| {
            let stays = new.damaged.contains_key(*usage) || new.blocks.get(*usage) == Some(*data);
            published.blocks.get(*usage) != Some(*data) && !stays
        })
        .map(|(usage, _)| usage.clone())
        .collect()
}
