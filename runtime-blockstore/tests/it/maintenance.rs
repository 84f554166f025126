//! What fsck finds and repairs, what gc sweeps and keeps, and backups that come back.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use runtime_blockstore::{
    Access, Assets, BackupOptions, Blockstore, BlockstoreError, FsckOptions, FsckReport, GcOptions,
    RestoreOptions, Severity, UnusedKind, check_backup, restore, restore_with_assets,
};
use rusqlite::Connection;
use uuid::Uuid;

use crate::fixture::{TickingClock, clock, new_bundle, ticking_store};
use crate::golden::golden;

const REPAIR: FsckOptions = FsckOptions { is_quick: false, repair: true };

fn sweep() -> GcOptions {
    GcOptions { delete: true, grace: Duration::ZERO, deduplicate: false, unknown: false }
}

fn look() -> GcOptions {
    GcOptions { delete: false, ..sweep() }
}

fn check(store: &Blockstore) -> FsckReport {
    store.fsck(FsckOptions::default()).unwrap()
}

fn damages(report: &FsckReport) -> Vec<(&'static str, bool)> {
    let bad = report.findings.iter().filter(|finding| finding.severity == Severity::Damage);
    bad.map(|finding| (finding.code, finding.is_repaired)).collect()
}

fn file_of(folder: &Path, store: &Blockstore, bundle: Uuid, path: &str) -> PathBuf {
    folder.join("storage").join(store.get_bundle_file_storage_path(bundle, path, None).unwrap())
}

/// All that a store says of its bundles.
fn content(store: &Blockstore) -> Vec<String> {
    let mut told = Vec::new();
    for bundle in store.get_bundles(None).unwrap() {
        told.push(format!("{bundle:?}"));
        for version in 1..=bundle.latest_version {
            let data = store.get_bundle_version(bundle.uuid, Some(version)).unwrap().unwrap();
            for path in data.files.keys() {
                store.get_bundle_version_file_data(bundle.uuid, version, path).unwrap();
            }
            told.push(format!("{data:?}"));
        }
        for (name, draft) in &bundle.drafts {
            let data = store.get_draft(*draft).unwrap();
            for path in data.files.keys() {
                store.get_bundle_file_data(bundle.uuid, path, Some(name)).unwrap();
            }
            told.push(format!("{data:?}"));
        }
    }
    told
}

/// Every file of a store's storage.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn a_store_of_the_app_is_sound_and_all_of_it_in_use() {
    let Some(golden) = golden() else { return };
    let store = Blockstore::open(&golden, Access::ReadOnly, clock()).unwrap();
    let report = check(&store);
    assert!(report.findings.is_sound(), "{:?}", report.findings);
    assert_eq!((report.bundles, report.versions, report.drafts), (3, 7, 4));
    let codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["stale_draft"]);
    let unused = store.gc(&look()).unwrap();
    assert_eq!(unused.unused, []);
    assert_eq!(unused.left_alone, Vec::<String>::new());
    let stats = store.stats().unwrap();
    assert_eq!((stats.collections, stats.bundles, stats.versions, stats.drafts), (2, 3, 7, 4));
    assert_eq!((stats.snapshots, stats.unused_files), (7, 0));
    assert!(matches!(store.gc(&sweep()), Err(BlockstoreError::ReadOnly)));
    assert!(matches!(store.fsck(REPAIR), Err(BlockstoreError::ReadOnly)));
}

