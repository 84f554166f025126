//! `create_course` and `create_library`.

use bson::oid::ObjectId;
use chrono::{DateTime, Utc};
use serde_json::json;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{BlockData, BlockPatch, Commit, RuntimeError};

use super::branch::OpenBranch;
use super::bulk::{Bulk, BulkOptions};
use super::create::refuse_children;
use crate::commit::STORE;
use crate::documents::{BlockEditInfo, BlockKey, CourseIndex, IndexKey, Stamp};
use crate::reader::Reader;
use crate::runtime::{ModulestoreRuntime, in_milliseconds};
use crate::store::{DocumentWrites, Outcome};
use crate::twins::refuse_twin;

/// The block every course gets beside its root.
const OVERVIEW: (&str, &str) = ("about", "overview");
const WIKI_SLUG: &str = "wiki_slug";

impl ModulestoreRuntime {
    /// Makes a course as edx-platform does: its root, and the page `about/overview`, both published.
    ///
    /// The root is `course`, of courses with old keys the run. Without a `wiki_slug` it gets the course's number. What
    /// else the platform's classes set of a new course (tabs, topics of the discussion, the text of the page) is for
    /// the caller to give.
    ///
    /// # Errors
    /// [`RuntimeError::ContextExists`], with the key that is there, also where it differs in case only;
    /// [`RuntimeError::UnsupportedKey`], [`RuntimeError::ReadOnly`], and the store's own.
    pub fn create_course(
        &self,
        course: &ContextKey,
        root: &BlockData,
        overview: &BlockData,
        options: &BulkOptions,
    ) -> Result<Commit, RuntimeError> {
        let ContextKey::Course(key) = course else {
            return Err(unsupported(course, "it is the key of no course"));
        };
        let id = if course.is_deprecated() { key.run() } else { "course" };
        self.create(course, ("course", id), options, |bulk, top| {
            bulk.put_new(top, root)?;
            let slug = BlockPatch {
                content: vec![(WIKI_SLUG.into(), Some(json!(key.course())))],
                ..BlockPatch::default()
            };
            let slug = if root.content.contains_key(WIKI_SLUG) { BlockPatch::default() } else { slug };
            bulk.update_item(top, &slug)?;
            // The platform publishes what it saved, and then what it made.
            bulk.publish_if_direct(&bulk.key(top)?, top.block_type())?;
            let (block_type, block_id) = OVERVIEW;
            let page = bulk.usage(&BlockKey::new(block_type, block_id))?;
            let mut data = overview.clone();
            data.settings.entry("display_name".into()).or_insert_with(|| json!(block_id));
            bulk.create_item(&page, &data)
        })
    }

    /// Makes a library: its root, in the one branch that libraries have.
    ///
    /// # Errors
    /// As [`ModulestoreRuntime::create_course`].
    pub fn create_library(
        &self,
        library: &ContextKey,
        root: &BlockData,
        options: &BulkOptions,
    ) -> Result<Commit, RuntimeError> {
        if library.as_library().is_none() {
            return Err(unsupported(library, "it is the key of no v1 library"));
        }
        self.create(library, ("library", "library"), options, |bulk, top| bulk.put_new(top, root))
    }

    fn create(
        &self,
        context: &ContextKey,
        (block_type, block_id): (&str, &str),
        options: &BulkOptions,
        act: impl FnOnce(&mut Bulk<'_>, &UsageKey) -> Result<(), RuntimeError>,
    ) -> Result<Commit, RuntimeError> {
        let exists = || RuntimeError::ContextExists { key: context.clone() };
        if self.old_course(context)?.is_some() {
            return Err(exists());
        }
        let docs = self.store.write()?;
        let now = in_milliseconds(self.clock.now());
        let root = BlockKey::new(block_type, block_id);
        let mut bulk = Bulk::create(&*docs, self.reader(&*docs, context), root, options, now)?;
        let top = bulk.usage(&BlockKey::new(block_type, block_id))?;
        act(&mut bulk, &top)?;
        let (commit, structures) = bulk.finish()?;
        if docs.commit()? == Outcome::Overtaken {
            return Err(exists());
        }
        for structure in structures {
            self.structures.insert(structure.id(), structure);
        }
        Ok(commit)
    }
}

fn unsupported(context: &ContextKey, reason: &'static str) -> RuntimeError {
    RuntimeError::UnsupportedKey { key: context.to_string(), store: STORE, reason }
}

impl<'b> Bulk<'b> {
    /// Begins a context that is not there yet.
    fn create(
        docs: &'b dyn DocumentWrites,
        reader: Reader<'b>,
        root: BlockKey,
        options: &'b BulkOptions,
        now: DateTime<Utc>,
    ) -> Result<Self, RuntimeError> {
        let context = reader.context;
        let key = IndexKey::of(context).map_err(|reason| unsupported(context, reason))?;
        if reader.filed_index()?.is_some() {
            return Err(RuntimeError::ContextExists { key: context.clone() });
        }
        refuse_twin(docs, &key)?;
        let stamp = || Stamp { version: ObjectId::new(), edited_on: now, edited_by: options.who() };
        Ok(Self {
            docs,
            reader,
            index: CourseIndex::create(context, key, options.who(), now),
            root,
            draft: OpenBranch::new(None, stamp()),
            published: OpenBranch::new(None, stamp()),
            lost: None,
            now,
            options,
            is_new: true,
            is_forced: false,
        })
    }

    /// Puts the first block of a context.
    fn put_new(&mut self, usage: &UsageKey, data: &BlockData) -> Result<(), RuntimeError> {
        refuse_children(usage, data.content.keys().chain(data.settings.keys()))?;
        let key = self.key(usage)?;
        let stamp = self.draft.stamp;
        let definition = self.writer().define(usage, &data.content, &[], &stamp)?;
        let info = BlockEditInfo::created(&stamp);
        let document = self.writer().write_block(usage, &key, data, definition, info, None, false)?;
        self.draft.put(key, document);
        Ok(())
    }
}
