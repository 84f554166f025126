//! Everything `expected.json` says of a store.

use std::collections::BTreeMap;
use std::path::Path;

use runtime_blockstore::{Blockstore, BundleFileData, Dependency, Link};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Outcome, Report, content, entries, list, number, object, same, string, text, uuid};

/// Checks collections, bundles, versions and drafts, each a case.
pub(super) fn store(store: &Blockstore, expected: &Value, how: &str, report: &mut Report) {
    for part in ["collections", "bundles"] {
        let Ok(wanted) = list(&expected[part]) else {
            report.case(&format!("{part}, {how}"), Err("expected.json does not list them".into()));
            continue;
        };
        for wanted in wanted {
            let id = format!("{part} {}, {how}", wanted["uuid"]);
            if part == "collections" {
                report.case(&id, collection(store, wanted));
            } else {
                report.case(&id, bundle(store, wanted));
                parts_of_bundle(store, wanted, &id, report);
            }
        }
    }
    let counts = || {
        same(
            "collections",
            &list(&expected["collections"])?.len(),
            &store.get_collections().map_err(text)?.len(),
        )?;
        same("bundles", &list(&expected["bundles"])?.len(), &store.get_bundles(None).map_err(text)?.len())
    };
    report.case(&format!("counts, {how}"), counts());
    report.case(&format!("keys of bundles, {how}"), keys(expected));
}

/// Holds the keys by which dependencies name bundles against those the bundles have.
fn keys(expected: &Value) -> Outcome {
    let mut keys = BTreeMap::new();
    for bundle in list(&expected["bundles"])? {
        keys.insert(uuid(&bundle["uuid"])?, string(&bundle["key"])?);
    }
    let mut open = vec![&expected["bundles"]];
    while let Some(value) = open.pop() {
        // A dependency is what has these three.
        if let (Some(_), Some(_), Some(_)) =
            (value.get("bundle_uuid"), value.get("version"), value.get("snapshot_digest"))
        {
            let target = uuid(&value["bundle_uuid"])?;
            same("key of a dependency", &Some(&string(&value["bundle_key"])?), &keys.get(&target))?;
        }
        open.extend(value.as_array().into_iter().flatten());
        open.extend(value.as_object().into_iter().flat_map(|members| members.values()));
    }
    Ok(())
}

fn parts_of_bundle(store: &Blockstore, wanted: &Value, id: &str, report: &mut Report) {
    let Ok(bundle) = uuid(&wanted["uuid"]) else { return };
    for version in wanted["versions"].as_array().into_iter().flatten() {
        let id = format!("{id}, version {}", version["version_num"]);
        report.case(&id, self::version(store, bundle, version));
    }
    for draft in wanted["drafts"].as_array().into_iter().flatten() {
        let id = format!("{id}, draft {}", draft["name"]);
        report.case(&id, self::draft(store, bundle, draft));
    }
}

fn collection(store: &Blockstore, wanted: &Value) -> Outcome {
    let found = store.get_collection(uuid(&wanted["uuid"])?).map_err(text)?;
    same("title", &string(&wanted["title"])?, &found.title.as_str())?;
    let query = runtime_blockstore::BundleQuery { collection_uuid: Some(found.uuid), ..Default::default() };
    let found: Vec<Value> =
        store.find_bundles(&query).map_err(text)?.iter().map(|b| json!(b.uuid.to_string())).collect();
    same("bundles", list(&wanted["bundles"])?, &found)
}

fn bundle(store: &Blockstore, wanted: &Value) -> Outcome {
    let found = store.get_bundle(uuid(&wanted["uuid"])?).map_err(text)?;
    same("title", &string(&wanted["title"])?, &found.title.as_str())?;
    same("slug", &string(&wanted["slug"])?, &found.slug.as_str())?;
    same("description", &string(&wanted["description"])?, &found.description.as_str())?;
    same("collection", &uuid(&wanted["collection_uuid"])?, &found.collection_uuid)?;
    same("latest version", &number(&wanted["latest_version"])?, &found.latest_version)?;
    let mut drafts = BTreeMap::new();
    for draft in list(&wanted["drafts"])? {
        drafts.insert(string(&draft["name"])?.to_owned(), uuid(&draft["uuid"])?);
    }
    same("drafts", &drafts, &found.drafts)
}

fn version(store: &Blockstore, bundle: Uuid, wanted: &Value) -> Outcome {
    let number = number(&wanted["version_num"])?;
    let found = store.get_bundle_version(bundle, Some(number)).map_err(text)?.ok_or("there is no version")?;
    same("digest", &string(&wanted["snapshot_digest"])?, &found.snapshot_digest.to_string().as_str())?;
    same("created_at", &string(&wanted["created_at"])?, &found.created_at.as_str())?;
    same("description", &string(&wanted["change_description"])?, &found.change_description.as_str())?;
    let files = object(&wanted["files"])?;
    let paths = |files: &BTreeMap<String, BundleFileData>| files.keys().cloned().collect::<Vec<_>>();
    same("paths", &sorted(files.keys()), &paths(&found.files))?;
    for (path, wanted) in files {
        file(wanted, &found.files[path]).map_err(|reason| format!("{path}: {reason}"))?;
        let place = store.get_bundle_version_file_storage_path(bundle, number, path).map_err(text)?;
        same("storage path", &string(&wanted["storage_path"])?, &place.as_str())?;
        let bytes = store.get_bundle_version_file_data(bundle, number, path).map_err(text)?;
        same("content", &content(wanted)?, &bytes)?;
    }
    links(&wanted["links"], &found.links)
}

