//! What can go wrong in a Blockstore.

use std::io::ErrorKind;
use std::path::Path;

use uuid::Uuid;
use xblock_core::runtime::RuntimeError;

use crate::database::DatabaseError;
use crate::digest::Digest;
use crate::path::PathProblem;

/// A situation the bundles store reports. The not-found variants carry the names of the Python API's exceptions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlockstoreError {
    /// No collection has this UUID.
    #[error("Collection {uuid} does not exist.")]
    CollectionNotFound {
        /// What was asked for.
        uuid: Uuid,
    },
    /// No bundle has this UUID.
    #[error("Bundle {uuid} does not exist.")]
    BundleNotFound {
        /// What was asked for.
        uuid: Uuid,
    },
    /// The bundle has no such version.
    #[error("Bundle Version {bundle},{version} does not exist.")]
    BundleVersionNotFound {
        /// The bundle.
        bundle: Uuid,
        /// The number asked for.
        version: u64,
    },
    /// No draft has this UUID.
    #[error("Draft {uuid} does not exist.")]
    DraftNotFound {
        /// What was asked for.
        uuid: Uuid,
    },
    /// The bundle's state has no such file.
    #[error("Bundle {bundle} (draft: {}) does not contain a file {path}", draft.as_deref().unwrap_or("None"))]
    BundleFileNotFound {
        /// The bundle.
        bundle: Uuid,
        /// The draft's name, where one was read.
        draft: Option<String>,
        /// The path asked for.
        path: String,
    },
    /// A path that cannot be stored.
    #[error("\"{path}\" is not a valid file name: {problem}")]
    InvalidFileName {
        /// The path.
        path: String,
        /// What is wrong with it.
        problem: PathProblem,
    },
    /// A link names a version that does not exist.
    #[error("BundleVersion ({bundle}, {version}) referenced in Link {name} does not exist.")]
    LinkTargetNotFound {
        /// The link's name.
        name: String,
        /// The bundle it names.
        bundle: Uuid,
        /// The version it names.
        version: u64,
    },
    /// A link would make a bundle depend on itself.
    #[error("Link cycle detected: {name} leads back to bundle {bundle}.")]
    LinkCycle {
        /// The link's name.
        name: String,
        /// The bundle.
        bundle: Uuid,
    },
    /// The draft equals the version it lies on.
    #[error("Draft {uuid} has no changes to commit.")]
    DraftHasNoChangesToCommit {
        /// The draft.
        uuid: Uuid,
    },
    /// Another version was made since this draft was begun; committing it as it is would undo that.
    #[error(
        "Draft {uuid} lies on {}, but the latest version of its bundle is {}; {}",
        digest_or_none(base.as_ref()), digest_or_none(latest.as_ref()), conflicts(files, links)
    )]
    StaleDraft {
        /// The draft.
        uuid: Uuid,
        /// The snapshot it lies on.
        base: Option<Digest>,
        /// The latest version's snapshot.
        latest: Option<Digest>,
        /// Paths that both have changed, each to something else; where there are none, the two can be merged.
        files: Vec<String>,
        /// Names of links that both have changed.
        links: Vec<String>,
    },
    /// A draft has, or stages, no link of this name.
    #[error("Draft {draft} has no such link: {name}")]
    LinkNotFound {
        /// The name asked for.
        name: String,
        /// The draft.
        draft: Uuid,
    },
    /// What was to be made is there already.
    #[error("{place} is there already")]
    AlreadyThere {
        /// The store or bundle.
        place: String,
    },
    /// A bundle that is to be restored says it is a context that another bundle of the store is. Nothing was changed.
    #[error(
        "bundle {bundle} says it is {context}, and so does bundle {present}, which is in the store; nothing was restored"
    )]
    ContextTaken {
        /// The context.
        context: String,
        /// The bundle that is there.
        present: Uuid,
        /// The bundle that was to be restored.
        bundle: Uuid,
    },
    /// A database does not take a row that is to be carried into it; nothing of it was kept.
    #[error("{table} does not take {row}: {reason}")]
    RowRefused {
        /// The table.
        table: &'static str,
        /// The row: what it is of, and the value that is not taken.
        row: String,
        /// Why, with the other row where there is one.
        reason: String,
    },
    /// The store was opened for reading only.
    #[error("this Blockstore is open for reading only")]
    ReadOnly,
    /// What the store holds breaks its own format.
    #[error("{place} is damaged: {reason}")]
    Corrupt {
        /// The file or row.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A later version has written it, in a form that this one does not know; nothing was changed.
    #[error("{place} is too new: it has {found}")]
    NewerForm {
        /// The database or document.
        place: String,
        /// What is not known of it.
        found: String,
    },
    /// Nothing at all lies where the storage should be, and the database names versions that lie there; nothing was changed.
    #[error(
        "the storage is not there: {place} is missing or empty, and the database names versions in it; nothing was changed"
    )]
    NoStorage {
        /// The folder or prefix.
        place: String,
    },
    /// The storage of a new store has files of bundles that its database does not know: they may be another store's, and
    /// whoever sweeps either would remove what the other has. Nothing was changed.
    #[error(
        "{place} has files of bundles that the database does not know, bundle or draft {first} among them; nothing was changed"
    )]
    StorageTaken {
        /// The folder or prefix.
        place: String,
        /// The first of them, or the one that was to be restored.
        first: Uuid,
    },
    /// A file that a document names is not there.
    #[error("{place} is missing")]
    Missing {
        /// The file.
        place: String,
    },
    /// The file system failed.
    #[error("{action} {place}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file.
        place: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The database failed.
    #[error("{action}: {source}")]
    Database {
        /// What was being done.
        action: &'static str,
        /// What it said.
        #[source]
        source: DatabaseError,
    },
}

