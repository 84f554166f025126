//! The calls that made the store, made again here.
//!
//! They give other UUIDs and times, and so other snapshot digests. Equal must be: versions, paths, sizes, digests, types
//! and places of files, what links lead to, and what drafts show. Where our drafts forget what was committed, the app's
//! keep leftovers of links; so `modified` of links is not compared.

use std::collections::BTreeMap;
use std::path::Path;

use runtime_blockstore::{
    Access, Blockstore, BundleFileData, CommitOptions, Dependency, Link, OnEmpty, OnStale,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Outcome, Report, content, list, number, object, open, same, string, text};

#[derive(Default)]
struct Made {
    collections: BTreeMap<String, Uuid>,
    bundles: BTreeMap<String, Uuid>,
    drafts: BTreeMap<(String, String), Uuid>,
}

impl Made {
    fn named(map: &BTreeMap<String, Uuid>, key: &Value) -> Outcome<Uuid> {
        map.get(string(key)?).copied().ok_or_else(|| format!("nothing was made as {key}"))
    }

    fn draft(&self, op: &Value) -> Outcome<Uuid> {
        let key = (string(&op["bundle"])?.to_owned(), string(&op["draft"])?.to_owned());
        self.drafts.get(&key).copied().ok_or_else(|| format!("no draft was made as {key:?}"))
    }
}

/// Makes all calls, each a case, and compares what came to be.
pub(super) fn operations(script: &Value, expected: &Value, _: &Path, report: &mut Report) -> Outcome {
    let folder = tempfile::tempdir().map_err(text)?;
    let store = open(folder.path(), Access::ReadWrite)?;
    let mut made = Made::default();
    for (at, op) in list(&script["operations"])?.iter().enumerate() {
        report.case(&format!("operation {at}, {}", op["op"]), call(&store, &mut made, op));
    }
    report.case("keys of what is made", keys(&script["keys"], &made, expected));
    for wanted in list(&expected["bundles"])? {
        let key = string(&wanted["key"])?;
        let Some(bundle) = made.bundles.get(key).copied() else {
            report.case(&format!("replayed {key}"), Err("no operation makes it".into()));
            continue;
        };
        report.case(&format!("replayed {key}"), self::names(&store, bundle, wanted, expected));
        for version in list(&wanted["versions"])? {
            let id = format!("replayed {key}, version {}", version["version_num"]);
            report.case(&id, self::version(&store, &made, bundle, version));
        }
        for draft in list(&wanted["drafts"])? {
            let id = format!("replayed {key}, draft {}", draft["name"]);
            report.case(&id, self::draft(&store, &made, key, bundle, draft));
        }
    }
    Ok(())
}

/// Holds the keys of operations against the UUIDs of what was made under them.
fn keys(keys: &Value, made: &Made, expected: &Value) -> Outcome {
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let all =
        |part: &str| -> Outcome<Vec<String>> { Ok(sorted(object(&keys[part])?.keys().cloned().collect())) };
    same("keys of collections", &all("collections")?, &made.collections.keys().cloned().collect())?;
    same("keys of bundles", &all("bundles")?, &made.bundles.keys().cloned().collect())?;
    let drafts = made.drafts.keys().map(|(bundle, draft)| format!("{bundle}/{draft}"));
    same("keys of drafts", &all("drafts")?, &sorted(drafts.collect()))?;
    let uuids = sorted(list(&expected["collections"])?.iter().map(|c| c["uuid"].to_string()).collect());
    let named = sorted(object(&keys["collections"])?.values().map(Value::to_string).collect());
    same("collections", &named, &uuids)?;
    for bundle in list(&expected["bundles"])? {
        let key = string(&bundle["key"])?;
        same("bundle", &keys["bundles"][key], &bundle["uuid"])?;
        for draft in list(&bundle["drafts"])? {
            let name = format!("{key}/{}", string(&draft["name"])?);
            same("draft", &keys["drafts"][name], &draft["uuid"])?;
        }
    }
    Ok(())
}

/// Compares what a bundle and its collection are called.
fn names(store: &Blockstore, bundle: Uuid, wanted: &Value, expected: &Value) -> Outcome {
    let found = store.get_bundle(bundle).map_err(text)?;
    same("title", &string(&wanted["title"])?, &&*found.title)?;
    same("slug", &string(&wanted["slug"])?, &&*found.slug)?;
    same("description", &string(&wanted["description"])?, &&*found.description)?;
    let collection = list(&expected["collections"])?.iter().find(|c| c["uuid"] == wanted["collection_uuid"]);
    let collection = collection.ok_or("expected.json has no collection of it")?;
    let found = store.get_collection(found.collection_uuid).map_err(text)?;
    same("title of its collection", &string(&collection["title"])?, &&*found.title)
}