#[test]
fn damaged_data_is_found_and_repaired_from_a_copy() {
    let (store, folder) = ticking_store();
    let (tides, _) = new_bundle(&store, "tides", &[("a", "same"), ("b", "only here")]);
    new_bundle(&store, "media", &[("copy.txt", "same")]);
    let (a, b) = (file_of(folder.path(), &store, tides, "a"), file_of(folder.path(), &store, tides, "b"));
    fs::write(&a, "SAME").unwrap();
    fs::remove_file(&b).unwrap();
    let quick = store.fsck(FsckOptions { is_quick: true, repair: false }).unwrap();
    assert_eq!(damages(&quick), [("data", false)], "a quick check reads nothing");
    let report = check(&store);
    assert_eq!(damages(&report), [("data", false), ("data", false)]);
    assert!(report.findings[0].repair.is_some() && report.findings[1].repair.is_none());
    assert_eq!(fs::read_to_string(&a).unwrap(), "SAME", "looking changes nothing");
    assert_eq!(damages(&store.fsck(REPAIR).unwrap()), [("data", true), ("data", false)]);
    assert_eq!(store.get_bundle_file_data(tides, "a", None).unwrap(), b"same");
    assert_eq!(damages(&check(&store)), [("data", false)]);
}

#[test]
fn damaged_documents_and_links_are_found() {
    let (store, folder) = ticking_store();
    let (media, _) = new_bundle(&store, "media", &[("m", "1")]);
    let (tides, draft) = new_bundle(&store, "tides", &[("a", "a")]);
    store.set_draft_link(draft, "media", Some((media, 1))).unwrap();
    store.commit_draft(draft).unwrap();
    store.write_draft_file(draft, "staged", Some(b"staged")).unwrap();
    let storage = folder.path().join("storage");
    fs::write(storage.join(draft.to_string()).join("data/staged"), "other").unwrap();
    let snapshots = files(&storage.join(media.to_string()).join("snapshots"));
    fs::write(&snapshots[0], "{\"_type\": \"snapshot\"").unwrap();
    let db = Connection::open(folder.path().join("db.sqlite3")).unwrap();
    db.execute("UPDATE bundles_bundleversion SET version_num = 5 WHERE version_num = 2", []).unwrap();
    drop(store);
    let store = Blockstore::open(folder.path(), Access::ReadWrite, clock()).unwrap();
    let report = check(&store);
    let mut codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes, ["draft_base", "gap", "snapshot", "staged", "version_lost"]);
    fs::remove_file(&snapshots[0]).unwrap();
    assert!(check(&store).findings.iter().any(|finding| finding.code == "link"));
    // What nobody can read may lead anywhere: gc leaves such bundles alone.
    let orphan = storage.join(media.to_string()).join("snapshot_data").join("0".repeat(40));
    fs::write(&orphan, "x").unwrap();
    assert!(!store.gc(&sweep()).unwrap().left_alone.is_empty());
    assert!(orphan.is_file());
    assert!(store.get_bundle(tides).is_ok());
}

#[test]
fn folders_of_staged_files_stay_until_they_are_swept() {
    let (store, folder) = ticking_store();
    let files_of = [("html/one/definition.xml", "1"), ("html/two/static/deep/b", "2"), ("c", "3")];
    let (bundle, draft) = new_bundle(&store, "tides", &files_of);
    let data = folder.path().join("storage").join(draft.to_string()).join("data");
    assert_eq!(files(&data), Vec::<PathBuf>::new());
    assert!(data.join("html/two/static/deep").is_dir(), "as with the app");
    store.write_draft_file(draft, "html/one/definition.xml", Some(b"4")).unwrap();
    assert_eq!(store.gc(&GcOptions { delete: true, ..GcOptions::default() }).unwrap().empty_folders, 0);
    // `two` and the two in it; what is staged keeps its folders.
    assert_eq!(store.gc(&look()).unwrap().empty_folders, 3);
    assert!(data.join("html/two/static/deep").is_dir(), "a look changes nothing");
    assert_eq!(store.gc(&sweep()).unwrap().empty_folders, 3);
    assert!(!data.join("html/two").exists());
    store.commit_draft(draft).unwrap();
    assert_eq!(store.gc(&sweep()).unwrap().empty_folders, 3);
    assert!(!data.exists());
    // A file may stand where a folder was, and the other way round.
    store.write_draft_file(draft, "d/e/f", Some(b"5")).unwrap();
    store.commit_draft(draft).unwrap();
    store.write_draft_files(draft, &[("d/e/f", None), ("d/e", Some(&b"6"[..]))].into()).unwrap();
    store.commit_draft(draft).unwrap();
    store.write_draft_files(draft, &[("d/e", None), ("d/e/f/g", Some(&b"7"[..]))].into()).unwrap();
    store.commit_draft(draft).unwrap();
    assert_eq!(store.get_bundle_file_data(bundle, "d/e/f/g", None).unwrap(), b"7");
    assert!(check(&store).findings.is_sound());
}

