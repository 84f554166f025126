//! What can go wrong while courseware is moved about.

use runtime_blockstore::{BlockstoreError, ContextError};
use xblock_core::block::BlockError;
use xblock_core::keys::{AssetKey, ContextKey, UsageKey};
use xblock_core::olx::{OlxError, WriteError};
use xblock_core::runtime::RuntimeError;

use crate::export::ExportReport;
use crate::opening::StoreError;
use crate::package::PackageError;
use crate::store_url::StoreUrlError;

/// A situation the library reports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoursewareError {
    /// A text that names no store.
    #[error(transparent)]
    StoreUrl(#[from] StoreUrlError),
    /// A store that cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bundles of a Blockstore failed, or do not have what was asked for.
    #[error(transparent)]
    Bundles(#[from] BlockstoreError),
    /// The links or the bundle of a context do not allow it.
    #[error(transparent)]
    Context(ContextError),
    /// A package that cannot be read or written.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A store that is open failed, or does not have what was asked for.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A block could not be rendered or refused a request.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// What is in a package is no course at all; errors inside a course are diagnostics.
    #[error(transparent)]
    Olx(#[from] OlxError),
    /// A package cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The bytes of a static file could not be read.
    #[error("cannot read the static file {key}")]
    Asset {
        /// The file.
        key: AssetKey,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The context exists with another root, and a root cannot change.
    #[error("{context} has the root {present}; {wanted} cannot take its place")]
    OtherRoot {
        /// The context.
        context: ContextKey,
        /// The root it has.
        present: UsageKey,
        /// The root it was to get.
        wanted: UsageKey,
    },
    /// A course was to become a library, or a library a course.
    #[error("the package holds a {found}, which cannot be imported as {target}")]
    OtherKind {
        /// The key it was to get.
        target: ContextKey,
        /// What the package holds: `course` or `library`.
        found: &'static str,
    },
    /// Others changed the context each time it was read, so that there is no one state to speak of; nothing was written.
    #[error("{context} was changed each of the {attempts} times it was read; nothing was written")]
    Unsteady {
        /// The context.
        context: ContextKey,
        /// How often it was read.
        attempts: usize,
    },
    /// The context was there and somebody deleted it while it was to be written; nothing was written.
    #[error(
        "{context} was deleted while it was to be written; nothing was written, and whoever runs this again makes it anew"
    )]
    Deleted {
        /// The context.
        context: ContextKey,
    },
    /// A package that lacks what could not be read was to take the place of another; what was there is there still.
    #[error(
        "{} stays as it was: the new package lacks what cannot be read of {}", .0.target.display(), .0.context
    )]
    Incomplete(Box<ExportReport>),
    /// What is not published yet cannot be published, since some of it cannot be read; nothing was written.
    #[error(
        "{context} has changes that are not published, and blocks in its draft that cannot be read ({usage}: {reason}{}); \
         nothing was written: `courseware fsck --repair` mends what the store has damaged; a definition that its author wrote \
         wrongly is corrected where it was written, or by importing the course with the block corrected, and in a Blockstore \
         `courseware draft {context} --discard` drops all the draft changes",
        and_more(*more)
    )]
    UnreadableDraft {
        /// The context.
        context: ContextKey,
        /// One of the blocks.
        usage: UsageKey,
        /// What is wrong with it.
        reason: String,
        /// How many others there are.
        more: usize,
    },
    /// An address cannot be listened on.
    #[error("cannot serve at {address}")]
    Serve {
        /// The address.
        address: std::net::SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The caller set the stop flag; nothing was written.
    #[error("interrupted; nothing was written")]
    Interrupted,
}

fn and_more(count: usize) -> String {
    if count == 0 { String::new() } else { format!("; {count} more") }
}

impl From<ContextError> for CoursewareError {
    fn from(error: ContextError) -> Self {
        match error {
            ContextError::Runtime(error) => Self::Runtime(error),
            ContextError::Store(error) => Self::Bundles(error),
            error => Self::Context(error),
        }
    }
}

impl CoursewareError {
    /// Wraps a failure to read the bytes of a static file.
    pub(crate) fn asset(key: &AssetKey, source: std::io::Error) -> Self {
        Self::Asset { key: key.clone(), source }
    }

    /// Says whether the asked-for thing simply is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            // A place the change feed does not have is something that was named, too.
            Self::Runtime(RuntimeError::NoSuchCursor { .. }) => true,
            Self::Runtime(error) | Self::Block(BlockError::Runtime(error)) => error.is_not_found(),
            Self::Bundles(BlockstoreError::Missing { .. } | BlockstoreError::BundleNotFound { .. }) => true,
            Self::Context(ContextError::NoSuchLink { .. })
            | Self::Bundles(BlockstoreError::LinkTargetNotFound { .. })
            | Self::Store(StoreError::NoSuchStore { .. })
            | Self::Package(PackageError::NotFound { .. }) => true,
            Self::Store(StoreError::Site(site)) => site.is_not_found(),
            _ => false,
        }
    }
}
