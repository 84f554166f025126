//! Changes that only repairs make.

use bson::oid::ObjectId;
use bson::raw::RawDocumentBuf;
use xblock_core::runtime::RuntimeError;

use super::bulk::Bulk;
use crate::documents::{BlockKey, corrupt, to_document};

impl Bulk<'_> {
    /// Takes the last place of a child out of a list; the child itself stays as it is.
    pub(crate) fn drop_child(&mut self, parent: &BlockKey, child: &BlockKey) -> Result<(), RuntimeError> {
        let mut children = self.draft.children(parent)?;
        let Some(at) = children.iter().rposition(|found| found == child) else { return Ok(()) };
        children.remove(at);
        let info = self.draft.block(parent).map(|view| view.edit_info()).transpose()?.unwrap_or_default();
        let info = info.updated(&self.draft.stamp);
        self.draft.set_children(parent, &children, Some(&info))
    }

    /// Gives a block other content.
    pub(crate) fn set_definition(
        &mut self,
        key: &BlockKey,
        definition: ObjectId,
    ) -> Result<(), RuntimeError> {
        let Some(view) = self.draft.block(key) else { return Ok(()) };
        let info = view.edit_info()?.updated(&self.draft.stamp);
        let mut document = to_document(view.raw()).map_err(|error| corrupt(view.place(), error))?;
        document.insert("definition", definition);
        document.insert("edit_info", info.to_document());
        let document = RawDocumentBuf::try_from(&document).map_err(|error| corrupt(view.place(), error))?;
        self.draft.put(key.clone(), document);
        Ok(())
    }
}