#[test]
fn what_nothing_leads_to_is_swept_and_the_rest_stays() {
    let (store, folder) = ticking_store();
    let (media, media_draft) = new_bundle(&store, "media", &[("m", "media")]);
    let (gone, _) = new_bundle(&store, "gone", &[("g", "gone"), ("h", "not linked to")]);
    let (tides, draft) = new_bundle(&store, "tides", &[("a", "1")]);
    store.set_draft_link(draft, "gone", Some((gone, 1))).unwrap();
    store.write_draft_file(draft, "a", Some(b"2")).unwrap();
    store.commit_draft(draft).unwrap();
    store.write_draft_file(draft, "a", Some(b"3")).unwrap();
    let storage = folder.path().join("storage");
    let before = content(&store);
    assert_eq!(store.gc(&look()).unwrap().unused, []);

    // A version that was never linked to, of a bundle that is deleted; leftovers of crashes.
    let lost = new_bundle(&store, "lost", &[("l", "lost")]).0;
    for bundle in [gone, lost] {
        store.delete_bundle(bundle).unwrap();
    }
    let data = storage.join(tides.to_string()).join("snapshot_data");
    fs::write(data.join("1".repeat(40)), "orphan").unwrap();
    fs::write(data.join(".incoming-x"), "unfinished").unwrap();
    fs::write(
        storage.join(tides.to_string()).join("snapshots").join(format!("{}.json", "2".repeat(40))),
        "{}",
    )
    .unwrap();
    let ours = storage.join(media_draft.to_string());
    fs::create_dir_all(ours.join("data")).unwrap();
    fs::write(ours.join("data/never"), "staged").unwrap();
    fs::write(ours.join(format!("upload-{}", Uuid::new_v4())), "half").unwrap();

    let young = store.gc(&GcOptions { delete: true, ..GcOptions::default() }).unwrap();
    assert_eq!(young.unused, []);
    assert!(young.too_young > 5);
    let all = files(&storage);
    let seen = store.gc(&look()).unwrap();
    let told = check(&store).findings.iter().filter(|finding| finding.code == "orphan").count();
    assert_eq!(told, 6, "each kind once");
    assert_eq!(files(&storage), all, "a look changes nothing");
    assert!(seen.unused.iter().all(|unused| !unused.proof.is_empty()));
    let kinds: std::collections::BTreeSet<_> = seen.unused.iter().map(|unused| unused.kind).collect();
    use UnusedKind::{Data, DeletedBundle, DeletedDraft, NotStaged, Snapshot, Unfinished};
    assert_eq!(kinds, [Snapshot, Data, DeletedBundle, DeletedDraft, NotStaged, Unfinished].into());
    let swept = store.gc(&sweep()).unwrap();
    assert_eq!(swept.unused, seen.unused);
    assert_eq!(files(&storage).len(), all.len() - seen.unused.len());
    assert!(!storage.join(lost.to_string()).exists());
    // What a version links to is kept, though its bundle is deleted.
    assert!(storage.join(gone.to_string()).exists());
    assert_eq!(store.gc(&look()).unwrap().unused, []);
    let after = content(&store);
    assert!(after.iter().all(|line| before.contains(line)));
    assert!(check(&store).findings.is_sound());
    assert!(store.get_bundle(media).is_ok());
}

