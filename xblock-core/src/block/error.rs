//! What can go wrong inside a block.

use crate::fields::BlockFieldsError;
use crate::keys::UsageKey;
use crate::runtime::RuntimeError;

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
    /// The block needs a service that nobody offers.
    #[error("service {service} is not available")]
    NoSuchService {
        /// The service's name.
        service: String,
    },
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
