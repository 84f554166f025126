//! Collections whose documents are kept for whoever wants the dump back, and which nobody reads.

use crate::store::BOOKKEEPING;

/// Says whether the documents of a collection are kept for whoever wants the dump back, and nobody reads them.
pub(crate) fn is_kept_only(collection: &str) -> bool {
    is_of_server(collection) || is_own(collection)
}

/// Says whether a collection is one in which this program keeps what only it knows.
pub(super) fn is_own(collection: &str) -> bool {
    collection.starts_with(BOOKKEEPING)
}

/// Says whether a collection is one that MongoDB keeps for itself.
pub(super) fn is_of_server(collection: &str) -> bool {
    collection.starts_with("system.")
}
