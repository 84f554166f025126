//! Bundles under processes that are killed, and under many writers at once.
//!
//! `BLOCKSTORE_CRASH_ROUNDS` says how many processes are killed (25), `BLOCKSTORE_COMMITS` how many commits each of the eight
//! writers makes (25); the numbers promised are 300 and 200.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runtime_blockstore::{
    Access, BackupOptions, Blockstore, BlockstoreError, CommitExtent, CommitOptions, Digest, FsckOptions,
    GcOptions, OnStale, RestoreOptions, Severity, check_backup, restore,
};
use uuid::Uuid;

use crate::crash::{folder, number_from, spawn};
use crate::fixture::{Now, put_on_server, store_in};
use crate::mariadb::Place;
use crate::objects::put_in_bucket;

const WRITERS: usize = 8;

fn store(folder: &Path, access: Access) -> Result<Blockstore, BlockstoreError> {
    store_in(&folder.join("store"), access, Arc::new(Now))
}

/// Numbers that look random and are the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn bundle_of(store: &Blockstore) -> Uuid {
    match store.get_bundles(None).expect("the bundles").first() {
        Some(bundle) => bundle.uuid,
        None => {
            let collection = store.create_collection("Tides").expect("a collection").uuid;
            store.create_bundle(collection, "tides", "Tides", "").expect("a bundle").uuid
        }
    }
}

/// Writes down that a version was made, where the one who kills can read it.
fn acknowledge(folder: &Path, version: u64, digest: Digest) {
    let mut log = OpenOptions::new().create(true).append(true).open(folder.join("log")).expect("the log");
    // At once, or a kill leaves half a line of what was acknowledged.
    log.write_all(format!("{version} {digest}\n").as_bytes()).expect("a line");
}

#[test]
#[ignore = "runs as another process, for the test below"]
fn works_until_killed() {
    let Some(folder) = folder() else { return };
    let store = store(&folder, Access::ReadWrite).expect("the store opens");
    let bundle = bundle_of(&store);
    let mut random = Random((u64::from(std::process::id()) * 2_654_435_761) | 1);
    for number in 0_u64.. {
        let name = format!("draft{}", random.below(3));
        let draft = store.get_or_create_bundle_draft(bundle, &name).expect("a draft").uuid;
        for _ in 0..=random.below(4) {
            let path = format!("part{}/file{}.txt", random.below(3), random.below(6));
            let content =
                format!("{number} {}", "tide ".repeat(usize::try_from(random.below(5_000)).unwrap()));
            match random.below(5) {
                0 => store.write_draft_file(draft, &path, None).expect("a deletion"),
                1 => drop(store.write_draft_file_from(draft, &path, content.as_bytes()).expect("a stream")),
                _ => store.write_draft_file(draft, &path, Some(content.as_bytes())).expect("a file"),
            }
        }
        let extent = match random.below(3) {
            0 => CommitExtent::Part { paths: [format!("part{}", random.below(3))].into(), links: [].into() },
            _ => CommitExtent::All,
        };
        let options = CommitOptions { on_stale: OnStale::KeepOurs, extent, ..CommitOptions::default() };
        match store.commit_draft_with(draft, &options) {
            Ok(report) => acknowledge(&folder, report.version, report.snapshot_digest),
            Err(
                BlockstoreError::DraftHasNoChangesToCommit { .. }
                | BlockstoreError::BundleFileNotFound { .. },
            ) => {}
            Err(error) => panic!("{error}"),
        }
        match random.below(8) {
            0 => {
                let options =
                    GcOptions { delete: true, grace: Duration::ZERO, deduplicate: false, unknown: false };
                store.gc(&options).expect("a sweep");
            }
            1 => drop(store.backup(&folder.join("backups"), BackupOptions::default()).expect("a backup")),
            2 => store.delete_draft(draft).expect("a deleted draft"),
            3 => {
                let latest = store.get_bundle(bundle).expect("the bundle").latest_version;
                if latest > 1 {
                    let made = store
                        .restore_bundle_version(bundle, 1 + random.below(latest), "")
                        .expect("a version");
                    let digest = store.get_bundle_version(bundle, Some(made)).expect("it").expect("it");
                    acknowledge(&folder, made, digest.snapshot_digest);
                }
            }
            _ => {}
        }
    }
}

/// Says what is damaged in a store.
fn damages(store: &Blockstore) -> Vec<String> {
    let report = store.fsck(FsckOptions::default()).expect("fsck runs");
    let bad = report.findings.iter().filter(|finding| finding.severity != Severity::Note);
    bad.map(|finding| format!("{}: {}: {}", finding.code, finding.place, finding.reason)).collect()
}

/// A folder whose store has its database on a server.
fn on_server() -> Option<Place> {
    let place = Place::new()?;
    fs::create_dir(place.path().join("store")).expect("a folder");
    put_on_server(&place.path().join("store"), &place.mysql.to_string());
    Some(place)
}

#[test]
fn a_process_that_is_killed_loses_nothing_it_acknowledged() {
    killed_processes_lose_nothing(tempfile::tempdir().unwrap().path());
}

