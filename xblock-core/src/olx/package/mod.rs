//! Whole packages: a course or a library as a folder of OLX files (xblock reference, sections 17 to 20).

mod fragment;
mod importer;
mod names;
mod options;
mod reading;
mod source;

pub use fragment::{BlockTree, read_blocks};
pub use options::{BrokenBlocks, Fidelity, Links, ReadOptions, UnknownTypes};
pub use reading::{PointerChildren, Reading};
pub use source::{MemoryPackage, PackageSource, SourceError};
