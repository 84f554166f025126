//! Checks, repairs and pruning of a whole store, and what makes structures big.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bson::oid::ObjectId;
use bson::{Bson, Document};
use chrono::{DateTime, Utc};
use runtime_modulestore::store::{ContentKind, DocumentStore, SqliteStore, StoreMode};
use runtime_modulestore::{Finding, FsckOptions, ModulestoreRuntime, PruneOptions, PrunedKind, Severity};
use serde_json::json;
use xblock_core::clock::FixedClock;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Base, Branch, Edit, EditOp, Runtime, RuntimeError, Unlisted};
use xblock_testkit::fixture::{
    block, commit, context, edit, html, published_course, put_asset, root, snapshot, usage,
};

use crate::classes::registry;
use crate::fixture::{new_store, open};

/// What there is to be taken out at once: nothing is too young, nothing can be put back but what was just taken out.
fn now() -> PruneOptions {
    PruneOptions {
        delete: true,
        keep_versions: 1,
        keep_younger: Duration::ZERO,
        grace: Duration::ZERO,
        undo: Duration::from_secs(60),
    }
}

/// A runtime over the same file whose clock stands so many days after that of the edits.
fn later(folder: &Path, days: i64) -> ModulestoreRuntime {
    let clock = Arc::new(FixedClock(crate::fixture::clock().now() + chrono::Duration::days(days)));
    ModulestoreRuntime::open(folder.join("store.db"), registry(), clock).expect("the store opens")
}

fn versions(runtime: &ModulestoreRuntime, branch: Branch) -> usize {
    runtime.history(&context(), branch).expect("the history").len()
}

fn codes(runtime: &ModulestoreRuntime) -> Vec<(Severity, &'static str)> {
    let report = runtime.fsck(FsckOptions::default()).expect("the check");
    report.findings.iter().map(|finding| (finding.severity, finding.code)).collect()
}

/// Six versions of the draft, three of what is published.
fn course_with_history(runtime: &ModulestoreRuntime) {
    published_course(runtime);
    for text in ["one", "two"] {
        commit(runtime, edit().put(usage("html", "h1"), html(text)));
        commit(runtime, edit().put(usage("problem", "p1"), html(text)).publish_all());
    }
    commit(runtime, edit().put(usage("html", "h1"), html("three")));
}

/// Old versions and the contents only they have are taken out; both branches read as before, and it can be undone.
#[test]
fn pruning_takes_old_versions_out_and_can_be_undone() {
    let (first, folder) = new_store();
    course_with_history(&first);
    let before = Branch::ALL.map(|branch| snapshot(&first, &context(), branch));
    let count = Branch::ALL.map(|branch| versions(&first, branch));
    assert_eq!(count, [3, 6]);

    let runtime = later(folder.path(), 2);
    let dry = runtime.prune(&PruneOptions { delete: false, ..now() }).expect("the dry run");
    assert!(!dry.deleted);
    assert_eq!(versions(&runtime, Branch::Draft), 6, "a dry run changes nothing");
    let roots: Vec<_> = dry.roots.iter().map(|root| (root.named_by.as_str(), root.kept)).collect();
    assert_eq!(
        roots,
        [
            ("course-v1:Harbour+TIDES+2031 draft-branch", 2),
            ("course-v1:Harbour+TIDES+2031 published-branch", 2)
        ]
    );
    let report = runtime.prune(&now()).expect("it is pruned");
    assert_eq!((report.deleted, &report.pruned), (true, &dry.pruned));
    let structures = report.pruned.iter().filter(|pruned| pruned.kind == PrunedKind::Structure).count();
    assert_eq!((structures, report.kept_structures), (5, 4));
    // The texts `one` of two blocks are in no version that stays, nor is what the first version had.
    assert!(report.pruned.len() > structures, "{report:?}");
    assert!(report.pruned.iter().all(|pruned| !pruned.proof.is_empty() && pruned.bytes > 0));
    assert_eq!(Branch::ALL.map(|branch| versions(&runtime, branch)), [2, 2]);
    assert_eq!(Branch::ALL.map(|branch| snapshot(&runtime, &context(), branch)), before);
    assert_eq!(codes(&runtime), [(Severity::Note, "history"), (Severity::Note, "history")]);
    assert_eq!(runtime.prune(&now()).expect("again").pruned, []);
    // It goes on being edited.
    commit(&runtime, edit().put(usage("html", "h1"), html("four")).publish_all());

    let put_back = runtime.undo_prune().expect("it is undone");
    assert_eq!(put_back, report.pruned.len());
    let reopened = later(folder.path(), 2);
    assert_eq!(Branch::ALL.map(|branch| versions(&reopened, branch)), [4, 7]);
    assert_eq!(codes(&reopened), []);
    assert_eq!(reopened.undo_prune().expect("nothing is left"), 0);
}

