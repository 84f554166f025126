//! A store that the Python app wrote: what it holds, byte for byte, and the tables it is in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use runtime_blockstore::{Access, Blockstore, BlockstoreError, Digest, DraftDocument, Link, Snapshot};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use uuid::Uuid;

use crate::fixture::{clock, copy_folder};

/// Finds the golden store; without it the test says so and passes.
pub(crate) fn golden() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.ancestors().map(|above| above.join("shared/golden/blockstore")).find(|f| f.is_dir());
    if folder.is_none() {
        println!("SKIPPED: the golden data is not here (shared/golden/blockstore beside the project)");
    }
    folder
}

fn json(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).expect("the file")).expect("JSON")
}

fn uuid(value: &Value) -> Uuid {
    value.as_str().expect("a text").parse().expect("a UUID")
}

fn bytes(file: &Value) -> Vec<u8> {
    match (file["text"].as_str(), file["base64"].as_str()) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (None, Some(base64)) => decode_base64(base64),
        _ => panic!("no content in {file}"),
    }
}

fn decode_base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let digit = DIGITS.iter().position(|digit| *digit == byte).expect("a base64 digit");
        bits = bits << 6 | u32::try_from(digit).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 255) as u8);
        }
    }
    out
}

fn same_links(links: &BTreeMap<String, Link>, expected: &Value) {
    let expected = expected.as_object().expect("links");
    assert_eq!(links.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, link) in links {
        let same = |found: &runtime_blockstore::Dependency, wanted: &Value| {
            assert_eq!(found.bundle_uuid, uuid(&wanted["bundle_uuid"]));
            assert_eq!(found.version, wanted["version"].as_u64().unwrap());
            assert_eq!(found.snapshot_digest.to_string(), wanted["snapshot_digest"].as_str().unwrap());
        };
        same(&link.direct, &expected[name]["direct"]);
        let indirect = expected[name]["indirect"].as_array().unwrap();
        assert_eq!(link.indirect.len(), indirect.len());
        link.indirect.iter().zip(indirect).for_each(|(found, wanted)| same(found, wanted));
    }
}

#[test]
fn everything_the_app_wrote_is_read() {
    let Some(folder) = golden() else { return };
    let store = Blockstore::open(&folder, Access::ReadOnly, clock()).expect("the store opens");
    has_everything(&store, &folder);
}

/// Holds a store against what the golden one has by the app.
pub(crate) fn has_everything(store: &Blockstore, golden: &Path) {
    let expected = json(&golden.join("expected.json"));
    for collection in expected["collections"].as_array().unwrap() {
        let found = store.get_collection(uuid(&collection["uuid"])).unwrap();
        assert_eq!(found.title, collection["title"].as_str().unwrap());
    }
    let bundles = expected["bundles"].as_array().unwrap();
    assert_eq!(store.get_bundles(None).unwrap().len(), bundles.len());
    for wanted in bundles {
        let bundle = uuid(&wanted["uuid"]);
        let found = store.get_bundle(bundle).unwrap();
        assert_eq!(found.title, wanted["title"].as_str().unwrap());
        assert_eq!(found.slug, wanted["slug"].as_str().unwrap());
        assert_eq!(found.description, wanted["description"].as_str().unwrap());
        assert_eq!(found.collection_uuid, uuid(&wanted["collection_uuid"]));
        assert_eq!(found.latest_version, wanted["latest_version"].as_u64().unwrap());
        for version in wanted["versions"].as_array().unwrap() {
            let number = version["version_num"].as_u64().unwrap();
            let found = store.get_bundle_version(bundle, Some(number)).unwrap().expect("the version");
            assert_eq!(found.snapshot_digest.to_string(), version["snapshot_digest"].as_str().unwrap());
            assert_eq!(found.created_at, version["created_at"].as_str().unwrap());
            let files = version["files"].as_object().unwrap();
            assert_eq!(found.files.len(), files.len());
            for (path, file) in files {
                let data = &found.files[path];
                assert_eq!(data.size, file["size"].as_u64().unwrap());
                assert_eq!(data.hash_digest.to_string(), file["hash_digest"].as_str().unwrap());
                assert_eq!(data.mime_type.as_deref(), file["mime_type"].as_str());
                let read = store.get_bundle_version_file_data(bundle, number, path).unwrap();
                assert_eq!(read, bytes(file), "{path}");
            }
            same_links(&found.links, &version["links"]);
        }
        for wanted in wanted["drafts"].as_array().unwrap() {
            let name = wanted["name"].as_str().unwrap();
            assert_eq!(found.drafts[name], uuid(&wanted["uuid"]));
            let draft = store.get_draft(uuid(&wanted["uuid"])).unwrap();
            assert_eq!(draft.name, name);
            assert_eq!(
                draft.base_snapshot.map(|base| base.to_string()).as_deref(),
                wanted["base_snapshot"].as_str()
            );
            assert_eq!(draft.updated_at, wanted["updated_at"].as_str().unwrap());
            let texts = |list: &Value| -> Vec<String> {
                list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
            };
            assert_eq!(draft.deleted_files, texts(&wanted["staged_deletes"]));
            assert_eq!(draft.deleted_links, texts(&wanted["link_deletes"]));
            let files = wanted["composed_files"].as_object().unwrap();
            assert_eq!(draft.files.keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>());
            for (path, file) in files {
                assert_eq!(draft.files[path].modified, file["modified"].as_bool().unwrap());
                let read = store.get_bundle_file_data(bundle, path, Some(name)).unwrap();
                assert_eq!(read, bytes(file), "{path}");
            }
            let links = draft.links.iter().map(|(name, link)| (name.clone(), link.link.clone())).collect();
            same_links(&links, &wanted["composed_links"]);
            for (name, link) in &draft.links {
                assert_eq!(link.modified, wanted["composed_links"][name]["modified"].as_bool().unwrap());
            }
        }
    }
}

