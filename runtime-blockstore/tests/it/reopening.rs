//! A runtime that forgets everything between two calls, as separate processes do.

use std::path::PathBuf;

use rusqlite::Connection;
use tempfile::TempDir;
use xblock_core::keys::{AssetKey, ContextKey, DefinitionKey, UsageKey};
use xblock_core::runtime::{
    AssetMetadataRecords, AssetReader, AssetRecord, BlockRecord, Branch, Change, Commit, ContextRecord,
    Cursor, DefinitionRecord, Edit, Origin, Runtime, RuntimeError, VersionContent, VersionId, VersionRecord,
};
use xblock_testkit::Fresh;

use crate::fixture::{clock, open, registry};

/// What is done between two calls.
#[derive(Clone, Copy, PartialEq)]
enum Between {
    /// The store is opened anew.
    Reopen,
    /// The store is opened for reading only, for reads.
    ReadOnly,
    /// The index is dropped too; who did what and the feed are lost with it, so they are kept.
    LoseIndex,
}

struct Reopening {
    folder: PathBuf,
    between: Between,
}

impl Reopening {
    fn runtime(&self) -> runtime_blockstore::BlockstoreRuntime {
        if self.between == Between::LoseIndex {
            let db = Connection::open(self.folder.join("db.sqlite3")).expect("the database");
            // Tokens that fit nothing, and rows that are wrong: all must be made anew.
            db.execute_batch(
                "UPDATE xblock_state SET token = 'x'; DELETE FROM xblock_usage; DELETE FROM xblock_asset; \
                 DELETE FROM xblock_child; DELETE FROM xblock_bundle;",
            )
            .expect("the index is spoilt");
        }
        open(&self.folder)
    }

    fn reader(&self) -> runtime_blockstore::BlockstoreRuntime {
        if self.between == Between::ReadOnly {
            return runtime_blockstore::BlockstoreRuntime::open_read_only(&self.folder, registry(), clock())
                .expect("the store opens");
        }
        self.runtime()
    }
}

