//! `courseware check`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{ArgGroup, Args, ValueEnum};
use courseware::{
    ArchiveLimits, CheckFilter, CheckReport, CoursewareError, DirectorySource, OpenMode, PackageError,
    StoreUrl, check, check_context, check_directory, check_refusal, diagnostic_codes, open_package, sarif,
};
use serde_json::json;
use xblock_core::block::Registry;
use xblock_core::keys::ContextKey;
use xblock_core::olx::Severity;

use super::console::Console;
use super::exit::{CommandError, Exit};
use super::surroundings::Surroundings;

/// Says what is wrong with a course or library: in a package on disk or, with --store, in a store.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["course", "explain", "codes"]))]
pub(crate) struct Arguments {
    /// The course: a directory, or an archive named .tar.gz or .tgz; with --store its key.
    course: Option<PathBuf>,
    /// The store the course is in: blockstore:DIR, modulestore:FILE or one on a server.
    #[arg(long = "store", value_name = "URL", requires = "course")]
    store: Option<StoreUrl>,
    /// How to write what was found.
    #[arg(long, value_name = "FORM", default_value = "text", conflicts_with = "json")]
    format: Format,
    /// Exit with 1 for findings as bad as this, too.
    #[arg(long, value_name = "LEVEL")]
    deny: Option<Level>,
    /// Only what is as bad as this, or worse.
    #[arg(long, value_name = "LEVEL")]
    level: Option<Level>,
    /// Only findings with this code; may be given several times.
    #[arg(long, value_name = "CODE", value_parser = code)]
    only: Vec<String>,
    /// No findings with this code; may be given several times.
    #[arg(long, value_name = "CODE", value_parser = code)]
    allow: Vec<String>,
    /// Say what a code means and what to do about it.
    #[arg(long, value_name = "CODE", value_parser = code, conflicts_with = "course")]
    explain: Option<String>,
    /// List all codes.
    #[arg(long, conflicts_with_all = ["course", "explain"])]
    codes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0, for code-scanning services and editors.
    Sarif,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    #[value(alias = "errors")]
    Error,
    #[value(alias = "warnings")]
    Warning,
    #[value(alias = "notes")]
    Note,
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::Error,
            Level::Warning => Self::Warning,
            Level::Note => Self::Note,
        }
    }
}

/// Takes the name of a code that exists.
fn code(text: &str) -> Result<String, String> {
    let text = text.trim();
    match diagnostic_codes().iter().any(|code| code.name == text) {
        true => Ok(text.to_owned()),
        false => Err("there is no such code; --codes lists them".to_owned()),
    }
}

pub(crate) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings,
    console: &mut Console,
) -> Result<Exit, CommandError> {
    let Some(course) = &arguments.course else {
        return explain(arguments.explain.as_deref(), console);
    };
    let mut folder = String::new();
    let report = match &arguments.store {
        Some(url) => {
            let context = ContextKey::from_str(&course.to_string_lossy())
                .map_err(|source| CommandError::BadKey { text: course.display().to_string(), source })?;
            let store = surroundings.open(url, OpenMode::Read)?;
            check_context(&*store, &context.plain(), &surroundings.registry)?
        }
        None => match check_path(course, &surroundings.registry, &mut folder) {
            // That there is no course, or none that may be unpacked, is a finding like any other, in the form that was
            // asked for.
            Err(CoursewareError::Package(error)) if !matches!(error, PackageError::Io { .. }) => {
                check_refusal(&error).ok_or(error)?
            }
            report => report?,
        },
    };
    let filter = CheckFilter {
        only: arguments.only.clone(),
        allow: arguments.allow.clone(),
        least: arguments.level.map(Into::into),
    };
    let report = report.filtered(&filter);
    match arguments.format {
        Format::Text if !console.json => text(course, &report, console)?,
        Format::Sarif => console.document(&sarif(&report, &folder))?,
        Format::Text | Format::Json => console.document(&json!({
            "context": report.context,
            "blocks": report.blocks,
            "assets": report.assets,
            "counts": report.counts(),
            "diagnostics": report.diagnostics,
        }))?,
    }
    let limit = arguments.deny.map_or(Severity::Error, Into::into);
    Ok(if report.worst() >= Some(limit) { Exit::No } else { Exit::Done })
}

/// Checks a package on disk; `folder` becomes the way to it from the working directory.
fn check_path(
    course: &Path,
    registry: &Registry,
    folder: &mut String,
) -> Result<CheckReport, CoursewareError> {
    if !course.is_dir() {
        return check(&*open_package(course, &ArchiveLimits::default())?, registry);
    }
    let package = DirectorySource::open_in_part(course)?;
    *folder = relative(package.root());
    check_directory(&package, registry)
}

/// Returns a path as a URI relative to the working directory names it; nothing where it lies elsewhere.
fn relative(path: &Path) -> String {
    let is_below = path.is_relative() && !path.components().any(|part| part.as_os_str() == "..");
    let path = path.strip_prefix(".").unwrap_or(path);
    if is_below { path.to_string_lossy().replace('\\', "/") } else { String::new() }
}

fn text(course: &Path, report: &CheckReport, console: &mut Console) -> Result<(), CommandError> {
    for diagnostic in &report.diagnostics {
        console.line(format_args!("{diagnostic}\n"))?;
    }
    let counts = report.counts();
    let name = report.context.as_ref().map_or_else(|| course.display().to_string(), ToString::to_string);
    console.line(format_args!(
        "{name}: {} errors, {} warnings, {} notes ({} blocks, {} static files)",
        counts.errors, counts.warnings, counts.notes, report.blocks, report.assets
    ))
}

/// Says what one code means, or all.
fn explain(wanted: Option<&str>, console: &mut Console) -> Result<Exit, CommandError> {
    let codes: Vec<_> = diagnostic_codes()
        .into_iter()
        .filter(|code| wanted.is_none_or(|wanted| wanted == code.name))
        .collect();
    if console.json {
        let codes: Vec<_> = codes
            .iter()
            .map(|code| json!({ "code": code.name, "severity": code.severity, "cause": code.cause, "fix": code.fix }))
            .collect();
        console.document(&codes)?;
        return Ok(Exit::Done);
    }
    for code in codes {
        if wanted.is_none() {
            console.line(format_args!("{:<8}{}", code.severity.name(), code.name))?;
        } else {
            console.line(format_args!(
                "{}[{}]\n\n{}\n\nhelp: {}",
                code.severity, code.name, code.cause, code.fix
            ))?;
        }
    }
    Ok(Exit::Done)
}