#[test]
fn digests_are_those_of_the_vectors() {
    let Some(folder) = golden() else { return };
    let vectors = json(&folder.join("digest-vectors.json"));
    let bundles = &json(&folder.join("operations.json"))["keys"]["bundles"];
    let vectors = vectors["snapshots"].as_array().unwrap();
    assert_eq!(vectors.len(), 7);
    for vector in vectors {
        let digest = vector["blake2b_160"].as_str().unwrap();
        let bundle = uuid(&bundles[vector["bundle"].as_str().unwrap()]);
        let file = folder.join(format!("storage/{bundle}/snapshots/{digest}.json"));
        let snapshot = Snapshot::from_json(&fs::read(file).unwrap()).unwrap();
        assert_eq!(
            String::from_utf8(snapshot.preimage()).unwrap(),
            vector["preimage_utf8"].as_str().unwrap()
        );
        assert_eq!(snapshot.digest().to_string(), digest);
    }
}

#[test]
fn documents_are_written_as_the_app_writes_them() {
    let Some(folder) = golden() else { return };
    let mut seen = (0, 0);
    for entry in fs::read_dir(folder.join("storage")).unwrap() {
        let entry = entry.unwrap().path();
        if let Ok(text) = fs::read(entry.join("summary.json")) {
            assert_eq!(DraftDocument::from_json(&text).unwrap().to_json(), text);
            seen.0 += 1;
        }
        for snapshot in fs::read_dir(entry.join("snapshots")).into_iter().flatten() {
            let text = fs::read(snapshot.unwrap().path()).unwrap();
            assert_eq!(Snapshot::from_json(&text).unwrap().to_json(), text);
            seen.1 += 1;
        }
    }
    assert_eq!(seen, (4, 7));
}