#[test]
fn equal_files_of_several_bundles_become_one() {
    let (store, folder) = ticking_store();
    let big = "x".repeat(10_000);
    let (one, _) = new_bundle(&store, "one", &[("a.txt", &big)]);
    let (two, _) = new_bundle(&store, "two", &[("b.txt", &big)]);
    assert_eq!(store.stats().unwrap().duplicated_bytes, 10_000);
    let options = GcOptions { deduplicate: true, ..sweep() };
    assert_eq!(store.gc(&GcOptions { delete: false, ..options.clone() }).unwrap().deduplicated_bytes, 10_000);
    assert_eq!(store.gc(&options).unwrap().deduplicated_bytes, 10_000);
    assert_eq!(store.gc(&options).unwrap().deduplicated_bytes, 0);
    assert_eq!(store.stats().unwrap().duplicated_bytes, 0);
    fs::remove_file(file_of(folder.path(), &store, one, "a.txt")).unwrap();
    assert_eq!(store.get_bundle_file_data(two, "b.txt", None).unwrap(), big.as_bytes());
}

#[test]
fn a_backup_grows_by_what_is_new_and_comes_back() {
    let (store, folder) = ticking_store();
    let (media, _) = new_bundle(&store, "media", &[("m", "media")]);
    let (tides, draft) = new_bundle(&store, "tides", &[("a", "1"), ("film.mp4", &"f".repeat(100_000))]);
    store.set_draft_link(draft, "media", Some((media, 1))).unwrap();
    store.commit_draft(draft).unwrap();
    store.write_draft_file(draft, "a", Some(b"staged")).unwrap();
    let first_state = content(&store);
    let backups = tempfile::tempdir().unwrap();
    let first = store.backup(backups.path(), BackupOptions::default()).unwrap();
    assert_eq!(first.damaged, Vec::<String>::new());
    assert!(first.copied_bytes > 100_000);
    store.commit_draft(draft).unwrap();
    let second_state = content(&store);
    let second = store.backup(backups.path(), BackupOptions::default()).unwrap();
    assert!(second.copied_bytes < 20_000, "{second:?}");
    assert_eq!(check_backup(backups.path()).unwrap().damaged, Vec::<String>::new());

    let target = tempfile::tempdir().unwrap();
    let to = |name: &str| target.path().join(name);
    let clock = || std::sync::Arc::new(TickingClock::default());
    let opened = |at: &Path| Blockstore::open(at, Access::ReadWrite, clock()).unwrap();
    restore(backups.path(), &to("new"), &RestoreOptions::default(), clock()).unwrap();
    assert_eq!(content(&opened(&to("new"))), second_state);
    assert!(check(&opened(&to("new"))).findings.is_sound());
    let options = RestoreOptions { name: Some(first.name.clone()), ..RestoreOptions::default() };
    restore(backups.path(), &to("old"), &options, clock()).unwrap();
    assert_eq!(content(&opened(&to("old"))), first_state);
    let again = restore(backups.path(), &to("old"), &options, clock());
    assert!(matches!(again, Err(BlockstoreError::AlreadyThere { .. })));
    let nowhere = RestoreOptions { name: Some("nowhere".into()), ..RestoreOptions::default() };
    assert!(matches!(
        restore(backups.path(), &to("x"), &nowhere, clock()),
        Err(BlockstoreError::Missing { .. })
    ));

    // One bundle into a store that has others, and back into its own.
    let one = RestoreOptions { bundle: Some(tides), ..RestoreOptions::default() };
    let taken = restore(backups.path(), folder.path(), &one, clock());
    assert!(matches!(taken, Err(BlockstoreError::AlreadyThere { .. })));
    store.delete_bundle(tides).unwrap();
    store.gc(&sweep()).unwrap();
    restore(backups.path(), folder.path(), &one, clock()).unwrap();
    let sorted = |mut content: Vec<String>| {
        content.sort();
        content
    };
    assert_eq!(sorted(content(&store)), sorted(second_state.clone()));
    let (other, other_folder) = ticking_store();
    new_bundle(&other, "here before", &[("x", "x")]);
    restore(backups.path(), other_folder.path(), &one, clock()).unwrap();
    assert_eq!(other.get_bundle(tides).unwrap().latest_version, 3);
    assert!(check(&other).findings.is_sound(), "{:?}", check(&other).findings);
    assert!(content(&other).iter().filter(|line| second_state.contains(line)).count() >= 4);
    let unknown = RestoreOptions { bundle: Some(Uuid::nil()), ..RestoreOptions::default() };
    assert!(matches!(
        restore(backups.path(), &to("y"), &unknown, clock()),
        Err(BlockstoreError::BundleNotFound { .. })
    ));
    assert!(!to("y").exists(), "no store is made for nothing");
}

