//! The order in which a package is written.

use std::collections::BTreeSet;

use crate::block::Registry;
use crate::keys::{ContextKey, UsageKey};
use crate::olx::write::{BlockSource, WriteError};
use crate::olx::{Diagnostic, Element, Outcome, Severity, WriteOptions};
use crate::runtime::{BlockRecord, Branch, ContextRecord, Runtime, RuntimeError};

use super::compose::write_beside;
use super::host::Exporter;
use super::pages::is_page;
use super::sink::{ExportOptions, ExportReport, PackageSink};

/// Writes a course or a library as edx-platform exports it.
///
/// Files of [`ExportOptions::origin`] that still say what is so are written as they were.
///
/// What is published stands in the package's own folders, what only the draft branch has under `drafts/`; a context that
/// was never published is written from its draft. A library's package has no drafts, which is remarked. The same content always gives the same bytes. Trouble with
/// single blocks and values is told in the report and does not end the export.
///
/// # Errors
/// [`WriteError`] where the runtime or the sink fails, or somebody asked to stop.
pub fn write_course(
    runtime: &dyn Runtime,
    context: &ContextKey,
    options: ExportOptions<'_>,
    registry: &Registry,
    sink: &mut dyn PackageSink,
) -> Result<ExportReport, WriteError> {
    let mut report = write_files(runtime, context, options, registry, sink)?;
    if context.as_course().is_none() {
        report.diagnostics.extend(drafts_left_out(runtime, context)?);
    }
    Ok(report)
}

/// Remarks which blocks of a library are drafted otherwise than they are published.
fn drafts_left_out(runtime: &dyn Runtime, context: &ContextKey) -> Result<Vec<Diagnostic>, WriteError> {
    let record = runtime.context(context)?;
    if record.published.is_none() || lost_branch(runtime, &record)?.is_some() {
        return Ok(Vec::new());
    }
    let mut remarks = Vec::new();
    let mut remark = |usage: &UsageKey, message: &str| {
        let message = format!("{usage}: {message}");
        remarks.push(Diagnostic::new("draft-left-out", Severity::Warning, message));
    };
    let drafted: BTreeSet<_> = match runtime.usages(context, Branch::Draft) {
        Err(error) if error.is_damage() => {
            let message = format!("the draft of {context} cannot be read: {error}");
            let remark = Diagnostic::new("cannot-be-read", Severity::Error, message);
            return Ok(vec![remark.outcome(Outcome::LeftOut)]);
        }
        usages => usages?.into_iter().collect(),
    };
    for usage in &drafted {
        let [draft, published] = [Branch::Draft, Branch::Published].map(|branch| {
            match runtime.block(usage, branch) {
                // What cannot be read is told elsewhere.
                Err(error) if error.is_damage() => Ok(None),
                Err(error) if error.is_not_found() => Ok(Some(None)),
                block => block.map(|block| Some(Some(block.data))),
            }
        });
        match (draft?, published?) {
            (Some(_), Some(None)) => {
                remark(usage, "it is a draft only, and drafts of libraries have no place in a package");
            }
            (Some(draft), Some(published)) if draft != published => {
                remark(usage, "it is written as it is published; the draft differs");
            }
            _ => {}
        }
    }
    for usage in runtime.usages(context, Branch::Published)? {
        if !drafted.contains(&usage) {
            remark(&usage, "it is written as it is published; the draft has it no longer");
        }
    }
    Ok(remarks)
}

fn write_files(
    runtime: &dyn Runtime,
    context: &ContextKey,
    options: ExportOptions<'_>,
    registry: &Registry,
    sink: &mut dyn PackageSink,
) -> Result<ExportReport, WriteError> {
    if let Some(origin) = options.origin
        && let Some(report) = write_beside(origin, runtime, context, options, registry, sink)?
    {
        return Ok(report);
    }
    let record = runtime.context(context)?;
    let lost = lost_branch(runtime, &record)?;
    let branch = if lost.is_some() { Branch::Draft } else { record_branch(&record) };
    let mut exporter = Exporter::new(runtime, registry, context, &record.root, options, sink, branch);
    if let Some(error) = &lost {
        exporter.leave_out(&format!("what is published of {context}"), error);
    }
    exporter.whole(branch == Branch::Published, Parts::All)?;
    Ok(exporter.report)
}

