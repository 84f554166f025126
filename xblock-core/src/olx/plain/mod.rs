//! Plain XBlock XML: the form of blocks whose class has no XML code of its own (xblock reference, section 16).

mod read;
mod write;

pub use read::{PlainBlock, PlainError, PlainField, read_plain};
pub use write::write_plain;
pub(crate) use write::write_value;

/// The namespace whose elements hold fields.
pub const OPTION_NAMESPACE: &str = "http://code.edx.org/xblock/option";
/// The namespace that base XBlock code declares beside it and never uses.
pub const BLOCK_NAMESPACE: &str = "http://code.edx.org/xblock/block";
/// The attribute that tells blocks and asides apart.
pub const FAMILY_ATTRIBUTE: &str = "xblock-family";
