//! Rows and documents that say nothing that can be read: they are named, and everything else is checked, counted and backed up.

use std::fs;
use std::time::Duration;

use runtime_blockstore::{
    Access, BackupOptions, Blockstore, FsckOptions, FsckReport, GcOptions, RestoreOptions, Severity, restore,
};
use rusqlite::Connection;
use xblock_core::runtime::{Base, BlockData, Cursor, Edit, Runtime, RuntimeError};
use xblock_testkit::fixture::{context, other_context, published_course, small_course};

use crate::fixture::{clock, new_bundle, new_store, open, ticking_store};

fn damages(report: &FsckReport) -> Vec<(&'static str, String)> {
    let bad = report.findings.iter().filter(|finding| finding.severity == Severity::Damage);
    bad.map(|finding| (finding.code, format!("{}: {}", finding.place, finding.reason))).collect()
}

#[test]
fn one_bad_row_is_named_and_the_rest_is_checked() {
    // Statement, table and column, whether the bundle is known by it, and how many versions and drafts are left of two bundles.
    let cases = [
        (
            "UPDATE bundles_bundleversion SET snapshot_digest = 'xyz' WHERE bundle_id = 1",
            "bundles_bundleversion, row 1",
            "snapshot_digest",
            true,
        ),
        ("UPDATE bundles_bundle SET uuid = 'zzz' WHERE id = 1", "bundles_bundle, row 1", "uuid", false),
        ("UPDATE bundles_draft SET uuid = '../..' WHERE bundle_id = 1", "bundles_draft, row 1", "uuid", true),
        ("UPDATE bundles_collection SET uuid = '' WHERE id = 1", "bundles_collection, row 1", "uuid", false),
    ];
    for (statement, place, column, names_bundle) in cases {
        let (store, folder) = ticking_store();
        let (bad, draft) = new_bundle(&store, "bad", &[("a", "1")]);
        store.write_draft_file(draft, "a", Some(b"staged")).unwrap();
        let (good, _) = new_bundle(&store, "good", &[("b", "2")]);
        let lost = store.get_bundle_file_storage_path(good, "b", None).unwrap();
        drop(store);
        let db = Connection::open(folder.path().join("db.sqlite3")).unwrap();
        assert_eq!(db.execute(statement, []).unwrap(), 1, "{statement}");
        drop(db);
        let storage = folder.path().join("storage");
        let store = Blockstore::open(folder.path(), Access::ReadOnly, clock()).unwrap();
        let report = store.fsck(FsckOptions::default()).unwrap();
        let [(code, told)] = &damages(&report)[..] else { panic!("{statement}: {:?}", report.findings) };
        assert_eq!(*code, "row");
        assert!(told.starts_with(place) && told.contains(column), "{told}");
        assert_eq!(told.contains(&bad.to_string()), names_bundle, "{told}");
        let stats = store.stats().unwrap();
        assert_eq!(stats.unreadable_rows.len(), 1, "{stats:?}");
        let backups = tempfile::tempdir().unwrap();
        let report = store.backup(backups.path(), BackupOptions::default()).unwrap();
        assert_eq!(report.damaged.len(), 1, "{report:?}");
        assert!(report.damaged[0].starts_with(place), "{report:?}");
        // What the row led to may be what nobody knows.
        let options = GcOptions { grace: Duration::ZERO, unknown: true, ..GcOptions::default() };
        let unused = store.gc(&options).unwrap();
        assert_eq!(unused.unused, [], "{statement}");
        let target = tempfile::tempdir().unwrap();
        let alone = RestoreOptions { bundle: Some(good), ..RestoreOptions::default() };
        restore(backups.path(), target.path(), &alone, clock()).unwrap();
        let restored = Blockstore::open(target.path(), Access::ReadWrite, clock()).unwrap();
        assert_eq!(restored.get_bundle_file_data(good, "b", None).unwrap(), b"2");
        // Other damage is found beside it.
        fs::remove_file(storage.join(lost)).unwrap();
        assert_eq!(damages(&store.fsck(FsckOptions::default()).unwrap()).len(), 2);
    }
}

