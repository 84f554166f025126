//! `courseware gc`.

use std::time::Duration;

use clap::Args;
use courseware::OpenMode;
use runtime_blockstore::GcOptions;

use super::arguments::StoreArgument;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Lists what no version, draft or link of a Blockstore leads to, with the reason; removes it where told so.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    store: StoreArgument,
    /// Remove it; without this nothing is changed.
    #[arg(long)]
    delete: bool,
    /// Leave alone what was written less than so many hours ago.
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    grace: u64,
    /// Keep equal files of different bundles once on the medium (with --delete; else say what that would save).
    #[arg(long)]
    deduplicate: bool,
    /// Also take what lies there of bundles that this store knows nothing of; it must be no other store's.
    #[arg(long)]
    unknown: bool,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let mode = if arguments.delete { OpenMode::Write } else { OpenMode::Read };
    let store = surroundings.open_bundles(&arguments.store.url, mode)?;
    let report = store.gc(&GcOptions {
        delete: arguments.delete,
        grace: Duration::from_secs(arguments.grace.saturating_mul(3600)),
        deduplicate: arguments.deduplicate,
        unknown: arguments.unknown,
    })?;
    let is_all = report.unknown.is_empty() && report.left_alone.is_empty();
    let exit = if is_all { Exit::Done } else { Exit::No };
    if console.json {
        console.document(&report)?;
        return Ok(exit);
    }
    for unused in &report.unused {
        console.line(format_args!("{}  {} bytes: {}", unused.key, unused.size, unused.proof))?;
    }
    for place in &report.left_alone {
        console.line(format_args!("left alone: {place}"))?;
    }
    for unknown in &report.unknown {
        console.line(format_args!(
            "left alone: {unknown}: this store knows nothing of it, it may be another store's (--unknown takes it)"
        ))?;
    }
    console.line(format_args!(
        "followed {} bundles, {} versions, {} drafts; {} files of {} bytes {}; {} too young",
        report.bundles,
        report.versions,
        report.drafts,
        report.unused.len(),
        report.unused_bytes,
        if report.deleted { "removed" } else { "would be removed (--delete)" },
        report.too_young,
    ))?;
    if report.empty_folders > 0 {
        let verb = if report.deleted { "removed" } else { "would be removed (--delete)" };
        console.line(format_args!("{} empty folders of drafts {verb}", report.empty_folders))?;
    }
    if arguments.deduplicate {
        let verb = if report.deleted { "saved" } else { "would be saved (--delete)" };
        console
            .line(format_args!("{} bytes {verb} by keeping equal files once", report.deduplicated_bytes))?;
    }
    Ok(exit)
}
