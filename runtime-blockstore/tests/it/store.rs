//! What the bundles store refuses that the app lets through.

use runtime_blockstore::{Access, Blockstore, BlockstoreError, BundleChanges, PathProblem};
use tempfile::TempDir;
use uuid::Uuid;

use crate::fixture::clock;

fn store() -> (Blockstore, TempDir) {
    let folder = TempDir::new().unwrap();
    (Blockstore::open(folder.path(), Access::ReadWrite, clock()).unwrap(), folder)
}

/// Makes a bundle with one version, and its draft.
fn bundle(store: &Blockstore, slug: &str) -> (Uuid, Uuid) {
    let collection = store.create_collection("Tides").unwrap().uuid;
    let bundle = store.create_bundle(collection, slug, slug, "").unwrap().uuid;
    let draft = store.get_or_create_bundle_draft(bundle, "studio_draft").unwrap().uuid;
    store.write_draft_file(draft, "a/b.txt", Some(b"b")).unwrap();
    assert_eq!(store.commit_draft(draft).unwrap(), 1);
    (bundle, draft)
}

#[test]
fn paths_the_app_breaks_on_are_refused() {
    let (store, _folder) = store();
    let (_, draft) = bundle(&store, "media");
    for path in ["", ".", "./a", "a\\b", "a\0", "/a", "a//b", "a/../b"] {
        let refused = store.write_draft_file(draft, path, Some(b"x"));
        assert!(matches!(refused, Err(BlockstoreError::InvalidFileName { .. })), "{path:?}");
    }
    for path in ["a", "a/b.txt/c"] {
        match store.write_draft_file(draft, path, Some(b"x")) {
            Err(BlockstoreError::InvalidFileName { problem, .. }) => {
                assert_eq!(problem, PathProblem::FileAndFolder)
            }
            other => panic!("{path:?}: {other:?}"),
        }
    }
    // A file may become a folder once it is gone.
    store.write_draft_file(draft, "n", Some(b"file")).unwrap();
    store.write_draft_file(draft, "n", None).unwrap();
    store.write_draft_file(draft, "n/m", Some(b"in a folder")).unwrap();
    store.commit_draft(draft).unwrap();
    let data = store.get_draft(draft).unwrap();
    assert_eq!(data.files.keys().collect::<Vec<_>>(), ["a/b.txt", "n/m"]);
}

#[test]
fn nothing_to_commit_is_said() {
    let (store, _folder) = store();
    let (bundle, draft) = bundle(&store, "media");
    assert!(matches!(store.commit_draft(draft), Err(BlockstoreError::DraftHasNoChangesToCommit { .. })));
    store.write_draft_file(draft, "a/b.txt", Some(b"b")).unwrap();
    assert!(matches!(store.commit_draft(draft), Err(BlockstoreError::DraftHasNoChangesToCommit { .. })));
    assert_eq!(store.get_bundle(bundle).unwrap().latest_version, 1);
}

#[test]
fn a_stale_draft_is_refused() {
    let (store, _folder) = store();
    let (bundle, draft) = bundle(&store, "media");
    let other = store.get_or_create_bundle_draft(bundle, "experiment").unwrap().uuid;
    store.write_draft_file(other, "theirs", Some(b"x")).unwrap();
    store.write_draft_file(draft, "ours", Some(b"x")).unwrap();
    assert_eq!(store.commit_draft(other).unwrap(), 2);
    assert!(matches!(store.commit_draft(draft), Err(BlockstoreError::StaleDraft { .. })));
}

#[test]
fn links_are_set_unset_and_never_lead_back() {
    let (store, _folder) = store();
    let (media, media_draft) = bundle(&store, "media");
    let (course, draft) = bundle(&store, "course");
    let links = || store.get_bundle_links(course, Some("studio_draft")).unwrap();
    for _ in 0..3 {
        store.set_draft_link(draft, "media", Some((media, 1))).unwrap();
        assert_eq!(links()["media"].direct.bundle_uuid, media);
    }
    store.commit_draft(draft).unwrap();
    assert!(!store.get_draft(draft).unwrap().links["media"].modified);
    let itself = store.set_draft_link(draft, "self", Some((course, 1)));
    assert!(matches!(itself, Err(BlockstoreError::LinkCycle { .. })));
    let around = store.set_draft_link(media_draft, "course", Some((course, 2)));
    assert!(matches!(around, Err(BlockstoreError::LinkCycle { .. })));
    for (bundle, version) in [(media, 9), (Uuid::nil(), 1)] {
        let missing = store.set_draft_link(draft, "x", Some((bundle, version)));
        assert!(matches!(missing, Err(BlockstoreError::LinkTargetNotFound { .. })));
    }
    for _ in 0..2 {
        store.set_draft_link(draft, "media", None).unwrap();
        assert!(links().is_empty());
    }
}