fn call(store: &Blockstore, made: &mut Made, op: &Value) -> Outcome {
    let name = |member: &str| op[member].as_str().unwrap_or_default();
    match string(&op["op"])? {
        "create_collection" => {
            let uuid = store.create_collection(name("title")).map_err(text)?.uuid;
            made.collections.insert(name("key").to_owned(), uuid);
        }
        "create_bundle" => {
            let collection = Made::named(&made.collections, &op["collection"])?;
            let uuid = store
                .create_bundle(collection, name("slug"), name("title"), name("description"))
                .map_err(text)?
                .uuid;
            made.bundles.insert(name("key").to_owned(), uuid);
        }
        "draft" => {
            let bundle = Made::named(&made.bundles, &op["bundle"])?;
            let uuid = store.get_or_create_bundle_draft(bundle, name("name")).map_err(text)?.uuid;
            made.drafts.insert((name("bundle").to_owned(), name("name").to_owned()), uuid);
        }
        "write_file" => {
            store.write_draft_file(made.draft(op)?, name("path"), Some(&content(op)?)).map_err(text)?;
        }
        "delete_file" => store.write_draft_file(made.draft(op)?, name("path"), None).map_err(text)?,
        "set_link" => {
            let target = Made::named(&made.bundles, &op["target"])?;
            let version = number(&op["version"])?;
            store.set_draft_link(made.draft(op)?, name("link"), Some((target, version))).map_err(text)?;
        }
        "delete_link" => store.set_draft_link(made.draft(op)?, name("link"), None).map_err(text)?,
        "commit" => {
            let as_the_app = CommitOptions {
                on_stale: OnStale::UndoTheirs,
                on_empty: OnEmpty::MakeVersion,
                ..CommitOptions::default()
            };
            store.commit_draft_with(made.draft(op)?, &as_the_app).map_err(text)?;
        }
        other => return Err(format!("unknown operation {other}")),
    }
    Ok(())
}

fn version(store: &Blockstore, made: &Made, bundle: Uuid, wanted: &Value) -> Outcome {
    let number = number(&wanted["version_num"])?;
    let found = store.get_bundle_version(bundle, Some(number)).map_err(text)?.ok_or("there is no version")?;
    let wanted_files = object(&wanted["files"])?;
    same("number of files", &wanted_files.len(), &found.files.len())?;
    for (path, wanted) in wanted_files {
        let data = found.files.get(path).ok_or_else(|| format!("{path} is missing"))?;
        file(wanted, data).map_err(|reason| format!("{path}: {reason}"))?;
        let place = store.get_bundle_version_file_storage_path(bundle, number, path).map_err(text)?;
        same("place", &tail(string(&wanted["storage_path"])?), &tail(&place))?;
    }
    links(made, &wanted["links"], found.links.iter())
}

fn draft(store: &Blockstore, made: &Made, key: &str, bundle: Uuid, wanted: &Value) -> Outcome {
    let name = string(&wanted["name"])?;
    let uuid = made.drafts.get(&(key.to_owned(), name.to_owned())).ok_or("there is no draft")?;
    let found = store.get_draft(*uuid).map_err(text)?;
    let latest = store.get_bundle_version(bundle, None).map_err(text)?.map(|latest| latest.snapshot_digest);
    same("base is latest", &wanted["base_is_latest"].as_bool(), &Some(latest == found.base_snapshot))?;
    same("staged deletes", &wanted["staged_deletes"], &json!(found.deleted_files))?;
    let files = object(&wanted["composed_files"])?;
    same("number of files", &files.len(), &found.files.len())?;
    for (path, wanted) in files {
        let data = found.files.get(path).ok_or_else(|| format!("{path} is missing"))?;
        file(wanted, &data.file).map_err(|reason| format!("{path}: {reason}"))?;
        same("modified", &wanted["modified"].as_bool(), &Some(data.modified))?;
        let place = store.get_bundle_file_storage_path(bundle, path, Some(name)).map_err(text)?;
        same("place", &tail(string(&wanted["storage_path"])?), &tail(&place))?;
    }
    links(made, &wanted["composed_links"], found.links.iter().map(|(name, link)| (name, &link.link)))
}

/// Leaves the UUID of the bundle or draft away.
fn tail(place: &str) -> &str {
    place.split_once('/').map_or(place, |(_, tail)| tail)
}

fn file(wanted: &Value, found: &BundleFileData) -> Outcome {
    same("size", &number(&wanted["size"])?, &found.size)?;
    same("digest", &string(&wanted["hash_digest"])?, &found.hash_digest.to_string().as_str())?;
    same("MIME type", &wanted["mime_type"].as_str(), &found.mime_type.as_deref())
}

/// Compares what links lead to by the keys of the script.
fn links<'l>(made: &Made, wanted: &Value, found: impl Iterator<Item = (&'l String, &'l Link)>) -> Outcome {
    let key_of = |uuid: Uuid| {
        made.bundles.iter().find(|(_, made)| **made == uuid).map(|(key, _)| key.clone()).unwrap_or_default()
    };
    let target = |link: &Dependency| json!([key_of(link.bundle_uuid), link.version]);
    let wanted_target = |link: &Value| json!([link["bundle_key"], link["version"]]);
    // Indirect links stand in the order of UUIDs, which are others here.
    let sorted = |mut list: Vec<Value>| {
        list.sort_by_key(Value::to_string);
        list
    };
    let found: BTreeMap<String, Value> = found
        .map(|(name, link)| {
            let indirect = sorted(link.indirect.iter().map(target).collect());
            (name.clone(), json!([target(&link.direct), indirect]))
        })
        .collect();
    let mut expected = BTreeMap::new();
    for (name, link) in object(wanted)? {
        let indirect = sorted(list(&link["indirect"])?.iter().map(wanted_target).collect());
        expected.insert(name.clone(), json!([wanted_target(&link["direct"]), indirect]));
    }
    same("links", &expected, &found)
}