fn replaced_files(folder: &Path, bucket: &str) -> i64 {
    let count = "SELECT count(*) FROM files WHERE bucket = ?";
    let connection = rusqlite::Connection::open(folder.join("store.db")).expect("the file");
    connection.query_row(count, [bucket], |row| row.get(0)).expect("a number")
}

/// Replaced files go with the last version that shows them, come back with it, and are deleted with their bytes in the end.
#[test]
fn replaced_files_are_pruned_with_their_versions() {
    let (first, folder) = new_store();
    published_course(&first);
    for text in ["one", "two", "three", "four"] {
        let put = ["a.txt", "b.txt"].map(|name| put_asset(name, format!("{name} {text}").as_bytes()));
        let [a, b] = put;
        commit(&first, edit().put(usage("html", "h1"), html(text)).with(a).with(b).publish_all());
    }
    let files = |runtime: &ModulestoreRuntime| -> Vec<Option<Vec<String>>> {
        let history = runtime.history(&context(), Branch::Published).expect("the history");
        let read = |version: &xblock_core::runtime::VersionId| {
            let content = runtime.version(&context(), version).expect("the version");
            content.assets.map(|assets| assets.iter().map(|asset| asset.digest.to_string()).collect())
        };
        history.iter().map(|one| read(&one.version)).collect()
    };
    let before = files(&first);
    assert_eq!((before.len(), replaced_files(folder.path(), "replaced_fs")), (5, 8));

    let runtime = later(folder.path(), 2);
    let dry = runtime.prune(&PruneOptions { delete: false, ..now() }).expect("the dry run");
    assert_eq!(replaced_files(folder.path(), "replaced_fs"), 8);
    let report = runtime.prune(&now()).expect("it is pruned");
    assert_eq!(report.pruned, dry.pruned);
    let pruned: Vec<_> = report.pruned.iter().filter(|one| one.kind == PrunedKind::File).collect();
    // The head and one more stay: what the head replaced is seen in that one.
    assert_eq!((pruned.len(), report.kept_files), (6, 2), "{report:?}");
    assert!(pruned.iter().all(|one| one.proof.contains("no version from before") && one.bytes > 0));
    assert_eq!(replaced_files(folder.path(), "replaced_fs"), 2);
    assert_eq!(files(&runtime), before[..2]);
    assert!(runtime.fsck(FsckOptions::default()).expect("the check").findings.is_sound());
    assert_eq!(runtime.prune(&now()).expect("again").pruned, []);

    assert_eq!(runtime.undo_prune().expect("it is undone"), report.pruned.len());
    let reopened = later(folder.path(), 2);
    assert_eq!(files(&reopened), before);
    assert_eq!(codes(&reopened), []);

    let again = reopened.prune(&now()).expect("it is pruned");
    assert_eq!(again.pruned, dry.pruned);
    let end = later(folder.path(), 3).prune(&now()).expect("after the window");
    assert_eq!(end.forgotten, dry.pruned.len());
    let connection = rusqlite::Connection::open(folder.path().join("store.db")).expect("the file");
    let left: i64 = connection
        .query_row("SELECT count(*) FROM files WHERE bucket NOT IN ('fs', 'replaced_fs')", [], |row| {
            row.get(0)
        })
        .expect("a number");
    let lost = "SELECT count(*) FROM chunks WHERE file NOT IN (SELECT number FROM files)";
    let lost: i64 = connection.query_row(lost, [], |row| row.get(0)).expect("a number");
    assert_eq!((left, lost), (0, 0));
    // With no older version beside the head nothing that was replaced is seen any more.
    let all = PruneOptions { keep_versions: 0, undo: Duration::ZERO, ..now() };
    later(folder.path(), 4).prune(&all).expect("it is pruned");
    assert_eq!(replaced_files(folder.path(), "replaced_fs"), 0);
}