impl Runtime for Reopening {
    fn contexts(&self) -> Result<Vec<ContextKey>, RuntimeError> {
        self.reader().contexts()
    }
    fn context(&self, key: &ContextKey) -> Result<ContextRecord, RuntimeError> {
        self.reader().context(key)
    }
    fn usages(&self, context: &ContextKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError> {
        self.reader().usages(context, branch)
    }
    fn block(&self, usage: &UsageKey, branch: Branch) -> Result<BlockRecord, RuntimeError> {
        self.reader().block(usage, branch)
    }
    fn parents(&self, usage: &UsageKey, branch: Branch) -> Result<Vec<UsageKey>, RuntimeError> {
        self.reader().parents(usage, branch)
    }
    fn definition(&self, key: &DefinitionKey) -> Result<DefinitionRecord, RuntimeError> {
        self.reader().definition(key)
    }
    fn assets(&self, context: &ContextKey, branch: Branch) -> Result<Vec<AssetRecord>, RuntimeError> {
        self.reader().assets(context, branch)
    }
    fn asset_metadata(
        &self,
        context: &ContextKey,
        branch: Branch,
    ) -> Result<AssetMetadataRecords, RuntimeError> {
        self.reader().asset_metadata(context, branch)
    }
    fn asset(&self, key: &AssetKey, branch: Branch) -> Result<AssetRecord, RuntimeError> {
        self.reader().asset(key, branch)
    }
    fn read_asset(&self, key: &AssetKey, branch: Branch) -> Result<Vec<u8>, RuntimeError> {
        self.reader().read_asset(key, branch)
    }
    fn open_asset(&self, key: &AssetKey, branch: Branch) -> Result<Box<dyn AssetReader>, RuntimeError> {
        self.reader().open_asset(key, branch)
    }
    fn history(&self, context: &ContextKey, branch: Branch) -> Result<Vec<VersionRecord>, RuntimeError> {
        self.reader().history(context, branch)
    }
    fn version(&self, context: &ContextKey, version: &VersionId) -> Result<VersionContent, RuntimeError> {
        self.reader().version(context, version)
    }
    fn changes(&self, after: Cursor, limit: usize) -> Result<Vec<Change>, RuntimeError> {
        if self.between == Between::LoseIndex {
            return open(&self.folder).changes(after, limit);
        }
        self.reader().changes(after, limit)
    }
    fn commit(&self, edit: Edit) -> Result<Commit, RuntimeError> {
        self.runtime().commit(edit)
    }
    fn origin(&self, context: &ContextKey) -> Result<Option<Origin>, RuntimeError> {
        self.reader().origin(context)
    }
    fn keep_origin(&self, context: &ContextKey, origin: Option<&Origin>) -> Result<(), RuntimeError> {
        self.runtime().keep_origin(context, origin)
    }
}

fn fresh(between: Between) -> Fresh {
    let folder = TempDir::new().expect("a folder");
    open(folder.path());
    let runtime = Reopening { folder: folder.path().to_path_buf(), between };
    Fresh::with_guard(runtime, folder)
}

pub(crate) fn reopened() -> Fresh {
    fresh(Between::Reopen)
}

pub(crate) fn read_only() -> Fresh {
    fresh(Between::ReadOnly)
}

pub(crate) fn without_index() -> Fresh {
    fresh(Between::LoseIndex)
}

xblock_testkit::runtime_suite!(each_call_opens_anew, crate::reopening::reopened);
xblock_testkit::runtime_suite!(reads_open_read_only, crate::reopening::read_only);

/// The behaviours that do not ask who did what and when: that is kept in our tables alone.
mod each_call_makes_the_index_anew {
    xblock_testkit::behaviours!(crate::reopening::without_index;
        reading: contexts_are_listed_in_key_order, unknown_things_are_not_found, a_block_comes_back_as_written,
            null_empty_and_unset_are_kept_apart, odd_texts_survive, unknown_types_are_kept, odd_names_are_kept,
            asides_and_defaults_survive, detached_blocks_are_listed, dangling_children_are_kept,
            definitions_can_be_looked_up;
        authoring: a_new_context_needs_its_root, a_context_is_made_once, a_patch_changes_only_what_it_names,
            deleting_takes_the_subtree, a_shared_child_stays_with_its_other_parent, moving_keeps_the_subtree,
            the_root_is_fixed, circles_are_refused, other_contexts_are_refused,
            a_failed_edit_leaves_nothing, children_keep_their_order;
        conflicts: a_stale_base_is_a_conflict, edits_of_two_contexts_do_not_meet;
        publishing: nothing_is_published_by_itself, publishing_all_makes_the_branches_equal,
            a_draft_edit_stays_in_the_draft, publishing_a_subtree_leaves_the_rest,
            a_subtree_needs_a_published_parent, a_dropped_child_goes_with_the_publish,
            discarding_brings_the_published_back, discarding_a_subtree_leaves_the_rest,
            one_edit_can_publish_and_go_on, an_old_version_can_be_restored;
        assets: a_file_comes_back_byte_for_byte, a_file_is_read_in_parts, attributes_survive, a_draft_file_is_unpublished,
            a_deleted_file_is_gone, discarding_brings_files_back, restoring_brings_files_back;
        history: listed_versions_can_be_read;
        walking: a_walk_is_depth_first, settings_are_inherited_from_the_nearest
    );
}

/// A store whose index has the tables of form 1 is read as it is, and brought up to date when it is opened for writing.
#[test]
fn an_index_of_form_1_is_made_anew() {
    use xblock_testkit::fixture::{commit, context, edit, html, published_course, usage};

    let (runtime, folder) = crate::fixture::new_store();
    published_course(&runtime);
    let mut by_author = edit().put(usage("html", "h1"), html("x"));
    by_author.author = Some(7);
    commit(&runtime, by_author);
    let outline = runtime.outline(&context(), xblock_core::runtime::Branch::Draft, 9).unwrap();
    drop(runtime);
    let db = rusqlite::Connection::open(folder.path().join("db.sqlite3")).unwrap();
    db.execute_batch(
        "ALTER TABLE xblock_usage DROP COLUMN title; DROP TABLE xblock_include; DROP TABLE xblock_included;
         UPDATE xblock_form SET form = 1;",
    )
    .unwrap();
    let form = || db.query_row("SELECT form FROM xblock_form", [], |row| row.get::<_, i64>(0)).unwrap();
    let branch = xblock_core::runtime::Branch::Draft;
    let reader = crate::fixture::open_to_read(folder.path()).unwrap();
    assert_eq!(reader.outline(&context(), branch, 9).unwrap(), outline);
    assert_eq!(form(), 1);
    drop(reader);
    let runtime = open(folder.path());
    assert_eq!(form(), 2);
    assert_eq!(runtime.outline(&context(), branch, 9).unwrap(), outline);
    assert!(outline.iter().any(|block| block.display_name.as_deref() == Some("Tides")));
    let block = runtime.block(&usage("html", "h1"), branch).unwrap();
    assert_eq!(block.edit_info.edited_by, Some(7), "who wrote it is kept");
}
