//! Stores whose documents and data files lie in an object store: a real server of the S3 protocol.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStoreExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use runtime_blockstore::{
    Access, Assets, BackupOptions, Blockstore, BlockstoreError, FsckOptions, GcOptions, PathProblem,
    RestoreOptions, check_backup, restore_with_assets,
};
use tempfile::TempDir;
use uuid::Uuid;
use xblock_testkit::Fresh;

use crate::crash::number_from;
use crate::fixture::{TickingClock, assets_of, new_bundle, open, put_elsewhere, store_in};
use crate::mariadb;
use crate::services::s3;
use crate::streams::peak_memory;

xblock_testkit::runtime_suite!(sqlite_s3, crate::objects::fresh);
xblock_testkit::runtime_suite!(mariadb_s3, crate::objects::fresh_on_mariadb);

/// A bucket's endpoint and who may use it.
pub(crate) struct Bucket<'u> {
    pub(crate) address: &'u str,
    key: &'u str,
    secret: &'u str,
    name: &'u str,
}

/// Takes the URL of the script apart.
pub(crate) fn bucket(url: &str) -> Bucket<'_> {
    let rest = url.strip_prefix("http://").expect("an address");
    let (user, rest) = rest.split_once('@').expect("a user");
    let (key, secret) = user.split_once(':').expect("a secret");
    let (address, name) = rest.split_once('/').expect("a bucket");
    Bucket { address, key, secret, name }
}

/// Puts documents and data files of a folder into the bucket, where nobody else does, reached at an address.
pub(crate) fn put_at(folder: &Path, bucket: &Bucket<'_>, address: &str, more: &[(&str, &str)]) {
    let endpoint = format!("http://{address}");
    let mut options = vec![
        ("aws_endpoint_url", &*endpoint),
        ("aws_allow_http", "true"),
        ("aws_access_key_id", bucket.key),
        ("aws_secret_access_key", bucket.secret),
    ];
    options.extend(more);
    put_elsewhere(folder, &format!("s3://{}/stores/{}", bucket.name, Uuid::new_v4()), &options);
}

/// Puts documents and data files of a folder into the tests' bucket; false where there is none.
pub(crate) fn put_in_bucket(folder: &Path) -> bool {
    let Some(service) = s3() else { return false };
    let bucket = bucket(&service.url);
    put_at(folder, &bucket, bucket.address, &[]);
    true
}

fn bundles(folder: &Path) -> Blockstore {
    store_in(folder, Access::ReadWrite, Arc::new(TickingClock::default())).expect("the store opens")
}

fn new_folder() -> Option<TempDir> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    put_in_bucket(folder.path()).then_some(folder)
}

/// A store for the suite.
pub(crate) fn fresh() -> Option<Fresh> {
    let folder = new_folder()?;
    Some(Fresh::with_guard(open(folder.path()), folder))
}

/// A store for the suite whose database is on a server, too.
pub(crate) fn fresh_on_mariadb() -> Option<Fresh> {
    let place = mariadb::Place::new()?;
    if !put_in_bucket(place.path()) {
        return None;
    }
    Some(Fresh::with_guard(open(place.path()), place))
}

fn new_store() -> Option<(Blockstore, Assets, TempDir)> {
    let folder = new_folder()?;
    Some((bundles(folder.path()), assets_of(folder.path()), folder))
}

#[test]
fn what_is_written_is_read_back_and_lies_in_no_folder() {
    let Some((store, _, folder)) = new_store() else { return };
    let (bundle, draft) = new_bundle(&store, "tides", &[("a.txt", "one"), ("b/c d ü%23+.txt", "two")]);
    store.write_draft_file(draft, "a.txt", Some(b"three")).unwrap();
    assert_eq!(store.get_bundle_file_data(bundle, "a.txt", Some("studio_draft")).unwrap(), b"three");
    assert_eq!(store.get_bundle_file_data(bundle, "a.txt", None).unwrap(), b"one");
    assert_eq!(store.get_bundle_file_data(bundle, "b/c d ü%23+.txt", None).unwrap(), b"two");
    let key = store.get_bundle_file_storage_path(bundle, "a.txt", None).unwrap();
    assert!(key.starts_with(&format!("{bundle}/snapshot_data/")) && key.ends_with(".txt"), "{key}");
    store.commit_draft(draft).unwrap();
    drop(store);
    assert!(!folder.path().join("storage").exists());

    let again = bundles(folder.path());
    assert_eq!(again.get_bundle_file_data(bundle, "a.txt", None).unwrap(), b"three");
    assert_eq!(again.get_bundle_version_file_data(bundle, 1, "a.txt").unwrap(), b"one");
    assert_eq!(again.fsck(FsckOptions::default()).unwrap().findings, []);
    again.delete_draft(draft).unwrap();
    assert!(matches!(again.get_draft(draft), Err(BlockstoreError::DraftNotFound { .. })));
}