/// Says why what is published cannot be read at all: then the draft is written.
fn lost_branch(runtime: &dyn Runtime, record: &ContextRecord) -> Result<Option<RuntimeError>, RuntimeError> {
    match runtime.usages(&record.key, record_branch(record)) {
        Err(error) if error.is_damage() && record.published.is_some() => Ok(Some(error)),
        usages => usages.map(|_| None),
    }
}

/// Returns the branch that stands in a package's own folders.
pub(super) const fn record_branch(record: &ContextRecord) -> Branch {
    if record.published.is_some() { Branch::Published } else { Branch::Draft }
}

/// Which parts of a package are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// Everything.
    All,
    /// All but static files and what is said of them.
    WithoutStatics,
    /// All but those and policies, whose values are collected.
    Blocks,
}

impl Exporter<'_> {
    /// Writes the package of a context.
    pub(super) fn whole(&mut self, is_published: bool, parts: Parts) -> Result<(), WriteError> {
        let root = self.root;
        let Some(run) = self.context.as_course().map(|course| course.run().to_owned()) else {
            self.top(root.block_id(), "library.xml", WriteOptions::PRETTY)?;
            if parts == Parts::All {
                self.assets()?;
            }
            let usages = self.runtime.usages(self.context, self.branch)?;
            return self.orphans(usages.iter());
        };
        let record = self.top(&run, "course.xml", WriteOptions::default())?;
        if parts == Parts::All {
            self.assets()?;
        }
        let usages = self.runtime.usages(self.context, self.branch)?;
        self.pages(&usages)?;
        if parts != Parts::Blocks {
            let root_type = self.registry.block_type(root.block_type());
            let source = BlockSource { usage: root, block_type: &root_type, data: &record.data };
            self.policy_files(&run, &source)?;
        }
        self.orphans(usages.iter().filter(|usage| !is_page(usage.block_type())))?;
        if is_published {
            self.drafts(root)?;
        }
        Ok(())
    }

    /// Remarks which of these blocks hang below none that is written.
    fn orphans<'u>(&mut self, usages: impl Iterator<Item = &'u UsageKey>) -> Result<(), WriteError> {
        for usage in usages {
            if !self.written.contains(usage) {
                self.leave_orphan_out(usage)?;
            }
        }
        Ok(())
    }

    /// Writes the root with everything below it, and the file that points to it.
    fn top(&mut self, name: &str, path: &str, options: WriteOptions) -> Result<BlockRecord, WriteError> {
        let root = self.root;
        let record = self.runtime.block(root, self.branch)?;
        if let Some(file) = self.home(root) {
            self.keep(root, file)?;
            return Ok(record);
        }
        let mut node = Element::new(root.block_type());
        node.set("url_name", name);
        self.block(root, &record.data, &mut node)?;
        if let Some(library) = self.context.as_library() {
            node.set("org", library.org());
            node.set("library", library.library());
        }
        if let Some(library) = self.context.as_library_v2() {
            node.set("org", library.org());
            node.set("library", library.slug());
        }
        self.put(path, node.to_text(options).as_bytes())?;
        Ok(record)
    }
}

/// Writes one block and everything below it, each type's files included, and returns what stands for it in a parent.
///
/// A type that has no XML gives nothing.
///
/// # Errors
/// As [`write_course`].
pub fn write_block(
    runtime: &dyn Runtime,
    usage: &UsageKey,
    branch: Branch,
    options: ExportOptions<'_>,
    registry: &Registry,
    sink: &mut dyn PackageSink,
) -> Result<(Option<Element>, ExportReport), WriteError> {
    let context = usage.context_key();
    let record = runtime.block(usage, branch)?;
    let mut exporter = Exporter::new(runtime, registry, &context, usage, options, sink, branch);
    // Only whole packages say their references in the old form.
    exporter.old_key = None;
    let mut node = Element::new(usage.block_type());
    let is_written = exporter.block(usage, &record.data, &mut node)?;
    Ok((is_written.then_some(node), exporter.report))
}