#[test]
fn the_tables_are_those_of_the_app() {
    let Some(folder) = golden() else { return };
    let own = tempfile::tempdir().unwrap();
    Blockstore::open(own.path(), Access::ReadWrite, clock()).expect("a new store");
    let tables = |folder: &Path| -> Vec<(String, String)> {
        let db =
            Connection::open_with_flags(folder.join("db.sqlite3"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut query = db
            .prepare(
                "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND \
                 (tbl_name LIKE 'bundles_%' OR tbl_name = 'django_migrations') ORDER BY name",
            )
            .unwrap();
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(tables(own.path()), tables(&folder));
    let db = Connection::open(own.path().join("db.sqlite3")).unwrap();
    let migrations: u32 = db
        .query_row("SELECT count(*) FROM django_migrations WHERE app = 'bundles'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(migrations, 4);
}

#[test]
fn replaying_the_calls_gives_the_same_files_and_links() {
    let Some(folder) = golden() else { return };
    let own = tempfile::tempdir().unwrap();
    let store = Blockstore::open(own.path(), Access::ReadWrite, clock()).expect("a new store");
    let script = json(&folder.join("operations.json"));
    let (mut collections, mut bundles, mut drafts) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::<(String, String), Uuid>::new());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut refused = 0;
    for op in script["operations"].as_array().unwrap() {
        let draft_of =
            |drafts: &BTreeMap<(String, String), Uuid>| drafts[&(text(&op["bundle"]), text(&op["draft"]))];
        match op["op"].as_str().unwrap() {
            "create_collection" => {
                let made = store.create_collection(&text(&op["title"])).unwrap();
                collections.insert(text(&op["key"]), made.uuid);
            }
            "create_bundle" => {
                let made = store
                    .create_bundle(
                        collections[&text(&op["collection"])],
                        &text(&op["slug"]),
                        &text(&op["title"]),
                        &text(&op["description"]),
                    )
                    .unwrap();
                bundles.insert(text(&op["key"]), made.uuid);
            }
            "draft" => {
                let made = store
                    .get_or_create_bundle_draft(bundles[&text(&op["bundle"])], &text(&op["name"]))
                    .unwrap();
                drafts.insert((text(&op["bundle"]), text(&op["name"])), made.uuid);
            }
            "write_file" => {
                let content = bytes(op);
                store.write_draft_file(draft_of(&drafts), &text(&op["path"]), Some(&content)).unwrap();
            }
            "delete_file" => {
                store.write_draft_file(draft_of(&drafts), &text(&op["path"]), None).unwrap();
            }
            "set_link" => {
                let target = bundles[&text(&op["target"])];
                let version = op["version"].as_u64().unwrap();
                store.set_draft_link(draft_of(&drafts), &text(&op["link"]), Some((target, version))).unwrap();
            }
            "delete_link" => {
                store.set_draft_link(draft_of(&drafts), &text(&op["link"]), None).unwrap();
            }
            "commit" => match store.commit_draft(draft_of(&drafts)) {
                Ok(_) => {}
                Err(BlockstoreError::StaleDraft { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            },
            other => panic!("unknown operation {other}: {op}"),
        }
    }
    assert_eq!(refused, 0);
    let expected = json(&folder.join("expected.json"));
    for wanted in expected["bundles"].as_array().unwrap() {
        let bundle = bundles[wanted["key"].as_str().unwrap()];
        for version in wanted["versions"].as_array().unwrap() {
            let number = version["version_num"].as_u64().unwrap();
            let found = store.get_bundle_version(bundle, Some(number)).unwrap().expect("the version");
            for (path, file) in version["files"].as_object().unwrap() {
                let data = &found.files[path];
                assert_eq!(data.hash_digest.to_string(), file["hash_digest"].as_str().unwrap());
                assert_eq!(data.mime_type.as_deref(), file["mime_type"].as_str());
                let name = Path::new(file["storage_path"].as_str().unwrap()).file_name().unwrap();
                assert!(
                    own.path().join(format!("storage/{bundle}/snapshot_data")).join(name).is_file(),
                    "{name:?}"
                );
            }
            assert_eq!(found.files.len(), version["files"].as_object().unwrap().len());
            let shape = |links: &BTreeMap<String, Link>| -> Vec<(String, u64, usize)> {
                links.iter().map(|(n, l)| (n.clone(), l.direct.version, l.indirect.len())).collect()
            };
            let wanted_shape: Vec<_> = version["links"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, link)| {
                    let version = link["direct"]["version"].as_u64().unwrap();
                    (name.clone(), version, link["indirect"].as_array().unwrap().len())
                })
                .collect();
            assert_eq!(shape(&found.links), wanted_shape);
        }
    }
}

#[test]
fn damage_is_named_and_leaves_the_rest_readable() {
    let Some(folder) = golden() else { return };
    let own = tempfile::tempdir().unwrap();
    copy_folder(&folder, own.path());
    let store = || Blockstore::open(own.path(), Access::ReadWrite, clock()).expect("the store opens");
    let bundle = uuid(&json(&folder.join("operations.json"))["keys"]["bundles"]["media"]);
    let data = own.path().join(format!("storage/{bundle}/snapshot_data"));
    fs::write(data.join("0b1c850b0b7a1c999b81c904d0b95fc0cf2ae946.txt"), "changed").unwrap();
    let read = |path: &str| store().get_bundle_file_data(bundle, path, None);
    match read("video/tides/static/tides-en.srt") {
        Err(BlockstoreError::Corrupt { place, .. }) => assert!(place.contains("0b1c850b"), "{place}"),
        other => panic!("damage, not {other:?}"),
    }
    read("video/tides/definition.xml").unwrap();
    fs::remove_file(data.join("45ed87a1ee0522ead0df0ccd254868ebe1989f0f.xsl")).unwrap();
    assert!(matches!(read("video/tides/definition.xml"), Err(BlockstoreError::Missing { .. })));

    let snapshots = own.path().join(format!("storage/{bundle}/snapshots"));
    let latest = snapshots.join("17256764a1875c56fe7f2c171d9b1298096c6a81.json");
    let text = fs::read_to_string(&latest).unwrap().replace("227", "228");
    fs::write(&latest, text).unwrap();
    assert!(matches!(read("html/welcome/static/tiny.png"), Err(BlockstoreError::Corrupt { .. })));
    assert_eq!(
        store().get_bundle_version_file_data(bundle, 1, "html/welcome/static/tiny.png").unwrap().len(),
        69
    );
    assert_eq!(Digest::of(b"").to_string(), "3345524abf6bbe1809449224b5972c41790b6cf2");
}