#[test]
fn a_process_that_is_killed_loses_nothing_on_mariadb() {
    let Some(place) = on_server() else { return };
    killed_processes_lose_nothing(place.path());
}

/// A folder whose store has its documents and data files in a bucket.
fn in_bucket() -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("store")).expect("a folder");
    put_in_bucket(&folder.path().join("store")).then_some(folder)
}

#[test]
fn a_process_that_is_killed_loses_nothing_on_s3() {
    let Some(folder) = in_bucket() else { return };
    killed_processes_lose_nothing(folder.path());
}

#[test]
fn a_process_that_is_killed_loses_nothing_on_mariadb_and_s3() {
    let Some(place) = on_server() else { return };
    if put_in_bucket(&place.path().join("store")) {
        killed_processes_lose_nothing(place.path());
    }
}

fn killed_processes_lose_nothing(folder: &Path) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let rounds = number_from("BLOCKSTORE_CRASH_ROUNDS", 25);
    let (mut commits, mut round) = (0, 0);
    // On a busy machine processes live longer and longer after the usual rounds, until some commits went through.
    while round < rounds || (round < rounds + 100 && commits <= 5) {
        let longer = round.saturating_sub(rounds) * 50;
        round += 1;
        let mut process = spawn("bundle_crash::works_until_killed", folder);
        std::thread::sleep(Duration::from_millis(30 + random.below(500) + longer));
        process.kill().unwrap();
        process.wait().unwrap();
        // Whoever only reads sees a sound store, before anybody clears up.
        if let Ok(reader) = store(folder, Access::ReadOnly) {
            assert_eq!(damages(&reader), Vec::<String>::new(), "round {round}, before");
        }
        let store = store(folder, Access::ReadWrite).unwrap();
        assert_eq!(damages(&store), Vec::<String>::new(), "round {round}");
        let bundle = bundle_of(&store);
        let versions: BTreeMap<u64, Digest> = store
            .get_bundle_history(bundle)
            .unwrap()
            .into_iter()
            .map(|v| (v.version, v.snapshot_digest))
            .collect();
        assert_eq!(
            versions.keys().copied().collect::<Vec<_>>(),
            (1..=versions.len() as u64).collect::<Vec<_>>()
        );
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        for line in log.lines() {
            let (version, digest) = line.split_once(' ').unwrap();
            let found = versions.get(&version.parse().unwrap()).map(Digest::to_string);
            assert_eq!(found.as_deref(), Some(digest), "round {round}: version {version} was acknowledged");
        }
        commits = versions.len();
        assert_eq!(
            store.get_changes(0, usize::MAX >> 1).unwrap().len(),
            commits,
            "each version is told once"
        );
        match check_backup(&folder.join("backups")) {
            Ok(checked) => assert!(checked.is_whole(), "round {round}: {checked:?}"),
            Err(BlockstoreError::Missing { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert!(commits > 5, "only {commits} commits went through");
    let after = store(folder, Access::ReadWrite).unwrap();
    after.backup(&folder.join("backups"), BackupOptions::default()).unwrap();
    let new = folder.join("new");
    restore(&folder.join("backups"), &new, &RestoreOptions::default(), Arc::new(Now)).unwrap();
    let restored = Blockstore::open(&new, Access::ReadOnly, Arc::new(Now)).unwrap();
    assert_eq!(damages(&restored), Vec::<String>::new());
    // What crashes left behind is all that a sweep finds, and afterwards there is nothing.
    let all = GcOptions { delete: true, grace: Duration::ZERO, deduplicate: false, unknown: false };
    println!("{round} kills, {commits} versions, {} leftovers", after.gc(&all).unwrap().unused.len());
    assert_eq!(after.gc(&all).unwrap().unused, []);
    assert_eq!(damages(&after), Vec::<String>::new());
}

/// One of eight that commit to the same bundle; every version of its has two files that agree.
fn write(store: &Blockstore, bundle: Uuid, writer: usize, commits: u64) -> (u64, u64) {
    let (mut made, mut conflicts) = (0, 0);
    let draft = store.get_or_create_bundle_draft(bundle, &format!("writer{writer}")).expect("a draft").uuid;
    for number in 0..commits {
        let content = format!("{writer} {number}");
        let mut files = BTreeMap::new();
        let (a, b) = (format!("w{writer}/a"), format!("w{writer}/b"));
        files.insert(a.as_str(), Some(content.as_bytes()));
        files.insert(b.as_str(), Some(content.as_bytes()));
        // Every fifth is about a file they all want.
        if number % 5 == 0 {
            files.insert("shared", Some(content.as_bytes()));
        }
        store.write_draft_files(draft, &files).expect("staged files");
        let commit = |on_stale| {
            store.commit_draft_with(draft, &CommitOptions { on_stale, ..CommitOptions::default() })
        };
        match commit(OnStale::Merge) {
            Ok(_) => made += 1,
            Err(BlockstoreError::StaleDraft { files, .. }) => {
                assert_eq!(files, ["shared"]);
                conflicts += 1;
                let report = commit(OnStale::KeepOurs).expect("a commit on purpose");
                assert!(report.conflicting_files.len() <= 1);
                made += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    (made, conflicts)
}

/// Reads versions as long as writers are at work, and looks for mixed ones.
fn read(folder: &Path, bundle: Uuid, stop: &AtomicBool) -> u64 {
    let store = store(folder, Access::ReadOnly).expect("the store opens");
    let mut reads = 0;
    while !stop.load(Ordering::Relaxed) {
        let Some(version) = store.get_bundle_version(bundle, None).expect("the latest version") else {
            continue;
        };
        for writer in 0..WRITERS {
            let hash =
                |file: &str| version.files.get(&format!("w{writer}/{file}")).map(|file| file.hash_digest);
            assert_eq!(hash("a"), hash("b"), "version {} is a mix", version.version);
        }
        for path in version.files.keys() {
            store.get_bundle_version_file_data(bundle, version.version, path).expect("the file");
        }
        reads += 1;
    }
    reads
}

fn all_versions_are_there(store: &Blockstore, bundle: Uuid, made: u64, commits: u64) {
    let history = store.get_bundle_history(bundle).unwrap();
    let numbers: Vec<_> = history.iter().rev().map(|version| version.version).collect();
    assert_eq!(numbers, (1..=made).collect::<Vec<_>>());
    for writer in 0..WRITERS {
        let told = store.get_file_history(bundle, &format!("w{writer}/a")).unwrap();
        let contents: Vec<_> = told
            .iter()
            .rev()
            .map(|revision| {
                let path = format!("w{writer}/a");
                store.get_bundle_version_file_data(bundle, revision.version, &path).unwrap()
            })
            .collect();
        let expected: Vec<_> = (0..commits).map(|number| format!("{writer} {number}").into_bytes()).collect();
        assert_eq!(contents, expected, "writer {writer}");
    }
    assert_eq!(damages(store), Vec::<String>::new());
}

#[test]
fn eight_writers_at_one_bundle_lose_nothing() {
    eight_writers_lose_nothing(tempfile::tempdir().unwrap().path());
}

#[test]
fn eight_writers_at_one_bundle_lose_nothing_on_mariadb() {
    let Some(place) = on_server() else { return };
    eight_writers_lose_nothing(place.path());
}

fn eight_writers_lose_nothing(folder: &Path) {
    let store = store(folder, Access::ReadWrite).unwrap();
    let bundle = bundle_of(&store);
    let commits = number_from("BLOCKSTORE_COMMITS", 25);
    let stop = AtomicBool::new(false);
    let (counts, reads) = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2).map(|_| scope.spawn(|| read(folder, bundle, &stop))).collect();
        let store = &store;
        let writers: Vec<_> =
            (0..WRITERS).map(|writer| scope.spawn(move || write(store, bundle, writer, commits))).collect();
        let counts: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        stop.store(true, Ordering::Relaxed);
        let reads: u64 = readers.into_iter().map(|reader| reader.join().expect("no reader saw a mix")).sum();
        (counts.into_iter().map(|count| count.expect("no writer failed")).collect::<Vec<_>>(), reads)
    });
    let made: u64 = counts.iter().map(|(made, _)| made).sum();
    let conflicts: u64 = counts.iter().map(|(_, conflicts)| conflicts).sum();
    println!("{made} versions, {conflicts} conflicts, {reads} reads");
    assert_eq!(made, WRITERS as u64 * commits);
    assert!(conflicts > 0 && reads > 0);
    all_versions_are_there(&store, bundle, made, commits);
}

#[test]
#[ignore = "runs as another process, for the test below"]
fn writes_half() {
    let Some(folder) = folder() else { return };
    let store = store(&folder, Access::ReadWrite).expect("the store opens");
    let bundle = bundle_of(&store);
    // The first to make the folder takes the first four.
    let first = if fs::create_dir(folder.join("first")).is_ok() { 0 } else { WRITERS / 2 };
    let commits = number_from("BLOCKSTORE_COMMITS", 25);
    std::thread::scope(|scope| {
        for writer in first..first + WRITERS / 2 {
            let store = &store;
            scope.spawn(move || write(store, bundle, writer, commits));
        }
    });
}

#[test]
fn two_processes_at_one_bundle_lose_nothing() {
    two_processes_lose_nothing(tempfile::tempdir().unwrap().path());
}

#[test]
fn two_processes_at_one_bundle_lose_nothing_on_mariadb() {
    let Some(place) = on_server() else { return };
    two_processes_lose_nothing(place.path());
}

fn two_processes_lose_nothing(folder: &Path) {
    let store = store(folder, Access::ReadWrite).unwrap();
    let bundle = bundle_of(&store);
    let processes: Vec<_> = (0..2).map(|_| spawn("bundle_crash::writes_half", folder)).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    let commits = number_from("BLOCKSTORE_COMMITS", 25);
    all_versions_are_there(&store, bundle, WRITERS as u64 * commits, commits);
}
