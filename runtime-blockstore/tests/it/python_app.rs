//! The Blockstore app itself at a store of ours.
//!
//! Needs `BLOCKSTORE_PYTHON`, an interpreter that has the packages `tests/python_app.py` names.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use runtime_blockstore::Digest;
use serde_json::{Value, json};
use xblock_core::runtime::{Branch, Cursor, Runtime};
use xblock_testkit::fixture::{commit, context, edit, html, published_course, put_asset, usage};

use crate::fixture::{new_store, open};

fn python(folder: &Path, step: &str) -> Option<Value> {
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
    let (runtime, folder) = new_store();
    published_course(&runtime);
    commit(
        &runtime,
        edit().with(put_asset("a.png", b"\x89PNG")).with(put_asset("b.xlsm", b"b")).publish_all(),
    );
    commit(&runtime, edit().put(usage("html", "h1"), html("draft")).with(put_asset("c.js", b"c")));
    let Some(seen) = python(folder.path(), "read") else { return };
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
    python(folder.path(), "write");
    let text = |runtime: &dyn Runtime, id: &str, branch| {
        runtime.block(&usage("html", id), branch).unwrap().data.content["data"].clone()
    };
    assert_eq!(text(&runtime, "h1", Branch::Draft), json!("by the app"));
    assert_ne!(text(&runtime, "h1", Branch::Published), json!("by the app"));
    python(folder.path(), "commit");
    assert_eq!(text(&runtime, "fresh", Branch::Published), json!("fresh"));
    assert!(!runtime.changes(cursor, 10).unwrap().is_empty());
    commit(&runtime, edit().put(usage("html", "h1"), html("ours again")).publish_all());
    let seen = python(folder.path(), "read").expect("it was there before");
    let versions = seen["bundles"][0]["versions"].as_array().unwrap().len();
    assert_eq!(versions, open(folder.path()).history(&context(), Branch::Published).unwrap().len());
}