/// After the window what was taken out is deleted for good, with the next pruning.
#[test]
fn the_window_to_undo_closes() {
    let (first, folder) = new_store();
    course_with_history(&first);
    let taken_out = later(folder.path(), 2).prune(&now()).expect("it is pruned").pruned.len();
    assert_eq!(later(folder.path(), 2).prune(&now()).expect("in the window").forgotten, 0);
    let report = later(folder.path(), 3).prune(&now()).expect("after the window");
    assert_eq!(report.forgotten, taken_out);
    assert_eq!(later(folder.path(), 3).undo_prune().expect("nothing is left"), 0);
}

/// What is young stays, whatever leads to it: someone may be writing it.
#[test]
fn what_is_young_is_left_alone() {
    let (first, folder) = new_store();
    course_with_history(&first);
    // Ids say when they were made by this machine's clock.
    let clock = Arc::new(FixedClock(Utc::now()));
    let path = folder.path().join("store.db");
    let runtime = ModulestoreRuntime::open(path, registry(), clock).expect("the store opens");
    let report =
        runtime.prune(&PruneOptions { grace: Duration::from_secs(3600), ..now() }).expect("it is pruned");
    assert_eq!(report.pruned, []);
    assert!(report.too_young > 4, "{report:?}");
    let month = PruneOptions { keep_younger: Duration::from_secs(30 * 86400), ..now() };
    assert_eq!(later(folder.path(), 2).prune(&month).expect("it is pruned").pruned, []);
}

/// A library's version that a course was filled from stays, for the course to compare with.
#[test]
fn versions_that_blocks_name_stay() {
    let (first, folder) = new_store();
    published_course(&first);
    let library: ContextKey = "library-v1:Harbour+Lib".parse().expect("a library");
    let top = library.make_usage_key("library", "library").expect("a key");
    let make = Edit::new(library.clone(), Base::New { root: top.clone() });
    let filled_from = commit(&first, make.put(top.clone(), block(json!({}), &[]))).draft;
    let settings = json!({ "source_library_version": &*filled_from.0 });
    commit(&first, edit().put(usage("library_content", "lc"), block(settings, &[])));
    for name in ["a", "b", "c", "d"] {
        let change = Edit::new(library.clone(), Base::Any)
            .put(top.clone(), block(json!({ "display_name": name }), &[]));
        commit(&first, change);
    }
    let runtime = later(folder.path(), 2);
    let report = runtime.prune(&now()).expect("it is pruned");
    let named = report.roots.iter().find(|root| root.named_by.ends_with("library_content+lc"));
    assert_eq!(named.map(|root| root.structure.as_str()), Some(&*filled_from.0), "{:?}", report.roots);
    let id = ObjectId::parse_str(&*filled_from.0).expect("an id");
    assert!(runtime.store().read().expect("a view").structure(id).expect("a read").is_some());
}

