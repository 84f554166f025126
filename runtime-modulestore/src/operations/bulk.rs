//! A bulk operation: any number of calls on one context that are one new version of each branch they change.

use std::sync::Arc;

use bson::oid::ObjectId;
use chrono::{DateTime, Utc};
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{Branch, Commit, EditInfo, RuntimeError, VersionId};

use super::branch::OpenBranch;
use crate::assets;
use crate::commit::unsupported;
use crate::documents::{
    BlockKey, CourseIndex, DRAFT_BRANCH, LIBRARY_BRANCH, MANAGEMENT_COMMAND, Stamp, Structure,
};
use crate::lost_head::{LostHead, published_head};
use crate::reader::{Reader, block_key};
use crate::store::DocumentWrites;
use crate::writing::BlockWriter;

/// Who makes a bulk operation, and on what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BulkOptions {
    /// The user, as edx-platform numbers them.
    pub author: Option<i64>,
    /// The version the draft must still be at; any where none is given.
    pub base: Option<VersionId>,
    /// What to say about it in the history.
    pub message: String,
}

impl BulkOptions {
    /// Returns whose work it is: a command's where nobody is named, as the documents always name somebody.
    pub(super) fn who(&self) -> Option<i64> {
        self.author.or(Some(MANAGEMENT_COMMAND))
    }
}

/// A bulk operation that is under way. What it changed is seen by its own calls only, until it ends.
///
/// One that fails leaves nothing behind.
pub struct Bulk<'b> {
    pub(super) docs: &'b dyn DocumentWrites,
    pub(super) reader: Reader<'b>,
    pub(super) index: CourseIndex,
    pub(super) root: BlockKey,
    pub(super) draft: OpenBranch,
    pub(super) published: OpenBranch,
    /// The published head, where it cannot be read: the branch is there, and nobody knows what it is.
    pub(super) lost: Option<LostHead>,
    pub(super) now: DateTime<Utc>,
    pub(super) options: &'b BulkOptions,
    /// Whether the context is being made.
    pub(super) is_new: bool,
    /// Whether learners get the whole draft as it is.
    pub(super) is_forced: bool,
}

impl<'b> Bulk<'b> {
    pub(crate) fn begin(
        docs: &'b dyn DocumentWrites,
        reader: Reader<'b>,
        options: &'b BulkOptions,
        now: DateTime<Utc>,
    ) -> Result<Self, RuntimeError> {
        let index = reader.existing_index()?;
        let draft = reader.structure(index.draft()?)?;
        if let Some(base) = options.base.as_ref().filter(|base| **base != draft.header().version()) {
            let (context, head) = (reader.context.clone(), draft.header().version());
            return Err(RuntimeError::Conflict { context, base: base.clone(), head });
        }
        let (published, lost) = published_head(&reader, index.head(Branch::Published))?;
        let stamp = || Stamp { version: ObjectId::new(), edited_on: now, edited_by: options.who() };
        Ok(Self {
            docs,
            reader,
            root: draft.root().clone(),
            draft: OpenBranch::new(Some(draft), stamp()),
            published: OpenBranch::new(published, stamp()),
            lost,
            index,
            now,
            options,
            is_new: false,
            is_forced: false,
        })
    }

    /// Says whether this is a library, which has no draft beside what it is.
    pub(super) fn is_library(&self) -> bool {
        let is_library_only =
            self.index.version(LIBRARY_BRANCH).is_some() && self.index.version(DRAFT_BRANCH).is_none();
        is_library_only || self.reader.context.as_library().is_some()
    }

    /// Refuses what needs the published branch where that cannot be read.
    pub(super) fn needs_published(&self) -> Result<(), RuntimeError> {
        self.lost.as_ref().map_or(Ok(()), |lost| Err(lost.refusal()))
    }

