//! Writing whole packages: a course or a library as edx-platform exports it (xblock reference, section 20).

mod assets;
mod course;
mod drafts;
mod host;
mod pages;
mod policy;
mod sink;

pub use course::{write_block, write_course};
pub use sink::{ExportOptions, ExportReport, ExportStep, MemorySink, PackageSink};
