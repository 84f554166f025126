//! What can be wrong with a course package before anybody reads OLX in it.

use std::path::{Path, PathBuf};

/// A situation around a package on disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// There is nothing at this path.
    #[error("{} does not exist", path.display())]
    NotFound {
        /// The path as it was given.
        path: PathBuf,
    },
    /// Neither the directory nor one below it has a `course.xml` or `library.xml`.
    #[error("{} is no course: there is no course.xml and no library.xml in it", path.display())]
    NoCourse {
        /// The directory or archive.
        path: PathBuf,
    },
    /// A file that is no archive of a known kind.
    #[error("{} is neither a directory nor a .tar.gz or .tgz archive", path.display())]
    UnknownArchive {
        /// The file.
        path: PathBuf,
    },
    /// The archive ends too early or breaks its own format.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The archive.
        path: PathBuf,
        /// What the decoder said.
        #[source]
        source: std::io::Error,
    },
    /// A member would be written outside the package.
    #[error("{}: unsafe path {member:?}", archive.display())]
    IllegalPath {
        /// The archive.
        archive: PathBuf,
        /// The member's name.
        member: String,
    },
    /// A link that leads outside the package, or nowhere.
    #[error("{}: link {member:?} leads to {target:?}, which is not in the package", archive.display())]
    IllegalLink {
        /// The archive or directory.
        archive: PathBuf,
        /// The link.
        member: String,
        /// Where it leads, as it is written.
        target: String,
    },
    /// A link to a directory that the package reaches through another such link; they could lead round in a circle.
    #[error("{}: link {member:?} leads to the directory {target:?} from below another link to a directory", archive.display())]
    NestedLink {
        /// The directory.
        archive: PathBuf,
        /// The link.
        member: String,
        /// Where it leads, as it is written.
        target: String,
    },
    /// A name that stands for a file and for a directory.
    #[error("{}: {member:?} is both a file and a directory", archive.display())]
    FileAndDirectory {
        /// The archive.
        archive: PathBuf,
        /// The name.
        member: String,
    },
    /// Directories nested deeper than any course needs.
    #[error("{}: {member:?} lies more than {limit} directories deep", archive.display())]
    TooDeep {
        /// The archive or directory.
        archive: PathBuf,
        /// The directory that is too deep.
        member: String,
        /// How deep directories may be nested.
        limit: usize,
    },
    /// A device, pipe or another member that is no file.
    #[error("{}: {member:?} is neither a file nor a directory", archive.display())]
    SpecialFile {
        /// The archive or directory.
        archive: PathBuf,
        /// The member's name.
        member: String,
    },
    /// A name that is not UTF-8; OLX names files in UTF-8 only.
    #[error("{}: the file name {name:?} is not UTF-8", archive.display())]
    NameNotUtf8 {
        /// The archive or directory.
        archive: PathBuf,
        /// The name, with what cannot be read replaced.
        name: String,
    },
    /// More members than allowed.
    #[error("{} has more than {limit} members", archive.display())]
    TooManyMembers {
        /// The archive.
        archive: PathBuf,
        /// How many are allowed.
        limit: u64,
    },
    /// A member that is larger than allowed once it is unpacked.
    #[error("{}: {member:?} is larger than {limit} bytes", archive.display())]
    MemberTooLarge {
        /// The archive.
        archive: PathBuf,
        /// The member's name.
        member: String,
        /// How large it may be.
        limit: u64,
    },
    /// An archive that is larger than allowed once it is unpacked.
    #[error("{} unpacks to more than {limit} bytes", archive.display())]
    TooLarge {
        /// The archive.
        archive: PathBuf,
        /// How large it may be.
        limit: u64,
    },
    /// The place to write to is taken.
    #[error("{} exists and is not empty", path.display())]
    TargetTaken {
        /// The place.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl PackageError {
    /// Makes the wrapper for failures of one action on one path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
