//! An export says what edx-platform's export of the same course says: read again, both give the same blocks; static files and
//! what is said of them are the same themselves.
//!
//! The files of blocks differ where docs/differences.md says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use runtime_modulestore::ModulestoreRuntime;
use serde_json::Value;
use xblock_core::block::Registry;
use xblock_core::keys::{AssetKey, ContextKey, UsageKey};
use xblock_core::olx::{ExportOptions, MemoryPackage, MemorySink, ReadOptions, read_course, write_course};
use xblock_core::runtime::BlockData;

use super::{Outcome, entries, text};
use crate::vectors::Report;

type Blocks = BTreeMap<UsageKey, Arc<BlockData>>;

/// Compares the blocks, each a case.
pub(super) fn check(
    runtime: &ModulestoreRuntime,
    registry: &Registry,
    context: &ContextKey,
    olx: &Path,
    id: &str,
    report: &mut Report,
) {
    let id = format!("{id}, export");
    if let Err(reason) = compare(runtime, registry, context, olx, &id, report) {
        report.case(&id, Err(reason));
    }
}

fn compare(
    runtime: &ModulestoreRuntime,
    registry: &Registry,
    context: &ContextKey,
    olx: &Path,
    id: &str,
    report: &mut Report,
) -> Outcome {
    let mut sink = MemorySink::default();
    write_course(runtime, context, ExportOptions::default(), registry, &mut sink).map_err(text)?;
    let mut platform = MemoryPackage { files: BTreeMap::new() };
    files(olx, "", &mut platform.files)?;
    compare_files(&platform.files, &sink.files, context, id, report);
    let options = ReadOptions::default().target(context.clone());
    let wanted = read_course(&platform, &options, registry).map_err(text)?;
    let found = read_course(&MemoryPackage { files: sink.files }, &options, registry).map_err(text)?;
    // A draft that says what is published may be written or not.
    let overlaid = |published: &Blocks, draft: Blocks| {
        let mut all = published.clone();
        all.extend(draft);
        all
    };
    let drafts = (overlaid(&wanted.published, wanted.draft), overlaid(&found.published, found.draft));
    for (branch, wanted, found) in
        [("published", wanted.published, found.published), ("draft", drafts.0, drafts.1)]
    {
        let (mut wanted, found) = (comparable(wanted), comparable(found));
        as_we_write(&mut wanted, &found);
        let usages: BTreeSet<_> = wanted.keys().chain(found.keys()).collect();
        for usage in usages {
            let outcome = match (wanted.get(usage), found.get(usage)) {
                (Some(wanted), Some(found)) if wanted == found => Ok(()),
                (wanted, found) => Err(format!("expected {wanted:?}, got {found:?}")),
            };
            report.case(&format!("{id}, {branch}, {usage}"), outcome);
        }
    }
    Ok(())
}

type Files = BTreeMap<String, Vec<u8>>;

/// Compares the static files with what is said of them, each file a case.
fn compare_files(wanted: &Files, found: &Files, context: &ContextKey, id: &str, report: &mut Report) {
    let paths: BTreeSet<_> = wanted.keys().chain(found.keys()).filter(|path| is_of_files(path)).collect();
    for path in paths {
        let outcome = match (wanted.get(path), found.get(path)) {
            (Some(wanted), Some(found)) if *path == "policies/assets.json" => {
                let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).map_err(text);
                read(wanted).and_then(|mut wanted| {
                    let found = read(found)?;
                    as_our_names(&mut wanted, &found, context);
                    super::same(path, &wanted, &found)
                })
            }
            (Some(wanted), Some(found)) if wanted == found => Ok(()),
            (wanted, found) => {
                let shown = |bytes: Option<&Vec<u8>>| bytes.map_or("none".into(), |bytes| shown(bytes));
                Err(format!("expected {}, got {}", shown(wanted), shown(found)))
            }
        };
        report.case(&format!("{id}, {path}"), outcome);
    }
}

/// Lets copies of another course's files be called as theirs are here ("static files of copied courses").
fn as_our_names(wanted: &mut Value, found: &Value, context: &ContextKey) {
    for (name, file) in wanted.as_object_mut().into_iter().flatten() {
        let original = file["filename"].as_str().and_then(|key| key.parse::<AssetKey>().ok());
        // Old keys do not name the run.
        let is_copy = original.is_some_and(|key| {
            let (theirs, ours) = (key.context_key(), context);
            theirs.is_deprecated() != ours.is_deprecated() || !theirs.is_deprecated() && theirs != *ours
        });
        if is_copy {
            file["filename"] = found[name]["filename"].clone();
            // Of the thumbnail, too, the course it was made in.
            let name_of = |file: &Value| file["thumbnail_location"][4].clone();
            if name_of(file) == name_of(&found[name]) {
                file["thumbnail_location"] = found[name]["thumbnail_location"].clone();
            }
        }
    }
}

