//! The semantic difference of two courses: what an author would say has changed.
//!
//! Where [`compare`](fn@crate::compare) proves that two stores hold the same, [`diff`] tells blocks that moved or were renamed
//! from blocks that came and went, and a field that is not set from one that is null. Both look at blocks through the
//! same eyes (module `sides`).
//!
//! - [`CourseAddress`] names a side, [`CourseContent::read`] reads it;
//! - `tree` lays the blocks of a state out in course order, `pairing` finds which block of one is which of the other;
//! - `blocks`, `files` and `asset_metadata` tell the differences, [`CourseDiff`] holds them, [`write_text`] and [`write_stat`] show them.

mod address;
mod asset_metadata;
mod blocks;
mod content;
mod files;
mod merge;
mod order;
mod pairing;
mod report;
mod stat;
mod text;
mod tree;
mod values;
mod words;

use xblock_core::block::Registry;

use crate::error::CoursewareError;
use crate::progress::{Progress, Stage};

pub use address::{AddressError, CourseAddress, StateName};
pub use content::{CourseContent, FileState, StateContent};
pub use report::{
    AsidesDiff, AssetMetadataDiff, BlockDiff, BlockKind, ChildDiff, ChildOp, CourseDiff, DiffCounts,
    FieldDiff, FieldState, FileDiff, FileKind, Move, Place, RecordKind, SideDescription, StateOnlyIn,
    TypeCounts,
};
pub use stat::write_stat;
pub use text::{Colour, TextOptions, write_text};

use asset_metadata::asset_metadata_diffs;
use blocks::BlockDiffer;
use files::file_diffs;
use merge::merge;

/// Tells what changed from one course to another.
///
/// Blocks are the same where type and id are, whatever context they are in; the roots are always the same block.
///
/// # Errors
/// [`CoursewareError::Interrupted`].
pub fn diff(
    left: &CourseContent,
    right: &CourseContent,
    registry: &Registry,
    progress: &Progress<'_>,
) -> Result<CourseDiff, CoursewareError> {
    let (pairs, states_only_in) = content::pair_states(left, right);
    let (mut blocks, mut files): (Vec<(String, Vec<_>)>, Vec<_>) = (Vec::new(), Vec::new());
    let mut asset_metadata = Vec::new();
    let (mut files_compared, mut asset_metadata_compared) = (true, true);
    for (name, before, after) in &pairs {
        progress.step(Stage::CompareBlocks, 0, None)?;
        // Where there are no drafts, both branches differ in the same.
        let known = pairs
            .iter()
            .zip(&blocks)
            .find(|((_, left, right), _)| left.has_same_blocks(before) && right.has_same_blocks(after));
        let found = match known {
            Some((_, (_, found))) => Clone::clone(found),
            None => BlockDiffer::new((left, before), (right, after), registry).run(progress)?,
        };
        blocks.push((name.clone(), found));
        progress.step(Stage::CompareAssets, 0, None)?;
        match (&before.files, &after.files) {
            (Some(before), Some(after)) => {
                files.push((name.clone(), file_diffs(before, after, &right.context)));
            }
            _ => files_compared = false,
        }
        match (&before.asset_metadata, &after.asset_metadata) {
            (Some(before), Some(after)) => {
                asset_metadata.push((name.clone(), asset_metadata_diffs(before, after, &right.context)));
            }
            _ => asset_metadata_compared = false,
        }
    }
    let mut found = CourseDiff {
        left: left.description(),
        right: right.description(),
        compared: pairs.into_iter().map(|(name, ..)| name).collect(),
        states_only_in,
        counts: DiffCounts::default(),
        blocks: merge(blocks),
        files: merge(files),
        files_compared,
        asset_metadata: merge(asset_metadata),
        asset_metadata_compared,
    };
    found.count();
    Ok(found)
}
