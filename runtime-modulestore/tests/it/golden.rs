//! Documents that edx-platform wrote, and what its own code read from them.
//!
//! The data is not part of the repository; its folder is named by `XBLOCK_SHARED`, or lies beside the checkout as
//! `shared`. Without it these tests say so and check nothing.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use runtime_modulestore::ModulestoreRuntime;
use serde_json::{Map, Value as Json};
use tempfile::TempDir;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{Branch, FieldMap, Runtime};

use crate::fixture::new_store;

pub(crate) fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = std::env::var_os("XBLOCK_SHARED").map_or(beside, PathBuf::from).join("golden/split");
    folder.is_dir().then_some(folder)
}

/// One recorded read, with the dump it was made from.
struct Recorded {
    name: String,
    dump: PathBuf,
    expected: Json,
}

fn recorded() -> Vec<Recorded> {
    let Some(folder) = shared() else {
        // Past the test harness, which would swallow it.
        let _ = writeln!(
            std::io::stderr(),
            "\nGOLDEN DATA MISSING: nothing that edx-platform recorded was compared"
        );
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut folders = vec![folder.clone()];
    while let Some(at) = folders.pop() {
        for entry in at.read_dir().expect("a folder").map(|entry| entry.expect("an entry").path()) {
            let name = entry.file_name().expect("a name").to_string_lossy().into_owned();
            if entry.is_dir() {
                folders.push(entry);
            } else if name.starts_with("expected") && name.ends_with(".json") {
                let expected: Json =
                    serde_json::from_slice(&std::fs::read(&entry).expect("a file")).expect("JSON");
                if expected["store"] == "split" {
                    let name = entry.strip_prefix(&folder).expect("below it").display().to_string();
                    found.push(Recorded { name, dump: at.join("dump/edxapp"), expected });
                }
            }
        }
    }
    assert!(found.len() >= 8, "the golden data is there, but only {} reads", found.len());
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn object(map: &FieldMap) -> Map<String, Json> {
    map.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
}

fn expected_object(value: &Json) -> Map<String, Json> {
    value.as_object().cloned().unwrap_or_default()
}

fn time(value: &Json) -> Option<DateTime<Utc>> {
    value.as_str().map(|text| DateTime::parse_from_rfc3339(text).expect("a time").to_utc())
}

/// Makes an empty store, with the folder it may lie in.
type Make<'m> = &'m dyn Fn() -> (ModulestoreRuntime, Option<TempDir>);

fn embedded() -> (ModulestoreRuntime, Option<TempDir>) {
    let (runtime, folder) = new_store();
    (runtime, Some(folder))
}

/// Runs a check on stores of both servers, where there are any.
fn on_a_server(check: fn(Make<'_>)) {
    for server in [crate::server::server(), crate::server::java_server()].into_iter().flatten() {
        check(&|| (crate::server::new_store(server), None));
    }
}

/// Every block of every branch reads as edx-platform read it: fields by scope, children, edit info, ids.
#[test]
fn blocks_read_as_the_platform_read_them() {
    compare_blocks(&embedded);
}

#[test]
fn blocks_of_a_server_read_as_the_platform_read_them() {
    on_a_server(compare_blocks);
}

fn compare_blocks(make: Make<'_>) {
    let mut differences = Vec::new();
    let mut blocks = 0;
    for Recorded { name, dump, expected } in recorded() {
        let (runtime, _folder) = make();
        runtime.import_dump(&dump).expect("the dump loads");
        let context: ContextKey = expected["course_key"].as_str().expect("a key").parse().expect("a key");
        let record = runtime.context(&context).expect("the context");
        for (branch_name, read) in expected["branches"].as_object().expect("branches") {
            let branch = if branch_name == "published" { Branch::Published } else { Branch::Draft };
            let head = record.head(branch).expect("a head");
            assert_eq!(&*head.version.0, read["structure"]["_id"], "{name}");
            assert_eq!(head.edit_info.edited_on, time(&read["structure"]["edited_on"]), "{name}");
            assert_eq!(record.root.to_string(), read["root"], "{name}");
            let expected_blocks = read["blocks"].as_object().expect("blocks");
            let mut usages: Vec<_> = expected_blocks.keys().map(|key| key.parse().expect("a key")).collect();
            usages.sort();
            assert_eq!(runtime.usages(&context, branch).expect("usages"), usages, "{name}");
            for (usage, expected) in expected_blocks {
                blocks += 1;
                let usage: UsageKey = usage.parse().expect("a key");
                let block = runtime.block(&usage, branch).expect("the block");
                let mut compare = |what: &str, ours: Json, theirs: &Json| {
                    if ours != *theirs {
                        differences.push(format!("{name} {branch} {usage} {what}:\n  {ours}\n  {theirs}"));
                    }
                };
                let children: Vec<_> = block.data.children.iter().map(ToString::to_string).collect();
                compare("children", children.into(), &expected["children"]);
                let fields = &expected["fields"];
                let mut settings = expected_object(&fields["settings"]);
                // The video class of 2015 set this itself whenever a block was loaded; no document holds it.
                if usage.block_type() == "video" && !block.data.settings.contains_key("download_video") {
                    settings.remove("download_video");
                }
                compare(
                    "content",
                    object(&block.data.content).into(),
                    &expected_object(&fields["content"]).into(),
                );
                compare("settings", object(&block.data.settings).into(), &settings.into());
                compare(
                    "defaults",
                    object(&block.data.defaults).into(),
                    &expected_object(&expected["defaults"]).into(),
                );
                compare("edited_by", block.edit_info.edited_by.into(), &expected["edited_by"]);
                assert_eq!(block.edit_info.edited_on, time(&expected["edited_on"]), "{name} {usage}");
                let definition = block.definition.as_split().and_then(|key| key.definition_id());
                compare(
                    "definition",
                    definition.expect("an id").to_string().into(),
                    &expected["definition_id"],
                );
                if let Some(parent) = expected["parent"].as_str() {
                    let parents = runtime.parents(&usage, branch).expect("the parents");
                    assert!(parents.iter().any(|p| p.to_string() == parent), "{name} {usage}: {parents:?}");
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} differences\n{}", differences.len(), differences.join("\n"));
    if shared().is_some() {
        assert!(blocks > 500, "only {blocks} blocks were compared");
    }
}

/// Static files have the attributes and bytes the platform recorded.
#[test]
fn files_read_as_the_platform_read_them() {
    compare_files(&embedded);
}

#[test]
fn files_of_a_server_read_as_the_platform_read_them() {
    on_a_server(compare_files);
}

fn compare_files(make: Make<'_>) {
    use md5::{Digest, Md5};
    for Recorded { name, dump, expected } in recorded() {
        let (runtime, _folder) = make();
        runtime.import_dump(&dump).expect("the dump loads");
        let context: ContextKey = expected["course_key"].as_str().expect("a key").parse().expect("a key");
        let mut files: BTreeMap<_, _> = runtime
            .assets(&context, Branch::Published)
            .unwrap_or_default()
            .into_iter()
            .filter(|file| file.key.asset_type() == "asset")
            .map(|file| (file.key.to_string(), file))
            .collect();
        for expected in expected["assets"].as_array().expect("a list") {
            let key = expected["asset_key"].as_str().expect("a key");
            let file = files.remove(key).unwrap_or_else(|| panic!("{name}: {key} is missing"));
            assert_eq!(file.data.display_name, expected["displayname"], "{name}");
            assert_eq!(file.data.content_type.as_deref(), expected["contentType"].as_str(), "{name}");
            assert_eq!(file.data.locked, expected["locked"], "{name}");
            assert_eq!(file.data.import_path.as_deref(), expected["import_path"].as_str(), "{name}");
            assert_eq!(file.data.thumbnail.as_deref(), expected["thumbnail_location"][4].as_str(), "{name}");
            assert_eq!(file.length, expected["length"], "{name}");
            let bytes = runtime.read_asset(&file.key, Branch::Draft).expect("the bytes");
            assert_eq!(hex::encode(Md5::digest(&bytes)), expected["md5"], "{name}");
            assert!(file.data.extra.is_empty(), "{name}: {:?}", file.data.extra);
        }
        assert!(files.is_empty(), "{name}: {files:?}");
    }
}

/// Counts are those of the dump, and every context of it is listed.
#[test]
fn a_dump_is_loaded_whole() {
    for Recorded { name, dump, .. } in recorded() {
        let (runtime, folder) = new_store();
        let counts = runtime.import_dump(&dump).expect("the dump loads");
        let text = std::fs::read(dump.join("../../counts.json")).expect("the counts");
        let expected: BTreeMap<String, usize> = serde_json::from_slice(&text).expect("JSON");
        let count = |collection: &str| expected.get(collection).copied().unwrap_or(0);
        let split = counts.contexts.iter().filter(|context| !context.is_deprecated()).count();
        assert_eq!(split, count("modulestore.active_versions"), "{name}");
        assert_eq!(counts.structures, count("modulestore.structures"), "{name}");
        assert_eq!(counts.definitions, count("modulestore.definitions"), "{name}");
        assert_eq!(counts.files, count("fs.files"), "{name}");
        let mut contexts = counts.contexts;
        contexts.sort();
        assert_eq!(crate::fixture::open(folder.path()).contexts().expect("contexts"), contexts, "{name}");
    }
}

/// The platform's documents can be edited on: publishing and discarding them makes the branches equal.
#[test]
fn the_platforms_documents_can_be_edited() {
    use xblock_core::runtime::{Edit, EditOp, Extent};
    use xblock_testkit::fixture::{commit, snapshot};
    for Recorded { name, dump, expected } in recorded() {
        let context: ContextKey = expected["course_key"].as_str().expect("a key").parse().expect("a key");
        let edit = || Edit::new(context.clone(), xblock_core::runtime::Base::Any);
        let (runtime, _folder) = new_store();
        runtime.import_dump(&dump).expect("the dump loads");
        let draft = snapshot(&runtime, &context, Branch::Draft);
        let published = runtime.context(&context).expect("the context").published;
        if published.is_some() {
            let learners = snapshot(&runtime, &context, Branch::Published);
            let (reverted, _folder) = new_store();
            reverted.import_dump(&dump).expect("the dump loads");
            commit(&reverted, edit().with(EditOp::Discard(Extent::All)));
            assert_eq!(snapshot(&reverted, &context, Branch::Draft), learners, "{name}");
            assert_eq!(snapshot(&reverted, &context, Branch::Published), learners, "{name}");
        }
        commit(&runtime, edit().publish_all());
        assert_eq!(snapshot(&runtime, &context, Branch::Draft), draft, "{name}");
        assert_eq!(snapshot(&runtime, &context, Branch::Published), draft, "{name}");
        let versions = runtime.history(&context, Branch::Published).expect("the history");
        assert_eq!(
            versions.get(1).map(|version| &version.version),
            published.map(|head| head.version).as_ref()
        );
    }
}

/// Every dump there is, of Old Mongo too, loads and comes back with equal documents in every collection.
#[test]
fn a_dump_comes_back_as_it_was() {
    bring_and_take(&embedded);
}

#[test]
fn a_dump_comes_back_from_a_server_as_it_was() {
    on_a_server(bring_and_take);
}

fn bring_and_take(make: Make<'_>) {
    let Some(folder) = shared() else { return };
    let mut folders = vec![folder];
    let (mut dumps, mut documents) = (0, 0);
    while let Some(at) = folders.pop() {
        for entry in at.read_dir().expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() && entry.ends_with("dump/edxapp") {
                let (runtime, _folder) = make();
                let out = tempfile::tempdir().expect("a folder");
                // The folder of the dump is given, the one database in it is found.
                runtime.import_dump(entry.parent().expect("dump")).expect("the dump loads");
                let target = out.path().join("out/edxapp");
                runtime.export_dump(&target).expect("the dump is written");
                let read = crate::dumps::collections(&target);
                let wanted = crate::dumps::collections(&entry);
                assert_eq!(read.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
                for (name, wanted) in wanted {
                    assert_eq!(read[&name], wanted, "{name} of {}", entry.display());
                    documents += wanted.len();
                }
                dumps += 1;
            } else if entry.is_dir() {
                folders.push(entry);
            }
        }
    }
    assert!(dumps >= 14 && documents > 850, "only {dumps} dumps, {documents} documents");
}
