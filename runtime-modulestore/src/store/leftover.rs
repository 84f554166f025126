//! What a writer that died left half done, and where two places that say the same thing contradict each other.

use std::fmt;

use bson::oid::ObjectId;
use xblock_core::keys::ContextKey;

use crate::documents::Bucket;

/// Something in a store that no document is at fault for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leftover {
    /// The table of course indexes and the collection say different things.
    Index(IndexDifference),
    /// A commit was made, and what follows it is not done; the next writer of the context does it.
    Commit {
        /// What it is called.
        id: ObjectId,
        /// The context, in parts.
        context: String,
    },
    /// A commit was begun long ago and never made.
    Attempt {
        /// What it is called.
        id: ObjectId,
        /// The context, in parts.
        context: String,
    },
    /// Chunks of files that were written long ago for commits that nobody made.
    Chunks {
        /// Where they lie.
        bucket: Bucket,
        /// How many there are.
        count: u64,
    },
}

/// A context of which the table of course indexes and MongoDB's collection say different things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexDifference {
    /// The context.
    pub context: ContextKey,
    /// Whether the table has a row for it.
    pub is_in_table: bool,
    /// Whether the collection has a document for it.
    pub is_in_collection: bool,
    /// Branches for which the collection names a structure that can be read, and the table one that cannot, or none. What the
    /// table says is not taken over then: the collection has the last word of where the branch was.
    pub lost_heads: Vec<LostHead>,
}

/// A branch of which the table of course indexes has lost the structure it is at, and the collection has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostHead {
    /// The branch, as the documents name it.
    pub branch: String,
    /// The structure the table names, which is missing or cannot be read; none where it names none.
    pub in_table: Option<ObjectId>,
    /// The structure the collection names.
    pub in_collection: ObjectId,
}

impl fmt::Display for LostHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { branch, in_table, in_collection } = self;
        match in_table {
            Some(id) => {
                write!(f, "of `{branch}` the table names structure {id}, which is missing or cannot be read")?
            }
            None => write!(f, "of `{branch}` the table names no structure")?,
        }
        write!(f, ", and the collection {in_collection}, which can be read")
    }
}

impl Leftover {
    /// Says where it lies.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Index(difference) => difference.context.to_string(),
            Self::Commit { context, .. } | Self::Attempt { context, .. } => context.clone(),
            Self::Chunks { bucket, .. } => format!("{}.chunks", bucket.name()),
        }
    }

    /// Says what doing away with it does; nothing where only a person can decide.
    #[must_use]
    pub fn repair(&self) -> Option<&'static str> {
        match self {
            Self::Index(difference) if !difference.is_in_table || !difference.lost_heads.is_empty() => None,
            Self::Index(_) => Some("the collection takes what the table says"),
            Self::Commit { .. } => Some("what follows the commit is done"),
            Self::Attempt { .. } => Some("it is forgotten, with what it had written of files"),
            Self::Chunks { .. } => Some("they are deleted"),
        }
    }
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(difference) => {
                f.write_str(match (difference.is_in_table, difference.is_in_collection) {
                    (true, true) => {
                        "the table of course indexes and the collection say different things of it"
                    }
                    (true, false) => "the table of course indexes has it, the collection does not",
                    _ => "the collection has it, the table of course indexes, which counts, does not",
                })?;
                for lost in &difference.lost_heads {
                    write!(f, "; {lost}")?;
                }
                Ok(())
            }
            Self::Commit { id, .. } => write!(f, "what follows commit {id} is not done"),
            Self::Attempt { id, .. } => write!(f, "commit {id} was begun more than a day ago and never made"),
            Self::Chunks { count, .. } => {
                write!(f, "{count} chunks were written more than a day ago for commits that nobody made")
            }
        }
    }
}