/// Reruns share structures: pruning one course keeps what the other needs.
#[test]
fn pruning_keeps_what_reruns_share() {
    let (first, folder) = new_store();
    published_course(&first);
    let rerun: ContextKey = "course-v1:Harbour+TIDES+2032".parse().expect("a key");
    first.rerun(&context(), &rerun, None).expect("the rerun");
    let before = snapshot(&first, &rerun, Branch::Draft);
    for text in ["one", "two", "three", "four"] {
        commit(&first, edit().put(usage("html", "h1"), html(text)).publish_all());
    }
    let runtime = later(folder.path(), 2);
    assert!(!runtime.prune(&now()).expect("it is pruned").pruned.is_empty());
    assert_eq!(snapshot(&runtime, &rerun, Branch::Draft), before);
    assert!(runtime.fsck(FsckOptions::default()).expect("the check").findings.is_sound());
}

/// What is whole has no findings, with files, drafts, a library, an old key.
#[test]
fn a_sound_store_has_no_findings() {
    let (runtime, _folder) = new_store();
    course_with_history(&runtime);
    commit(&runtime, edit().with(put_asset("a.txt", b"a")).publish_all());
    commit(&runtime, edit().with(put_asset("a.txt", b"b")).with(put_asset("c.txt", b"")));
    commit(&runtime, edit().with(EditOp::DeleteAsset { key: xblock_testkit::fixture::asset("a.txt") }));
    let report = runtime.fsck(FsckOptions::default()).expect("the check");
    assert_eq!(report.findings, []);
    assert_eq!(report.contexts, 1);
    assert!(report.structures >= 8 && report.blocks >= 14 && report.definitions >= 8 && report.files >= 4);
}

/// Changes documents behind the store's back.
fn change(folder: &Path, kind: &str, change: impl Fn(&mut Document)) {
    let dump = folder.join(format!("dump-{}", ObjectId::new()));
    open(folder).export_dump(&dump).expect("the dump is written");
    let file = dump.join(format!("modulestore.{kind}.bson"));
    let bytes = std::fs::read(&file).expect("the documents");
    let (mut rest, mut out) = (bytes.as_slice(), Vec::new());
    while !rest.is_empty() {
        let mut document = Document::from_reader(&mut rest).expect("BSON");
        change(&mut document);
        document.to_writer(&mut out).expect("it is written");
    }
    std::fs::write(&file, out).expect("it is written");
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    open(folder).import_dump(&dump).expect("the dump loads");
}

fn each_block(structure: &mut Document, change: impl Fn(&str, &mut Document)) {
    for block in structure.get_array_mut("blocks").expect("blocks") {
        let block = block.as_document_mut().expect("a document");
        let id = block.get_str("block_id").expect("an id").to_owned();
        change(&id, block);
    }
}

fn repaired(findings: &[Finding]) -> Vec<(&'static str, bool)> {
    findings.iter().filter(|f| f.severity > Severity::Note).map(|f| (f.code, f.is_repaired)).collect()
}

/// Children that do not exist are taken out, in a new version; the rest stays.
#[test]
fn missing_children_are_repaired() {
    let (runtime, folder) = new_store();
    commit(&runtime, xblock_testkit::fixture::small_course());
    drop(runtime);
    change(folder.path(), "structures", |structure| {
        each_block(structure, |id, block| {
            if id == "u1" {
                let fields = block.get_document_mut("fields").expect("fields");
                let children = fields.get_array_mut("children").expect("children");
                children.insert(0, Bson::Array(vec!["html".into(), "nobody".into()]));
            }
        });
    });
    let runtime = open(folder.path());
    assert_eq!(codes(&runtime), [(Severity::Warning, "missing_child")]);
    let report = runtime.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).expect("the repair");
    assert_eq!(repaired(&report.findings), [("missing_child", true)]);
    let unit = runtime.block(&usage("vertical", "u1"), Branch::Draft).expect("the unit");
    assert_eq!(unit.data.children, [usage("html", "h1")]);
    assert_eq!(codes(&open(folder.path())), []);
    assert_eq!(
        runtime.history(&context(), Branch::Draft).expect("the history")[0].message,
        "Repaired by fsck"
    );
}