#[test]
fn a_bad_row_stops_only_what_needs_it() {
    // Statement, the table and column an error names, and whether the context itself needs the row to be read.
    let cases = [
        (
            "UPDATE bundles_bundleversion SET snapshot_digest = 'xyz' WHERE bundle_id = 1",
            "bundles_bundleversion",
            "snapshot_digest",
            true,
        ),
        ("UPDATE bundles_bundle SET uuid = 'zzz' WHERE id = 1", "bundles_bundle", "uuid", true),
        ("UPDATE bundles_draft SET uuid = '../..' WHERE bundle_id = 1", "bundles_draft", "uuid", true),
        ("UPDATE bundles_collection SET uuid = '' WHERE id = 1", "bundles_collection", "uuid", false),
        ("INSERT INTO xblock_handover VALUES ('../..', 'x', 'y')", "xblock_handover", "draft", false),
        ("INSERT INTO xblock_garbage VALUES ('../..')", "xblock_garbage", "draft", false),
    ];
    for (statement, table, column, needs_it) in cases {
        for has_index in [true, false] {
            let (runtime, folder) = new_store();
            published_course(&runtime);
            let other = other_context();
            let top = other.make_usage_key("course", "course").unwrap();
            let put =
                |base| Edit::new(other.clone(), base).put(top.clone(), BlockData::default()).publish_all();
            let made = runtime.commit(put(Base::New { root: top.clone() })).unwrap();
            drop(runtime);
            let db = Connection::open(folder.path().join("db.sqlite3")).unwrap();
            assert_eq!(db.execute(statement, []).unwrap(), 1, "{statement}");
            if !has_index {
                db.execute_batch(
                    "DELETE FROM xblock_state; DELETE FROM xblock_usage; DELETE FROM xblock_bundle; \
                     DELETE FROM xblock_feed; DELETE FROM xblock_feed_seen;",
                )
                .unwrap();
            }
            drop(db);
            let runtime = open(folder.path());
            let contexts = runtime.contexts().unwrap();
            assert!(contexts.contains(&other), "{statement}, {contexts:?}");
            let named = BlockData {
                settings: [("display_name".into(), "b".into())].into_iter().collect(),
                ..BlockData::default()
            };
            let base = Base::Version(runtime.context(&other).unwrap().draft.version);
            if has_index {
                assert_eq!(base, Base::Version(made.draft));
            }
            let edit = Edit::new(other.clone(), base).put(top.clone(), named).publish_all();
            runtime.commit(edit).unwrap();
            let read = runtime.context(&context());
            if !needs_it {
                read.unwrap();
            } else if has_index {
                let Err(RuntimeError::Corrupt { place, reason }) = read else {
                    panic!("{statement}: {read:?}")
                };
                let told = format!("{place}: {reason}");
                assert!(told.contains(table) && told.contains(column), "{told}");
            }
            if needs_it && !has_index {
                // Nobody makes it anew while a row that cannot be read may be it.
                let refused = runtime.commit(small_course()).unwrap_err();
                assert!(matches!(refused, RuntimeError::Corrupt { .. }), "{statement}: {refused}");
            }
            let feed = runtime.changes(Cursor(0), 100).unwrap();
            assert!(feed.iter().any(|change| change.context == other), "{statement}");
            let store = runtime.blockstore();
            assert!(!store.get_changes(0, 100).unwrap().is_empty(), "{statement}");
            let report = store.fsck(FsckOptions::default()).unwrap();
            let named = damages(&report)
                .iter()
                .any(|(code, told)| *code == "row" && told.starts_with(table) && told.contains(column));
            assert!(named, "{statement}: {:?}", report.findings);
            let listed = [store.get_bundles(None).map(drop), store.get_collections().map(drop)];
            for error in listed.into_iter().filter_map(Result::err) {
                let told = error.to_string();
                assert!(
                    told.contains(table) && told.contains(", row 1 is") && told.contains(column),
                    "{told}"
                );
            }
        }
    }
}

