//! `courseware export`.

use std::path::PathBuf;

use clap::Args;
use courseware::{ExportForm, ExportOptions, OpenMode, Overwrite, export};
use xblock_core::keys::ContextKey;
use xblock_core::olx::{Outcome, Severity};

use super::arguments::StoreArgument;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Writes a course as edx-platform exports it: what is published, and its drafts.
///
/// Files of the package that was imported last come back byte for byte where nothing in them changed.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The course or library.
    context: ContextKey,
    #[command(flatten)]
    store: StoreArgument,
    /// The directory, or the archive where the name ends in .tar.gz or .tgz.
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,
    /// Replace what is there already.
    #[arg(long)]
    force: bool,
    /// Write every file as edx-platform lays it out, also those that could stay as they were imported.
    #[arg(long)]
    canonical: bool,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let runtime = surroundings.open(&arguments.store.url, OpenMode::Read)?;
    let context = arguments.context.plain();
    let overwrite = if arguments.force { Overwrite::Replace } else { Overwrite::Refuse };
    let form = if arguments.canonical { ExportForm::Canonical } else { ExportForm::AsImported };
    let report = console.watch(|progress| {
        let options = ExportOptions { form, overwrite, progress };
        export(&*runtime, &context, &surroundings.registry, &arguments.output, &options)
    })??;
    let is_whole = report.diagnostics.iter().all(|diagnostic| {
        diagnostic.severity != Severity::Error && diagnostic.outcome != Some(Outcome::LeftOut)
    });
    let exit = if is_whole { Exit::Done } else { Exit::No };
    if console.json {
        console.document(&report)?;
        return Ok(exit);
    }
    for diagnostic in &report.diagnostics {
        console.remark(diagnostic);
    }
    console.line(format_args!("Wrote {context} to {}", report.target.display()))?;
    console.line(format_args!("  {} blocks, {} static files", report.blocks, report.assets))?;
    if !is_whole {
        console.remark("error: the package is not all that the store has");
    }
    Ok(exit)
}
