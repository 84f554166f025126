//! `courseware fsck`.

use clap::Args;
use courseware::{CoursewareError, OpenMode, StoreUrl};
use runtime_blockstore::{BlockstoreRuntime, FsckReport, cannot_be_read};
use serde::Serialize;
use xblock_core::runtime::{Finding, Findings, FsckOptions, Severity};

use super::arguments::StoreArgument;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Checks every digest and reference of a Blockstore, every document of a Modulestore, and repairs what can be repaired.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    store: StoreArgument,
    /// Look for the files and their sizes only, without reading them; of a Modulestore, at the newest versions only.
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
    let url = &arguments.store.url;
    let mode = if arguments.repair { OpenMode::Write } else { OpenMode::Read };
    let options = FsckOptions { is_quick: arguments.quick, repair: arguments.repair };
    if url.is_blockstore() {
        let mut report = surroundings.open_bundles(url, mode)?.fsck(options)?;
        if !options.is_quick {
            let reader = surroundings.open_bundles(url, OpenMode::Read)?;
            let unread = BlockstoreRuntime::check_contents(reader, surroundings.registry.clone());
            let unread = unread.map_err(CommandError::from);
            for found in [check_index(url, options, surroundings), unread] {
                match found {
                    Ok(findings) => findings.into_iter().for_each(|finding| report.findings.push(finding)),
                    // Rows that cannot be read were named before.
                    Err(error) if is_named(&report) && is_about_content(&error) => {
                        let reason = format!("it cannot be checked because of that: {}", innermost(&error));
                        report.findings.add(Severity::Warning, "index", "the index of contexts", reason);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        let unread = match report.unread() {
            0 => String::new(),
            unread => format!(", {unread} could not be read"),
        };
        let counts = format!(
            "{} bundles, {} versions, {} drafts, {} files, {} bytes read{unread}",
            report.bundles, report.versions, report.drafts, report.files, report.bytes,
        );
        let elsewhere = "only from a backup (courseware restore)";
        match tell(&report, &report.findings, &counts, elsewhere, console)? {
            Exit::Done if report.unread() > 0 => Ok(Exit::Failed),
            exit => Ok(exit),
        }
    } else {
        let report = surroundings.open_modulestore(url, mode)?.fsck(options)?;
        let counts = format!(
            "{} contexts, {} structures, {} blocks, {} definitions, {} files read",
            report.contexts, report.structures, report.blocks, report.definitions, report.files,
        );
        let elsewhere = "only from a dump (courseware store import-dump)";
        tell(&report, &report.findings, &counts, elsewhere, console)
    }
}

/// Says whether what cannot be read is named.
fn is_named(report: &FsckReport) -> bool {
    !report.findings.is_sound() || report.unread() > 0
}

/// Says whether something in the store cannot be read, rather than the store.
fn is_about_content(error: &CommandError) -> bool {
    matches!(error, CommandError::Courseware(CoursewareError::Runtime(error)) if cannot_be_read(error))
}

/// Checks the index of a Blockstore, and mends it where that was asked for.
fn check_index(
    url: &StoreUrl,
    options: FsckOptions,
    surroundings: &Surroundings,
) -> Result<Vec<Finding>, CommandError> {
    let reader = surroundings.open_bundles(url, OpenMode::Read)?;
    let faults = BlockstoreRuntime::check_index(reader, surroundings.registry.clone())?;
    if faults.is_empty() || !options.repair {
        return Ok(faults.into_iter().map(Finding::from).collect());
    }
    let store = surroundings.open_bundles(url, OpenMode::Write)?;
    Ok(BlockstoreRuntime::over(store, surroundings.registry.clone())?.mend_index(faults)?)
}

/// Returns what an error says in the end.
fn innermost(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// Tells what was found. `elsewhere` says where damage that nothing in the store repairs is mended from.
fn tell(
    report: &impl Serialize,
    findings: &Findings,
    counts: &str,
    elsewhere: &str,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let exit = if findings.is_sound() { Exit::Done } else { Exit::No };
    if console.json {
        console.document(report)?;
        return Ok(exit);
    }
    for Finding { severity, code, place, reason, repair, is_repaired } in findings.iter() {
        console.line(format_args!("{}[{code}]: {place}: {reason}", severity.word()))?;
        match (repair, is_repaired) {
            (Some(repair), true) => console.line(format_args!("  repaired: {repair}"))?,
            (Some(repair), false) => console.line(format_args!("  repair: {repair}"))?,
            (None, _) if *severity == Severity::Damage => {
                console.line(format_args!("  repair: {elsewhere}"))?;
            }
            (None, _) => {}
        }
    }
    let damaged = findings.iter().filter(|finding| finding.severity == Severity::Damage).count();
    let left = findings.iter().filter(|finding| finding.is_damage_left()).count();
    console.line(format_args!("{counts}; {damaged} damaged, {left} of them not repaired"))?;
    Ok(exit)
}
