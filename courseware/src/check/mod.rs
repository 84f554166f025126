//! The check: everything that can be said about a package without putting it into a store.
//!
//! - `course`: the package as it was read, its files, where each block stands.
//! - `rules`: what is looked for, one subject a file.
//! - `codes`: the table of what can be said.
//! - `sarif`: the findings in the form code-scanning services read.

mod codes;
mod course;
mod findings;
mod html;
mod json_file;
mod links;
mod members;
mod recorder;
mod report;
mod rules;
mod sarif;
mod text;

pub use codes::diagnostic_codes;
pub use report::{CheckCounts, CheckFilter, CheckReport};
pub use sarif::sarif;

use std::collections::BTreeMap;

use xblock_core::block::Registry;
use xblock_core::keys::ContextKey;
use xblock_core::olx::{
    Diagnostic, ExportOptions, MemoryPackage, MemorySink, OlxError, PackageSource, ReadOptions, read_course,
    write_course,
};
use xblock_core::runtime::Runtime;

use self::course::{Course, File};
use self::findings::Findings;
use self::recorder::{Recorder, all_files};
use crate::error::CoursewareError;
use crate::package::{DirectorySource, PackageError};
use crate::steady::steady;

/// Checks a package.
///
/// # Errors
/// [`CoursewareError::Olx`] where a file or folder cannot be read. What is wrong with the package, up to its being none,
/// is in the report.
pub fn check(source: &dyn PackageSource, registry: &Registry) -> Result<CheckReport, CoursewareError> {
    check_source(source, registry)
}

/// Checks a directory, and what of it cannot be read or part of a package.
///
/// # Errors
/// As [`check`].
pub fn check_directory(
    source: &DirectorySource,
    registry: &Registry,
) -> Result<CheckReport, CoursewareError> {
    let mut report = check_source(source, registry)?;
    members::add(&mut report.diagnostics, source.refused());
    Ok(report.sorted())
}

/// Says what is wrong with something that cannot be opened as a package, where that is a matter of its content.
#[must_use]
pub fn check_refusal(error: &PackageError) -> Option<CheckReport> {
    Some(CheckReport::new(None, vec![members::remark(None, error)?]))
}

fn check_source(source: &dyn PackageSource, registry: &Registry) -> Result<CheckReport, CoursewareError> {
    let recorder = Recorder::new(source);
    let package = match read_course(&recorder, &ReadOptions::default(), registry) {
        Ok(package) => package,
        Err(error @ OlxError::Source { .. }) => return Err(error.into()),
        Err(error) => return Ok(CheckReport::new(None, vec![error.diagnostic()])),
    };
    let unreadable = |source| OlxError::Source { path: ".".into(), source };
    let paths = all_files(source).map_err(unreadable)?;
    let files: BTreeMap<String, File> = recorder
        .into_read()
        .into_iter()
        .map(|(path, bytes)| {
            let file = File::new(&path, &bytes);
            (path, file)
        })
        .collect();
    let mut findings = Findings::default();
    findings.extend(package.diagnostics.iter().cloned().map(|remark| located(remark, &files)));
    rules::run(&Course::new(&package, registry, source, &paths, &files), &mut findings);
    let mut report = CheckReport::new(Some(package.context.clone()), findings.diagnostics);
    report.blocks = package.published.len();
    report.assets = package.assets.len();
    Ok(report)
}

/// Adds the place where a file stops being text.
fn located(mut remark: Diagnostic, files: &BTreeMap<String, File>) -> Diagnostic {
    let file = remark.file.as_ref().and_then(|file| files.get(file.as_str()));
    if remark.position.is_none()
        && let Some(file) = file
        && let Some(offset) = file.text.broken_at
    {
        let position = file.text.position(offset);
        remark.position = Some(position);
        remark.excerpt = Some(file.text.excerpt(position));
    }
    remark
}

/// Checks a context of a store, as the package it would be exported to.
///
/// # Errors
/// The store's own, and those of [`check`].
pub fn check_context(
    store: &dyn Runtime,
    context: &ContextKey,
    registry: &Registry,
) -> Result<CheckReport, CoursewareError> {
    // What does not exist is said to be that, and not a failure to write.
    store.context(context)?;
    let (sink, written) = steady(&[(store, context)], || {
        let mut sink = MemorySink::default();
        let written = write_course(store, context, ExportOptions::default(), registry, &mut sink)?;
        Ok((sink, written))
    })?;
    let package = MemoryPackage { files: sink.files };
    let mut report = check(&package, registry)?;
    report.diagnostics.extend(written.diagnostics);
    Ok(CheckReport { context: Some(context.clone()), ..report.sorted() })
}
