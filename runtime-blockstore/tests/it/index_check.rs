//! Our own tables held against the bundles: what is wrong is found, and made anew.

use std::path::Path;
use std::sync::Arc;

use mysql::prelude::Queryable as _;
use runtime_blockstore::{Access, Blockstore, BlockstoreRuntime, FsckOptions, Severity};
use xblock_core::runtime::{Branch, Cursor, Finding, Runtime};
use xblock_testkit::fixture::{commit, context, edit, html, published_course, put_asset, usage};

use crate::fixture::{Now, new_bundle, new_store, open, registry, server_of, store_in};
use crate::mariadb::{Place, connect};

/// Runs statements on a store's database, wherever it is.
fn spoil(folder: &Path, statements: &[&str]) {
    match server_of(folder) {
        Some(place) => {
            let mut db = connect(&place.database);
            for statement in statements {
                db.query_drop(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
                assert!(db.affected_rows() > 0, "{statement}");
            }
        }
        None => {
            let db = rusqlite::Connection::open(folder.join("db.sqlite3")).unwrap();
            for statement in statements {
                assert!(db.execute(statement, ()).unwrap() > 0, "{statement}");
            }
        }
    }
}

fn faults(folder: &Path) -> Vec<Finding> {
    let store = store_in(folder, Access::ReadOnly, Arc::new(Now)).unwrap();
    let found = BlockstoreRuntime::check_index(store, registry()).unwrap();
    found.into_iter().map(Finding::from).collect()
}

/// Everything a reader of a course is told by the index.
fn told(folder: &Path) -> Vec<String> {
    let runtime = open(folder);
    let mut lines =
        vec![format!("{:?}", runtime.contexts()), format!("{:?}", runtime.changes(Cursor(0), 100))];
    for branch in Branch::ALL {
        lines.push(format!("{:?}", runtime.context(&context())));
        lines.push(format!("{:?}", runtime.assets(&context(), branch)));
        lines.push(format!("{:?}", runtime.history(&context(), branch)));
        for usage in runtime.usages(&context(), branch).unwrap() {
            lines.push(format!("{:?} {:?}", runtime.block(&usage, branch), runtime.parents(&usage, branch)));
        }
    }
    lines
}

fn a_course(folder: &Path) {
    let runtime = open(folder);
    published_course(&runtime);
    commit(&runtime, edit().with(put_asset("a.txt", b"one")).with(put_asset("b.txt", b"two")).publish_all());
    commit(&runtime, edit().put(usage("html", "h1"), html("draft")));
}

const SPOILT: [&[&str]; 9] = [
    &["DELETE FROM xblock_usage WHERE block_id = 'h1'"],
    &["UPDATE xblock_usage SET hash = '0000000000000000000000000000000000000000' WHERE block_id = 'u1'"],
    &["UPDATE xblock_usage SET block_id = 'nobody' WHERE block_id = 'h1'"],
    &["DELETE FROM xblock_child WHERE child_id = 'u1'"],
    &["UPDATE xblock_child SET child_id = 'nobody' WHERE child_id = 'u1'"],
    &["DELETE FROM xblock_asset WHERE name = 'a.txt'"],
    &["UPDATE xblock_asset SET attributes = '{}', size = 7 WHERE name = 'b.txt'"],
    &["UPDATE xblock_bundle SET context_key = 'course-v1:Some+Other+One' WHERE context_key IS NOT NULL"],
    &["UPDATE xblock_bundle SET root_id = 'nobody' WHERE context_key IS NOT NULL"],
];

fn wrong_rows_are_found_and_mended(folder: &Path) {
    a_course(folder);
    let before = told(folder);
    assert_eq!(faults(folder), []);
    for statements in SPOILT {
        spoil(folder, statements);
        let found = faults(folder);
        assert!(!found.is_empty(), "{statements:?}");
        for fault in &found {
            assert_eq!((fault.severity, fault.code, fault.is_repaired), (Severity::Damage, "index", false));
        }
        let reader = store_in(folder, Access::ReadOnly, Arc::new(Now)).unwrap();
        let faults_again = BlockstoreRuntime::check_index(reader, registry()).unwrap();
        let mended = open(folder).mend_index(faults_again).unwrap();
        assert!(mended.iter().all(|fault| fault.is_repaired), "{mended:?}");
        assert_eq!(faults(folder), [], "{statements:?}");
    }
    // All of it is as it was but for the times at which rows were written that had been lost.
    let times = |lines: Vec<String>| -> Vec<String> {
        lines.into_iter().map(|line| line.split("edit_info").next().unwrap().to_owned()).collect()
    };
    let (before, after) = (times(before), times(told(folder)));
    assert_eq!(before[0], after[0]);
    assert_eq!(before[2..], after[2..]);
}

#[test]
fn wrong_rows_of_the_index_are_found_and_mended() {
    let (_, folder) = new_store();
    wrong_rows_are_found_and_mended(folder.path());
}

#[test]
fn wrong_rows_of_the_index_are_found_and_mended_on_mariadb() {
    let Some(place) = Place::new() else { return };
    wrong_rows_are_found_and_mended(place.path());
}

#[test]
fn what_another_program_wrote_is_no_fault_of_the_index() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    let bundles = runtime.blockstore();
    let bundle = bundles.get_bundles(None).unwrap().remove(0);
    let draft = bundles.get_or_create_bundle_draft(bundle.uuid, "studio_draft").unwrap().uuid;
    bundles.write_draft_file(draft, "html/new/definition.xml", Some(b"<html>new</html>")).unwrap();
    new_bundle(bundles, "plain", &[("a", "a")]);
    drop(runtime);
    assert_eq!(faults(folder.path()), []);
    // A store that only bundles were written to has no index at all.
    let plain = tempfile::tempdir().unwrap();
    let store = store_in(plain.path(), Access::ReadWrite, Arc::new(Now)).unwrap();
    new_bundle(&store, "plain", &[("a", "a")]);
    assert_eq!(faults(plain.path()), []);
}

