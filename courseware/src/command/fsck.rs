//! `courseware fsck`.

use clap::Args;
use courseware::OpenMode;
use runtime_blockstore::{FsckOptions, Severity};

use super::arguments::StoreArgument;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Checks every digest and reference of a Blockstore, and repairs what can be repaired.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    store: StoreArgument,
    /// Look for the files and their sizes only, without reading them.
    #[arg(long)]
    quick: bool,
    /// Repair what can be repaired; writers wait meanwhile.
    #[arg(long)]
    repair: bool,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let mode = if arguments.repair { OpenMode::Write } else { OpenMode::Read };
    let store = arguments.store.url.open_bundles(mode, &surroundings.clock)?;
    let report = store.fsck(FsckOptions { is_quick: arguments.quick, repair: arguments.repair })?;
    let exit = if report.is_sound() { Exit::Done } else { Exit::No };
    if console.json {
        console.document(&report)?;
        return Ok(exit);
    }
    for finding in &report.findings {
        let word = match finding.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Damage => "damage",
        };
        console.line(format_args!("{word}[{}]: {}: {}", finding.code, finding.place, finding.reason))?;
        match (&finding.repair, finding.is_repaired) {
            (Some(repair), true) => console.line(format_args!("  repaired: {repair}"))?,
            (Some(repair), false) => console.line(format_args!("  repair: {repair}"))?,
            (None, _) if finding.severity == Severity::Damage => {
                console.line("  repair: only from a backup (courseware restore)")?;
            }
            (None, _) => {}
        }
    }
    let damaged = report.findings.iter().filter(|finding| finding.severity == Severity::Damage);
    let left = damaged.clone().filter(|finding| !finding.is_repaired).count();
    console.line(format_args!(
        "{} bundles, {} versions, {} drafts, {} files, {} bytes read; {} damaged, {left} of them not repaired",
        report.bundles,
        report.versions,
        report.drafts,
        report.files,
        report.bytes,
        damaged.count(),
    ))?;
    Ok(exit)
}
