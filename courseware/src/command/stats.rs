//! `courseware stats`.

use clap::Args;
use courseware::OpenMode;
use runtime_modulestore::SizeReport;
use serde_json::json;
use xblock_core::runtime::{Branch, Runtime, RuntimeError};

use super::arguments::StoreArgument;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Counts what a Blockstore holds: what is big, what is there twice, what nothing leads to; or says what makes the
/// structures of a Modulestore big.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    store: StoreArgument,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    if !arguments.store.url.is_blockstore() {
        return documents(arguments, surroundings, console);
    }
    let stats = surroundings.open_bundles(&arguments.store.url, OpenMode::Read)?.stats()?;
    let exit = if stats.unreadable_rows.is_empty() { Exit::Done } else { Exit::No };
    if console.json {
        console.document(&stats)?;
        return Ok(exit);
    }
    for row in &stats.unreadable_rows {
        console.line(format_args!("cannot be read: {row}"))?;
    }
    console.line(format_args!(
        "{} collections, {} bundles, {} versions, {} drafts",
        stats.collections, stats.bundles, stats.versions, stats.drafts
    ))?;
    console.line(format_args!("{} snapshots: {} bytes", stats.snapshots, stats.snapshot_bytes))?;
    console.line(format_args!("{} data files: {} bytes", stats.data_files, stats.data_bytes))?;
    console.line(format_args!("drafts and the rest: {} bytes", stats.other_bytes))?;
    console.line(format_args!("there twice: {} bytes", stats.duplicated_bytes))?;
    console.line(format_args!(
        "nothing leads to {} files of {} bytes",
        stats.unused_files, stats.unused_bytes
    ))?;
    for bundle in &stats.biggest_bundles {
        console.line(format_args!(
            "bundle {}  {}  {} bytes, {} versions",
            bundle.uuid, bundle.slug, bundle.bytes, bundle.versions
        ))?;
    }
    for file in &stats.biggest_files {
        console.line(format_args!("file {}  {} bytes", file.key, file.bytes))?;
    }
    Ok(exit)
}

/// Tells what each branch of each context takes of what one document may take; the fullest first.
fn documents(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let store = surroundings.open_modulestore(&arguments.store.url, OpenMode::Read)?;
    let mut reports: Vec<SizeReport> = Vec::new();
    let mut damaged = store.damaged_contexts()?;
    for context in store.contexts()? {
        for branch in Branch::ALL {
            match store.sizes(&context, branch) {
                Ok(report) => reports.push(report),
                // Courses of Old Mongo have no structures.
                Err(RuntimeError::NoSuchBranch { .. } | RuntimeError::UnsupportedKey { .. }) => {}
                // The others are told all the same.
                Err(error @ RuntimeError::Corrupt { .. }) => damaged.push(error),
                Err(error) => return Err(error.into()),
            }
        }
    }
    reports.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.context.cmp(&b.context)));
    if console.json {
        let told: Vec<_> = damaged.iter().map(ToString::to_string).collect();
        console.document(&json!({ "structures": reports, "damaged": told }))?;
        return Ok(if damaged.is_empty() { Exit::Done } else { Exit::Failed });
    }
    for report in &reports {
        let SizeReport { context, branch, bytes, limit, blocks, .. } = report;
        let percent = bytes * 100 / limit;
        console.line(format_args!(
            "{context} {branch}: {bytes} bytes, {percent}% of {limit}; {blocks} blocks"
        ))?;
        for field in report.fields.iter().take(3) {
            let of = field.block_type.as_deref().unwrap_or("every block");
            let (field, bytes, blocks) = (&field.field, field.bytes, field.blocks);
            console.line(format_args!("  {field} of {of}: {bytes} bytes in {blocks} blocks"))?;
        }
        if let Some(block) = report.biggest_blocks.first() {
            console.line(format_args!("  biggest block {}: {} bytes", block.block, block.bytes))?;
        }
    }
    console.damage(damaged)
}
