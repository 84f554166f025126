//! `courseware export`.

use std::path::PathBuf;

use clap::Args;
use courseware::{CoursewareError, ExportForm, ExportOptions, ExportOutcome, OpenMode, Overwrite, export};
use xblock_core::keys::ContextKey;

use super::arguments::StoreArgument;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Writes a course as edx-platform exports it: what is published, and its drafts.
///
/// Files of the package that was imported last come back byte for byte where nothing in them changed. What the store cannot
/// read is left out and named, and the exit code is 1.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The course or library.
    context: ContextKey,
    #[command(flatten)]
    store: StoreArgument,
    /// The directory, or the archive where the name ends in .tar.gz or .tgz.
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,
    /// Replace what is there already. It stays where the new package would lack what the store cannot read.
    #[arg(long)]
    force: bool,
    /// Replace it also by a package that lacks what cannot be read.
    #[arg(long, requires = "force")]
    incomplete: bool,
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
    let overwrite = match (arguments.force, arguments.incomplete) {
        (false, _) => Overwrite::Refuse,
        (true, false) => Overwrite::Replace,
        (true, true) => Overwrite::ReplaceByIncomplete,
    };
    let form = if arguments.canonical { ExportForm::Canonical } else { ExportForm::AsImported };
    let report = console.watch(|progress| {
        let options = ExportOptions { form, overwrite, progress };
        export(&*runtime, &context, &surroundings.registry, &arguments.output, &options)
    })?;
    let report = match report {
        Err(CoursewareError::Incomplete(report)) => *report,
        report => report?,
    };
    let exit = if report.is_complete() { Exit::Done } else { Exit::No };
    if console.json {
        console.document(&report)?;
        return Ok(exit);
    }
    for diagnostic in &report.diagnostics {
        console.remark(diagnostic);
    }
    if report.outcome == ExportOutcome::Refused {
        console.remark(format_args!(
            "error: {} stays as it was: the new package lacks what cannot be read; with --incomplete it is replaced all the same",
            report.target.display()
        ));
        return Ok(exit);
    }
    console.line(format_args!("Wrote {context} to {}", report.target.display()))?;
    console.line(format_args!("  {} blocks, {} static files", report.blocks, report.assets))?;
    if exit == Exit::No {
        console.remark("error: the package is not all that the store has");
    }
    Ok(exit)
}
