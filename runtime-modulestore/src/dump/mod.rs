//! Dumps in the layout of `mongodump`: files of concatenated BSON documents, one per collection.

mod export;
mod folder;
mod import;
mod stream;

pub use export::ExportedDump;
pub(crate) use export::export;
pub use import::{DamagedDocument, DumpCounts, OnDamage};
pub(crate) use import::{TAKEN_ID, chunk_place, damage_kept, damage_of, import, is_kept_only, kept_index};
