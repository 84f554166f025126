//! Whole packages: a course or a library as a folder of OLX files (xblock reference, sections 17 to 20).

mod ahead;
mod assets;
mod child;
mod course;
mod drafts;
mod fragment;
mod importer;
mod links;
mod media;
mod names;
mod options;
mod pages;
mod policy;
mod python_json;
mod reading;
mod source;
mod trace;

pub use assets::PackageAsset;
pub(crate) use course::read_course_traced;
pub use course::{Counts, Package, read_course};
pub use fragment::{BlockTree, read_blocks};
pub use options::{BrokenBlocks, Fidelity, Links, Names, ReadOptions, Threads, UnknownTypes};
pub(crate) use python_json::read_json;
pub use reading::{PointerChildren, Reading};
pub use source::{Contents, MemoryPackage, PackageSource, SourceError};
pub(crate) use trace::{BranchTrace, Provenance, Trace};