#[test]
fn a_backup_of_one_bundle_has_only_that_and_what_it_links_to() {
    let (store, _folder) = ticking_store();
    let (media, media_draft) = new_bundle(&store, "media", &[("m", "1"), ("n", "n")]);
    let (tides, draft) = new_bundle(&store, "tides", &[("a", "1")]);
    new_bundle(&store, "other", &[("o", "o")]);
    store.set_draft_link(draft, "media", Some((media, 1))).unwrap();
    store.commit_draft(draft).unwrap();
    store.write_draft_file(media_draft, "m", Some(b"2")).unwrap();
    store.commit_draft(media_draft).unwrap();
    let backups = tempfile::tempdir().unwrap();
    store.backup(backups.path(), BackupOptions { bundle: Some(tides), is_quick: false }).unwrap();
    let target = tempfile::tempdir().unwrap();
    let clock = std::sync::Arc::new(TickingClock::default());
    restore(backups.path(), target.path(), &RestoreOptions::default(), clock.clone()).unwrap();
    let restored = Blockstore::open(target.path(), Access::ReadWrite, clock).unwrap();
    let bundles = restored.get_bundles(None).unwrap();
    assert_eq!(bundles.iter().map(|bundle| bundle.uuid).collect::<Vec<_>>(), [tides]);
    assert_eq!(restored.get_bundle(tides).unwrap(), store.get_bundle(tides).unwrap());
    let checked = check(&restored);
    assert!(checked.findings.is_sound());
    let of_link = checked.findings.iter().find(|finding| finding.code.starts_with("link")).unwrap();
    assert_eq!(of_link.code, "link_elsewhere");
    assert!(of_link.reason.contains("is not in this store"), "{}", of_link.reason);
    store.delete_bundle(media).unwrap();
    let codes: Vec<_> = check(&store).findings.iter().map(|finding| finding.code).collect();
    assert!(codes.contains(&"link_deleted"), "{codes:?}");
    assert_eq!(restored.get_changes(0, 10).unwrap().len(), 2);
}

#[test]
fn a_damaged_backup_is_noticed_and_not_restored() {
    let (store, folder) = ticking_store();
    let (tides, _) = new_bundle(&store, "tides", &[("a", "content"), ("b", "lost")]);
    let backups = tempfile::tempdir().unwrap();
    // Damage of the store itself is said, and the rest is backed up.
    let lost = file_of(folder.path(), &store, tides, "b");
    fs::write(&lost, "LOST").unwrap();
    let report = store.backup(backups.path(), BackupOptions::default()).unwrap();
    assert_eq!(report.damaged.len(), 1, "{report:?}");
    let a = store.get_bundle_file_storage_path(tides, "a", None).unwrap();
    fs::write(backups.path().join("objects").join(a), "CONTENT").unwrap();
    assert_eq!(check_backup(backups.path()).unwrap().damaged.len(), 1);
    let target = tempfile::tempdir().unwrap();
    let outcome = restore(backups.path(), target.path(), &RestoreOptions::default(), clock());
    assert!(matches!(outcome, Err(BlockstoreError::Corrupt { .. })), "{outcome:?}");
    assert!(!target.path().join("db.sqlite3").exists());
    // The next backup finds it, and copies it anew; one in a hurry looks at sizes only.
    let quick = BackupOptions { is_quick: true, ..BackupOptions::default() };
    assert_eq!(store.backup(backups.path(), quick).unwrap().replaced, Vec::<String>::new());
    assert!(!check_backup(backups.path()).unwrap().damaged.is_empty());
    let again = store.backup(backups.path(), BackupOptions::default()).unwrap();
    assert_eq!(again.replaced.len(), 1, "{again:?}");
    assert_eq!(check_backup(backups.path()).unwrap().damaged, Vec::<String>::new());
    restore(backups.path(), target.path(), &RestoreOptions::default(), clock()).unwrap();
    // A backup that was killed before its manifest was written is none.
    for backup in fs::read_dir(backups.path().join("backups")).unwrap() {
        fs::remove_file(backup.unwrap().path().join("manifest.json")).unwrap();
    }
    assert!(matches!(check_backup(backups.path()), Err(BlockstoreError::Missing { .. })));
}

