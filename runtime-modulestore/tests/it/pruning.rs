//! Old versions, and what only they have, are taken out and can be put back.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bson::oid::ObjectId;
use chrono::Utc;
use runtime_modulestore::{FsckOptions, ModulestoreRuntime, PruneOptions, PrunedKind, Severity};
use serde_json::json;
use xblock_core::clock::FixedClock;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Base, Branch, Edit, Runtime};
use xblock_testkit::fixture::{
    block, commit, context, edit, html, published_course, put_asset, snapshot, usage,
};

use crate::classes::registry;
use crate::fixture::new_store;
use crate::maintenance::{codes, course_with_history};

/// What there is to be taken out at once: nothing is too young, nothing can be put back but what was just taken out.
pub(crate) fn now() -> PruneOptions {
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

/// What is said of branches whose history ends before its first version.
fn ends_of_history(runtime: &ModulestoreRuntime) -> Vec<String> {
    let findings = runtime.fsck(FsckOptions::default()).expect("the check").findings;
    findings.iter().filter(|found| found.code == "history").map(|found| found.reason.to_string()).collect()
}

/// An older version that was damaged in a dump is not taken for one that was pruned.
#[test]
fn a_damaged_version_was_not_pruned() {
    let (first, folder) = new_store();
    course_with_history(&first);
    let dump = folder.path().join("dump");
    first.export_dump(&dump).expect("a dump");
    let history = first.history(&context(), Branch::Draft).expect("the history");
    let older = bson::oid::ObjectId::parse_str(&*history[1].version.0).expect("an id");
    let file = dump.join("modulestore.structures.bson");
    let mut bytes = std::fs::read(&file).expect("a file");
    let id = [b"_id\0".as_slice(), &older.bytes()].concat();
    let at = bytes.windows(id.len()).position(|part| part == id).expect("it");
    let root = bytes[at..].windows(6).position(|part| part == b"\x04root\0").expect("its root");
    // An array that is said to be a number.
    bytes[at + root] = 0x10;
    std::fs::write(&file, bytes).expect("a file");
    let (runtime, _folder) = new_store();
    assert_eq!(runtime.import_dump(&dump).expect("it loads").damaged.len(), 1);
    let ends = ends_of_history(&runtime);
    let words = format!("version {older}, at which its history ends, is damaged");
    assert!(ends.iter().any(|reason| reason.starts_with(&words)), "{ends:?}");
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
    assert!(ends_of_history(&runtime).iter().all(|reason| reason.contains("--undo")));
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
    let ends = ends_of_history(&later(folder.path(), 3));
    assert!(ends.len() == 2 && ends.iter().all(|reason| reason.contains("or it is lost")), "{ends:?}");
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