#[test]
fn names_no_object_can_have_are_refused() {
    let Some((store, _, _folder)) = new_store() else { return };
    let (_, draft) = new_bundle(&store, "tides", &[("a.txt", "one")]);
    let error = store.write_draft_file(draft, "line\nbreak", Some(b"x")).unwrap_err();
    assert!(
        matches!(error, BlockstoreError::InvalidFileName { problem: PathProblem::ControlCharacter, .. }),
        "{error}"
    );
    assert_eq!(store.get_draft(draft).unwrap().files.len(), 1);
}

/// Bytes that are different everywhere, without keeping them.
struct Counting(u64, u64);

impl std::io::Read for Counting {
    fn read(&mut self, target: &mut [u8]) -> std::io::Result<usize> {
        let length = target.len().min(usize::try_from(self.1 - self.0).unwrap());
        for (at, byte) in target[..length].iter_mut().enumerate() {
            *byte = byte_at(self.0 + at as u64);
        }
        self.0 += length as u64;
        Ok(length)
    }
}

fn byte_at(at: u64) -> u8 {
    (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8
}

#[test]
fn files_come_and_go_in_parts() {
    let Some((store, _, _folder)) = new_store() else { return };
    let (bundle, draft) = new_bundle(&store, "tides", &[("a.txt", "one")]);
    // Nothing, less than a part, a part to the byte, several parts.
    for length in [0, 10, 8 << 20, (20 << 20) + 7] {
        let (size, digest) = store.write_draft_file_from(draft, "film.bin", Counting(0, length)).unwrap();
        assert_eq!(size, length);
        store.commit_draft(draft).unwrap();
        let mut file = store.open_bundle_file(bundle, "film.bin", None).unwrap();
        assert_eq!((file.size(), file.hash_digest()), (length, digest));
        assert_eq!(file.copy_proved(&mut std::io::sink()).unwrap(), length);
        for (start, wanted) in [(0, 3), (length / 2, 100_000), (length.saturating_sub(3), 10), (length, 5)] {
            let bytes = file.read_range(start, wanted).unwrap();
            assert_eq!(bytes.len() as u64, wanted.min(length.saturating_sub(start)));
            assert!(bytes.iter().enumerate().all(|(at, byte)| *byte == byte_at(start + at as u64)));
        }
        file.seek(SeekFrom::End(-length.min(2).cast_signed())).unwrap();
        let mut rest = Vec::new();
        file.read_to_end(&mut rest).unwrap();
        assert_eq!(rest.len() as u64, length.min(2));
    }
}

/// Needs 8 GB on the medium; run with `--ignored`, and alone, since the memory of the whole process is looked at.
#[test]
#[ignore = "sends 2 GB to the object store, three times"]
fn gigabytes_come_and_go_in_little_memory() {
    let size = number_from("BLOCKSTORE_STREAM_MEGABYTES", 2 << 10) << 20;
    let Some((store, _, _folder)) = new_store() else { return };
    let (bundle, draft) = new_bundle(&store, "tides", &[("a.txt", "one")]);
    // The pages of this program, with all tests and what debuggers want to know, are no memory that files take.
    let begun = peak_memory().unwrap_or_default();
    let (sent, digest) = store.write_draft_file_from(draft, "film.bin", Counting(0, size)).unwrap();
    assert_eq!(sent, size);
    if let Some(peak) = peak_memory() {
        println!("peak memory: {} MiB, {} MiB after sending", begun >> 20, peak >> 20);
    }
    store.commit_draft(draft).unwrap();
    let mut file = store.open_bundle_file(bundle, "film.bin", None).unwrap();
    assert_eq!((file.size(), file.hash_digest()), (size, digest));
    assert_eq!(file.read_range(size - 5000, 3).unwrap(), [0, 1, 2].map(|at| byte_at(size - 5000 + at)));
    assert_eq!(file.copy_proved(&mut std::io::sink()).unwrap(), size);
    if let Some(peak) = peak_memory() {
        println!("peak memory: {} MiB", peak >> 20);
        assert!(peak - begun < 64 << 20, "{peak} bytes, {begun} of them before");
    }
}

/// A stream that breaks off.
struct Broken(u64);

impl std::io::Read for Broken {
    fn read(&mut self, target: &mut [u8]) -> std::io::Result<usize> {
        if self.0 == 0 {
            return Err(std::io::Error::other("the camera was unplugged"));
        }
        let length = target.len().min(usize::try_from(self.0).unwrap());
        target[..length].fill(7);
        self.0 -= length as u64;
        Ok(length)
    }
}

#[test]
fn a_stream_that_breaks_off_changes_nothing() {
    let Some((store, _, _folder)) = new_store() else { return };
    let (bundle, draft) = new_bundle(&store, "tides", &[("a.txt", "one")]);
    for length in [10, (17 << 20) + 1] {
        let error = store.write_draft_file_from(draft, "a.txt", Broken(length)).unwrap_err();
        assert!(error.to_string().contains("unplugged"), "{error}");
        assert_eq!(store.get_bundle_file_data(bundle, "a.txt", Some("studio_draft")).unwrap(), b"one");
    }
    let waste = store.gc(&GcOptions { grace: std::time::Duration::ZERO, ..GcOptions::default() }).unwrap();
    assert_eq!(waste.unused, []);
}

#[test]
fn objects_are_swept_backed_up_and_restored() {
    let Some((store, _, _folder)) = new_store() else { return };
    let (bundle, draft) = new_bundle(&store, "tides", &[("a.txt", "one"), ("b.txt", "two")]);
    store.write_draft_file(draft, "a.txt", Some(b"staged")).unwrap();
    let collection = store.get_collections().unwrap()[0].uuid;
    let gone = store.create_bundle(collection, "gone", "gone", "").unwrap().uuid;
    let other = store.get_or_create_bundle_draft(gone, "studio_draft").unwrap().uuid;
    store.write_draft_file(other, "g.txt", Some(b"gone")).unwrap();
    store.commit_draft(other).unwrap();
    store.delete_bundle(gone).unwrap();

    let dry = store.gc(&GcOptions { grace: std::time::Duration::ZERO, ..GcOptions::default() }).unwrap();
    // A snapshot, a data file, and the summary of the draft that went with the bundle.
    assert_eq!(dry.unused.len(), 3, "{:?}", dry.unused);
    let young = store.gc(&GcOptions { delete: true, ..GcOptions::default() }).unwrap();
    assert_eq!((young.unused.len(), young.too_young), (0, 3));
    let stats = store.stats().unwrap();
    // What is staged lies under its digest, too.
    assert_eq!((stats.bundles, stats.data_files, stats.unused_files), (1, 4, 3));
    let swept = store
        .gc(&GcOptions { delete: true, grace: std::time::Duration::ZERO, ..GcOptions::default() })
        .unwrap();
    assert_eq!(swept.unused, dry.unused);
    assert_eq!(store.stats().unwrap().unused_files, 0);

    let backups = tempfile::tempdir().unwrap();
    let report = store.backup(backups.path(), BackupOptions::default()).unwrap();
    assert_eq!(report.damaged, Vec::<String>::new());
    assert_eq!(check_backup(backups.path()).unwrap().damaged, Vec::<String>::new());

    // Into another place of the bucket, and from objects into files.
    let elsewhere = [new_folder().expect("it was there before"), tempfile::tempdir().unwrap()];
    for folder in elsewhere {
        let assets = assets_of(folder.path());
        let clock = Arc::new(TickingClock::default());
        restore_with_assets(backups.path(), folder.path(), &assets, &RestoreOptions::default(), clock)
            .unwrap();
        let restored = bundles(folder.path());
        assert_eq!(restored.get_bundle_file_data(bundle, "a.txt", None).unwrap(), b"one");
        assert_eq!(restored.get_bundle_file_data(bundle, "a.txt", Some("studio_draft")).unwrap(), b"staged");
        assert_eq!(restored.fsck(FsckOptions::default()).unwrap().findings, []);
    }
}

#[test]
fn damage_is_found_and_repaired_from_other_objects() {
    let Some((store, assets, folder)) = new_store() else { return };
    let (bundle, draft) = new_bundle(&store, "tides", &[("a.txt", "the same")]);
    let (_, _) = new_bundle(&store, "ebb", &[("b.txt", "the same")]);
    let key = store.get_bundle_file_storage_path(bundle, "a.txt", None).unwrap();
    store.write_draft_file(draft, "c.txt", Some(b"staged")).unwrap();
    let raw = RawObjects::at(&assets);
    raw.put(&key, b"torn");
    let found = bundles(folder.path()).fsck(FsckOptions::default()).unwrap();
    assert!(!found.findings.is_sound());
    assert_eq!(found.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["data"]);
    let repaired = store.fsck(FsckOptions { repair: true, ..FsckOptions::default() }).unwrap();
    assert!(repaired.findings.is_sound(), "{:?}", repaired.findings);
    assert_eq!(store.get_bundle_file_data(bundle, "a.txt", None).unwrap(), b"the same");
}

/// The bucket, past the store: what another program would do to it.
pub(crate) struct RawObjects {
    store: AmazonS3,
    prefix: String,
    runtime: tokio::runtime::Runtime,
}

impl RawObjects {
    pub(crate) fn at(assets: &Assets) -> Self {
        let bucket = bucket(&s3().expect("it was there before").url);
        let store = AmazonS3Builder::new()
            .with_endpoint(format!("http://{}", bucket.address))
            .with_allow_http(true)
            .with_access_key_id(bucket.key)
            .with_secret_access_key(bucket.secret)
            .with_bucket_name(bucket.name)
            .build()
            .expect("a client");
        let text = assets.to_string();
        let prefix = text.split('/').skip(3).collect::<Vec<_>>().join("/");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { store, prefix, runtime }
    }

    fn put(&self, key: &str, bytes: &'static [u8]) {
        let path = object_store::path::Path::parse(format!("{}/{key}", self.prefix)).expect("a name");
        self.runtime.block_on(self.store.put(&path, bytes.into())).expect("an object");
    }

    pub(crate) fn remove(&self, key: &str) {
        let path = object_store::path::Path::parse(format!("{}/{key}", self.prefix)).expect("a name");
        self.runtime.block_on(self.store.delete(&path)).expect("it was there");
    }
}

#[test]
fn an_object_store_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let options = [
        ("aws_endpoint_url", "http://127.0.0.1:9"),
        ("aws_allow_http", "true"),
        ("aws_access_key_id", "key"),
        ("aws_secret_access_key", "a+secret"),
        ("blockstore_assets_timeout", "1"),
    ];
    put_elsewhere(folder.path(), "s3://bucket/prefix", &options);
    let error = opening(folder.path(), Access::ReadWrite);
    assert!(error.to_string().contains("s3://bucket/prefix"), "{error}");
    let assets = assets_of(folder.path());
    assert!(!format!("{error} {error:?} {assets:?} {assets}").contains("a+secret"), "{error:?}");
}