#[test]
fn an_incomplete_backup_says_so_for_ever_and_a_whole_one_is_restored() {
    let (store, folder) = ticking_store();
    let (media, _) = new_bundle(&store, "media", &[("m", "media")]);
    let (_, draft) = new_bundle(&store, "tides", &[("a", "content")]);
    store.set_draft_link(draft, "media", Some((media, 1))).unwrap();
    store.commit_draft(draft).unwrap();
    let backups = tempfile::tempdir().unwrap();
    let back_up = || store.backup(backups.path(), BackupOptions::default()).unwrap();
    let whole = back_up();
    let storage = folder.path().join("storage");
    let snapshots = storage.join(media.to_string()).join("snapshots");
    for lost in [storage.join(draft.to_string()).join("summary.json"), files(&snapshots)[0].clone()] {
        let kept = fs::read(&lost).unwrap();
        fs::remove_file(&lost).unwrap();
        let lacking = back_up();
        assert!(!lacking.damaged.is_empty());
        let checked = check_backup(backups.path()).unwrap();
        assert_eq!(checked.damaged, Vec::<String>::new());
        let last = checked.incomplete.last().unwrap();
        assert_eq!((&last.name, &last.damaged), (&lacking.name, &lacking.damaged));
        assert!(!checked.is_whole());
        let target = tempfile::tempdir().unwrap();
        let restored = restore(backups.path(), target.path(), &RestoreOptions::default(), clock()).unwrap();
        assert_eq!((&restored.name, &restored.damaged), (&whole.name, &vec![]));
        assert_eq!(restored.passed_over[0].name, lacking.name);
        // One that is asked for by its name comes with what it lacks.
        let target = tempfile::tempdir().unwrap();
        let named = RestoreOptions { name: Some(lacking.name.clone()), ..RestoreOptions::default() };
        let restored = restore(backups.path(), target.path(), &named, clock()).unwrap();
        assert_eq!((restored.name, restored.damaged), (lacking.name, lacking.damaged));
        fs::write(&lost, kept).unwrap();
    }
    let mended = back_up();
    let target = tempfile::tempdir().unwrap();
    let restored = restore(backups.path(), target.path(), &RestoreOptions::default(), clock()).unwrap();
    assert_eq!((restored.name, restored.passed_over), (mended.name, vec![]));
    // The snapshot that is lacking is named of a bundle alone that links to it, too.
    fs::remove_file(files(&snapshots)[0].clone()).unwrap();
    let tides = store.get_bundles(None).unwrap().into_iter().find(|bundle| bundle.uuid != media).unwrap();
    let one = BackupOptions { bundle: Some(tides.uuid), ..BackupOptions::default() };
    assert_eq!(store.backup(backups.path(), one).unwrap().damaged.len(), 1);
}

