//! What a difference is made of; `docs/courseware.md` promises its JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use xblock_core::fields::Json;
use xblock_core::keys::{AssetKey, ContextKey, UsageKey};

use crate::description::Origin;
use crate::sides::{FieldPlace, Side};

/// What changed from one course to another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CourseDiff {
    /// The side named first.
    pub left: SideDescription,
    /// The side named second.
    pub right: SideDescription,
    /// The states that stood against each other; what is found names them.
    pub compared: Vec<String>,
    /// States that only one side has.
    pub states_only_in: Vec<StateOnlyIn>,
    /// How much there is of everything.
    pub counts: DiffCounts,
    /// What happened to blocks, in course order.
    pub blocks: Vec<BlockDiff>,
    /// What happened to static files, in order of their keys.
    pub files: Vec<FileDiff>,
    /// Whether both sides know which static files they have; stores forget those of older drafts.
    pub files_compared: bool,
    /// What happened to records about files, in order of their keys.
    pub asset_metadata: Vec<AssetMetadataDiff>,
    /// Whether both sides say which records there are; packages without `assets/assets.xml` do not.
    pub asset_metadata_compared: bool,
}

impl CourseDiff {
    /// Says whether nothing changed.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.states_only_in.is_empty()
            && self.blocks.is_empty()
            && self.files.is_empty()
            && self.asset_metadata.is_empty()
    }

    /// Counts what was found.
    pub(super) fn count(&mut self) {
        let mut counts = DiffCounts::default();
        for block in &self.blocks {
            let of_type = counts.types.entry(block.block_type.clone()).or_default();
            let one = |is: bool| usize::from(is);
            let tally = TypeCounts {
                added: one(block.kind == BlockKind::Added),
                removed: one(block.kind == BlockKind::Removed),
                renamed: one(block.similarity.is_some()),
                moved: one(block.moved.is_some()),
                changed: one(block.is_edited()),
                unreadable: one(block.kind == BlockKind::Unreadable),
            };
            of_type.add(&tally);
            counts.blocks.add(&tally);
            counts.fields += block.fields.len();
        }
        for file in &self.files {
            match file.kind {
                FileKind::Added => counts.files.added += 1,
                FileKind::Removed => counts.files.removed += 1,
                FileKind::Moved => counts.files.moved += 1,
                FileKind::Changed => counts.files.changed += 1,
            }
        }
        for record in &self.asset_metadata {
            match record.kind {
                RecordKind::Added => counts.asset_metadata.added += 1,
                RecordKind::Removed => counts.asset_metadata.removed += 1,
                RecordKind::Changed => counts.asset_metadata.changed += 1,
                RecordKind::Unreadable => counts.asset_metadata.unreadable += 1,
            }
        }
        self.counts = counts;
    }
}

/// What a side is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideDescription {
    /// What it was named by.
    pub name: String,
    /// The course or library.
    pub context: ContextKey,
    /// The states it has, of those that were asked for.
    pub states: Vec<String>,
    /// How many errors its package has.
    pub errors: usize,
}

/// A state that only one side has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateOnlyIn {
    /// The state.
    pub state: String,
    /// The side that has it.
    pub side: Side,
}

/// How much changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct DiffCounts {
    /// Blocks; one that was moved and changed counts as both.
    pub blocks: TypeCounts,
    /// Blocks of each type.
    pub types: BTreeMap<String, TypeCounts>,
    /// Fields that changed, of blocks that are on both sides.
    pub fields: usize,
    /// Static files.
    pub files: TypeCounts,
    /// Records about files.
    pub asset_metadata: TypeCounts,
}

/// How many things each happened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct TypeCounts {
    /// They are new.
    pub added: usize,
    /// They are gone.
    pub removed: usize,
    /// They have another id.
    pub renamed: usize,
    /// They are in another place.
    pub moved: usize,
    /// They have other content.
    pub changed: usize,
    /// They cannot be read on one side or both.
    pub unreadable: usize,
}

impl TypeCounts {
    fn add(&mut self, other: &Self) {
        self.added += other.added;
        self.removed += other.removed;
        self.renamed += other.renamed;
        self.moved += other.moved;
        self.changed += other.changed;
        self.unreadable += other.unreadable;
    }
}

/// What became of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is there on both sides: renamed, moved or edited, or several of these.
    Changed,
    /// It is damaged on a side.
    Unreadable,
}

