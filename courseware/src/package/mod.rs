//! Course packages on disk: directories and archives, read and written.

mod archive;
mod directory;
mod error;
mod sink;
mod staging;

use std::path::Path;
use std::sync::Arc;

use xblock_core::olx::PackageSource;

pub(crate) use archive::is_archive_name;
pub use archive::{ArchiveLimits, ArchiveSource};
pub use directory::DirectorySource;
pub(crate) use directory::TEMPORARY;
pub use error::PackageError;
pub(crate) use sink::is_taken;
pub use sink::{ArchiveSink, DirectorySink, Overwrite};

/// Opens a package, be it a directory or an archive.
///
/// # Errors
/// [`PackageError`].
pub fn open_package(path: &Path, limits: &ArchiveLimits) -> Result<Arc<dyn PackageSource>, PackageError> {
    if path.is_dir() {
        Ok(Arc::new(DirectorySource::open(path)?))
    } else {
        Ok(Arc::new(ArchiveSource::open(path, limits)?))
    }
}
