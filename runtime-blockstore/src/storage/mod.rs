//! The documents and data files, in folders or in an object store.
//!
//! A path names a file or an object alike: below the root, which is a folder or reads `s3://bucket/prefix`, stand the
//! names the app gives them.

mod assets;
mod batch;
mod changes;
mod client;
mod listing;
mod names;
mod object_batch;
mod object_reader;
mod objects;
mod opened;
mod reading;
mod waiting;

pub use assets::{Assets, NoAssets, ObjectOptions, ObjectPlace, ObjectService};
pub(crate) use batch::{Batch, replace, sync_names};
pub(crate) use changes::store_stream;
pub(crate) use listing::entries;
pub(crate) use names::{Place, Storage};
pub(crate) use opened::{Found, Mark, Opened, Tag};
pub(crate) use reading::{digest_of, draft_from, missing_or};