#[test]
fn no_store_is_made_where_another_has_its_files_and_none_sweeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let shared = Assets::Folder(at("files"));
    let clock = || std::sync::Arc::new(TickingClock::default());
    let open = |name: &str, assets: &Assets| {
        Blockstore::open_with_assets(&at(name), assets, Access::ReadWrite, clock())
    };
    let store = open("one", &shared).unwrap();
    let (tides, draft) = new_bundle(&store, "tides", &[("a", "1")]);
    let backups = at("backups");
    store.backup(&backups, BackupOptions::default()).unwrap();
    store.write_draft_file(draft, "a", Some(b"2")).unwrap();
    store.commit_draft(draft).unwrap();
    let before = content(&store);
    fn taken<T>(outcome: Result<T, BlockstoreError>) -> bool {
        matches!(outcome, Err(BlockstoreError::StorageTaken { .. }))
    }

    assert!(taken(open("two", &shared)));
    let restored =
        |options: &RestoreOptions| restore_with_assets(&backups, &at("two"), &shared, options, clock());
    let one = RestoreOptions { bundle: Some(tides), ..RestoreOptions::default() };
    assert!(taken(restored(&RestoreOptions::default())) && taken(restored(&one)));
    assert!(!at("two").exists(), "nothing is made");
    // An empty file is as new as none, and stays empty.
    fs::create_dir(at("nothing")).unwrap();
    fs::write(at("nothing/db.sqlite3"), "").unwrap();
    assert!(taken(open("nothing", &shared)));
    assert_eq!(fs::metadata(at("nothing/db.sqlite3")).unwrap().len(), 0);
    // A database of the app without rows is as new as none.
    fs::create_dir(at("app")).unwrap();
    open("empty", &Assets::BesideDatabase).unwrap();
    fs::copy(at("empty/db.sqlite3"), at("app/db.sqlite3")).unwrap();
    let db = Connection::open(at("app/db.sqlite3")).unwrap();
    db.execute_batch("DROP TABLE xblock_form").unwrap();
    assert!(taken(open("app", &shared)));

    // A store that shares the place all the same, as earlier versions allowed, leaves alone what it does not know.
    let other = open("other", &Assets::Folder(at("others"))).unwrap();
    let (known, _) = new_bundle(&other, "known", &[("k", "k")]);
    other.delete_bundle(known).unwrap();
    drop(other);
    crate::fixture::copy_folder(&at("others"), &at("files"));
    let other = open("other", &shared).unwrap();
    let swept = other.gc(&sweep()).unwrap();
    assert!(
        swept.unknown.contains(&tides.to_string()) && swept.unknown.contains(&draft.to_string()),
        "{swept:?}"
    );
    assert!(swept.unused.iter().any(|unused| unused.key.starts_with(&known.to_string())));
    assert!(check(&other).findings.iter().any(|finding| finding.code == "unknown_bundle"));
    assert_eq!(content(&store), before);
    assert!(taken(restore_with_assets(&backups, &at("other"), &shared, &one, clock())));

    // Whoever says that the files are its own may have them: the database is lost, the files are there.
    drop(store);
    fs::remove_dir_all(at("one")).unwrap();
    restored(&RestoreOptions { take_over: true, ..RestoreOptions::default() }).unwrap();
    let store = open("two", &shared).unwrap();
    assert_eq!(store.get_bundle_file_data(tides, "a", None).unwrap(), b"1");
    let all = other.gc(&GcOptions { unknown: true, ..look() }).unwrap();
    assert!(all.unknown.is_empty() && !all.unused.is_empty());
}

#[test]
fn a_restore_that_fails_leaves_nothing() {
    let (store, _folder) = ticking_store();
    let (tides, _) = new_bundle(&store, "tides", &[("a", "content"), ("b", "more")]);
    let backups = tempfile::tempdir().unwrap();
    store.backup(backups.path(), BackupOptions::default()).unwrap();
    let b = store.get_bundle_file_storage_path(tides, "b", None).unwrap();
    fs::write(backups.path().join("objects").join(b), "MORE").unwrap();
    let target = tempfile::tempdir().unwrap();
    let (new, old) = (target.path().join("far/new"), target.path().join("old"));
    fs::create_dir(&old).unwrap();
    let alone = RestoreOptions { bundle: Some(tides), ..RestoreOptions::default() };
    for options in [RestoreOptions::default(), alone.clone()] {
        for place in [&new, &old] {
            let outcome = restore(backups.path(), place, &options, clock());
            assert!(matches!(outcome, Err(BlockstoreError::Corrupt { .. })), "{outcome:?}");
        }
    }
    assert_eq!(files(target.path()), Vec::<PathBuf>::new());
    assert!(!target.path().join("far").exists() && !old.join("storage").exists() && old.exists());
    // A store that was there stays.
    drop(Blockstore::open(&old, Access::ReadWrite, clock()).unwrap());
    assert!(restore(backups.path(), &old, &alone, clock()).is_err());
    assert!(old.join("db.sqlite3").exists() && old.join("storage").exists());
}