#[test]
fn what_is_not_there_has_the_name_of_the_apps_exception() {
    let (store, _folder) = store();
    let (bundle, draft) = bundle(&store, "media");
    let nil = Uuid::nil();
    assert!(matches!(store.get_collection(nil), Err(BlockstoreError::CollectionNotFound { .. })));
    assert!(matches!(store.get_bundle(nil), Err(BlockstoreError::BundleNotFound { .. })));
    assert!(matches!(store.get_draft(nil), Err(BlockstoreError::DraftNotFound { .. })));
    let version = store.get_bundle_version(bundle, Some(7));
    assert!(matches!(version, Err(BlockstoreError::BundleVersionNotFound { version: 7, .. })));
    let file = store.get_bundle_file_data(bundle, "nowhere", None);
    assert!(matches!(file, Err(BlockstoreError::BundleFileNotFound { .. })));
    let changes = BundleChanges { title: Some("Mer".into()), ..BundleChanges::default() };
    assert_eq!(store.update_bundle(bundle, &changes).unwrap().title, "Mer");
    assert_eq!(store.get_bundles(Some("MER")).unwrap().len(), 1);
    store.delete_draft(draft).unwrap();
    assert!(matches!(store.get_draft(draft), Err(BlockstoreError::DraftNotFound { .. })));
    assert_eq!(store.get_bundle_file_data(bundle, "a/b.txt", Some("studio_draft")).unwrap(), b"b");
}

#[test]
fn a_store_that_is_only_read_is_not_written() {
    let (store, folder) = store();
    let (bundle, draft) = bundle(&store, "media");
    drop(store);
    let store = Blockstore::open(folder.path(), Access::ReadOnly, clock()).unwrap();
    assert_eq!(store.get_bundle_file_data(bundle, "a/b.txt", None).unwrap(), b"b");
    assert!(matches!(store.write_draft_file(draft, "x", Some(b"")), Err(BlockstoreError::ReadOnly)));
    let nowhere = Blockstore::open(&folder.path().join("nowhere"), Access::ReadOnly, clock());
    assert!(matches!(nowhere, Err(BlockstoreError::Missing { .. })));
    assert!(!folder.path().join("nowhere").exists());
}

#[test]
fn who_depends_on_a_bundle_is_told() {
    let (store, folder) = store();
    let (media, _) = bundle(&store, "media");
    let (problems, problems_draft) = bundle(&store, "problems");
    let (course, draft) = bundle(&store, "course");
    store.set_draft_link(problems_draft, "media", Some((media, 1))).unwrap();
    store.commit_draft(problems_draft).unwrap();
    store.set_draft_link(draft, "exercises", Some((problems, 2))).unwrap();
    assert_eq!(store.get_dependents(problems).unwrap(), [], "a draft is no version yet");
    store.commit_draft(draft).unwrap();
    let told = |store: &Blockstore| -> Vec<(Uuid, u64, String, u64, bool)> {
        let found = store.get_dependents(media).unwrap();
        found.into_iter().map(|d| (d.bundle_uuid, d.version, d.link, d.target_version, d.is_direct)).collect()
    };
    let mut expected =
        vec![(problems, 2, "media".to_owned(), 1, true), (course, 2, "exercises".to_owned(), 1, false)];
    expected.sort();
    assert_eq!(told(&store), expected);
    // The documents alone say the same.
    let db = rusqlite::Connection::open(folder.path().join("db.sqlite3")).unwrap();
    db.execute_batch("DELETE FROM xblock_feed_seen").unwrap();
    let reader = Blockstore::open(folder.path(), Access::ReadOnly, clock()).unwrap();
    assert_eq!(told(&reader), expected);
    store.set_draft_link(draft, "exercises", None).unwrap();
    store.commit_draft(draft).unwrap();
    store.delete_bundle(problems).unwrap();
    assert_eq!(told(&store), []);
}
