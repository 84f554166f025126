//! How one block type is read from OLX and written to it.

/// The OLX form of a block type.
pub trait OlxConvention: Send + Sync {}

/// The form of types that keep their whole element as text (annotatable, word_cloud, lti, raw and unknown types).
#[derive(Debug, Clone, Copy)]
pub struct RawOlx;

impl OlxConvention for RawOlx {}
