//! `courseware stats`.

use clap::Args;
use courseware::OpenMode;

use super::arguments::StoreArgument;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Counts what a Blockstore holds: what is big, what is there twice, what nothing leads to.
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
    let stats = arguments.store.url.open_bundles(OpenMode::Read, &surroundings.clock)?.stats()?;
    if console.json {
        console.document(&stats)?;
        return Ok(Exit::Done);
    }
    console.line(format_args!(
        "{} collections, {} bundles, {} versions, {} drafts",
        stats.collections, stats.bundles, stats.versions, stats.drafts
    ))?;
    console.line(format_args!("{} snapshots: {} bytes", stats.snapshots, stats.snapshot_bytes))?;
    console.line(format_args!("{} data files: {} bytes", stats.data_files, stats.data_bytes))?;
    console.line(format_args!("drafts and the rest: {} bytes", stats.other_bytes))?;
    console.line(format_args!("there twice in different bundles: {} bytes", stats.duplicated_bytes))?;
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
    Ok(Exit::Done)
}
