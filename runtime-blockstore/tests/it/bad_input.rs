//! What cannot be right: each a clear error, and nothing changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use runtime_blockstore::{
    Access, Blockstore, BlockstoreError, BlockstoreRuntime, CommitOptions, PathProblem,
};
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Runtime as _, RuntimeError};

use crate::classes::registry;
use crate::fixture::{clock, new_bundle, ticking_store};

/// The files below a folder with their bytes; SQLite's own scratch files are nobody's state.
fn state(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(state(&path));
        } else if !name.ends_with("-shm") && !name.ends_with("-wal") {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// A closed store with one bundle, and its draft.
fn closed() -> (TempDir, Uuid, Uuid) {
    let (store, folder) = ticking_store();
    let (bundle, draft) = new_bundle(&store, "tides", &[("a", "a"), ("b/c", "c")]);
    store.write_draft_file(draft, "a", Some(b"staged")).unwrap();
    (folder, bundle, draft)
}

fn open(folder: &Path, access: Access) -> Result<Blockstore, BlockstoreError> {
    Blockstore::open(folder, access, clock())
}

/// A database that lacks some of the app's tables is told which, and nothing is made in their place.
#[test]
fn tables_that_are_missing_are_named() {
    let tables = ["bundles_draft", "bundles_bundleversion", "bundles_bundle", "bundles_collection"];
    for many in [1, 2] {
        for start in 0..tables.len() {
            let (folder, ..) = closed();
            let gone: Vec<_> = tables.iter().cycle().skip(start).take(many).collect();
            {
                let db = Connection::open(folder.path().join("db.sqlite3")).unwrap();
                db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
                for table in &gone {
                    db.execute_batch(&format!("DROP TABLE {table}")).unwrap();
                }
            }
            let before = state(folder.path());
            for access in [Access::ReadOnly, Access::ReadWrite] {
                let error = open(folder.path(), access).err().expect("it does not open");
                let said = error.to_string();
                assert!(matches!(error, BlockstoreError::Corrupt { .. }) && said.contains("lacks"), "{said}");
                for table in tables {
                    let (word, is_gone) = (format!("{table} "), gone.contains(&&table));
                    let is_said = said.contains(&word) || said.contains(&format!("{table},"));
                    assert_eq!(is_said, is_gone, "{table}: {said}");
                }
            }
            assert_eq!(state(folder.path()), before);
        }
    }
}

#[test]
fn paths_that_lead_out_are_refused_and_change_nothing() {
    let (folder, bundle, draft) = closed();
    let store = open(folder.path(), Access::ReadWrite).unwrap();
    let before = store.get_draft(draft).unwrap();
    let on_medium = state(folder.path());
    let long = "x".repeat(256);
    let longer = "x/".repeat(251);
    for (path, expected) in [
        ("../outside", PathProblem::DotPart),
        ("a/../../outside", PathProblem::DotPart),
        ("/etc/passwd", PathProblem::EmptyPart),
        ("C:\\outside", PathProblem::Backslash),
        ("..\\outside", PathProblem::Backslash),
        ("nul\0byte", PathProblem::Nul),
        ("", PathProblem::Empty),
        ("b/", PathProblem::EmptyPart),
        (&long, PathProblem::PartTooLong),
        (&longer[..501], PathProblem::TooLong),
        ("b", PathProblem::FileAndFolder),
        ("a/below", PathProblem::FileAndFolder),
    ] {
        for outcome in [
            store.write_draft_file(draft, path, Some(b"x")),
            store.write_draft_file_from(draft, path, &b"x"[..]).map(drop),
        ] {
            match outcome {
                Err(BlockstoreError::InvalidFileName { problem, .. }) => {
                    assert_eq!(problem, expected, "{path:?}")
                }
                other => panic!("{path:?}: {other:?}"),
            }
        }
        // Reading such a path finds nothing, wherever it would lead.
        let read = store.get_bundle_file_data(bundle, path, Some("studio_draft"));
        assert!(matches!(read, Err(BlockstoreError::BundleFileNotFound { .. })), "{path:?}: {read:?}");
    }
    // One bad path among good ones: none of them is staged.
    let files = BTreeMap::from([("good", Some(&b"x"[..])), ("../bad", Some(&b"x"[..]))]);
    assert!(store.write_draft_files(draft, &files).is_err());
    assert_eq!(store.get_draft(draft).unwrap(), before);
    assert_eq!(state(folder.path()), on_medium);
}

#[test]
fn a_draft_that_names_places_outside_is_damage() {
    let (folder, bundle, draft) = closed();
    let summary = folder.path().join(format!("storage/{draft}/summary.json"));
    let text = fs::read_to_string(&summary).unwrap().replace("\"a\": [", "\"../../../outside\": [");
    fs::write(&summary, text).unwrap();
    fs::write(folder.path().join("outside"), "staged").unwrap();
    let store = open(folder.path(), Access::ReadWrite).unwrap();
    let read = store.get_bundle_file_data(bundle, "../../../outside", Some("studio_draft"));
    assert!(matches!(read, Err(BlockstoreError::Corrupt { .. })), "{read:?}");
    let before = state(folder.path());
    assert!(store.commit_draft(draft).is_err());
    assert_eq!(store.get_bundle(bundle).unwrap().latest_version, 1);
    let after = state(folder.path());
    let changed: Vec<_> = before.keys().filter(|path| after.get(*path) != before.get(*path)).collect();
    assert!(changed.iter().all(|path| path.ends_with("db.sqlite3")), "{changed:?}");
}

#[test]
fn documents_that_are_cut_short_or_changed_are_named() {
    for access in [Access::ReadOnly, Access::ReadWrite] {
        let (folder, bundle, draft) = closed();
        let snapshots = folder.path().join(format!("storage/{bundle}/snapshots"));
        let snapshot = fs::read_dir(&snapshots).unwrap().next().unwrap().unwrap().path();
        let whole = fs::read(&snapshot).unwrap();
        let changed = String::from_utf8(whole.clone()).unwrap().replacen("\"a\"", "\"z\"", 1);
        for bytes in [&whole[..whole.len() / 2], b"", b"[]", b"{}", b"\xff\xfe", changed.as_bytes()] {
            fs::write(&snapshot, bytes).unwrap();
            let store = open(folder.path(), access).unwrap();
            let before = state(folder.path());
            let named = |outcome: Result<(), BlockstoreError>| match outcome {
                Err(BlockstoreError::Corrupt { place, .. }) => {
                    assert!(place.contains("snapshots"), "{place}")
                }
                other => panic!("{other:?}"),
            };
            named(store.get_bundle_version(bundle, None).map(drop));
            named(store.get_bundle_file_data(bundle, "b/c", None).map(drop));
            named(store.get_draft(draft).map(drop));
            if access == Access::ReadWrite {
                named(store.commit_draft_with(draft, &CommitOptions::default()).map(drop));
            }
            drop(store);
            let after = state(folder.path());
            let differ: Vec<_> = before.keys().filter(|path| after.get(*path) != before.get(*path)).collect();
            assert!(differ.iter().all(|path| path.ends_with("db.sqlite3")), "{differ:?}");
        }
    }
}

#[test]
fn bytes_with_another_digest_are_not_committed() {
    let (folder, bundle, draft) = closed();
    fs::write(folder.path().join(format!("storage/{draft}/data/a")), "other").unwrap();
    let store = open(folder.path(), Access::ReadWrite).unwrap();
    let before = state(folder.path());
    assert!(matches!(store.commit_draft(draft), Err(BlockstoreError::Corrupt { .. })));
    assert_eq!(store.get_bundle(bundle).unwrap().latest_version, 1);
    assert_eq!(state(folder.path()), before);
    // Staged again it can be.
    store.write_draft_file(draft, "a", Some(b"good")).unwrap();
    assert_eq!(store.commit_draft(draft).unwrap(), 2);
}

#[test]
fn a_newer_schema_is_refused_and_left_as_it_is() {
    for newer in [
        "INSERT INTO django_migrations (app, name, applied) VALUES ('bundles', '0005_later', '2030-01-01')",
        "UPDATE xblock_form SET form = 99",
    ] {
        let (folder, _, _) = closed();
        let db = Connection::open(folder.path().join("db.sqlite3")).unwrap();
        db.execute_batch(newer).unwrap();
        db.pragma_update(None, "journal_mode", "delete").unwrap();
        drop(db);
        let before = state(folder.path());
        for access in [Access::ReadOnly, Access::ReadWrite] {
            match open(folder.path(), access).map(drop) {
                Err(BlockstoreError::NewerForm { place, found }) => {
                    assert!(place.ends_with("db.sqlite3") && !found.is_empty());
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(state(folder.path()), before);
    }
}

#[test]
fn a_newer_form_of_a_document_is_refused() {
    let (folder, bundle, draft) = closed();
    let summary = folder.path().join(format!("storage/{draft}/summary.json"));
    let text = fs::read_to_string(&summary).unwrap().replace("\"_version\": 1", "\"_version\": 2");
    fs::write(&summary, text).unwrap();
    let store = open(folder.path(), Access::ReadWrite).unwrap();
    let before = state(folder.path());
    assert!(matches!(store.get_draft(draft), Err(BlockstoreError::NewerForm { .. })));
    assert!(matches!(store.commit_draft(draft), Err(BlockstoreError::NewerForm { .. })));
    let staged = store.write_draft_file(draft, "a", Some(b"x"));
    assert!(matches!(staged, Err(BlockstoreError::NewerForm { .. })), "{staged:?}");
    assert_eq!(state(folder.path()), before);
    assert_eq!(store.get_bundle_file_data(bundle, "a", None).unwrap(), b"a");
}

#[test]
fn ten_thousand_files_are_one_version() {
    let (store, _folder) = ticking_store();
    let (bundle, draft) = new_bundle(&store, "big", &[("first", "x")]);
    let paths: Vec<String> = (0..10_000).map(|number| format!("html/h{number}/definition.xml")).collect();
    let contents: Vec<String> = (0..10_000).map(|number| format!("<html>{number}</html>")).collect();
    let files: BTreeMap<&str, Option<&[u8]>> = paths
        .iter()
        .zip(&contents)
        .map(|(path, content)| (path.as_str(), Some(content.as_bytes())))
        .collect();
    store.write_draft_files(draft, &files).unwrap();
    assert_eq!(store.commit_draft(draft).unwrap(), 2);
    let version = store.get_bundle_version(bundle, None).unwrap().unwrap();
    assert_eq!(version.files.len(), 10_001);
    for number in [0, 4_711, 9_999] {
        let read = store.get_bundle_version_file_data(bundle, 2, &paths[number]).unwrap();
        assert_eq!(read, contents[number].as_bytes());
    }
    assert!(store.get_draft(draft).unwrap().files.values().all(|file| !file.modified));
    assert_eq!(store.get_changes(1, 10).unwrap()[0].files.len(), 10_000);
}

/// Names that the index has no room for are damage of what has them alone, and are not written; on every database.
#[test]
fn names_that_are_too_long_are_in_nobodys_way() {
    let (id, kind) = ("u".repeat(3000), "t".repeat(900));
    let include = |attributes: &str| format!("<unit><xblock-include {attributes}/></unit>");
    let children = format!(r#"{{"children": [{{"type": "{kind}", "id": "{id}"}}]}}"#).replace('"', "&quot;");
    let context = |key: &str, root: &str| {
        format!(r#"{{"context": "{key}", "root_type": "course", "root_id": "{root}"}}"#)
    };
    let bundles: [&[(&str, String)]; 6] = [
        &[("unit/u/definition.xml", include(&format!(r#"definition="html/a" usage="{id}""#)))],
        &[("unit/u/definition.xml", include(&format!(r#"definition="html/{id}""#)))],
        &[
            ("unit/u/definition.xml", include(&format!(r#"definition="unit/w" usage="{}""#, &id[..1500]))),
            ("unit/w/definition.xml", include(&format!(r#"definition="html/a" usage="{}""#, &id[..600]))),
        ],
        &[("unit/u/definition.xml", format!(r#"<unit xblock-data="{children}"/>"#))],
        &[("context.json", context(&format!("course-v1:O+C+{id}"), "course"))],
        &[("context.json", context("course-v1:O+C+R", &id))],
    ];
    let server = crate::mariadb::Place::new();
    let folder = tempfile::tempdir().unwrap();
    for place in [Some(folder.path()), server.as_ref().map(|place| place.path())].into_iter().flatten() {
        let runtime = crate::fixture::open(place);
        xblock_testkit::fixture::published_course(&runtime);
        let course = xblock_testkit::fixture::context();
        let told = || Branch::ALL.map(|branch| xblock_testkit::fixture::snapshot(&runtime, &course, branch));
        let before = told();
        for (number, files) in bundles.iter().enumerate() {
            let mut files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, &**text)).collect();
            files.push(("html/a/definition.xml", "<html>sound</html>"));
            let (bundle, _) = new_bundle(runtime.blockstore(), "long", &files);
            if files[0].0.starts_with("unit") {
                let key: ContextKey = format!("lib:Harbour:long{number}").parse().unwrap();
                runtime.adopt(&key, bundle).unwrap();
                let sound = key.make_usage_key("html", "a").unwrap();
                assert!(runtime.block(&sound, Branch::Published).is_ok(), "{number}");
                assert!(runtime.usages(&key, Branch::Published).is_ok(), "{number}");
                if number != 2 {
                    let unit = runtime.block(&key.make_usage_key("unit", "u").unwrap(), Branch::Published);
                    assert!(unit.as_ref().is_err_and(RuntimeError::is_damage), "{number}: {unit:?}");
                }
            }
        }
        assert_eq!(told(), before);
        xblock_testkit::fixture::commit(
            &runtime,
            xblock_testkit::fixture::edit()
                .put(xblock_testkit::fixture::usage("html", "h1"), xblock_testkit::fixture::html("later"))
                .publish_all(),
        );
        let reader = || crate::fixture::store_in(place, Access::ReadOnly, clock()).unwrap();
        let faults = BlockstoreRuntime::check_index(reader(), registry()).unwrap();
        assert!(faults.is_empty(), "{faults:?}");
        let found = BlockstoreRuntime::check_contents(reader(), registry()).unwrap();
        for number in [0, 1, 3] {
            let name = format!("lb:Harbour:long{number}:unit:u");
            assert!(
                found.iter().any(|finding| format!("{finding:?}").contains(&name)),
                "{number}: {found:#?}"
            );
        }
        let edit = xblock_testkit::fixture::edit()
            .put(xblock_testkit::fixture::usage("html", &id[..2001]), xblock_testkit::fixture::html("no"));
        let refused = runtime.commit(edit);
        assert!(matches!(refused, Err(RuntimeError::Unstorable { .. })), "{refused:?}");
    }
}
