//! Drafts that meet: conflicts, merges, partial commits, restored versions, and what the history tells of them.

use std::collections::BTreeSet;

use runtime_blockstore::{
    Blockstore, BlockstoreError, CommitExtent, CommitOptions, FileRevision, OnEmpty, OnStale,
};
use uuid::Uuid;

use crate::fixture::{new_bundle, ticking_store};

/// A bundle with the files a, b and c in version 1, and two drafts on it; the other one is committed as version 2.
fn two_editors(store: &Blockstore) -> (Uuid, Uuid) {
    let (bundle, ours) = new_bundle(store, "tides", &[("a", "a"), ("b", "b"), ("c/d", "d")]);
    let theirs = store.get_or_create_bundle_draft(bundle, "theirs").unwrap().uuid;
    store.write_draft_file(theirs, "a", Some(b"theirs")).unwrap();
    store.write_draft_file(theirs, "t", Some(b"theirs")).unwrap();
    store.write_draft_file(theirs, "c/d", None).unwrap();
    assert_eq!(store.commit_draft(theirs).unwrap(), 2);
    (bundle, ours)
}

fn with(on_stale: OnStale) -> CommitOptions {
    CommitOptions { on_stale, ..CommitOptions::default() }
}

fn text(store: &Blockstore, bundle: Uuid, path: &str) -> Option<String> {
    match store.get_bundle_file_data(bundle, path, None) {
        Ok(bytes) => Some(String::from_utf8(bytes).unwrap()),
        Err(BlockstoreError::BundleFileNotFound { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_only_one_changed_is_merged_on_purpose() {
    let (store, _folder) = ticking_store();
    let (bundle, ours) = two_editors(&store);
    store.write_draft_file(ours, "b", Some(b"ours")).unwrap();
    // The same change as theirs is none to fight about.
    store.write_draft_file(ours, "c/d", None).unwrap();
    match store.commit_draft(ours) {
        Err(BlockstoreError::StaleDraft { files, links, .. }) => {
            assert!(files.is_empty() && links.is_empty())
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(store.get_bundle(bundle).unwrap().latest_version, 2);
    let report = store.commit_draft_with(ours, &with(OnStale::Merge)).unwrap();
    assert_eq!(report.version, 3);
    let read = |path| text(&store, bundle, path);
    assert_eq!(read("a").unwrap(), "theirs");
    assert_eq!(read("b").unwrap(), "ours");
    assert_eq!(read("t").unwrap(), "theirs");
    assert_eq!(read("c/d"), None);
    assert!(store.get_draft(ours).unwrap().files.values().all(|file| !file.modified));
}

#[test]
fn what_both_changed_is_named_and_chosen() {
    for (choice, expected) in [(OnStale::KeepOurs, "ours"), (OnStale::KeepTheirs, "theirs")] {
        let (store, _folder) = ticking_store();
        let (bundle, ours) = two_editors(&store);
        store.write_draft_file(ours, "a", Some(b"ours")).unwrap();
        store.write_draft_file(ours, "b", Some(b"ours")).unwrap();
        for refused in [OnStale::Refuse, OnStale::Merge] {
            match store.commit_draft_with(ours, &with(refused)) {
                Err(BlockstoreError::StaleDraft { files, .. }) => assert_eq!(files, ["a"]),
                other => panic!("{other:?}"),
            }
        }
        let report = store.commit_draft_with(ours, &with(choice)).unwrap();
        assert_eq!(report.conflicting_files, ["a"]);
        assert_eq!(text(&store, bundle, "a").unwrap(), expected);
        assert_eq!(text(&store, bundle, "b").unwrap(), "ours");
        assert_eq!(text(&store, bundle, "t").unwrap(), "theirs");
    }
}

#[test]
fn links_conflict_by_name() {
    let (store, _folder) = ticking_store();
    let (media, media_draft) = new_bundle(&store, "media", &[("m", "1")]);
    store.write_draft_file(media_draft, "m", Some(b"2")).unwrap();
    store.commit_draft(media_draft).unwrap();
    let (bundle, ours) = new_bundle(&store, "tides", &[("a", "a")]);
    let theirs = store.get_or_create_bundle_draft(bundle, "theirs").unwrap().uuid;
    store.set_draft_link(theirs, "media", Some((media, 1))).unwrap();
    store.set_draft_link(ours, "media", Some((media, 2))).unwrap();
    store.commit_draft(theirs).unwrap();
    match store.commit_draft_with(ours, &with(OnStale::Merge)) {
        Err(BlockstoreError::StaleDraft { links, .. }) => assert_eq!(links, ["media"]),
        other => panic!("{other:?}"),
    }
    store.commit_draft_with(ours, &with(OnStale::KeepOurs)).unwrap();
    assert_eq!(store.get_bundle_links(bundle, None).unwrap()["media"].direct.version, 2);
}

#[test]
fn the_apps_way_undoes_what_others_did() {
    let (store, _folder) = ticking_store();
    let (bundle, ours) = two_editors(&store);
    store.write_draft_file(ours, "b", Some(b"ours")).unwrap();
    store.commit_draft_with(ours, &with(OnStale::UndoTheirs)).unwrap();
    assert_eq!(text(&store, bundle, "a").unwrap(), "a");
    assert_eq!(text(&store, bundle, "t"), None);
    assert_eq!(text(&store, bundle, "c/d").unwrap(), "d");
    let empty = CommitOptions { on_empty: OnEmpty::MakeVersion, ..CommitOptions::default() };
    assert_eq!(store.commit_draft_with(ours, &empty).unwrap().version, 4);
}

#[test]
fn files_that_cannot_stand_together_are_not_merged() {
    let (store, _folder) = ticking_store();
    let (bundle, ours) = two_editors(&store);
    store.write_draft_file(ours, "t/x", Some(b"below")).unwrap();
    let refused = store.commit_draft_with(ours, &with(OnStale::Merge));
    assert!(matches!(refused, Err(BlockstoreError::InvalidFileName { .. })), "{refused:?}");
    assert_eq!(store.get_bundle(bundle).unwrap().latest_version, 2);
}

#[test]
fn a_part_is_committed_and_the_rest_stays() {
    let (store, _folder) = ticking_store();
    let (media, _) = new_bundle(&store, "media", &[("m", "1")]);
    let (bundle, draft) = new_bundle(&store, "tides", &[("html/a/definition.xml", "a"), ("html/ab", "x")]);
    for path in ["html/a/definition.xml", "html/a/static/new", "html/ab", "notes"] {
        store.write_draft_file(draft, path, Some(b"changed")).unwrap();
    }
    store.set_draft_link(draft, "media", Some((media, 1))).unwrap();
    let part = |paths: &[&str], links: &[&str]| CommitOptions {
        extent: CommitExtent::Part { paths: names(paths), links: names(links) },
        change_description: "only a".into(),
        ..CommitOptions::default()
    };
    let nothing = store.commit_draft_with(draft, &part(&["html/b"], &[]));
    assert!(matches!(nothing, Err(BlockstoreError::BundleFileNotFound { .. })));
    let nothing = store.commit_draft_with(draft, &part(&[], &["x"]));
    assert!(matches!(nothing, Err(BlockstoreError::LinkNotFound { .. })));
    assert_eq!(store.commit_draft_with(draft, &part(&["html/a"], &[])).unwrap().version, 2);
    assert_eq!(text(&store, bundle, "html/a/static/new").unwrap(), "changed");
    assert_eq!(text(&store, bundle, "html/ab").unwrap(), "x");
    assert!(store.get_bundle_links(bundle, None).unwrap().is_empty());
    let rest = store.get_draft(draft).unwrap();
    let modified: Vec<_> =
        rest.files.iter().filter(|(_, file)| file.modified).map(|(path, _)| path).collect();
    assert_eq!(modified, ["html/ab", "notes"]);
    assert!(rest.links["media"].modified);
    assert_eq!(store.get_bundle_file_data(bundle, "notes", Some("studio_draft")).unwrap(), b"changed");
    assert_eq!(store.commit_draft_with(draft, &part(&["notes"], &["media"])).unwrap().version, 3);
    assert_eq!(store.commit_draft(draft).unwrap(), 4);
    assert_eq!(text(&store, bundle, "html/ab").unwrap(), "changed");
    assert_eq!(store.get_bundle_version(bundle, Some(2)).unwrap().unwrap().change_description, "only a");
}

#[test]
fn a_conflict_in_what_stays_is_not_lost_by_a_part() {
    let (store, _folder) = ticking_store();
    let (_, ours) = two_editors(&store);
    store.write_draft_file(ours, "a", Some(b"ours")).unwrap();
    store.write_draft_file(ours, "b", Some(b"ours")).unwrap();
    let part = CommitOptions {
        extent: CommitExtent::Part { paths: names(&["b"]), links: BTreeSet::new() },
        ..with(OnStale::Merge)
    };
    match store.commit_draft_with(ours, &part) {
        Err(BlockstoreError::StaleDraft { files, .. }) => assert_eq!(files, ["a"]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_old_version_comes_back_as_a_new_one() {
    let (store, _folder) = ticking_store();
    let (bundle, draft) = two_editors(&store);
    assert_eq!(store.restore_bundle_version(bundle, 2, "").unwrap(), 2, "it is the latest");
    assert_eq!(store.restore_bundle_version(bundle, 1, "back").unwrap(), 3);
    assert_eq!(text(&store, bundle, "a").unwrap(), "a");
    assert_eq!(text(&store, bundle, "t"), None);
    let history = store.get_bundle_history(bundle).unwrap();
    assert_eq!(history.iter().map(|v| v.version).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(history[0].change_description, "back");
    assert!(matches!(
        store.restore_bundle_version(bundle, 9, ""),
        Err(BlockstoreError::BundleVersionNotFound { version: 9, .. })
    ));
    // Or into a draft, to look at it first.
    store.delete_draft(draft).unwrap();
    let draft = store.get_or_create_bundle_draft(bundle, "studio_draft").unwrap().uuid;
    store.write_draft_file(draft, "junk", Some(b"junk")).unwrap();
    store.stage_bundle_version(draft, 2).unwrap();
    let data = store.get_draft(draft).unwrap();
    assert_eq!(data.files.keys().collect::<Vec<_>>(), ["a", "b", "t"]);
    assert_eq!(data.deleted_files, ["c/d"]);
    assert_eq!(store.get_bundle_file_data(bundle, "t", Some("studio_draft")).unwrap(), b"theirs");
    assert_eq!(store.commit_draft(draft).unwrap(), 4);
    assert_eq!(text(&store, bundle, "a").unwrap(), "theirs");
}

#[test]
fn the_history_of_a_file_is_told() {
    let (store, folder) = ticking_store();
    let (bundle, _) = two_editors(&store);
    store.restore_bundle_version(bundle, 1, "").unwrap();
    let history = store.get_file_history(bundle, "t").unwrap();
    let [removed, added] = &history[..] else { panic!("{history:?}") };
    assert_eq!((removed.version, removed.after), (3, None));
    assert_eq!((added.version, added.before), (2, None));
    assert!(store.get_file_history(bundle, "nowhere").unwrap().is_empty());
    let blame = store.get_bundle_blame(bundle).unwrap();
    let told: Vec<_> = blame.iter().map(|(path, version)| (path.as_str(), *version)).collect();
    assert_eq!(told, [("a", 3), ("b", 1), ("c/d", 3)]);
    let changes = store.get_bundle_version_changes(bundle, 2).unwrap();
    assert_eq!(changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(), ["a", "c/d", "t"]);
    // Without the feed the documents tell the same.
    let db = rusqlite::Connection::open(folder.path().join("db.sqlite3")).unwrap();
    db.execute_batch("DELETE FROM xblock_feed; DELETE FROM xblock_file_change; DELETE FROM xblock_feed_seen")
        .unwrap();
    assert_eq!(store.get_file_history(bundle, "t").unwrap(), history);
    assert_eq!(store.get_bundle_blame(bundle).unwrap(), blame);
    // And reading the feed makes it again.
    assert_eq!(store.get_changes(0, 100).unwrap().len(), 3);
    let again: Vec<FileRevision> = store.get_file_history(bundle, "t").unwrap();
    assert_eq!(again, history);
}

#[test]
fn the_feed_tells_each_file_of_each_version_and_deletions() {
    let (store, _folder) = ticking_store();
    let (bundle, ours) = two_editors(&store);
    let feed = store.get_changes(0, 100).unwrap();
    let [first, second] = &feed[..] else { panic!("{feed:?}") };
    assert_eq!((first.version, first.before), (Some(1), None));
    assert_eq!(first.files.len(), 3);
    assert!(first.files.iter().all(|file| file.before.is_none() && file.after.is_some()));
    assert_eq!((second.bundle_uuid, second.before), (bundle, first.after));
    let told: Vec<_> =
        second.files.iter().map(|f| (f.path.as_str(), f.before.is_some(), f.after.is_some())).collect();
    assert_eq!(told, [("a", true, true), ("c/d", true, false), ("t", false, true)]);
    assert_eq!(store.get_changes(first.cursor, 100).unwrap().len(), 1);
    assert_eq!(store.get_changes(0, 1).unwrap().len(), 1);
    assert!(store.commit_draft(ours).is_err());
    assert_eq!(store.get_changes(second.cursor, 100).unwrap(), []);
    store.delete_bundle(bundle).unwrap();
    let told = store.get_changes(second.cursor, 100).unwrap();
    assert_eq!(
        told.iter().map(|c| (c.bundle_uuid, c.version, c.before)).collect::<Vec<_>>(),
        [(bundle, None, second.after)]
    );
}