fn opening(folder: &Path, access: Access) -> BlockstoreError {
    match store_in(folder, access, Arc::new(TickingClock::default())) {
        Err(error) => error,
        Ok(_) => panic!("the store opens"),
    }
}

/// A bucket that is not there is told, and is not taken for a store that is empty.
#[test]
fn a_bucket_that_is_not_there_is_named() {
    let Some((store, _, folder)) = new_store() else { return };
    drop(store);
    let bucket = bucket(&s3().expect("it was there before").url);
    put_at(folder.path(), &Bucket { name: "no-such-bucket", ..bucket }, bucket.address, &[]);
    for access in [Access::ReadOnly, Access::ReadWrite] {
        let error = opening(folder.path(), access).to_string();
        assert!(
            error.contains("s3://no-such-bucket/") && error.contains("the bucket does not exist"),
            "{error}"
        );
    }
    let empty = tempfile::tempdir().unwrap();
    std::fs::copy(folder.path().join("assets"), empty.path().join("assets")).unwrap();
    opening(empty.path(), Access::ReadWrite);
    let db = rusqlite::Connection::open(empty.path().join("db.sqlite3")).unwrap();
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_master", (), |row| row.get(0)).unwrap();
    assert_eq!(tables, 0, "no store is begun");
}

/// Credentials that are empty, or refused, are told as that, and not as damage of what they do not reach.
#[test]
fn credentials_that_are_empty_or_refused_are_told() {
    let Some((store, _, folder)) = new_store() else { return };
    new_bundle(&store, "tides", &[("a.txt", "one")]);
    drop(store);
    let place = std::fs::read_to_string(folder.path().join("assets")).unwrap();
    let service = bucket(&s3().expect("it was there before").url);
    for (name, right) in [("aws_access_key_id", service.key), ("aws_secret_access_key", service.secret)] {
        for (wrong, words) in [("", "set and empty"), ("somebody", "refuse")] {
            let other = place.replace(&format!("{name} {right}"), &format!("{name} {wrong}"));
            assert_ne!(place, other);
            std::fs::write(folder.path().join("assets"), other).unwrap();
            let error = opening(folder.path(), Access::ReadWrite);
            let said = format!("{error}");
            assert!(said.contains(words) && !said.contains("damaged"), "{name} {wrong:?}: {said}");
            assert!(!format!("{error:?}").contains(service.secret), "{error:?}");
        }
    }
    for name in ["aws_region", "aws_default_region"] {
        std::fs::write(folder.path().join("assets"), format!("{place}\n{name} \n")).unwrap();
        let said = opening(folder.path(), Access::ReadWrite).to_string();
        assert!(said.contains(&format!("{} is set and empty", name.to_uppercase())), "{said}");
    }
}