fn digest_or_none(digest: Option<&Digest>) -> String {
    digest.map_or_else(|| "no version".to_owned(), Digest::to_string)
}

/// Most names a message lists.
const LISTED: usize = 10;

fn conflicts(files: &[String], links: &[String]) -> String {
    let names: Vec<_> =
        files.iter().map(String::as_str).chain(links.iter().map(String::as_str)).take(LISTED).collect();
    if names.is_empty() {
        return "no file or link was changed by both".into();
    }
    let more = files.len() + links.len() - names.len();
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("both have changed {}{rest}", names.join(", "))
}

/// The number by which the system says that a medium does not give a file's bytes (`EIO`).
const UNREADABLE: i32 = 5;

impl BlockstoreError {
    pub(crate) fn corrupt(place: impl ToString, reason: impl ToString) -> Self {
        Self::Corrupt { place: place.to_string(), reason: reason.to_string() }
    }

    /// Says whether it is certain that what was asked for is missing, not what it should be, or nothing that this version can
    /// read. Where a service, a medium or the right to look is lacking, nobody knows.
    pub(crate) fn is_definite(&self) -> bool {
        match self {
            Self::Corrupt { .. }
            | Self::Missing { .. }
            | Self::NewerForm { .. }
            | Self::InvalidFileName { .. } => true,
            Self::Io { source, .. } => {
                let inner = source.get_ref().and_then(|inner| inner.downcast_ref());
                // Of a file the system itself says so: another kind of file is there.
                let is_said_of_it = matches!(source.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory)
                    || source.kind() == ErrorKind::NotADirectory && source.raw_os_error().is_some();
                is_said_of_it || matches!(inner, Some(Self::Missing { .. }))
            }
            _ => false,
        }
    }

    /// Says whether the medium did not give a file back (`EIO`): nobody knows what is in it, and other files may be read.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.raw_os_error() == Some(UNREADABLE))
    }

    /// Says whether it is about one file alone, so that whoever goes through all of them goes on with the next.
    pub(crate) fn is_of_one_file(&self) -> bool {
        self.is_definite() || self.is_unread()
    }

    /// Says whether a store can only be read: its place or its database takes no changes from whoever asks.
    ///
    /// ```
    /// use runtime_blockstore::BlockstoreError;
    ///
    /// assert!(BlockstoreError::ReadOnly.is_read_only());
    /// ```
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        match self {
            Self::ReadOnly => true,
            // A service that refuses a request has not said that it could be read.
            Self::Io { source, .. } => {
                source.raw_os_error().is_some()
                    && matches!(source.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
            }
            Self::Database { source, .. } => source.is_read_only(),
            _ => false,
        }
    }

    /// Names a failure of the file system; meant for `map_err`.
    pub(crate) fn io(action: &'static str, place: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let place = place.display().to_string();
        move |source| Self::Io { action, place, source }
    }

    /// Names a failure of the database; meant for `map_err`.
    pub(crate) fn database(action: &'static str) -> impl FnOnce(DatabaseError) -> Self {
        move |source| Self::Database { action, source }
    }
}

/// Says whether what was asked for is there and cannot be read, a form that this version does not know and a medium that does
/// not give it back included, while other things in the store can.
#[must_use]
pub fn cannot_be_read(error: &RuntimeError) -> bool {
    let RuntimeError::Storage { source, .. } = error else { return error.is_damage() };
    let Some(error) = source.downcast_ref::<BlockstoreError>() else { return false };
    matches!(error, BlockstoreError::NewerForm { .. }) || error.is_unread()
}

impl From<BlockstoreError> for RuntimeError {
    fn from(error: BlockstoreError) -> Self {
        match error {
            BlockstoreError::ReadOnly => Self::ReadOnly,
            BlockstoreError::Corrupt { place, reason } => Self::Corrupt { place, reason },
            BlockstoreError::Missing { place } => {
                Self::Corrupt { place, reason: "the file is missing".into() }
            }
            BlockstoreError::InvalidFileName { path, problem } => {
                Self::Unstorable { place: path, reason: problem.to_string() }
            }
            other => Self::storage("the Blockstore", other),
        }
    }
}
