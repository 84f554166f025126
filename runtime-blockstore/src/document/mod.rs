//! The JSON documents of bundles: snapshots and drafts, byte for byte as the app writes them
//! (reference/blockstore, section 3).

mod draft;
mod file_record;
mod json;
mod link;
mod snapshot;
mod time;
mod uuid_text;

pub use draft::DraftDocument;
pub(crate) use draft::compose;
pub use file_record::FileRecord;
pub use link::{Dependency, Link};
pub use snapshot::{Snapshot, SnapshotParts};
pub(crate) use time::{format_time, parse_time};