/// Says whether a path is of the static files, or of what is said of them.
fn is_of_files(path: &str) -> bool {
    let folder = path.split_once('/').map(|(folder, _)| folder);
    matches!(folder, Some("static" | "assets" | "collisions")) || path == "policies/assets.json"
}

fn shown(bytes: &[u8]) -> String {
    let start: String = String::from_utf8_lossy(bytes).chars().take(2000).collect();
    format!("{} bytes, {start}", bytes.len())
}

/// Fields the platform writes for videos with values nobody set (docs/differences.md, "course export of videos").
const OF_VIDEOS: [&str; 6] =
    ["youtube_id_0_75", "youtube_id_1_0", "youtube_id_1_25", "youtube_id_1_5", "sub", "html5_sources"];

/// Leaves out what docs/differences.md lists, and the name of the file each block was read from, which says how a package is
/// laid out.
fn comparable(mut blocks: Blocks) -> Blocks {
    for (usage, data) in &mut blocks {
        let data = Arc::make_mut(data);
        match usage.block_type() {
            "video" => OF_VIDEOS.iter().for_each(|name| drop(data.settings.shift_remove(*name))),
            // Without one of their own, ours have the default in writing and theirs none ("conditionals without a message").
            "conditional" => {
                data.content.shift_remove("conditional_message");
                forget_attribute(data, "message", Some(DEFAULT_MESSAGE));
            }
            _ => {}
        }
        forget_attribute(data, "filename", None);
    }
    blocks
}

/// What a conditional says that nobody gave another message.
const DEFAULT_MESSAGE: &str = "You must complete {link} before you can access this unit.";

/// Takes an attribute no field is for out of a block, where it has this value.
fn forget_attribute(data: &mut BlockData, name: &str, value: Option<&str>) {
    let Some(attributes) = data.settings.get_mut("xml_attributes").and_then(|value| value.as_object_mut())
    else {
        return;
    };
    if value.is_none() || attributes.get(name).and_then(|found| found.as_str()) == value {
        attributes.shift_remove(name);
    }
    if attributes.is_empty() {
        data.settings.shift_remove("xml_attributes");
    }
}

/// Puts into the platform's blocks what it cannot say itself.
fn as_we_write(wanted: &mut Blocks, found: &Blocks) {
    for (usage, data) in wanted.iter_mut() {
        // Set by the class of 2015 whenever a block was loaded ("videos, `download_video`").
        if usage.block_type() == "video"
            && data.settings.get("download_video") == Some(&false.into())
            && found.get(usage).is_some_and(|found| !found.settings.contains_key("download_video"))
        {
            Arc::make_mut(data).settings.shift_remove("download_video");
        }
    }
    // What it shows from elsewhere comes back twice ("conditionals that show blocks from elsewhere").
    for (_, data) in wanted.iter_mut().filter(|(usage, _)| usage.block_type() == "conditional") {
        let shown = data.content.get("show_tag_list").and_then(|shown| shown.as_array()).cloned();
        for shown in shown.iter().flatten().filter_map(|shown| shown.as_str()) {
            let children = &mut Arc::make_mut(data).children;
            let at: Vec<_> = (0..children.len()).filter(|at| children[*at].to_string() == shown).collect();
            if let [_, .., last] = at[..] {
                children.remove(last);
            }
        }
    }
    // Their files stand where no reader looks for them ("drafts with a colon in their id").
    let lost: Vec<_> = found
        .iter()
        .filter(|(usage, _)| usage.block_id().contains(':') && !wanted.contains_key(*usage))
        .map(|(usage, data)| (usage.clone(), data.clone()))
        .collect();
    for (usage, data) in lost {
        for (parent, theirs) in wanted.iter_mut() {
            let Some(ours) = found.get(parent) else { continue };
            if let Some(at) = ours.children.iter().position(|child| *child == usage) {
                let children = &mut Arc::make_mut(theirs).children;
                children.insert(at.min(children.len()), usage.clone());
            }
        }
        wanted.insert(usage, data);
    }
}

fn files(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) -> Outcome {
    for entry in entries(folder) {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if entry.is_dir() {
            files(&entry, &format!("{prefix}{name}/"), found)?;
        } else {
            found.insert(format!("{prefix}{name}"), fs::read(&entry).map_err(text)?);
        }
    }
    Ok(())
}
