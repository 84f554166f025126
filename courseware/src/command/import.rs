//! `courseware import`.

use std::path::PathBuf;

use clap::Args;
use courseware::{
    ArchiveLimits, CoursewareError, ImportOptions, ImportOutcome, ImportReport, OnErrors, OpenMode,
    PreparedImport, open_package,
};
use serde_json::json;
use xblock_core::keys::ContextKey;
use xblock_core::olx::{OlxError, Severity};

use super::arguments::StoreArgument;
use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Imports a course or library in OLX form into a store, all at once or not at all.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The course: a directory, or an archive named .tar.gz or .tgz.
    course: PathBuf,
    #[command(flatten)]
    store: StoreArgument,
    /// Import it under this key instead of the one it names.
    #[arg(long = "as", value_name = "KEY")]
    target: Option<ContextKey>,
    /// Write nothing if the course has errors. Otherwise a broken block becomes an error block that keeps its XML.
    #[arg(long)]
    strict: bool,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let package = open_package(&arguments.course, &ArchiveLimits::default())
        .map_err(|error| CommandError::refused(error.into()))?;
    let target = arguments.target.as_ref().map(ContextKey::plain);
    let on_errors = if arguments.strict { OnErrors::Refuse } else { OnErrors::Write };
    let report = console.watch(|progress| {
        let options =
            ImportOptions { target: target.as_ref(), on_errors, progress, ..ImportOptions::default() };
        let import = PreparedImport::read(&package, &surroundings.registry, &options)?;
        if import.is_refused() {
            return Ok(import.into_report());
        }
        // A store is made only for something that goes into it.
        let store = surroundings.open(&arguments.store.url, OpenMode::Create)?;
        Ok(import.write(&store, &options)?)
    })?;
    let report = match report {
        Err(CommandError::Courseware(CoursewareError::Olx(error)))
            if !matches!(error, OlxError::Source { .. }) =>
        {
            return refused(arguments, &error, console);
        }
        report => report?,
    };
    if report.outcome != ImportOutcome::Refused {
        surroundings.warn_of_size(&arguments.store.url, &report.context, console)?;
    }
    if console.json {
        console.document(&report)?;
    } else {
        text(arguments, &report, console)?;
    }
    Ok(if report.outcome == ImportOutcome::Refused { Exit::No } else { Exit::Done })
}

/// Says where what should be a course stops being one.
fn refused(arguments: &Arguments, error: &OlxError, console: &mut Console) -> Result<Exit, CommandError> {
    let diagnostic = error.diagnostic();
    if console.json {
        console.document(&json!({ "context": null, "outcome": "refused", "diagnostics": [diagnostic] }))?;
    } else {
        console.remark(&diagnostic);
        console.remark(format_args!(
            "error: {} cannot be read and was not imported",
            arguments.course.display()
        ));
    }
    Ok(Exit::No)
}

fn text(arguments: &Arguments, report: &ImportReport, console: &mut Console) -> Result<(), CommandError> {
    let ImportReport { context, blocks, drafts, assets, .. } = report;
    let store = &arguments.store.url;
    for diagnostic in &report.diagnostics {
        console.remark(diagnostic);
    }
    let count = |severity| report.diagnostics.iter().filter(|d| d.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match report.outcome {
        ImportOutcome::Written => console.line(format_args!("Imported {context} into {store}"))?,
        ImportOutcome::Unchanged => {
            console.line(format_args!("{context} is in {store} already, nothing to do"))?
        }
        ImportOutcome::Refused => {
            console.remark(format_args!(
                "error: {context} has {errors} errors and was not imported; without --strict it is, with what is broken kept as it is"
            ));
            return Ok(());
        }
    }
    let types: Vec<_> = report.blocks_by_type.iter().map(|(name, count)| format!("{count} {name}")).collect();
    console.line(format_args!("  {blocks} blocks: {}", types.join(", ")))?;
    console.line(format_args!("  {drafts} blocks with unpublished changes, {assets} static files"))?;
    console.line(format_args!("  {}", report.changes))?;
    if errors + warnings > 0 {
        console.line(format_args!("  {errors} errors, {warnings} warnings"))?;
    }
    Ok(())
}
