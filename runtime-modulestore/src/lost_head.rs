//! A published branch whose head cannot be read: what needs it is refused, and a publish of the whole draft takes its place.

use std::sync::Arc;

use bson::oid::ObjectId;
use xblock_core::runtime::{Edit, EditOp, Extent, RuntimeError};

use crate::documents::{Structure, corrupt};
use crate::reader::Reader;

/// What puts another head in the place of one that cannot be read.
const MENDED_BY: &str = "a publish of the whole course puts the draft in its place";

/// A head of the published branch that the index names and that cannot be read.
pub(crate) struct LostHead {
    pub(crate) id: ObjectId,
    place: String,
    reason: String,
}

impl LostHead {
    /// Says why something that needs what is published cannot be done.
    pub(crate) fn refusal(&self) -> RuntimeError {
        corrupt(self.place.as_str(), format!("{}; {MENDED_BY}", self.reason))
    }
}

/// Reads the published head, which the draft does not need.
pub(crate) fn published_head(
    reader: &Reader<'_>,
    head: Option<ObjectId>,
) -> Result<(Option<Arc<Structure>>, Option<LostHead>), RuntimeError> {
    let Some(id) = head else { return Ok((None, None)) };
    match reader.structure(id) {
        Err(RuntimeError::Corrupt { place, reason }) => Ok((None, Some(LostHead { id, place, reason }))),
        found => Ok((Some(found?), None)),
    }
}

/// Says whether an edit needs nothing of what is published: it publishes all of the draft, or nothing, before it looks there.
pub(crate) fn does_without_published(edit: &Edit) -> bool {
    let looks = |op: &&EditOp| matches!(op, EditOp::Publish(_) | EditOp::Discard(_) | EditOp::Restore(_));
    matches!(edit.ops.iter().find(looks), None | Some(EditOp::Publish(Extent::All)))
}
