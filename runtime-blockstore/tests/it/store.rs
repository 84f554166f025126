//! What the bundles store refuses that the app lets through.

use runtime_blockstore::{Access, Blockstore, BlockstoreError, BundleChanges, BundleQuery, PathProblem};
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

#[test]
fn links_stay_where_they_are_until_they_are_updated() {
    let (store, _folder) = store();
    let (media, media_draft) = bundle(&store, "media");
    let (course, draft) = bundle(&store, "course");
    store.set_draft_link(draft, "media", Some((media, 1))).unwrap();
    store.commit_draft(draft).unwrap();
    let updates = |draft: Option<&str>| store.get_bundle_link_updates(course, draft).unwrap();
    assert!(updates(None).is_empty());
    for content in ["2", "3"] {
        store.write_draft_file(media_draft, "m", Some(content.as_bytes())).unwrap();
        store.commit_draft(media_draft).unwrap();
    }
    assert_eq!(updates(None), [("media".to_owned(), (1, 3))].into());
    assert_eq!(store.get_bundle_links(course, None).unwrap()["media"].direct.version, 1);
    assert_eq!(store.update_draft_link(draft, "media").unwrap(), 3);
    assert!(updates(Some("studio_draft")).is_empty());
    assert_eq!(updates(None).len(), 1, "what is published stays pinned");
    let missing = store.update_draft_link(draft, "nowhere");
    assert!(matches!(missing, Err(BlockstoreError::LinkNotFound { .. })));
    store.delete_bundle(media).unwrap();
    assert!(updates(None).is_empty());
}

#[test]
fn bundles_are_found_by_what_is_asked_for() {
    let (store, _folder) = store();
    let first = store.create_collection("First").unwrap().uuid;
    let second = store.create_collection("Second").unwrap().uuid;
    let make = |collection, slug: &str| {
        store.create_bundle(collection, slug, &format!("É {slug}"), "").unwrap().uuid
    };
    let made: Vec<Uuid> =
        (0..6).map(|n| make(if n % 2 == 0 { first } else { second }, &format!("b{n}"))).collect();
    let find = |query: BundleQuery| -> Vec<Uuid> {
        store.find_bundles(&query).unwrap().into_iter().map(|bundle| bundle.uuid).collect()
    };
    assert_eq!(find(BundleQuery::default()), made);
    assert!(find(BundleQuery { uuids: Some(vec![]), ..BundleQuery::default() }).is_empty());
    let some =
        BundleQuery { uuids: Some(vec![made[4], Uuid::nil(), made[1], made[4]]), ..BundleQuery::default() };
    assert_eq!(find(some), [made[1], made[4]]);
    assert_eq!(
        find(BundleQuery { collection_uuid: Some(second), ..BundleQuery::default() }),
        [made[1], made[3], made[5]]
    );
    let page = |after| BundleQuery { after, limit: Some(2), ..BundleQuery::default() };
    assert_eq!(find(page(None)), made[..2]);
    assert_eq!(find(page(Some(made[1]))), made[2..4]);
    let text = BundleQuery { text_search: Some("é B3".into()), limit: Some(5), ..BundleQuery::default() };
    assert_eq!(find(text), [made[3]]);
    let nowhere =
        store.find_bundles(&BundleQuery { collection_uuid: Some(Uuid::nil()), ..BundleQuery::default() });
    assert!(matches!(nowhere, Err(BlockstoreError::CollectionNotFound { .. })));
    let (bundle, _) = bundle(&store, "described");
    store.update_bundle_version(bundle, 1, "first words").unwrap();
    assert_eq!(store.get_bundle_history(bundle).unwrap()[0].change_description, "first words");
    assert!(matches!(
        store.update_bundle_version(bundle, 2, ""),
        Err(BlockstoreError::BundleVersionNotFound { version: 2, .. })
    ));
    assert!(store.get_bundle_version_files(bundle, 0).unwrap().is_empty());
    assert!(store.get_bundle_version_links(bundle, 0).unwrap().is_empty());
    assert_eq!(store.get_bundle_version_files(bundle, 1).unwrap().len(), 1);
}