    pub(super) fn writer(&self) -> BlockWriter<'b> {
        BlockWriter { docs: self.docs, reader: self.reader }
    }

    /// Says which block of this context a usage is.
    pub(super) fn key(&self, usage: &UsageKey) -> Result<BlockKey, RuntimeError> {
        if usage.context_key() != *self.reader.context {
            let context = self.reader.context.clone();
            return Err(RuntimeError::WrongContext { key: usage.to_string(), context });
        }
        block_key(usage).ok_or_else(|| unsupported(usage))
    }

    pub(super) fn usage(&self, key: &BlockKey) -> Result<UsageKey, RuntimeError> {
        self.reader.usage(&key.block_type, &key.block_id, "a block")
    }

    /// As [`Bulk::key`], of a block that the draft has.
    pub(super) fn existing(&self, usage: &UsageKey) -> Result<BlockKey, RuntimeError> {
        let key = self.key(usage)?;
        if self.draft.contains(&key) {
            return Ok(key);
        }
        Err(RuntimeError::NoSuchUsage { key: usage.clone(), branch: Branch::Draft })
    }

    /// Says what the draft is at: the new version as soon as anything changed.
    #[must_use]
    pub fn version(&self) -> Option<VersionId> {
        self.draft.version().map(|id| VersionId(id.to_hex().into()))
    }

    /// Writes the structures, moves the index and tells the feed; nothing of it where nothing changed.
    pub(crate) fn finish(mut self) -> Result<(Commit, Vec<Arc<Structure>>), RuntimeError> {
        let context = self.reader.context.clone();
        let place = context.to_string();
        let version = |branch: &OpenBranch| branch.version().map(|id| VersionId(id.to_hex().into()));
        let draft =
            version(&self.draft).ok_or_else(|| RuntimeError::NoSuchContext { key: context.clone() })?;
        let lost = self.lost.as_ref().map(|lost| VersionId(lost.id.to_hex().into()));
        let published = if self.is_forced { Some(draft.clone()) } else { version(&self.published).or(lost) };
        let commit = Commit { draft, published };
        let slug = self.draft.is_changed().then(|| self.wiki_slug()).transpose()?.flatten();
        let was_published = self.index.head(Branch::Published);
        let mut structures = Vec::new();
        let info = EditInfo { edited_on: Some(self.now), edited_by: self.options.who() };
        for (branch, open) in [(Branch::Published, self.published), (Branch::Draft, self.draft)] {
            if branch == Branch::Published && self.is_forced {
                continue;
            }
            let Some(structure) = open.finish(&self.root, &place, self.reader.document_limit)? else {
                continue;
            };
            let structure = Arc::new(structure);
            self.docs.insert_structure(&structure, &self.options.message)?;
            self.index.set_head(&context, branch, structure.id());
            self.docs.append_feed(&place, branch.name(), structure.id(), &info)?;
            if branch == Branch::Published {
                assets::publish(self.docs, &context, structure.id())?;
            }
            structures.push(structure);
        }
        let head =
            self.index.head(Branch::Draft).filter(|head| self.is_forced && was_published != Some(*head));
        if let Some(head) = head {
            self.index.set_head(&context, Branch::Published, head);
            self.docs.append_feed(&place, Branch::Published.name(), head, &info)?;
            assets::publish(self.docs, &context, head)?;
        } else if structures.is_empty() {
            return Ok((commit, structures));
        }
        if let Some(slug) = slug {
            self.index.set_wiki_slug(&slug);
        }
        let (id, was) = (self.index.id(), self.index.last_update());
        self.index.touch(self.now);
        let document = self.index.to_raw()?;
        if self.is_new {
            self.docs.insert_index(self.index.key(), id, &document)?;
        } else if !self.docs.replace_index(id, was, &document)? {
            // Only a store without locks can get there.
            let base = self.options.base.clone().unwrap_or_else(|| commit.draft.clone());
            let head = self.reader.index()?.and_then(|index| index.head(Branch::Draft));
            let head = head.map_or_else(|| base.clone(), |id| VersionId(id.to_hex().into()));
            return Err(RuntimeError::Conflict { context, base, head });
        }
        Ok((commit, structures))
    }

    fn wiki_slug(&self) -> Result<Option<String>, RuntimeError> {
        if self.is_library() {
            return Ok(None);
        }
        let Some(view) = self.draft.block(&self.root) else { return Ok(None) };
        let root = match self.reader.known(&self.root.block_type, &view) {
            // What it says is not known.
            Err(error) if error.is_damage() => return Ok(None),
            root => root?,
        };
        Ok(root.data.own("wiki_slug").and_then(|slug| slug.as_str()).map(str::to_owned))
    }
}
