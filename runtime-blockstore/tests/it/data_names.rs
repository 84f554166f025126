//! The same bytes under names of several types: each has the data file that a reader in Python looks for.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use runtime_blockstore::{
    Access, BackupOptions, Blockstore, FsckOptions, GcOptions, RestoreOptions, Severity, restore,
};
use uuid::Uuid;
use xblock_testkit::fixture::{commit, edit, published_course, put_asset};

use crate::fixture::{Now, clock, new_bundle, open, store_in, ticking_store};
use crate::mariadb::Place;
use crate::objects::put_in_bucket;

/// Paths of several types and the endings of their data files.
const ENDINGS: [(&str, &str); 5] = [
    ("a/text.txt", ".txt"),
    ("a/style.css", ".css"),
    ("script.js", ".es"),
    ("plain", ""),
    ("sheet.xlsm", "None"),
];

/// The names of the data files of a bundle's latest version, as readers in Python compute them.
fn endings(store: &Blockstore, bundle: Uuid, below: &str) -> Vec<(String, String)> {
    let files = store.get_bundle_files(bundle, None).unwrap();
    let files = files.into_iter().filter(|file| file.path.starts_with(below));
    let ending = |path: String| {
        let place = store.get_bundle_file_storage_path(bundle, &path, None).unwrap();
        let name = place.rsplit_once('/').unwrap().1.to_owned();
        (path, name[40..].to_owned())
    };
    files.map(|file| ending(file.path)).collect()
}

fn expected() -> Vec<(String, String)> {
    let mut all: Vec<_> = ENDINGS.map(|(path, ending)| (path.to_owned(), ending.to_owned())).into();
    all.sort();
    all
}

fn commits_all_names(folder: &Path) {
    let store = store_in(folder, Access::ReadWrite, Arc::new(Now)).unwrap();
    for content in ["", "the same tide"] {
        let (bundle, draft) = new_bundle(&store, "tides", &ENDINGS.map(|(path, _)| (path, content)));
        assert_eq!(endings(&store, bundle, ""), expected(), "{content:?}");
        // And those that a later commit adds.
        store
            .write_draft_files(
                draft,
                &[
                    ("b.svg", Some(content.as_bytes())),
                    ("c.svg", Some(content.as_bytes())),
                    ("d.html", Some(content.as_bytes())),
                ]
                .into(),
            )
            .unwrap();
        store.commit_draft(draft).unwrap();
        assert_eq!(endings(&store, bundle, "b")[0].1, ".svg");
        assert_eq!(endings(&store, bundle, "d")[0].1, ".html");
    }
    let report = store.fsck(FsckOptions::default()).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    drop(store);

    let runtime = open(folder);
    published_course(&runtime);
    let assets = ["a.css", "b.js", "c"];
    commit(&runtime, assets.iter().fold(edit(), |edit, name| edit.with(put_asset(name, b""))).publish_all());
    let store = runtime.blockstore();
    let bundle = store.get_bundles(None).unwrap().last().unwrap().uuid;
    let ending = |name: &str| endings(store, bundle, &format!("static/{name}"))[0].1.clone();
    assert_eq!(assets.map(ending), [".css", ".es", ""]);
}

#[test]
fn equal_files_of_several_types_have_all_their_names() {
    let folder = tempfile::tempdir().unwrap();
    commits_all_names(folder.path());
}

#[test]
fn equal_files_of_several_types_have_all_their_names_on_mariadb_and_s3() {
    let Some(place) = Place::new() else { return };
    if put_in_bucket(place.path()) {
        commits_all_names(place.path());
    }
}