#[test]
fn one_document_of_a_later_form_is_named_and_the_rest_is_checked() {
    for is_draft in [true, false] {
        let (store, folder) = ticking_store();
        let (bad, draft) = new_bundle(&store, "bad", &[("a", "1")]);
        store.write_draft_file(draft, "a", Some(b"staged")).unwrap();
        let (good, _) = new_bundle(&store, "good", &[("b", "2")]);
        drop(store);
        let storage = folder.path().join("storage");
        let document = match is_draft {
            true => storage.join(draft.to_string()).join("summary.json"),
            false => {
                let snapshots = storage.join(bad.to_string()).join("snapshots");
                fs::read_dir(snapshots).unwrap().next().unwrap().unwrap().path()
            }
        };
        let text = fs::read_to_string(&document).unwrap();
        fs::write(&document, text.replace("\"_version\": 1", "\"_version\": 2")).unwrap();
        let store = Blockstore::open(folder.path(), Access::ReadWrite, clock()).unwrap();
        let report = store.fsck(FsckOptions::default()).unwrap();
        let told = damages(&report);
        assert!(!told.is_empty() && told.iter().all(|(_, told)| told.contains("too new")), "{told:?}");
        let repairs = report.findings.iter().filter(|finding| finding.severity == Severity::Damage);
        for finding in repairs {
            assert!(finding.repair.as_ref().unwrap().contains("newer program"), "{finding:?}");
        }
        let backups = tempfile::tempdir().unwrap();
        let report = store.backup(backups.path(), BackupOptions::default()).unwrap();
        assert!(
            !report.damaged.is_empty() && report.damaged.iter().all(|told| told.contains("too new")),
            "{report:?}"
        );
        assert!(
            !store
                .gc(&GcOptions { grace: Duration::ZERO, ..GcOptions::default() })
                .unwrap()
                .left_alone
                .is_empty()
        );
        let target = tempfile::tempdir().unwrap();
        let alone = RestoreOptions { bundle: Some(good), ..RestoreOptions::default() };
        restore(backups.path(), target.path(), &alone, clock()).unwrap();
    }
}

#[test]
fn what_the_medium_does_not_give_back_is_told_and_is_no_damage() {
    // Linux answers EIO to whoever reads the beginning of this file.
    const BAD_SECTOR: &str = "/proc/self/mem";
    let is_eio = fs::read(BAD_SECTOR).is_err_and(|error| error.raw_os_error() == Some(5));
    if !is_eio {
        eprintln!("SKIPPED: {BAD_SECTOR} gives no EIO here");
        return;
    }
    for what in ["summary", "snapshot", "data", "staged"] {
        let (store, folder) = ticking_store();
        // Empty files, because the size of a file is known without reading it.
        let (bad, draft) = new_bundle(&store, "bad", &[("a", "")]);
        store.write_draft_file(draft, "b", Some(b"")).unwrap();
        let (good, _) = new_bundle(&store, "good", &[("b", "2")]);
        let storage = folder.path().join("storage");
        let first_of = |folder: &str| {
            let entries = fs::read_dir(storage.join(bad.to_string()).join(folder)).unwrap();
            entries.map(|entry| entry.unwrap().path()).next().unwrap()
        };
        let file = match what {
            "summary" => storage.join(draft.to_string()).join("summary.json"),
            "staged" => storage.join(draft.to_string()).join("data/b"),
            "snapshot" => first_of("snapshots"),
            _ => first_of("snapshot_data"),
        };
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink(BAD_SECTOR, &file).unwrap();
        drop(store);
        for repair in [false, true] {
            let store = Blockstore::open(folder.path(), Access::ReadWrite, clock()).unwrap();
            let report = store.fsck(FsckOptions { repair, ..FsckOptions::default() }).unwrap();
            assert_eq!(damages(&report), [], "{what}");
            assert!(report.unread() > 0, "{what}: {:?}", report.findings);
            let said = report.findings.iter().find(|finding| finding.code == "unread").unwrap();
            assert!(said.place.contains(&bad.to_string()) && said.reason.contains("os error 5"), "{said:?}");
            assert_eq!(report.bundles, 2);
        }
        let store = Blockstore::open(folder.path(), Access::ReadWrite, clock()).unwrap();
        let backups = tempfile::tempdir().unwrap();
        let report = store.backup(backups.path(), BackupOptions::default()).unwrap();
        // What is staged is among the data files of the bundle here.
        assert_eq!(report.damaged.is_empty(), what == "staged", "{what}");
        let target = tempfile::tempdir().unwrap();
        let alone = RestoreOptions { bundle: Some(good), ..RestoreOptions::default() };
        restore(backups.path(), target.path(), &alone, clock()).unwrap();
    }
}

