//! Typed views over the documents of the Split modulestore.
//!
//! A view reads the BSON in place and decodes what is asked for. Fields that no view knows are kept when a document is
//! written again. Shapes: modulestore reference, sections 2.1 to 2.4, 15.

mod asset_metadata;
mod block;
mod definition;
mod depth;
mod edit_info;
mod enclosed;
mod entries;
mod file;
mod index;
mod read;
mod scan;
mod structure;
mod tree;
mod usages;

pub(crate) use asset_metadata::{
    ASSETSTORE, assets_of, find_record, put_record, read_any_old_records, read_old_records, read_record,
    records_of, remove_record,
};
pub use block::{BlockKey, BlockParts, BlockPlace, BlockView};
pub(crate) use block::{OWN, field_of, pair_bson};
pub use definition::{DefinitionPlace, DefinitionView};
pub(crate) use depth::{is_too_deep, is_value_too_deep, malformed, to_bson, to_document};
pub use edit_info::BlockEditInfo;
pub(crate) use edit_info::{MANAGEMENT_COMMAND, Stamp, integer_bson};
pub(crate) use enclosed::{enclosed, misshapen, opened};
pub use file::{Bucket, FileId, FileOwner, FileView};
pub(crate) use file::{content_son, digest_of};
pub use index::{CourseIndex, DRAFT_BRANCH, IndexKey, LIBRARY_BRANCH, PUBLISHED_BRANCH};
pub(crate) use scan::Elements;
pub(crate) use structure::{MAX_DOCUMENT, StructureIntake};
pub use structure::{NextStructure, Structure, StructureHeader};
pub(crate) use tree::Child;
pub(crate) use usages::UsageTable;

pub(crate) use read::{
    corrupt, document, integer, object_id, pair, text, time, to_bson_id, to_key_id, to_time,
};
