//! Writing whole packages: a course or a library as edx-platform exports it (xblock reference, section 20).

mod assets;
mod compose;
mod course;
mod drafts;
mod host;
mod layout;
mod own;
mod pages;
mod patch;
mod policy;
mod sink;

pub use course::{write_block, write_course};
pub use sink::{ExportOptions, ExportReport, ExportStep, MemorySink, PackageSink};
