//! A published head that is missing or cannot be read: the draft is edited all the same, and a publish of all of it mends the
//! course.

use bson::oid::ObjectId;
use bson::{Bson, Document};
use runtime_modulestore::operations::{Bulk, BulkOptions, Revision};
use runtime_modulestore::{FsckOptions, ModulestoreRuntime, Severity};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{BlockPatch, Branch, EditOp, Extent, Runtime, RuntimeError, VersionId};
use xblock_testkit::fixture::{commit, context, edit, html, published_course, put_asset, snapshot, usage};

use crate::fixture::{new_store, open};
use crate::maintenance::change;
use crate::shapes::head;

/// What became of the head.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Lost {
    Missing,
    Unreadable,
}

/// A course with a draft beside what is published, whose published head is no more; with the head's version.
fn course(lost: Lost) -> (ModulestoreRuntime, TempDir, VersionId) {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    commit(&runtime, edit().put(usage("html", "h1"), html("second")).publish_all());
    commit(&runtime, edit().put(usage("html", "h1"), html("drafted")).with(put_asset("a.txt", b"a")));
    let found = runtime.context(&context()).expect("the course");
    let version = found.published.expect("it is published").version;
    drop(runtime);
    let id = ObjectId::parse_str(&*version.0).expect("an id");
    match lost {
        Lost::Missing => {
            let db = Connection::open(folder.path().join("store.db")).expect("the file opens");
            let sql = r#"DELETE FROM "modulestore.structures" WHERE _id = ?"#;
            assert_eq!(db.execute(sql, [id.bytes()]).expect("the row"), 1);
        }
        Lost::Unreadable => change(folder.path(), "structures", |structure| {
            if structure.get_object_id("_id").is_ok_and(|found| found == id) {
                structure.insert("root", 5);
            }
        }),
    }
    (open(folder.path()), folder, version)
}