/// A block above itself is found, once, and the way back is taken out.
#[test]
fn cycles_are_repaired() {
    let (runtime, folder) = new_store();
    commit(&runtime, xblock_testkit::fixture::small_course());
    drop(runtime);
    change(folder.path(), "structures", |structure| {
        each_block(structure, |id, block| {
            if id == "u1" {
                let fields = block.get_document_mut("fields").expect("fields");
                let children = fields.get_array_mut("children").expect("children");
                children.push(Bson::Array(vec!["chapter".into(), "c".into()]));
            }
        });
    });
    let runtime = open(folder.path());
    assert_eq!(codes(&runtime), [(Severity::Damage, "cycle")]);
    // Nothing that reads it hangs.
    let walked = runtime.view(&context(), Branch::Draft).expect("a view").outline().count();
    assert_eq!(walked, 7);
    assert!(runtime.parents(&usage("chapter", "c"), Branch::Draft).expect("the parents").contains(&root()));
    let report = runtime.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).expect("the repair");
    assert_eq!(repaired(&report.findings), [("cycle", true)]);
    let unit = runtime.block(&usage("vertical", "u1"), Branch::Draft).expect("the unit");
    assert_eq!(unit.data.children, [usage("html", "h1")]);
    assert_eq!(codes(&open(folder.path())), []);
}

fn add_child(block: &mut Document, block_type: &str, block_id: &str) {
    let fields = block.get_document_mut("fields").expect("fields");
    if !fields.contains_key("children") {
        fields.insert("children", Bson::Array(Vec::new()));
    }
    let children = fields.get_array_mut("children").expect("children");
    children.push(Bson::Array(vec![block_type.into(), block_id.into()]));
}

/// Of circles through the root the ways back are taken out, whatever the blocks are called, and never the way down.
#[test]
fn circles_through_the_root_keep_the_way_down() {
    let (runtime, folder) = new_store();
    commit(&runtime, xblock_testkit::fixture::small_course());
    let usages = runtime.usages(&context(), Branch::Draft).expect("the blocks");
    let children = |runtime: &ModulestoreRuntime| -> Vec<_> {
        let read = |usage| runtime.block(usage, Branch::Draft).expect("a block").data.children.clone();
        usages.iter().map(read).collect()
    };
    let before = children(&runtime);
    drop(runtime);
    change(folder.path(), "structures", |structure| {
        each_block(structure, |id, block| match id {
            "u1" => {
                add_child(block, "course", "course");
                add_child(block, "chapter", "c");
            }
            "c" => add_child(block, "course", "course"),
            _ => {}
        });
    });
    let runtime = open(folder.path());
    assert_eq!(codes(&runtime), [(Severity::Damage, "cycle"); 3]);
    let report = runtime.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).expect("the repair");
    assert_eq!(repaired(&report.findings), [("cycle", true); 3]);
    assert_eq!(children(&runtime), before);
    assert_eq!(codes(&open(folder.path())), []);
}