fn data_files(folder: &Path, bundle: Uuid) -> Vec<PathBuf> {
    let data = folder.join("storage").join(bundle.to_string()).join("snapshot_data");
    let mut files: Vec<_> = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn without(files: &[PathBuf], ending: &str) {
    let lost = files.iter().find(|file| file.to_str().unwrap().ends_with(ending)).unwrap();
    fs::remove_file(lost).unwrap();
}

#[test]
fn a_name_that_earlier_releases_left_out_is_found_and_made_again() {
    let (store, folder) = ticking_store();
    let (bundle, draft) = new_bundle(&store, "tides", &ENDINGS.map(|(path, _)| (path, "the same tide")));
    store.write_draft_file(draft, "a/style.css", None).unwrap();
    store.commit_draft(draft).unwrap();
    let whole = data_files(folder.path(), bundle);
    assert_eq!(whole.len(), 5);
    without(&whole, ".css");
    without(&whole, "None");
    // What reads by digest does not miss them; the app would.
    assert_eq!(store.get_bundle_version_file_data(bundle, 1, "a/style.css").unwrap(), b"the same tide");
    for is_quick in [true, false] {
        let report = store.fsck(FsckOptions { is_quick, repair: false }).unwrap();
        let told: Vec<_> = report.findings.iter().map(|f| (f.severity, f.code, f.is_repaired)).collect();
        assert_eq!(told, [(Severity::Damage, "data_name", false); 2], "{:?}", report.findings);
        assert!(report.findings[0].place.contains("version 1, a/style.css"), "{:?}", report.findings);
        assert!(report.findings.iter().all(|finding| finding.repair.is_some()));
    }
    let repaired = store.fsck(FsckOptions { is_quick: false, repair: true }).unwrap();
    assert!(repaired.findings.is_sound() && repaired.findings.len() == 2, "{:?}", repaired.findings);
    assert_eq!(data_files(folder.path(), bundle), whole);
    assert_eq!(store.fsck(FsckOptions::default()).unwrap().findings, []);

    // A damaged one is no source, and the others stay as they are.
    without(&whole, ".css");
    for file in whole.iter().filter(|file| file.is_file()) {
        fs::write(file, "another tide!").unwrap();
    }
    let sound = whole.iter().find(|file| file.to_str().unwrap().ends_with(".es")).unwrap();
    fs::write(sound, "the same tide").unwrap();
    let repaired = store.fsck(FsckOptions { is_quick: false, repair: true }).unwrap();
    assert!(repaired.findings.is_sound() && repaired.findings.len() == 4, "{:?}", repaired.findings);
    assert_eq!(data_files(folder.path(), bundle), whole);
    assert_eq!(store.fsck(FsckOptions::default()).unwrap().findings, []);

    // An old version that becomes the latest again has all its names.
    without(&whole, ".css");
    store.restore_bundle_version(bundle, 1, "").unwrap();
    assert_eq!(endings(&store, bundle, ""), expected());
    assert!(store.fsck(FsckOptions::default()).unwrap().findings.is_sound());
}

#[test]
fn another_table_of_types_is_no_damage() {
    let (store, folder) = ticking_store();
    let (bundle, _) = new_bundle(&store, "tides", &[("a/definition.xml", "<a/>"), ("plain", "<a/>")]);
    let xml = data_files(folder.path(), bundle).into_iter().find(|file| file.extension().is_some()).unwrap();
    for other in [xml.with_extension("xml"), xml.with_extension("heard-of-nowhere")] {
        let now =
            data_files(folder.path(), bundle).into_iter().find(|file| file.extension().is_some()).unwrap();
        fs::rename(now, &other).unwrap();
        assert_eq!(store.fsck(FsckOptions::default()).unwrap().findings, []);
    }
}

#[test]
fn types_that_another_python_guessed_have_the_endings_it_looks_for() {
    let (store, folder) = ticking_store();
    let (bundle, draft) = new_bundle(&store, "tides", &[("first", "1")]);
    store.write_draft_file(draft, "a/definition.xml", Some(b"<a/>")).unwrap();
    drop(store);
    // Without a table of the system, Python guesses another type of the same file.
    let document = folder.path().join("storage").join(draft.to_string()).join("summary.json");
    let text = fs::read_to_string(&document).unwrap();
    fs::write(&document, text.replace("application/xml", "text/xml")).unwrap();
    let store = Blockstore::open(folder.path(), Access::ReadWrite, clock()).unwrap();
    store.commit_draft(draft).unwrap();
    assert_eq!(endings(&store, bundle, "a/")[0].1, ".xml");
    // Earlier releases knew no ending of such types.
    let xml = data_files(folder.path(), bundle).into_iter().find(|file| file.extension().is_some()).unwrap();
    fs::rename(&xml, xml.to_str().unwrap().replace(".xml", "None")).unwrap();
    let told = |report: runtime_blockstore::FsckReport| -> Vec<_> {
        report.findings.iter().map(|f| (f.severity, f.code, f.is_repaired)).collect()
    };
    assert_eq!(told(store.fsck(FsckOptions::default()).unwrap()), [(Severity::Warning, "data_name", false)]);
    let repair = FsckOptions { is_quick: false, repair: true };
    assert_eq!(told(store.fsck(repair).unwrap()), [(Severity::Warning, "data_name", true)]);
    assert_eq!(told(store.fsck(FsckOptions::default()).unwrap()), []);
    assert!(xml.is_file());
}

#[test]
fn sweeps_and_backups_keep_all_names() {
    let (store, folder) = ticking_store();
    let (bundle, _) = new_bundle(&store, "tides", &ENDINGS.map(|(path, _)| (path, "the same tide")));
    let whole = data_files(folder.path(), bundle);
    let options =
        GcOptions { delete: true, grace: Duration::ZERO, deduplicate: true, ..GcOptions::default() };
    let swept = store.gc(&options).unwrap();
    assert_eq!((swept.unused.len(), swept.deduplicated_bytes), (0, 4 * 13));
    assert_eq!(data_files(folder.path(), bundle), whole);
    let backups = tempfile::tempdir().unwrap();
    store.backup(backups.path(), BackupOptions::default()).unwrap();
    for only in [None, Some(bundle)] {
        let target = tempfile::tempdir().unwrap();
        let options = RestoreOptions { bundle: only, ..RestoreOptions::default() };
        restore(backups.path(), target.path(), &options, clock()).unwrap();
        assert_eq!(data_files(target.path(), bundle).len(), whole.len());
        let restored = Blockstore::open(target.path(), Access::ReadWrite, clock()).unwrap();
        assert_eq!(endings(&restored, bundle, ""), expected());
    }
}