/// Spoils the feed and the index of links in every way, and mends them.
fn wrong_rows_of_the_feed(folder: &Path) {
    let store = store_in(folder, Access::ReadWrite, Arc::new(Now)).unwrap();
    let (target, _) = new_bundle(&store, "target", &[("t", "t")]);
    let (bundle, draft) = new_bundle(&store, "tides", &[("a", "1"), ("b", "1")]);
    store.write_draft_file(draft, "a", Some(b"2")).unwrap();
    store.set_draft_link(draft, "link", Some((target, 1))).unwrap();
    store.commit_draft(draft).unwrap();
    store.write_draft_file(draft, "b", None).unwrap();
    store.commit_draft(draft).unwrap();
    let told = |store: &Blockstore| {
        (
            store.get_changes(0, 100).unwrap(),
            store.get_dependents(target).unwrap(),
            store.get_file_history(bundle, "a").unwrap(),
        )
    };
    let before = told(&store);
    assert_eq!(before.0.len(), 4);
    let damages = |repair| {
        let report = store.fsck(FsckOptions { is_quick: false, repair }).unwrap();
        let bad = report.findings.iter().filter(|finding| finding.severity == Severity::Damage);
        bad.map(|finding| (finding.code, finding.is_repaired)).collect::<Vec<_>>()
    };
    assert_eq!(damages(false), []);
    for statement in [
        "DELETE FROM xblock_file_change WHERE path = 'a'",
        "UPDATE xblock_file_change SET path = 'c' WHERE path = 'b' AND after IS NULL",
        "UPDATE xblock_feed SET links = '[]' WHERE links <> '[]'",
        "UPDATE xblock_feed SET \"after\" = \"before\" WHERE version_num = 2",
        "DELETE FROM xblock_link",
        "UPDATE xblock_link SET is_direct = 0",
    ] {
        let statement = if server_of(folder).is_some() {
            statement.replace('"', "`").replace("AND after", "AND `after`")
        } else {
            statement.replace("AND after", "AND \"after\"")
        };
        spoil(folder, &[&statement]);
        assert!(damages(false).iter().all(|found| *found == ("feed", false)), "{statement}");
        assert!(!damages(false).is_empty(), "{statement}");
        assert!(damages(true).iter().all(|found| *found == ("feed", true)), "{statement}");
        assert_eq!(damages(false), [], "{statement}");
        assert_eq!(told(&store), before, "{statement}");
    }
}

#[test]
fn wrong_rows_of_the_feed_are_found_and_mended() {
    wrong_rows_of_the_feed(tempfile::tempdir().unwrap().path());
}

#[test]
fn wrong_rows_of_the_feed_are_found_and_mended_on_mariadb() {
    let Some(place) = Place::new() else { return };
    wrong_rows_of_the_feed(place.path());
}