/// A block whose id makes no key, in the tree or beside it, and a child of that kind that is not there: they are named, and
/// all other blocks are read.
#[test]
fn names_that_are_no_keys_take_nothing_along() {
    let (runtime, folder) = new_store();
    commit(&runtime, xblock_testkit::fixture::small_course().publish_all());
    let sound = [Branch::Draft, Branch::Published].map(|branch| snapshot(&runtime, &context(), branch));
    drop(runtime);
    change(folder.path(), "structures", |structure| {
        each_block(structure, |id, block| {
            for name in ["a b", "", "a/b", "no body"].into_iter().filter(|_| id == "u1") {
                add_child(block, "html", name);
            }
        });
        let blocks = structure.get_array_mut("blocks").expect("blocks");
        let text = blocks.iter().find(|block| {
            block.as_document().is_some_and(|block| block.get_str("block_id").is_ok_and(|id| id == "h1"))
        });
        let text = text.expect("the text").as_document().expect("a document").clone();
        for name in ["a b", "", "a/b", "an orphan"] {
            let mut odd = text.clone();
            odd.insert("block_id", name);
            blocks.push(odd.into());
        }
    });
    let runtime = open(folder.path());
    for (branch, sound) in [Branch::Draft, Branch::Published].into_iter().zip(&sound) {
        assert_eq!(snapshot(&runtime, &context(), branch), *sound);
        let named = runtime.unlisted(&context(), branch).expect("what is left out");
        assert_eq!(named.len(), 5, "{named:?}");
        let named: Vec<_> = named.iter().map(ToString::to_string).collect();
        for name in
            ["block html+a b", "block html+:", "block html+a/b", "block html+an orphan", "child html+no body"]
        {
            assert!(named.iter().any(|one| one.contains(name)), "{name} in {named:?}");
        }
        let parents = runtime.parents(&usage("html", "h1"), branch).expect("the parents");
        assert_eq!(parents, [usage("vertical", "u1")]);
        let view = runtime.view(&context(), branch).expect("a view");
        let (read, failed): (Vec<_>, Vec<_>) = view.every_block(None).partition(Result::is_ok);
        assert_eq!((read.len(), failed.len()), (view.len() - 4, 4));
    }
    let version = runtime.context(&context()).expect("the context").draft.version;
    assert!(runtime.version(&context(), &version).expect("the version").blocks.values().all(Result::is_ok));
    commit(&runtime, edit().put(usage("html", "h1"), xblock_testkit::fixture::html("new")).publish_all());
    let found = codes(&runtime);
    assert!(found.contains(&(Severity::Damage, "block_key")), "{found:?}");
}

/// A missing definition is taken from an older version, where there is one; else only a backup helps.
#[test]
fn missing_definitions_are_found() {
    let (runtime, folder) = new_store();
    course_with_history(&runtime);
    let definition = |id: &str| {
        let usage = if id == "h1" { usage("html", id) } else { usage("problem", id) };
        let key = runtime.block(&usage, Branch::Draft).expect("the block").definition;
        ObjectId::from_bytes(key.as_split().and_then(|key| key.definition_id()).expect("an id").0)
    };
    let lost = [definition("h1"), definition("p1")];
    drop(runtime);
    let store = SqliteStore::open(folder.path().join("store.db"), StoreMode::ReadWrite).expect("the store");
    let docs = store.write().expect("a transaction");
    docs.set_aside(ContentKind::Definition, &lost, Utc::now()).expect("they go");
    docs.forget_set_aside(DateTime::<Utc>::MAX_UTC).expect("for good");
    let _ = docs.commit().expect("the commit");
    let runtime = open(folder.path());
    let report = runtime.fsck(FsckOptions { is_quick: true, ..FsckOptions::default() }).expect("the check");
    let damaged: Vec<_> = report.findings.iter().map(|f| (f.code, f.repair.is_some())).collect();
    // In the draft both have older contents, in what is published one has none of its own line to go back to.
    assert_eq!(damaged.iter().filter(|(code, _)| *code == "missing_definition").count(), 3, "{damaged:?}");
    assert!(!report.findings.is_sound());
    assert!(runtime.block(&usage("html", "h1"), Branch::Draft).is_err_and(|error| error.is_damage()));
    assert!(runtime.block(&usage("chapter", "c"), Branch::Draft).is_ok(), "the course around it goes on");
    runtime.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).expect("the repair");
    let text = runtime.block(&usage("html", "h1"), Branch::Draft).expect("the text is back");
    assert_eq!(text.data.content["data"], "two");
}

