//! A block that a structure has twice: who edits it leaves one, who deletes it none, and all others leave both as they are.

use bson::Document;
use runtime_modulestore::operations::{Bulk, BulkOptions, Revision};
use runtime_modulestore::{FsckOptions, ModulestoreRuntime, Severity};
use serde_json::json;
use tempfile::TempDir;
use xblock_core::runtime::{BlockPatch, Branch, EditOp, Runtime, RuntimeError};
use xblock_testkit::fixture::{block, commit, context, edit, html, published_course, usage};

use crate::fixture::{new_store, open};
use crate::maintenance::{change, codes};
use crate::shapes::head;

/// Where the other copy stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Twin {
    First,
    Last,
}

/// A published course whose text is twice in every structure.
fn with_twins(twin: Twin) -> (ModulestoreRuntime, TempDir) {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    commit(&runtime, edit().put(usage("problem", "p1"), html("drafted")));
    drop(runtime);
    change(folder.path(), "structures", |structure| {
        let blocks = structure.get_array_mut("blocks").expect("blocks");
        let is_text = |block: &Document| block.get_str("block_id").is_ok_and(|id| id == "h1");
        let found = blocks.iter().find(|block| block.as_document().is_some_and(is_text)).expect("the text");
        let mut copy = found.as_document().expect("a document").clone();
        copy.get_document_mut("fields").expect("fields").insert("display_name", "Twin");
        match twin {
            Twin::First => blocks.insert(0, copy.into()),
            Twin::Last => blocks.push(copy.into()),
        }
    });
    (open(folder.path()), folder)
}

/// The names of all copies of the text in a branch, in the order of the document.
fn names(runtime: &ModulestoreRuntime, branch: Branch) -> Vec<String> {
    let head = head(runtime, branch);
    let blocks = head.get_array("blocks").expect("blocks").iter().filter_map(|block| block.as_document());
    let texts = blocks.filter(|block| block.get_str("block_id").is_ok_and(|id| id == "h1"));
    let name = |block: &Document| {
        block.get_document("fields").and_then(|fields| fields.get_str("display_name").map(str::to_owned))
    };
    texts.map(|block| name(block).expect("a name")).collect()
}

fn read(runtime: &ModulestoreRuntime, branch: Branch) -> String {
    let record = runtime.block(&usage("html", "h1"), branch).expect("the text");
    record.data.own("display_name").and_then(|name| name.as_str()).expect("a name").to_owned()
}

fn call(runtime: &ModulestoreRuntime, act: impl FnMut(&mut Bulk<'_>) -> Result<(), RuntimeError>) {
    runtime.bulk(&context(), &BulkOptions::default(), act).expect("the call");
}

fn named(name: &str) -> BlockPatch {
    BlockPatch { settings: vec![("display_name".into(), Some(json!(name)))], ..BlockPatch::default() }
}

/// Whatever is acknowledged is what is read afterwards, by the platform's calls and by edits alike.
#[test]
fn edits_and_publishes_leave_one_copy() {
    for twin in [Twin::First, Twin::Last] {
        let both = if twin == Twin::First { ["Twin", "Text"] } else { ["Text", "Twin"] };
        let by_call = |runtime: &ModulestoreRuntime| {
            call(runtime, |bulk| bulk.update_item(&usage("html", "h1"), &named("Edited")).map(drop));
        };
        let by_edit = |runtime: &ModulestoreRuntime| {
            let text = block(json!({ "display_name": "Edited" }), &[]);
            commit(runtime, edit().put(usage("html", "h1"), text));
        };
        for write in [&by_call as &dyn Fn(&ModulestoreRuntime), &by_edit] {
            let (runtime, _folder) = with_twins(twin);
            // What is edited elsewhere leaves both as they are.
            call(&runtime, |bulk| bulk.update_item(&usage("vertical", "u1"), &named("Unit")).map(drop));
            commit(&runtime, edit().put(usage("problem", "p1"), html("again")));
            assert_eq!(names(&runtime, Branch::Draft), both);
            write(&runtime);
            assert_eq!(names(&runtime, Branch::Draft), ["Edited"], "{twin:?}");
            assert_eq!(read(&runtime, Branch::Draft), "Edited");
            assert_eq!(names(&runtime, Branch::Published), both, "it is not published");
            call(&runtime, |bulk| bulk.publish(&usage("html", "h1")));
            assert_eq!(names(&runtime, Branch::Published), ["Edited"], "{twin:?}");
            assert_eq!(codes(&runtime), []);
        }
        let (runtime, _folder) = with_twins(twin);
        by_edit(&runtime);
        commit(&runtime, edit().publish_all());
        assert_eq!(Branch::ALL.map(|branch| names(&runtime, branch)), [["Edited"], ["Edited"]]);
        assert!(!runtime.has_changes(&usage("html", "h1")).expect("it is there"));
    }
}

/// No copy that was not read comes to light when the block is deleted.
#[test]
fn deletions_leave_no_copy() {
    for twin in [Twin::First, Twin::Last] {
        let (runtime, _folder) = with_twins(twin);
        call(&runtime, |bulk| bulk.delete_item(&usage("html", "h1"), Revision::All));
        assert_eq!(Branch::ALL.map(|branch| names(&runtime, branch).len()), [0, 0], "{twin:?}");
        assert_eq!(codes(&runtime), []);

        let (runtime, _folder) = with_twins(twin);
        let without = block(json!({ "display_name": "One" }), &[]);
        let gone = edit().put(usage("vertical", "u1"), without);
        commit(&runtime, gone.with(EditOp::DeleteBlock { usage: usage("html", "h1") }).publish_all());
        assert_eq!(Branch::ALL.map(|branch| names(&runtime, branch).len()), [0, 0], "{twin:?}");
        assert_eq!(codes(&runtime), []);
    }
}

/// A check says what becomes of the copies, and changes nothing itself: which is the one that is meant, nobody knows.
#[test]
fn a_check_says_what_mends_it() {
    let (runtime, _folder) = with_twins(Twin::First);
    let before = Branch::ALL.map(|branch| names(&runtime, branch));
    let report = runtime.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).expect("the check");
    let twice: Vec<_> = report.findings.iter().filter(|finding| finding.code == "twice").collect();
    assert_eq!(twice.len(), 2, "one in each branch");
    for finding in twice {
        assert!(finding.severity == Severity::Damage && !finding.is_repaired);
        assert!(finding.reason.contains("what edits it leaves that one only"), "{}", finding.reason);
    }
    assert_eq!(Branch::ALL.map(|branch| names(&runtime, branch)), before);
}