fn draft(store: &Blockstore, bundle: Uuid, wanted: &Value) -> Outcome {
    let name = string(&wanted["name"])?;
    let found = store.get_draft(uuid(&wanted["uuid"])?).map_err(text)?;
    same("name", &name, &found.name.as_str())?;
    same("bundle", &bundle, &found.bundle_uuid)?;
    let base = found.base_snapshot.map(|base| base.to_string());
    same("base", &wanted["base_snapshot"].as_str(), &base.as_deref())?;
    if let Some(is_latest) = wanted["base_is_latest"].as_bool() {
        let latest =
            store.get_bundle_version(bundle, None).map_err(text)?.map(|latest| latest.snapshot_digest);
        same("base is latest", &is_latest, &(latest == found.base_snapshot))?;
    }
    same("created_at", &string(&wanted["created_at"])?, &found.created_at.as_str())?;
    same("updated_at", &string(&wanted["updated_at"])?, &found.updated_at.as_str())?;
    same("staged deletes", &texts(&wanted["staged_deletes"])?, &found.deleted_files)?;
    same("deleted links", &texts(&wanted["link_deletes"])?, &found.deleted_links)?;
    let modified: Vec<_> =
        found.files.iter().filter(|(_, file)| file.modified).map(|(path, _)| path.clone()).collect();
    same("staged writes", &texts(&wanted["staged_writes"])?, &modified)?;
    let put: BTreeMap<_, _> = found
        .links
        .iter()
        .filter(|(_, link)| link.modified)
        .map(|(name, link)| (name.clone(), link.link.clone()))
        .collect();
    links(&wanted["link_puts"], &put)?;

    let files = object(&wanted["composed_files"])?;
    same("paths", &sorted(files.keys()), &found.files.keys().cloned().collect::<Vec<_>>())?;
    for (path, wanted) in files {
        let data = &found.files[path];
        file(wanted, &data.file).map_err(|reason| format!("{path}: {reason}"))?;
        same("modified", &wanted["modified"].as_bool(), &Some(data.modified))?;
        let place = store.get_bundle_file_storage_path(bundle, path, Some(name)).map_err(text)?;
        same("storage path", &string(&wanted["storage_path"])?, &place.as_str())?;
        let bytes = store.get_bundle_file_data(bundle, path, Some(name)).map_err(text)?;
        same("content", &content(wanted)?, &bytes)?;
    }
    let composed = found.links.iter().map(|(name, link)| (name.clone(), link.link.clone())).collect();
    links(&wanted["composed_links"], &composed)?;
    for (name, link) in &found.links {
        same("modified link", &wanted["composed_links"][name]["modified"].as_bool(), &Some(link.modified))?;
    }
    Ok(())
}

/// Compares which files lie in the storage: reading adds none, and none is missing.
pub(super) fn storage(folder: &Path, expected: &Value) -> Outcome {
    let storage = folder.join("storage");
    let (mut found, mut folders) = (Vec::new(), vec![storage.clone()]);
    while let Some(at) = folders.pop() {
        for entry in entries(&at) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let path = entry.strip_prefix(&storage).map_err(text)?;
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    same("files", &texts(&expected["storage_listing"])?, &found)
}

fn file(wanted: &Value, found: &BundleFileData) -> Outcome {
    same("public", &wanted["public"].as_bool(), &Some(found.public))?;
    same("size", &number(&wanted["size"])?, &found.size)?;
    same("digest", &string(&wanted["hash_digest"])?, &found.hash_digest.to_string().as_str())?;
    same("MIME type", &wanted["mime_type"].as_str(), &found.mime_type.as_deref())
}

/// Compares links, direct and indirect, in order.
fn links(wanted: &Value, found: &BTreeMap<String, Link>) -> Outcome {
    let wanted = object(wanted)?;
    same("links", &sorted(wanted.keys()), &found.keys().cloned().collect::<Vec<_>>())?;
    let same_target = |name: &str, wanted: &Value, found: &Dependency| -> Outcome {
        same(name, &uuid(&wanted["bundle_uuid"])?, &found.bundle_uuid)?;
        same(name, &number(&wanted["version"])?, &found.version)?;
        same(name, &string(&wanted["snapshot_digest"])?, &found.snapshot_digest.to_string().as_str())
    };
    for (name, link) in found {
        same_target(name, &wanted[name]["direct"], &link.direct)?;
        let indirect = list(&wanted[name]["indirect"])?;
        same("number of indirect links", &indirect.len(), &link.indirect.len())?;
        for (wanted, found) in indirect.iter().zip(&link.indirect) {
            same_target(name, wanted, found)?;
        }
    }
    Ok(())
}

fn sorted<'k>(keys: impl Iterator<Item = &'k String>) -> Vec<String> {
    let mut keys: Vec<_> = keys.cloned().collect();
    keys.sort();
    keys
}

fn texts(value: &Value) -> Outcome<Vec<String>> {
    let mut texts =
        list(value)?.iter().map(|text| string(text).map(str::to_owned)).collect::<Outcome<Vec<_>>>()?;
    texts.sort();
    Ok(texts)
}
