//! An export says what edx-platform's export of the same course says: read again, both give the same blocks.
//!
//! The files themselves differ where docs/differences.md says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use runtime_modulestore::ModulestoreRuntime;
use xblock_core::block::Registry;
use xblock_core::keys::{ContextKey, UsageKey};
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
