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
use crate::package::{ArchiveSink, DirectorySink, Overwrite, is_archive_name};
use crate::progress::{Progress, Stage};
use crate::steady::steady;

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

/// What an export wrote.
#[derive(Debug, Clone, Serialize)]
pub struct ExportReport {
    /// The context.
    pub context: ContextKey,
    /// The directory or archive.
    pub target: PathBuf,
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
/// others change it meanwhile, it is read again.
///
/// # Errors
/// [`CoursewareError::Package`] where the target is taken or cannot be written, [`CoursewareError::Interrupted`],
/// [`CoursewareError::Unsteady`], and the store's own; then the target is as it was.
pub fn export(
    store: &dyn Runtime,
    context: &ContextKey,
    registry: &Registry,
    target: &Path,
    options: &ExportOptions<'_>,
) -> Result<ExportReport, CoursewareError> {
    // A target is touched only for a context that exists.
    let record = store.context(context)?;
    let written = if is_archive_name(target) {
        let top = context.as_course().map_or_else(|| record.root.block_id(), |course| course.run());
        let (sink, written) = steady(&[(store, context)], || {
            let mut sink = ArchiveSink::create(target, top, options.overwrite)?;
            let written = write(store, context, registry, &mut sink, options)?;
            Ok((sink, written))
        })?;
        sink.finish()?;
        written
    } else {
        let (sink, written) = steady(&[(store, context)], || {
            let mut sink = DirectorySink::create(target, options.overwrite)?;
            let written = write(store, context, registry, &mut sink, options)?;
            Ok((sink, written))
        })?;
        sink.finish()?;
        written
    };
    Ok(ExportReport {
        context: context.clone(),
        target: target.to_path_buf(),
        blocks: written.blocks,
        assets: written.assets,
        diagnostics: written.diagnostics,
    })
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
            found => unlisted.extend(found?),
        }
    }
    written.diagnostics.extend(unlisted.into_iter().map(|damaged| {
        Diagnostic::new("unreadable", Severity::Error, damaged.to_string()).outcome(Outcome::LeftOut)
    }));
    Ok(written)
}