fn call(
    runtime: &ModulestoreRuntime,
    act: impl FnMut(&mut Bulk<'_>) -> Result<(), RuntimeError>,
) -> Result<(), RuntimeError> {
    runtime.bulk(&context(), &BulkOptions::default(), act).map(drop)
}

fn named(name: &str) -> BlockPatch {
    BlockPatch { settings: vec![("display_name".into(), Some(json!(name)))], ..BlockPatch::default() }
}

fn heads(runtime: &ModulestoreRuntime) -> (VersionId, VersionId) {
    let found = runtime.context(&context()).expect("the course");
    (found.draft.version, found.published.expect("a head").version)
}

fn damage(runtime: &ModulestoreRuntime) -> Vec<String> {
    let report = runtime.fsck(FsckOptions::default()).expect("the check");
    let damage = report.findings.iter().filter(|finding| finding.severity == Severity::Damage);
    damage.map(|finding| format!("{}: {}", finding.code, finding.reason)).collect()
}

fn previous(structure: &Document) -> Option<&Bson> {
    structure.get("previous_version")
}

/// What is made in the draft needs nothing of what is published, which stays what it is.
#[test]
fn the_draft_is_edited_all_the_same() {
    for lost in [Lost::Missing, Lost::Unreadable] {
        let (runtime, _folder, version) = course(lost);
        let text = usage("html", "h1");
        let made = commit(&runtime, edit().put(text.clone(), html("third")));
        assert_eq!(made.published, Some(version.clone()));
        call(&runtime, |bulk| bulk.update_item(&text, &named("Third")).map(drop)).expect("an edit");
        call(&runtime, |bulk| {
            bulk.create_child(&usage("vertical", "u1"), &usage("html", "h2"), &html("new"), None)
        })
        .expect("a new block");
        let mut expected = html("third");
        expected.settings = xblock_testkit::fixture::map(json!({ "display_name": "Third" }));
        assert_eq!(*runtime.block(&text, Branch::Draft).expect("the text").data, expected);
        assert_eq!(heads(&runtime).1, version);
        assert!(matches!(runtime.usages(&context(), Branch::Published), Err(RuntimeError::Corrupt { .. })));
    }
}

type Call = fn(&mut Bulk<'_>) -> Result<(), RuntimeError>;

/// What needs something of what is published is refused, and told what mends it.
#[test]
fn what_needs_the_published_branch_says_what_mends_it() {
    let told = |refused: Result<(), RuntimeError>, version: &VersionId| match refused {
        Err(RuntimeError::Corrupt { place, reason }) => {
            assert!(place.contains(&*version.0), "{place}");
            assert!(reason.contains("a publish of the whole course"), "{reason}");
        }
        other => panic!("{other:?}"),
    };
    let top: fn() -> UsageKey = || usage("chapter", "c");
    for lost in [Lost::Missing, Lost::Unreadable] {
        let (runtime, _folder, version) = course(lost);
        let before = (heads(&runtime), snapshot(&runtime, &context(), Branch::Draft));
        let calls: [Call; 6] = [
            |bulk| bulk.publish(&usage("html", "h1")),
            |bulk| bulk.publish(&usage("course", "course")),
            |bulk| bulk.unpublish(&usage("vertical", "u1")),
            |bulk| bulk.revert_to_published(&usage("html", "h1")),
            |bulk| bulk.update_item(&usage("chapter", "c"), &named("Published at once")).map(drop),
            |bulk| bulk.delete_item(&usage("html", "h1"), Revision::All),
        ];
        for act in calls {
            told(call(&runtime, act), &version);
        }
        let ops = [
            EditOp::Publish(Extent::Subtree(top())),
            EditOp::Discard(Extent::All),
            EditOp::Discard(Extent::Subtree(top())),
            EditOp::Restore(version.clone()),
        ];
        for op in ops {
            // Also before all of it is published.
            told(runtime.commit(edit().with(op).publish_all()).map(drop), &version);
        }
        assert_eq!((heads(&runtime), snapshot(&runtime, &context(), Branch::Draft)), before);
        let report = runtime.fsck(FsckOptions::default()).expect("the check");
        let mut damage = report.findings.iter().filter(|finding| finding.severity == Severity::Damage);
        let (Some(found), None) = (damage.next(), damage.next()) else { panic!("{report:?}") };
        assert!(
            found.repair.as_ref().is_some_and(|how| how.contains("publish the whole course")),
            "{found:?}"
        );
    }
}

/// A publish of everything makes a new head of the draft, which names the lost one as the version before it.
#[test]
fn a_publish_of_all_mends_it() {
    for lost in [Lost::Missing, Lost::Unreadable] {
        let (runtime, _folder, version) = course(lost);
        let draft = head(&runtime, Branch::Draft);
        let made = commit(&runtime, edit().publish_all());
        let [published, expected] =
            [Branch::Published, Branch::Draft].map(|branch| snapshot(&runtime, &context(), branch));
        assert_eq!(published, expected);
        assert!(expected.iter().any(|line| line.contains("a.txt")));
        let new = head(&runtime, Branch::Published);
        assert_eq!(made.published, Some(heads(&runtime).1));
        let lost_id = ObjectId::parse_str(&*version.0).expect("an id");
        assert_eq!(previous(&new), Some(&lost_id.into()));
        assert_eq!(new.get("original_version"), draft.get("original_version"));
        assert!(!runtime.has_changes(&usage("course", "course")).expect("it is there"));
        let left = damage(&runtime);
        // A document that cannot be read is still there, as an older version.
        assert_eq!(left.len(), usize::from(lost == Lost::Unreadable), "{left:?}");
        call(&runtime, |bulk| bulk.update_item(&usage("chapter", "c"), &named("At once")).map(drop))
            .expect("it is published as ever");

        let (runtime, _folder, _) = course(lost);
        call(&runtime, |bulk| bulk.force_publish_course()).expect("it is published");
        let (draft, published) = heads(&runtime);
        assert_eq!(draft, published);
        assert_eq!(snapshot(&runtime, &context(), Branch::Published), expected);
        assert_eq!(damage(&runtime).len(), usize::from(lost == Lost::Unreadable));
    }
}
