//! Definition files: one block a file, as bundles hold them (`docs/course-bundle.md`).
//!
//! The natural form is what the definition rules of edx-platform read (xblock reference, section 22). Where it would not
//! come back the same, the attribute `xblock-data` of the root says the rest, so that every block whatsoever survives.

mod error;
mod explicit;
mod form;
mod include;
mod naming;
mod path;
mod read;
mod rewrite;
mod write;

pub use error::DefinitionError;
pub use form::DefinitionForm;
pub use include::Include;
pub use naming::{ChildNaming, OwnChildren};
pub use path::{block_id_of, block_type_of, definition_id, definition_path, definition_type, is_shortened};
pub use read::{Definition, read_definition, read_definition_owner, read_definition_parts};
pub use rewrite::rewrite_definition;
pub use write::{write_definition, write_definition_with};
