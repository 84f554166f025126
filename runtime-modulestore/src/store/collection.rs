//! The collections of edx-platform's database, as `mongodump` names its files.

use crate::documents::Bucket;

/// The name of Old Mongo's one collection.
pub const OLD_MONGO: &str = "modulestore";

/// How the names of collections begin in which this program keeps what only it knows, on a server.
pub(crate) const BOOKKEEPING: &str = "xblock_runtime.";

/// A collection of documents.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Collection {
    /// The course indexes of Split.
    Indexes,
    /// The structures of Split.
    Structures,
    /// The definitions of Split.
    Definitions,
    /// The files of a bucket of the contentstore.
    Files(Bucket),
    /// The chunks of these files.
    Chunks(Bucket),
    /// Any other one by its name, Old Mongo's `modulestore` among them: its documents are kept as they are.
    Other(String),
}

impl Collection {
    /// Returns the collection with a name; those of Split may have any prefix before the dot.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name.rsplit_once('.') {
            Some((_, "active_versions")) => Self::Indexes,
            Some((_, "structures")) => Self::Structures,
            Some((_, "definitions")) => Self::Definitions,
            Some((bucket, kind @ ("files" | "chunks"))) => {
                match Bucket::ALL.into_iter().find(|known| known.name() == bucket) {
                    Some(bucket) if kind == "files" => Self::Files(bucket),
                    Some(bucket) => Self::Chunks(bucket),
                    None => Self::Other(name.to_owned()),
                }
            }
            _ => Self::Other(name.to_owned()),
        }
    }

    /// Returns the name it has in edx-platform's database.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Indexes => "modulestore.active_versions".to_owned(),
            Self::Structures => "modulestore.structures".to_owned(),
            Self::Definitions => "modulestore.definitions".to_owned(),
            Self::Files(bucket) => format!("{}.files", bucket.name()),
            Self::Chunks(bucket) => format!("{}.chunks", bucket.name()),
            Self::Other(name) => name.clone(),
        }
    }
}
