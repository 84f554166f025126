//! Dumps in the layout of `mongodump`: files of concatenated BSON documents, one per collection.

mod damage;
mod export;
mod folder;
mod import;
mod kept;
mod stream;

pub(crate) use damage::{TAKEN_ID, chunk_place, damage_kept, damage_of, kept_index};
pub use export::ExportedDump;
pub(crate) use export::export;
pub(crate) use import::import;
pub use import::{DamagedDocument, DumpCounts, OnDamage};
pub(crate) use kept::is_kept_only;
