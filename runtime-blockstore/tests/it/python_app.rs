//! The Blockstore app itself at a store of ours.
//!
//! Needs `BLOCKSTORE_PYTHON`, an interpreter that has the packages `tests/python_app.py` names.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use runtime_blockstore::{
    Access, Assets, Blockstore, BlockstoreError, CommitExtent, CommitOptions, Digest, FsckOptions, GcOptions,
    Link, OnStale,
};
use serde_json::{Value, json};
use xblock_core::runtime::{Branch, Cursor, Runtime};
use xblock_testkit::fixture::{commit, context, edit, html, published_course, put_asset, usage};

use crate::fixture::{Now, copy_folder, new_store, open, store_in};
use crate::golden::{golden, has_everything};
use crate::mariadb::Place;
use crate::objects::put_in_bucket;

pub(crate) fn python(folder: &Path, step: &str) -> Option<Value> {
    let Some(python) = std::env::var_os("BLOCKSTORE_PYTHON") else {
        println!("SKIPPED: BLOCKSTORE_PYTHON does not name a Python with the Blockstore app");
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python_app.py");
    let output = Command::new(python).arg(script).arg(folder).arg(step).output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

#[test]
fn the_app_reads_what_we_write_and_we_what_it_writes() {
    let (_, folder) = new_store();
    both_read_and_write(folder.path());
}

#[test]
fn the_app_reads_what_we_write_and_we_what_it_writes_on_mariadb() {
    let Some(place) = Place::new() else { return };
    both_read_and_write(place.path());
}

#[test]
fn the_app_reads_what_we_write_and_we_what_it_writes_on_s3() {
    let folder = tempfile::tempdir().unwrap();
    if put_in_bucket(folder.path()) {
        both_read_and_write(folder.path());
        assert!(!folder.path().join("storage").exists(), "all of it is in the bucket");
    }
}

#[test]
fn the_app_reads_what_we_write_and_we_what_it_writes_on_mariadb_and_s3() {
    let Some(place) = Place::new() else { return };
    if put_in_bucket(place.path()) {
        both_read_and_write(place.path());
    }
}

#[test]
fn a_sweep_beside_the_app_takes_nothing_that_is_young() {
    let (runtime, folder) = new_store();
    published_course(&runtime);
    if python(folder.path(), "read").is_none() {
        return;
    }
    let path = folder.path();
    std::thread::scope(|scope| {
        let app = scope.spawn(|| drop(python(path, "author")));
        while !app.is_finished() {
            let hour = std::time::Duration::from_secs(3600);
            let options = GcOptions { delete: true, grace: hour, ..GcOptions::default() };
            runtime.blockstore().gc(&options).unwrap();
        }
    });
    let report = runtime.blockstore().fsck(FsckOptions::default()).unwrap();
    assert!(report.findings.is_sound(), "{:?}", report.findings);
    let seen = python(path, "read").expect("it was there before");
    assert_eq!(seen["bundles"].as_array().unwrap().len(), 2);
    same_as_the_app(runtime.blockstore(), &seen);
}

fn both_read_and_write(folder: &Path) {
    let runtime = open(folder);
    published_course(&runtime);
    commit(
        &runtime,
        edit()
            .with(put_asset("a.png", b"\x89PNG"))
            .with(put_asset("b.xlsm", b"b"))
            .with(put_asset("d.css", b""))
            .with(put_asset("e.js", b""))
            .with(put_asset("f", b""))
            .publish_all(),
    );
    commit(&runtime, edit().put(usage("html", "h1"), html("draft")).with(put_asset("c.js", b"c")));
    let Some(seen) = python(folder, "read") else { return };
    assert_eq!(seen["unapplied"], 0);
    let store = runtime.blockstore();
    for bundle in store.get_bundles(None).unwrap() {
        let seen = seen["bundles"]
            .as_array()
            .unwrap()
            .iter()
            .find(|b| b["uuid"] == bundle.uuid.to_string())
            .unwrap();
        for (name, draft) in &bundle.drafts {
            let files: BTreeMap<String, Digest> = store
                .get_draft(*draft)
                .unwrap()
                .files
                .into_iter()
                .map(|(path, data)| (path, data.file.hash_digest))
                .collect();
            let read: BTreeMap<String, Digest> =
                serde_json::from_value(seen["drafts"][name].clone()).unwrap();
            assert_eq!(read, files);
        }
        assert_eq!(seen["versions"].as_array().unwrap().len() as u64, bundle.latest_version);
        for (at, version) in seen["versions"].as_array().unwrap().iter().enumerate() {
            assert_eq!(version["digest_agrees"], true);
            let found = store.get_bundle_version(bundle.uuid, Some(at as u64 + 1)).unwrap().unwrap();
            let read: BTreeMap<String, Digest> = serde_json::from_value(version["files"].clone()).unwrap();
            assert_eq!(read, found.files.into_iter().map(|(p, f)| (p, f.hash_digest)).collect());
        }
    }

    let cursor = runtime.changes(Cursor::default(), 100).unwrap().last().unwrap().cursor;
    python(folder, "write");
    let text = |runtime: &dyn Runtime, id: &str, branch| {
        runtime.block(&usage("html", id), branch).unwrap().data.content["data"].clone()
    };
    assert_eq!(text(&runtime, "h1", Branch::Draft), json!("by the app"));
    assert_ne!(text(&runtime, "h1", Branch::Published), json!("by the app"));
    python(folder, "commit");
    assert_eq!(text(&runtime, "fresh", Branch::Published), json!("fresh"));
    assert!(!runtime.changes(cursor, 10).unwrap().is_empty());
    commit(&runtime, edit().put(usage("html", "h1"), html("ours again")).publish_all());
    let seen = python(folder, "read").expect("it was there before");
    let versions = seen["bundles"][0]["versions"].as_array().unwrap().len();
    assert_eq!(versions, open(folder).history(&context(), Branch::Published).unwrap().len());
}

/// Holds what the app reads of a store against what we read.
fn same_as_the_app(store: &Blockstore, seen: &Value) {
    let bundles = store.get_bundles(None).unwrap();
    assert_eq!(seen["bundles"].as_array().unwrap().len(), bundles.len());
    for (bundle, seen) in bundles.iter().zip(seen["bundles"].as_array().unwrap()) {
        assert_eq!(seen["uuid"], bundle.uuid.to_string());
        assert_eq!(seen["title"], bundle.title);
        let links =
            |value: &Value| -> BTreeMap<String, Link> { serde_json::from_value(value.clone()).unwrap() };
        let files =
            |value: &Value| -> BTreeMap<String, Digest> { serde_json::from_value(value.clone()).unwrap() };
        assert_eq!(seen["drafts"].as_object().unwrap().len(), bundle.drafts.len());
        for (name, draft) in &bundle.drafts {
            let draft = store.get_draft(*draft).unwrap();
            let ours: BTreeMap<_, _> =
                draft.files.into_iter().map(|(p, f)| (p, f.file.hash_digest)).collect();
            assert_eq!(files(&seen["drafts"][name]), ours, "{} {name}", bundle.slug);
            let ours: BTreeMap<_, _> =
                draft.links.into_iter().map(|(name, link)| (name, link.link)).collect();
            assert_eq!(links(&seen["draft_links"][name]), ours, "{} {name}", bundle.slug);
        }
        assert_eq!(seen["versions"].as_array().unwrap().len() as u64, bundle.latest_version);
        for (at, version) in seen["versions"].as_array().unwrap().iter().enumerate() {
            let found = store.get_bundle_version(bundle.uuid, Some(at as u64 + 1)).unwrap().unwrap();
            assert_eq!(version["digest_agrees"], true);
            assert_eq!(version["digest"], found.snapshot_digest.to_string());
            assert_eq!(links(&version["links"]), found.links);
            for path in found.files.keys() {
                store.get_bundle_version_file_data(bundle.uuid, at as u64 + 1, path).unwrap();
            }
            let ours: BTreeMap<_, _> = found.files.into_iter().map(|(p, f)| (p, f.hash_digest)).collect();
            assert_eq!(files(&version["files"]), ours, "{} {}", bundle.slug, at + 1);
        }
    }
}

#[test]
fn a_store_of_the_app_is_carried_on_by_both() {
    let Some(golden) = golden() else { return };
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&golden, folder.path());
    both_carry_on(folder.path());
}

#[test]
fn a_store_of_the_app_is_carried_on_by_both_on_mariadb() {
    let (Some(golden), Some(place)) = (golden(), Place::new()) else { return };
    // The tables are the app's own where it is here.
    python(place.path(), "migrate");
    copy_folder(&golden.join("storage"), &place.path().join("storage"));
    let refused = store_in(place.path(), Access::ReadWrite, Arc::new(Now)).map(drop);
    assert!(matches!(refused, Err(BlockstoreError::StorageTaken { .. })), "{refused:?}");
    let assets = Assets::Folder(place.path().join("storage"));
    let store = Blockstore::open_mysql_over_files(&place.mysql, &assets, Arc::new(Now)).unwrap();
    store.take_over(&golden.join("db.sqlite3")).unwrap();
    has_everything(&store, &golden);
    assert!(matches!(store.take_over(&golden.join("db.sqlite3")), Err(BlockstoreError::AlreadyThere { .. })));
    both_carry_on(place.path());
}

fn both_carry_on(folder: &Path) {
    let store = store_in(folder, Access::ReadWrite, Arc::new(Now)).unwrap();
    let bundles = store.get_bundles(None).unwrap();
    let named = |slug: &str| bundles.iter().find(|bundle| bundle.slug.contains(slug)).unwrap();
    // A stale draft is merged, part of another is committed, an old version comes back, a new bundle links to all.
    let course = bundles.iter().find(|bundle| bundle.drafts.contains_key("experiment")).unwrap();
    let keep = CommitOptions { on_stale: OnStale::KeepOurs, ..CommitOptions::default() };
    assert_eq!(store.commit_draft_with(course.drafts["experiment"], &keep).unwrap().version, 4);
    let problems = bundles.iter().find(|bundle| bundle.slug.contains("problems")).unwrap();
    let part = CommitOptions {
        extent: CommitExtent::Part {
            paths: ["problem/p-draft-only".to_owned()].into(),
            links: Default::default(),
        },
        ..CommitOptions::default()
    };
    assert_eq!(store.commit_draft_with(problems.drafts["studio_draft"], &part).unwrap().version, 3);
    assert_eq!(store.restore_bundle_version(named("media").uuid, 1, "back").unwrap(), 3);
    let own = store.create_bundle(course.collection_uuid, "ours", "Unsere Häfen ⚓", "").unwrap().uuid;
    let draft = store.get_or_create_bundle_draft(own, "studio_draft").unwrap().uuid;
    let equal = ["empty", "empty.css", "empty.js", "empty.xlsm"].map(|path| (path, ""));
    for (path, content) in
        [("a/ebbe.txt", "ebb"), ("a/ébb 🌊.md", "flow"), ("t.xlsm", "t")].into_iter().chain(equal)
    {
        store.write_draft_file(draft, path, Some(content.as_bytes())).unwrap();
    }
    store.write_draft_file_from(draft, "film.mp4", &[7; 300_000][..]).unwrap();
    for bundle in &bundles {
        store.set_draft_link(draft, &bundle.slug, Some((bundle.uuid, 0))).unwrap();
    }
    store.commit_draft(draft).unwrap();
    store.write_draft_file(draft, "a/ebbe.txt", Some(b"staged")).unwrap();

    let Some(seen) = python(folder, "read") else { return };
    same_as_the_app(&store, &seen);
    python(folder, "author");
    same_as_the_app(&store, &python(folder, "read").expect("it was there before"));
    assert_eq!(store.get_bundles(None).unwrap().len(), bundles.len() + 2);
    // What the app committed is in the feed, too, and ours goes on from it.
    let feed = store.get_changes(0, 1000).unwrap();
    let versions: u64 = store.get_bundles(None).unwrap().iter().map(|bundle| bundle.latest_version).sum();
    assert_eq!(feed.len() as u64, versions);
    store
        .commit_draft_with(draft, &CommitOptions { on_stale: OnStale::Merge, ..CommitOptions::default() })
        .unwrap();
    same_as_the_app(&store, &python(folder, "read").expect("it was there before"));
}