#[test]
fn a_store_that_is_open_for_reading_is_backed_up_and_stays_as_it_is() {
    let Some(golden) = crate::golden::golden() else { return };
    let folder = tempfile::tempdir().unwrap();
    crate::fixture::copy_folder(&golden, folder.path());
    let before = fs::read(folder.path().join("db.sqlite3")).unwrap();
    let reader = Blockstore::open(folder.path(), Access::ReadOnly, clock()).unwrap();
    assert!(!reader.has_own_tables().unwrap());
    let backups = tempfile::tempdir().unwrap();
    reader.backup(backups.path(), BackupOptions::default()).unwrap();
    assert!(fs::read(folder.path().join("db.sqlite3")).unwrap() == before);
    let target = tempfile::tempdir().unwrap();
    restore(backups.path(), target.path(), &RestoreOptions::default(), clock()).unwrap();
    let restored = Blockstore::open(target.path(), Access::ReadWrite, clock()).unwrap();
    assert_eq!(restored.get_bundles(None).unwrap(), reader.get_bundles(None).unwrap());
}

#[test]
fn a_snapshot_that_is_written_otherwise_is_remarked() {
    let (store, folder) = ticking_store();
    let (bundle, _) = new_bundle(&store, "tides", &[("a", "1")]);
    drop(store);
    let snapshot = files(&folder.path().join("storage").join(bundle.to_string()).join("snapshots")).remove(0);
    let text = fs::read_to_string(&snapshot).unwrap();
    let without_links = text.replace(",\n  \"links\": {}", "");
    assert_ne!(without_links, text);
    for (text, codes) in [
        (text.clone(), vec![]),
        (without_links, vec![]),
        (text.clone() + "\n", vec!["snapshot_form"]),
        (text.replace("\"snapshot\"", "\"draft\""), vec!["snapshot_form"]),
        (text.replacen('{', "{\n  \"more\": 1,", 1), vec!["snapshot_form"]),
    ] {
        fs::write(&snapshot, &text).unwrap();
        let store = Blockstore::open(folder.path(), Access::ReadOnly, clock()).unwrap();
        let report = check(&store);
        assert!(report.findings.is_sound());
        let found: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(found, codes, "{text}");
    }
}

#[test]
fn members_of_a_draft_that_nobody_knows_stay() {
    let (store, folder) = ticking_store();
    let (bundle, draft) = new_bundle(&store, "tides", &[("a", "1")]);
    store.write_draft_file(draft, "b", Some(b"2")).unwrap();
    drop(store);
    let document = folder.path().join("storage").join(draft.to_string()).join("summary.json");
    let text = fs::read_to_string(&document).unwrap();
    let more = "\"locked_by\": {\n    \"b\": 1,\n    \"a\": [\n      \"\\u00e9\"\n    ]\n  }";
    let sorted = more.replace("\"b\": 1,\n    ", "").replace("]\n", "],\n    \"b\": 1\n");
    let given = text.replace("\"name\"", &format!("{sorted},\n  \"name\""));
    fs::write(&document, &given).unwrap();
    let store = Blockstore::open(folder.path(), Access::ReadWrite, clock()).unwrap();
    store.write_draft_file(draft, "c", Some(b"3")).unwrap();
    assert!(fs::read_to_string(&document).unwrap().contains(&sorted), "{given}");
    store.commit_draft(draft).unwrap();
    let after = fs::read_to_string(&document).unwrap();
    assert!(after.contains(&sorted) && after.find("locked_by") < after.find("\"name\""), "{after}");
    assert_eq!(store.get_bundle_file_data(bundle, "c", None).unwrap(), b"3");
    assert!(check(&store).findings.is_sound());
}
