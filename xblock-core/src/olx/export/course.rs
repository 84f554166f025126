//! The order in which a package is written.

use crate::block::Registry;
use crate::keys::{ContextKey, UsageKey};
use crate::olx::write::{BlockSource, WriteError};
use crate::olx::{Element, WriteOptions};
use crate::runtime::{Branch, Runtime};

use super::host::Exporter;
use super::pages::is_page;
use super::sink::{ExportOptions, ExportReport, PackageSink};

/// Writes a course or a library as edx-platform exports it.
///
/// What is published stands in the package's own folders, what only the draft branch has under `drafts/`; a context that
/// was never published is written from its draft. The same content always gives the same bytes. Trouble with
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
    let record = runtime.context(context)?;
    let is_published = record.published.is_some();
    let branch = if is_published { Branch::Published } else { Branch::Draft };
    let mut exporter = Exporter::new(runtime, registry, context, &record.root, options, sink, branch);
    let root = runtime.block(&record.root, branch)?;
    let root_type = registry.block_type(record.root.block_type());
    let source = BlockSource { usage: &record.root, block_type: &root_type, data: &root.data };
    let mut node = Element::new(record.root.block_type());
    let Some(run) = context.as_course().map(|course| course.run().to_owned()) else {
        node.set("url_name", record.root.block_id());
        exporter.block(&record.root, &root.data, &mut node)?;
        if let Some(library) = context.as_library() {
            node.set("org", library.org());
            node.set("library", library.library());
        }
        exporter.put("library.xml", node.to_text(WriteOptions::PRETTY).as_bytes())?;
        exporter.assets()?;
        return Ok(exporter.report);
    };
    node.set("url_name", &run);
    exporter.block(&record.root, &root.data, &mut node)?;
    exporter.put("course.xml", node.to_text(WriteOptions::default()).as_bytes())?;
    exporter.assets()?;
    let usages = runtime.usages(context, branch)?;
    exporter.pages(&usages)?;
    exporter.policy_files(&run, &source)?;
    for usage in &usages {
        if !exporter.written.contains(usage) && !is_page(usage.block_type()) {
            exporter.leave_orphan_out(usage);
        }
    }
    if is_published {
        exporter.drafts(&record.root)?;
    }
    Ok(exporter.report)
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
