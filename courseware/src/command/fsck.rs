//! `courseware fsck`.

use clap::Args;
use courseware::OpenMode;
use runtime_blockstore::FsckOptions;

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

/// A finding as both kinds of stores have it.
struct Finding<'f> {
    word: &'static str,
    code: &'static str,
    place: &'f str,
    reason: &'f str,
    repair: Option<&'f str>,
    is_repaired: bool,
}

const DAMAGE: &str = "damage";

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let mode = if arguments.repair { OpenMode::Write } else { OpenMode::Read };
    if arguments.store.url.is_blockstore() {
        bundles(arguments, mode, surroundings, console)
    } else {
        documents(arguments, mode, surroundings, console)
    }
}

fn bundles(
    arguments: &Arguments,
    mode: OpenMode,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    use runtime_blockstore::Severity;
    let store = arguments.store.url.open_bundles(mode, &surroundings.clock)?;
    let report = store.fsck(FsckOptions { is_quick: arguments.quick, repair: arguments.repair })?;
    let exit = if report.is_sound() { Exit::Done } else { Exit::No };
    if console.json {
        console.document(&report)?;
        return Ok(exit);
    }
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| Finding {
            word: match finding.severity {
                Severity::Note => "note",
                Severity::Warning => "warning",
                Severity::Damage => DAMAGE,
            },
            code: finding.code,
            place: &finding.place,
            reason: &finding.reason,
            repair: finding.repair.as_deref(),
            is_repaired: finding.is_repaired,
        })
        .collect();
    let damaged = told(&findings, console, "only from a backup (courseware restore)")?;
    console.line(format_args!(
        "{} bundles, {} versions, {} drafts, {} files, {} bytes read; {damaged}",
        report.bundles, report.versions, report.drafts, report.files, report.bytes,
    ))?;
    Ok(exit)
}

fn documents(
    arguments: &Arguments,
    mode: OpenMode,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    use runtime_modulestore::{FsckOptions, Severity};
    let store = arguments.store.url.open_modulestore(mode, &surroundings.registry, &surroundings.clock)?;
    let report = store.fsck(FsckOptions { is_quick: arguments.quick, repair: arguments.repair })?;
    let exit = if report.is_sound() { Exit::Done } else { Exit::No };
    if console.json {
        console.document(&report)?;
        return Ok(exit);
    }
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| Finding {
            word: match finding.severity {
                Severity::Note => "note",
                Severity::Warning => "warning",
                Severity::Damage => DAMAGE,
            },
            code: finding.code,
            place: &finding.place,
            reason: &finding.reason,
            repair: finding.repair.as_deref(),
            is_repaired: finding.is_repaired,
        })
        .collect();
    let damaged = told(&findings, console, "only from a dump (courseware store import-dump)")?;
    console.line(format_args!(
        "{} contexts, {} structures, {} blocks, {} definitions, {} files read; {damaged}",
        report.contexts, report.structures, report.blocks, report.definitions, report.files,
    ))?;
    Ok(exit)
}

/// Tells the findings, and returns how many are damage.
fn told(findings: &[Finding<'_>], console: &mut Console, else_from: &str) -> Result<String, CommandError> {
    for Finding { word, code, place, reason, repair, is_repaired } in findings {
        console.line(format_args!("{word}[{code}]: {place}: {reason}"))?;
        match (repair, is_repaired) {
            (Some(repair), true) => console.line(format_args!("  repaired: {repair}"))?,
            (Some(repair), false) => console.line(format_args!("  repair: {repair}"))?,
            (None, _) if *word == DAMAGE => console.line(format_args!("  repair: {else_from}"))?,
            (None, _) => {}
        }
    }
    let damaged = findings.iter().filter(|finding| finding.word == DAMAGE);
    let left = damaged.clone().filter(|finding| !finding.is_repaired).count();
    Ok(format!("{} damaged, {left} of them not repaired", damaged.count()))
}
