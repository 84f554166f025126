//! `courseware fmt`.

use std::path::PathBuf;

use clap::Args;
use courseware::{FormatMode, format};
use xblock_core::olx::Severity;

use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Brings the files of a course into the canonical layout, without a change of what they say.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The course: a directory, or an archive named .tar.gz or .tgz.
    course: PathBuf,
    /// Change nothing; list the files that are not in the canonical layout, and exit with 1 if there are any.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let mode = if arguments.check { FormatMode::Check } else { FormatMode::Write };
    let report =
        console.watch(|progress| format(&arguments.course, &surroundings.registry, mode, &progress))??;
    let has_errors = report.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    let is_no = has_errors || arguments.check && !report.changed.is_empty();
    let exit = if is_no { Exit::No } else { Exit::Done };
    if console.json {
        console.document(&report)?;
        return Ok(exit);
    }
    for diagnostic in &report.diagnostics {
        console.remark(diagnostic);
    }
    for path in &report.changed {
        console.line(path)?;
    }
    let (count, files) = (report.changed.len(), report.files);
    match (arguments.check, count) {
        (_, 0) => console.line(format_args!("{files} files, nothing to format"))?,
        (true, _) => {
            console.line(format_args!("{count} of {files} files are not in the canonical layout"))?
        }
        (false, _) => console.line(format_args!("Formatted {count} of {files} files"))?,
    }
    Ok(exit)
}
