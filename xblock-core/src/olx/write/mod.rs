//! Writing blocks as elements: what all conventions share.

mod attribute;
mod host;
mod mixin;
mod raw;
mod sequence;

pub(crate) use attribute::free_text;
pub use attribute::{attribute_value, is_attribute_name, is_xml_text};
pub use host::{BlockSource, Placement, WriteError, WriteHost};
pub use mixin::{XmlForm, write_asides, write_xml};
pub use raw::{parse_data, write_raw};
pub use sequence::{write_children, write_sequence};