/// A structure that is gone is damage; one that a pruning took is put back.
#[test]
fn missing_structures_are_found() {
    let (runtime, folder) = new_store();
    let made = published_course(&runtime);
    drop(runtime);
    let id = ObjectId::parse_str(&*made.draft.0).expect("an id");
    let store = SqliteStore::open(folder.path().join("store.db"), StoreMode::ReadWrite).expect("the store");
    let docs = store.write().expect("a transaction");
    docs.set_aside(ContentKind::Structure, &[id], Utc::now()).expect("it goes");
    let _ = docs.commit().expect("the commit");
    let runtime = open(folder.path());
    let error = runtime.usages(&context(), Branch::Draft).expect_err("it is gone");
    assert!(matches!(&error, RuntimeError::Corrupt { place, .. } if place.contains(&id.to_hex())), "{error}");
    assert!(runtime.usages(&context(), Branch::Published).is_ok());
    assert_eq!(codes(&runtime), [(Severity::Damage, "missing_structure")]);
    let refused = runtime.prune(&PruneOptions { delete: false, ..now() }).expect_err("what stays is missing");
    assert!(
        matches!(&refused, RuntimeError::Corrupt { place, .. } if place.contains(&id.to_hex())),
        "{refused}"
    );
    let report = runtime.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).expect("the repair");
    assert_eq!(repaired(&report.findings), [("missing_structure", true)]);
    assert_eq!(codes(&open(folder.path())), []);
}

/// Blocks of wrong types are named, each by itself, and the others are read.
#[test]
fn wrong_types_are_found() {
    let (runtime, folder) = new_store();
    commit(&runtime, xblock_testkit::fixture::small_course());
    drop(runtime);
    change(folder.path(), "structures", |structure| {
        each_block(structure, |id, block| match id {
            "u1" => drop(block.insert("fields", "no document")),
            "u2" => drop(block.insert("definition", 7)),
            "s" => drop(block.insert("edit_info", Bson::Array(Vec::new()))),
            "h1" => drop(block.insert("asides", 3)),
            _ => {}
        });
    });
    let runtime = open(folder.path());
    let report = runtime.fsck(FsckOptions::default()).expect("the check");
    for id in ["vertical+u1", "vertical+u2", "sequential+s", "html+h1"] {
        let found = report.findings.iter().find(|f| f.place.ends_with(id) && f.severity == Severity::Damage);
        assert!(found.is_some(), "{id}: {:?}", report.findings);
    }
    assert!(runtime.block(&usage("problem", "p1"), Branch::Draft).is_ok());
    assert!(runtime.block(&usage("vertical", "u1"), Branch::Draft).is_err_and(|error| error.is_damage()));
}

/// A file whose chunks do not hold what it says is damage.
#[test]
fn files_are_proved() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    commit(&runtime, edit().with(put_asset("a.txt", b"four")).publish_all());
    let dump = folder.path().join("dump");
    runtime.export_dump(&dump).expect("the dump is written");
    let file = dump.join("fs.files.bson");
    let bytes = std::fs::read(&file).expect("the files");
    let mut document = Document::from_reader(bytes.as_slice()).expect("BSON");
    document.insert("length", 5);
    let mut changed = Vec::new();
    document.to_writer(&mut changed).expect("it is written");
    std::fs::write(&file, changed).expect("it is written");
    let (runtime, _folder) = new_store();
    runtime.import_dump(&dump).expect("the dump loads");
    assert_eq!(codes(&runtime), [(Severity::Damage, "file_bytes")]);
    let quick = runtime.fsck(FsckOptions { is_quick: true, ..FsckOptions::default() }).expect("the check");
    assert_eq!(quick.findings, []);
}