#[test]
fn a_version_whose_row_is_gone_is_missed() {
    let (store, folder) = ticking_store();
    let (bundle, draft) = new_bundle(&store, "tides", &[("a", "1")]);
    let (gone, _) = new_bundle(&store, "deleted", &[("a", "1")]);
    store.delete_bundle(gone).unwrap();
    for content in [b"2", b"3"] {
        store.write_draft_file(draft, "a", Some(content)).unwrap();
        store.commit_draft(draft).unwrap();
    }
    assert_eq!(damages(&store.fsck(FsckOptions::default()).unwrap()), []);
    let db = Connection::open(folder.path().join("db.sqlite3")).unwrap();
    db.execute("DELETE FROM bundles_bundleversion WHERE version_num = 3", []).unwrap();
    let report = store.fsck(FsckOptions::default()).unwrap();
    let [(code, told)] = &damages(&report)[..] else { panic!("{:?}", report.findings) };
    assert_eq!(*code, "version_lost");
    let backups = tempfile::tempdir().unwrap();
    let backup = store.backup(backups.path(), BackupOptions::default()).unwrap();
    let lost = format!("bundle {bundle}, version 3: its row is gone, and the change feed has it");
    assert_eq!(backup.damaged, std::slice::from_ref(&lost));
    let target = tempfile::tempdir().unwrap();
    let restored = restore(backups.path(), target.path(), &RestoreOptions::default(), clock()).unwrap();
    assert_eq!(restored.damaged, [lost]);
    assert!(
        told.starts_with(&format!("bundle {bundle} (tides), version 3: ")) && told.ends_with("is there"),
        "{told}"
    );
}

#[test]
fn a_row_that_cannot_be_read_spoils_no_feed() {
    let (store, folder) = ticking_store();
    let (_, draft) = new_bundle(&store, "tides", &[("a", "1")]);
    for content in [b"2", b"3"] {
        store.write_draft_file(draft, "a", Some(content)).unwrap();
        store.commit_draft(draft).unwrap();
    }
    let feed = store.get_changes(0, 10).unwrap();
    let db = Connection::open(folder.path().join("db.sqlite3")).unwrap();
    let digest: String = db
        .query_row("SELECT snapshot_digest FROM bundles_bundleversion WHERE version_num = 2", [], |row| {
            row.get(0)
        })
        .unwrap();
    let set = |digest: &str| {
        db.execute("UPDATE bundles_bundleversion SET snapshot_digest = ?1 WHERE version_num = 2", [digest])
            .unwrap();
    };
    set("xyz");
    let report = store.fsck(FsckOptions { is_quick: false, repair: true }).unwrap();
    assert_eq!(damages(&report).len(), 1, "{:?}", report.findings);
    set(&digest);
    assert_eq!(store.fsck(FsckOptions::default()).unwrap().findings, []);
    assert_eq!(store.get_changes(0, 10).unwrap(), feed);
}
