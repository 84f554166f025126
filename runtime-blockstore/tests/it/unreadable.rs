//! Bundles that cannot be read for a while are not taken for what they are not.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use runtime_blockstore::{Access, BlockstoreError, BlockstoreRuntime};
use xblock_core::runtime::{Branch, Finding, Runtime, RuntimeError};
use xblock_testkit::fixture::{
    commit, context, edit, html, other_context, published_course, root, small_course, usage,
};

use crate::fixture::{Now, new_bundle, open, open_to_read, registry, store_in};

fn faults(folder: &Path) -> Vec<runtime_blockstore::IndexFault> {
    let store = store_in(folder, Access::ReadOnly, Arc::new(Now)).unwrap();
    BlockstoreRuntime::check_index(store, registry()).unwrap()
}

fn database(folder: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(folder.join("db.sqlite3")).unwrap()
}

#[test]
fn a_store_whose_storage_is_not_there_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    published_course(&open(folder.path()));
    let (storage, away) = (folder.path().join("storage"), folder.path().join("away"));
    fs::rename(&storage, &away).unwrap();
    for is_mount_point in [false, true] {
        if is_mount_point {
            fs::create_dir(&storage).unwrap();
        }
        let refused = store_in(folder.path(), Access::ReadWrite, Arc::new(Now)).err().unwrap();
        assert!(matches!(refused, BlockstoreError::NoStorage { .. }), "{refused}");
        assert_eq!(storage.exists(), is_mount_point, "nothing is made");
    }
    fs::remove_dir(&storage).unwrap();
    fs::rename(&away, &storage).unwrap();
    assert!(faults(folder.path()).is_empty());
    assert_eq!(open(folder.path()).contexts().unwrap(), [context()]);
}

#[test]
fn a_bundle_that_cannot_be_read_stays_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = open(folder.path());
    published_course(&runtime);
    let (notes, _) = new_bundle(runtime.blockstore(), "notes", &[("notes", "none")]);
    drop(runtime);
    let (storage, away) = (folder.path().join("storage"), folder.path().join("away"));
    // All but the other bundle's files are gone for a while.
    let hide = || {
        fs::create_dir(&away).unwrap();
        for entry in fs::read_dir(&storage).unwrap().map(Result::unwrap) {
            if entry.file_name() != *notes.to_string() {
                fs::rename(entry.path(), away.join(entry.file_name())).unwrap();
            }
        }
    };
    let unhide = || {
        for entry in fs::read_dir(&away).unwrap().map(Result::unwrap) {
            fs::rename(entry.path(), storage.join(entry.file_name())).unwrap();
        }
        fs::remove_dir(&away).unwrap();
    };
    hide();
    let found = faults(folder.path());
    assert_eq!(open(folder.path()).mend_index(found).unwrap(), []);
    unhide();
    assert_eq!(open(folder.path()).contexts().unwrap(), [context()]);
    // Without an index nobody knows what it is, and nobody makes it a second time.
    hide();
    database(folder.path()).execute_batch("DELETE FROM xblock_bundle").unwrap();
    let runtime = open(folder.path());
    assert_eq!(runtime.contexts().unwrap(), []);
    let refused = runtime.commit(small_course()).unwrap_err();
    assert!(matches!(refused, RuntimeError::Corrupt { .. }), "{refused}");
    assert_eq!(faults(folder.path()).len(), 0, "who cannot read finds nothing wrong");
    unhide();
    assert_eq!(open_to_read(folder.path()).unwrap().contexts().unwrap(), [context()]);
    assert_eq!(runtime.contexts().unwrap(), [context()]);
    let again = runtime.commit(small_course()).unwrap_err();
    assert!(matches!(again, RuntimeError::ContextExists { .. }), "{again}");
    assert!(faults(folder.path()).is_empty());
}

#[test]
fn a_damaged_bundle_that_is_another_context_stops_no_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = open(folder.path());
    published_course(&runtime);
    new_bundle(runtime.blockstore(), "notes", &[("notes", "none")]);
    let course = runtime.blockstore().get_bundles(None).unwrap();
    let course = course.iter().find(|bundle| bundle.description == context().to_string()).unwrap().uuid;
    drop(runtime);
    for entry in
        fs::read_dir(folder.path().join("storage").join(course.to_string()).join("snapshots")).unwrap()
    {
        fs::write(entry.unwrap().path(), "{").unwrap();
    }
    database(folder.path()).execute_batch("DELETE FROM xblock_bundle").unwrap();
    let runtime = open(folder.path());
    let root = other_context().make_usage_key(root().block_type(), root().block_id()).unwrap();
    let other = xblock_core::runtime::Edit::new(
        other_context(),
        xblock_core::runtime::Base::New { root: root.clone() },
    );
    runtime.commit(other.put(root, html("other"))).unwrap();
    assert_eq!(runtime.contexts().unwrap(), [other_context()]);
}

#[test]
fn of_two_bundles_that_are_one_context_the_older_is_served_and_both_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = open(folder.path());
    published_course(&runtime);
    let bundles = runtime.blockstore().get_bundles(None).unwrap();
    let first = bundles[0].uuid;
    let says = runtime.blockstore().get_bundle_file_data(first, "context.json", None).unwrap();
    let says = String::from_utf8(says).unwrap();
    let (second, _) = new_bundle(runtime.blockstore(), "again", &[("context.json", &says)]);
    let named = |folder: &Path| {
        let found = faults(folder);
        let findings: Vec<Finding> = found.into_iter().map(Finding::from).collect();
        assert_eq!(findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["context_twice"]);
        let (place, reason) = (&findings[0].place, &findings[0].reason);
        assert!(
            place.contains(&second.to_string()) && reason.contains(&first.to_string()),
            "{place}: {reason}"
        );
    };
    let is_first = || {
        let runtime = open(folder.path());
        assert_eq!(runtime.contexts().unwrap(), [context()]);
        runtime.block(&usage("html", "h1"), Branch::Published).unwrap();
    };
    is_first();
    named(folder.path());
    // An index in which the younger one is the course.
    database(folder.path())
        .execute_batch(
            "CREATE TEMP TABLE was AS SELECT * FROM xblock_bundle WHERE context_key IS NOT NULL;
             UPDATE xblock_bundle SET context_key = NULL, root_type = NULL, root_id = NULL;
             UPDATE xblock_bundle SET (context_key, root_type, root_id) =
                 (SELECT context_key, root_type, root_id FROM was) WHERE bundle_id = 2",
        )
        .unwrap();
    let found = faults(folder.path());
    assert_eq!(found.len(), 3);
    open(folder.path()).mend_index(found).unwrap();
    is_first();
    named(folder.path());
    open(folder.path()).mend_index(faults(folder.path())).unwrap();
    is_first();
    // The index is made by a reader, or again by a writer.
    database(folder.path()).execute_batch("DELETE FROM xblock_bundle").unwrap();
    let reader = open_to_read(folder.path()).unwrap();
    reader.block(&usage("html", "h1"), Branch::Published).unwrap();
    is_first();
    commit(&open(folder.path()), edit().put(usage("html", "h1"), html("new")));
}