/// One block that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlockDiff {
    /// What became of it.
    pub kind: BlockKind,
    /// In which of the compared states.
    pub states: Vec<String>,
    /// Its type.
    pub block_type: String,
    /// Its usage on the left, none where it is new.
    pub left: Option<UsageKey>,
    /// Its usage on the right, none where it is gone.
    pub right: Option<UsageKey>,
    /// Its name on the right, or on the left where it is gone.
    pub display_name: Option<String>,
    /// The names of the blocks above it there, from below the root.
    pub path: Vec<String>,
    /// Where it stands, for one that is new or gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<Place>,
    /// For one that was renamed: how much of its content stayed, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f64>,
    /// For one that was moved: from where to where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved: Option<Move>,
    /// Its fields that changed, in order of place and name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldDiff>,
    /// Its asides, where they changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asides: Option<AsidesDiff>,
    /// Changes to its list of children that no other block tells: children that do not exist, or are listed twice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ChildDiff>,
    /// Why it cannot be read, by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<(Side, String)>,
}

impl BlockDiff {
    /// Says whether it is there on both sides with other content, be it moved or renamed or not.
    #[must_use]
    pub fn is_edited(&self) -> bool {
        !self.fields.is_empty() || self.asides.is_some() || !self.children.is_empty()
    }

    /// Returns the usage it is spoken of by: the right one where there is one.
    #[must_use]
    pub fn usage(&self) -> Option<&UsageKey> {
        self.right.as_ref().or(self.left.as_ref())
    }
}

/// A place in a list of children.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Whose child it is.
    pub parent: UsageKey,
    /// The name of that block.
    pub parent_name: String,
    /// Where in the list, from 0.
    pub position: usize,
}

/// From where to where a block went; an empty list says that it was, or is, nobody's child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// Its places on the left that it has no more.
    pub from: Vec<Place>,
    /// Its places on the right that it did not have.
    pub to: Vec<Place>,
}

/// A field that changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldDiff {
    /// The field.
    pub name: Arc<str>,
    /// Where its value is kept.
    pub scope: FieldPlace,
    /// What it was.
    pub left: FieldState,
    /// What it is.
    pub right: FieldState,
    /// Whether learners see no change: what is set now is what holds where nothing is set.
    pub same_effect: bool,
}

/// What a field holds on a side. Not set, set to the default, and set to null are three things.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum FieldState {
    /// It is set.
    Set {
        /// The value.
        value: Json,
    },
    /// It is not set.
    Unset {
        /// What holds instead, where that is known.
        #[serde(flatten)]
        fallback: Option<Fallback>,
    },
}

/// The value of a field that is not set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fallback {
    /// Where it comes from.
    #[serde(flatten)]
    pub origin: Origin,
    /// The value.
    pub value: Json,
}

/// The asides of a block on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AsidesDiff {
    /// The asides it had.
    pub left: Json,
    /// The asides it has.
    pub right: Json,
}

/// What happened to an entry of a list of children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildOp {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It stands at another place.
    Moved,
}

/// An entry of a list of children that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChildDiff {
    /// What happened to it.
    pub op: ChildOp,
    /// The child.
    pub usage: UsageKey,
    /// Where it stood, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<usize>,
    /// Where it stands, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<usize>,
}

/// What became of a static file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// The same bytes have another name.
    Moved,
    /// It has other bytes or attributes.
    Changed,
}

/// One static file that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileDiff {
    /// What became of it.
    pub kind: FileKind,
    /// In which of the compared states.
    pub states: Vec<String>,
    /// Its key on the left, none where it is new.
    pub left: Option<AssetKey>,
    /// Its key on the right, none where it is gone.
    pub right: Option<AssetKey>,
    /// Its bytes on the left.
    pub left_bytes: Option<FileBytes>,
    /// Its bytes on the right.
    pub right_bytes: Option<FileBytes>,
    /// Attributes that changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AttributeDiff>,
}

/// The bytes of a file, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileBytes {
    /// How many there are.
    pub length: u64,
    /// Their digest.
    pub digest: Arc<str>,
}

/// An attribute of a file, or a member of a record about one, that changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttributeDiff {
    /// The attribute.
    pub name: Arc<str>,
    /// What it was, absent where it was not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<Json>,
    /// What it is, absent where it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<Json>,
}

/// What became of a record about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It says something else.
    Changed,
    /// It is damaged on a side.
    Unreadable,
}

/// One record about a file, which need not exist, that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AssetMetadataDiff {
    /// What became of it.
    pub kind: RecordKind,
    /// In which of the compared states.
    pub states: Vec<String>,
    /// The key of the file on the left, none where there is no record or it does not say.
    pub left: Option<AssetKey>,
    /// The key of the file on the right, none where there is no record or it does not say.
    pub right: Option<AssetKey>,
    /// What it says that the other does not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<AttributeDiff>,
    /// Why it cannot be read, by side.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<(Side, String)>,
}

impl AssetMetadataDiff {
    pub(super) fn of(kind: RecordKind) -> Self {
        let (members, unreadable) = (Vec::new(), Vec::new());
        Self { kind, states: Vec::new(), left: None, right: None, members, unreadable }
    }
}
