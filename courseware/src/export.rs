//! Export: a context becomes a package on disk, whole or not at all.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;
use xblock_core::block::Registry;
use xblock_core::keys::ContextKey;
use xblock_core::olx::{
    self, Diagnostic, ExportStep, Outcome, PackageSink, Severity, WriteError, write_course,
};
use xblock_core::runtime::{Branch, Runtime, RuntimeError};

use crate::block_files::WithBlockFiles;
use crate::error::CoursewareError;
use crate::package::{ArchiveSink, DirectorySink, Overwrite, is_archive_name, is_taken};
use crate::progress::{Progress, Stage};
use crate::steady::steady;

/// The code of what the store could not read.
const UNREAD: &str = "cannot-be-read";

/// In which form files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExportForm {
    /// Files of the package that was imported last come back byte for byte where they still say what is so, others change
    /// only where they must.
    #[default]
    AsImported,
    /// Every file is as edx-platform lays it out.
    Canonical,
}

/// How to export.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExportOptions<'a> {
    /// In which form files are written; as they were imported by default.
    pub form: ExportForm,
    /// What to do with what is at the target already; it is refused by default.
    pub overwrite: Overwrite,
    /// Where to report to and what stops the work.
    pub progress: Progress<'a>,
}

/// What became of a package that was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportOutcome {
    /// It is at the target.
    Written,
    /// It lacks what the store could not read, and what was at the target before is there still.
    Refused,
}

/// What an export wrote.
#[derive(Debug, Clone, Serialize)]
pub struct ExportReport {
    /// The context.
    pub context: ContextKey,
    /// The directory or archive.
    pub target: PathBuf,
    /// What became of it.
    pub outcome: ExportOutcome,
    /// How many blocks were written, those of drafts again.
    pub blocks: usize,
    /// How many static files were written.
    pub assets: usize,
    /// What there is to say about the context as a package.
    pub diagnostics: Vec<Diagnostic>,
}

/// Writes a context as edx-platform exports it: what is published, and below `drafts/` what is not.
///
/// A target named `.tar.gz` or `.tgz` becomes an archive, any other a directory. The package is one state of the context: where
/// others change it meanwhile, it is read again. What cannot be read is left out and named; such a package takes no other's place
/// unless it is told to ([`Overwrite::ReplaceByIncomplete`]).
///
/// # Errors
/// [`CoursewareError::Package`] where the target is taken or cannot be written, [`CoursewareError::Incomplete`],
/// [`CoursewareError::Interrupted`], [`CoursewareError::Unsteady`], and the store's own; then the target is as it was.
pub fn export(
    store: &dyn Runtime,
    context: &ContextKey,
    registry: &Registry,
    target: &Path,
    options: &ExportOptions<'_>,
) -> Result<ExportReport, CoursewareError> {
    // A target is touched only for a context that exists.
    let record = store.context(context)?;
    let report = |written: olx::ExportReport| ExportReport {
        context: context.clone(),
        target: target.to_path_buf(),
        outcome: ExportOutcome::Written,
        blocks: written.blocks,
        assets: written.assets,
        diagnostics: written.diagnostics,
    };
    if is_archive_name(target) {
        let top = context.as_course().map_or_else(|| record.root.block_id(), |course| course.run());
        let (sink, written) = steady(&[(store, context)], || {
            let mut sink = ArchiveSink::create(target, top, options.overwrite)?;
            let written = write(store, context, registry, &mut sink, options)?;
            Ok((sink, written))
        })?;
        let report = report(written).or_refused(options.overwrite)?;
        sink.finish()?;
        Ok(report)
    } else {
        let (sink, written) = steady(&[(store, context)], || {
            let mut sink = DirectorySink::create(target, options.overwrite)?;
            let written = write(store, context, registry, &mut sink, options)?;
            Ok((sink, written))
        })?;
        let report = report(written).or_refused(options.overwrite)?;
        sink.finish()?;
        Ok(report)
    }
}

impl ExportReport {
    /// Says whether the package is all that the store has of the context.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.diagnostics.iter().all(|diagnostic| {
            diagnostic.severity != Severity::Error && diagnostic.outcome != Some(Outcome::LeftOut)
        })
    }

    /// Says whether the package lacks what the store could not read; what a package has no place for is no such thing.
    #[must_use]
    pub fn lacks_unread(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.code == UNREAD)
    }

    /// Refuses to put a package that lacks what could not be read in the place of another, unless that was asked for.
    fn or_refused(mut self, overwrite: Overwrite) -> Result<Self, CoursewareError> {
        let may_lack = overwrite == Overwrite::ReplaceByIncomplete || !is_taken(&self.target)?;
        if may_lack || !self.lacks_unread() {
            return Ok(self);
        }
        self.outcome = ExportOutcome::Refused;
        Err(CoursewareError::Incomplete(Box::new(self)))
    }
}

fn write(
    store: &dyn Runtime,
    context: &ContextKey,
    registry: &Registry,
    sink: &mut dyn PackageSink,
    options: &ExportOptions<'_>,
) -> Result<olx::ExportReport, CoursewareError> {
    let with_block_files = WithBlockFiles::new(store);
    let store: &dyn Runtime = &with_block_files;
    let progress = &options.progress;
    let origin = match store.origin(context) {
        // What it was is told by its blocks, too.
        Err(error) if error.is_damage() => None,
        origin => origin?,
    };
    let done = Cell::new(0);
    let report = |_: ExportStep<'_>| {
        done.set(done.get() + 1);
        // The writer looks at the stop flag itself.
        let _ = progress.step(Stage::WritePackage, done.get(), None);
    };
    let mut written = olx::ExportOptions::default();
    written.progress = Some(&report);
    written.stop = progress.stop;
    written.origin = origin.as_ref().filter(|_| options.form == ExportForm::AsImported);
    written.imported = origin.as_ref();
    let mut written = write_course(store, context, written, registry, sink).map_err(|error| match error {
        WriteError::Stopped => CoursewareError::Interrupted,
        WriteError::Runtime(error) => error.into(),
        error => error.into(),
    })?;
    written.diagnostics.extend(with_block_files.left_out().into_iter().map(|file| {
        let message = format!(
            "{}: its file {:?} has no place: another file of the course is called so",
            file.usage, file.name
        );
        Diagnostic::new("block-file-left-out", Severity::Error, message).outcome(Outcome::LeftOut)
    }));
    let mut unlisted = BTreeSet::new();
    for branch in Branch::ALL {
        match store.unlisted(context, branch) {
            Err(RuntimeError::NoSuchBranch { .. }) => {}
            // A branch that cannot be read at all was told of.
            Err(error) if error.is_damage() => {}
            found => unlisted.extend(found?),
        }
    }
    written.diagnostics.extend(unlisted.into_iter().map(|damaged| {
        Diagnostic::new(UNREAD, Severity::Error, damaged.to_string()).outcome(Outcome::LeftOut)
    }));
    Ok(written)
}
