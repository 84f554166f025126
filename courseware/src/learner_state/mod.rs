//! Where learners' values live: fields of every user-scoped kind, kept apart by user, usage and type.
//!
//! Authored content never comes here and learner state never goes into a content store, so that publishing or replacing
//! content leaves what learners did as it is.

mod sqlite;

pub use sqlite::SqliteStore;
