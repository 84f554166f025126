//! OLX: reading courseware from XML and writing it back.

mod convention;

pub use convention::{OlxConvention, RawOlx};
