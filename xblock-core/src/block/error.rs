//! What can go wrong inside a block.

use crate::fields::BlockFieldsError;
use crate::keys::UsageKey;
use crate::runtime::RuntimeError;
use crate::services::ServiceError;

use super::completion::CompletionError;
use super::scoring::RescoreError;

/// A situation a block or the host around it reports.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// The block has no view of this name.
    #[error("no view {view}")]
    NoSuchView {
        /// The name as it was asked for.
        view: String,
    },
    /// The block has no handler of this name.
    #[error("no handler {handler}")]
    NoSuchHandler {
        /// The name as it was asked for.
        handler: String,
    },
    /// A handler's answer has no JSON form.
    #[error("the answer cannot be written as JSON: {problem}")]
    NotJson {
        /// Why not.
        problem: String,
    },
    /// No aside of this type is known, or the block has none.
    #[error("no aside {aside_type}")]
    NoSuchAside {
        /// The aside's type.
        aside_type: String,
    },
    /// The block does not get a service it asked for.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The block cannot be rescored.
    #[error(transparent)]
    Rescore(#[from] RescoreError),
    /// The block may not report this completion.
    #[error(transparent)]
    Completion(#[from] CompletionError),
    /// The request cannot be answered as it came; the status is an HTTP one.
    #[error("{message}")]
    BadRequest {
        /// HTTP status.
        status: u16,
        /// What to tell the caller.
        message: String,
    },
    /// The block is for course staff only.
    #[error("{usage} is for course staff only")]
    StaffOnly {
        /// The block.
        usage: UsageKey,
    },
    /// What the author wrote cannot be used.
    #[error("{usage}: {reason}")]
    BadContent {
        /// The block.
        usage: UsageKey,
        /// What is wrong, in words for its author.
        reason: String,
    },
    /// A field's stored value does not fit its type, or could not be read or written.
    #[error(transparent)]
    Field(#[from] BlockFieldsError),
    /// The runtime below failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}
