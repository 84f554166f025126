//! What a database can say when it fails.

use rusqlite::ErrorCode;

/// Why the database failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// SQLite said no.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The server is not there, or does not let a connection be made in the time there is.
    #[error("{server} cannot be reached: {reason}")]
    Unreachable {
        /// The server's address.
        server: String,
        /// What the system said.
        reason: String,
    },
    /// The server has no database of this name.
    #[error("{server} has no such database: {reason}")]
    NoDatabase {
        /// The server's address.
        server: String,
        /// What the server said.
        reason: String,
    },
    /// The server does not take the user's name or the password, or lets the user not see the database.
    #[error("{server} refuses the user: {reason}")]
    Refused {
        /// The server's address.
        server: String,
        /// What the server said.
        reason: String,
    },
    /// The connection broke, or the server did not answer in time; nothing of the change was kept.
    #[error("the connection to {server} was lost: {reason}")]
    Lost {
        /// The server's address.
        server: String,
        /// What the system said.
        reason: String,
    },
    /// Others kept what is needed locked longer than the lock time-out, or the server broke a deadlock too often;
    /// nothing of the change was kept.
    #[error("{server} is busy: {reason}")]
    Busy {
        /// The server's address.
        server: String,
        /// What the server said.
        reason: String,
    },
    /// A row with this key is there already, or one whose key the server takes for the same; nothing of the change was kept.
    #[error("{server} has such a row already: {reason}")]
    Duplicate {
        /// The server's address.
        server: String,
        /// What the server said.
        reason: String,
    },
    /// The server takes no changes now, perhaps because it is a replica.
    #[error("{server} takes no changes: {reason}")]
    ReadOnlyServer {
        /// The server's address.
        server: String,
        /// What the server said.
        reason: String,
    },
    /// The connection was lost while a change was being made true, and nobody could be asked what became of it:
    /// it may be there or not, but not in part.
    #[error("{server} was lost while it committed, so that the change may be there or not: {reason}")]
    Unresolved {
        /// The server's address.
        server: String,
        /// Why it could not be found out.
        reason: String,
    },
    /// The server said something else.
    #[error("{server} says {code}: {reason}")]
    Server {
        /// The server's address.
        server: String,
        /// The number of the error.
        code: u16,
        /// What the server said.
        reason: String,
    },
    /// The client failed before the server was asked.
    #[error("{server}: {reason}")]
    Client {
        /// The server's address.
        server: String,
        /// What is wrong.
        reason: String,
    },
}

impl DatabaseError {
    /// Says whether the database can be read by whoever asks, and not written.
    pub(crate) fn is_read_only(&self) -> bool {
        match self {
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied)
            ),
            Self::ReadOnlyServer { .. } | Self::Refused { .. } => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_no_changes_is_told_from_what_fails() {
        let server = || "127.0.0.1".to_owned();
        let reason = || "said so".to_owned();
        assert!(DatabaseError::ReadOnlyServer { server: server(), reason: reason() }.is_read_only());
        assert!(DatabaseError::Refused { server: server(), reason: reason() }.is_read_only());
        let sqlite = |code| {
            DatabaseError::Sqlite(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None))
        };
        assert!(sqlite(rusqlite::ffi::SQLITE_READONLY).is_read_only());
        assert!(!sqlite(rusqlite::ffi::SQLITE_BUSY).is_read_only());
        assert!(!DatabaseError::Busy { server: server(), reason: reason() }.is_read_only());
        assert!(!DatabaseError::Lost { server: server(), reason: reason() }.is_read_only());
    }
}
