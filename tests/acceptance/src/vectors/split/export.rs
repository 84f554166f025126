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
        let (wanted, found) = (comparable(wanted), comparable(found));
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
            // The message is written even where it is not set ("conditionals").
            "conditional" => drop(data.content.shift_remove("conditional_message")),
            _ => {}
        }
        if let Some(attributes) =
            data.settings.get_mut("xml_attributes").and_then(|value| value.as_object_mut())
        {
            attributes.shift_remove("filename");
            if attributes.is_empty() {
                data.settings.shift_remove("xml_attributes");
            }
        }
    }
    blocks
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
