//! The fields every block has, from XBlock itself or from the host's mixins.
mod inheritable;
mod lms;
mod upstream;
mod xblock;
mod xml;
mod xmodule;

pub use inheritable::{INHERITABLE, is_inheritable};
pub use lms::LMS_FIELDS;
pub use upstream::UPSTREAM_FIELDS;
pub use xblock::{CHILDREN_FIELDS, XBLOCK_FIELDS};
pub use xml::XML_FIELDS;
pub use xmodule::XMODULE_FIELDS;