/// What is said of a file and cannot be read is damage of that file alone, as is one that is nobody's.
#[test]
fn files_that_cannot_be_described_are_named() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    let names = ["a.txt", "b.txt", "c.txt", "d.txt", "e.txt"];
    let course = names.iter().fold(edit(), |edit, name| edit.with(put_asset(name, name.as_bytes())));
    commit(&runtime, course.publish_all());
    let dump = folder.path().join("dump");
    runtime.export_dump(&dump).expect("the dump is written");
    let file = dump.join("fs.files.bson");
    let bytes = std::fs::read(&file).expect("the files");
    let (mut rest, mut changed) = (bytes.as_slice(), Vec::new());
    while !rest.is_empty() {
        let mut document = Document::from_reader(&mut rest).expect("BSON");
        let name = document.get_str("displayname").expect("a name").to_owned();
        match name.as_str() {
            "a.txt" => drop(document.insert("import_path", 5)),
            "b.txt" => drop(document.insert("contentType", vec!["a"])),
            "d.txt" => drop(document.insert("content_son", 7)),
            _ => {}
        }
        let mut bytes = document.to_vec().expect("BSON");
        if name == "c.txt" {
            let at = bytes.windows(12).position(|part| part == b"displayname\0").expect("the name");
            bytes[at + 16] = 0xff;
        }
        changed.extend(bytes);
    }
    std::fs::write(&file, changed).expect("it is written");
    let (runtime, _folder) = new_store();
    runtime.import_dump(&dump).expect("the dump loads");
    let damage = |code| (Severity::Damage, code);
    assert_eq!(codes(&runtime), [damage("file"), damage("file"), damage("file"), damage("file_key")]);
    for branch in [Branch::Draft, Branch::Published] {
        let files = runtime.assets(&context(), branch).expect("the files");
        let files: Vec<_> = files.iter().map(|file| file.key.path()).collect();
        assert_eq!(files, ["e.txt"]);
        let unlisted = runtime.unlisted(&context(), branch).expect("what is left out");
        let named: Vec<_> = unlisted
            .iter()
            .map(|one| match one {
                Unlisted::Asset { key: Some(key), .. } => key.path(),
                other => panic!("a file, not {other:?}"),
            })
            .collect();
        assert_eq!(named, ["a.txt", "b.txt", "c.txt"]);
    }
}

/// The report names what takes most; beyond the limit a commit is refused with the same, and nothing is lost.
#[test]
fn big_structures_are_explained() {
    let (runtime, _folder) = new_store();
    let made = published_course(&runtime);
    let notes = "x".repeat(1_000_000);
    let heavy = |count: usize| {
        let children: Vec<_> = (0..count).map(|number| usage("html", &format!("n{number}"))).collect();
        let mut all = edit().put(usage("vertical", "u1"), block(json!({}), &children));
        for child in &children {
            all = all.put(child.clone(), block(json!({ "notes": notes }), &[]));
        }
        all
    };
    let error = runtime.commit(heavy(17)).map(|_| ()).expect_err("it is too big");
    let RuntimeError::Unstorable { place, reason } = &error else { panic!("{error}") };
    assert!(place.contains("course-v1:Harbour+TIDES+2031"), "{place}");
    assert!(reason.contains("16777216") && reason.contains("fields.notes of html"), "{reason}");
    assert_eq!(runtime.context(&context()).expect("the context").draft.version, made.draft);

    commit(&runtime, heavy(14));
    let report = runtime.sizes(&context(), Branch::Draft).expect("the sizes");
    assert!(report.is_near_limit(), "{} of {}", report.bytes, report.limit);
    assert_eq!((report.fields[0].field.as_str(), report.fields[0].blocks), ("fields.notes", 14));
    assert!(report.fields[0].bytes > 14_000_000 && report.biggest_blocks[0].bytes > 1_000_000);
    let warned = |runtime: &ModulestoreRuntime| {
        codes(runtime).into_iter().filter(|(severity, _)| *severity > Severity::Note).collect::<Vec<_>>()
    };
    assert_eq!(warned(&runtime), [(Severity::Warning, "big")]);
    assert!(!runtime.sizes(&context(), Branch::Published).expect("the sizes").is_near_limit());

    let limited = runtime.with_document_limit(64 * 1024 * 1024);
    commit(&limited, heavy(20));
    assert_eq!(warned(&limited), [(Severity::Warning, "too_big")]);
}
