//! What an edit says about files, whether there are any.

use std::sync::Arc;

use xblock_core::keys::AssetKey;
use xblock_core::runtime::{AssetMetadata, RuntimeError};

use super::Carrying;
use crate::document::Snapshot;
use crate::runtime::definitions::Source;
use crate::runtime::layout::{ASSET_METADATA_FILE, AssetMetadataDocument, Said, asset_path};

impl Carrying<'_> {
    /// Returns what the draft says about files.
    pub(super) fn metadata(&mut self) -> Result<&mut AssetMetadataDocument, RuntimeError> {
        if self.metadata.is_none() {
            let source = Source::draft(&self.view.row);
            // Nothing in this edit has written the file yet, else its content would be here.
            let record = self.tree.file(ASSET_METADATA_FILE);
            self.metadata = Some(self.runtime.asset_metadata_document(source, record)?);
        }
        Ok(self.metadata.get_or_insert_default())
    }

    pub(super) fn put_metadata(
        &mut self,
        key: &AssetKey,
        metadata: Arc<AssetMetadata>,
    ) -> Result<(), RuntimeError> {
        let mut metadata = Arc::unwrap_or_clone(metadata);
        metadata.fields.sort_keys();
        metadata.extra.sort_keys();
        self.metadata()?.0.insert(asset_path(key), Said::Record(Box::new(metadata)));
        Ok(())
    }

    pub(super) fn delete_metadata(&mut self, key: &AssetKey) -> Result<(), RuntimeError> {
        self.metadata()?.0.remove(&asset_path(key));
        Ok(())
    }

    /// Says about files what a version says, known already or to be read.
    pub(super) fn take_metadata(
        &mut self,
        from: Option<&Snapshot>,
        known: Option<AssetMetadataDocument>,
    ) -> Result<(), RuntimeError> {
        self.metadata = Some(match known {
            Some(known) => known,
            None => {
                let source = Source { bundle: self.view.row.bundle, draft: None };
                let record = from.and_then(|from| from.files.get(ASSET_METADATA_FILE));
                self.runtime.asset_metadata_document(source, record)?
            }
        });
        Ok(())
    }

    /// Writes the document, where the edit had to do with it.
    pub(super) fn write_metadata(&mut self) -> Result<(), RuntimeError> {
        match &self.metadata {
            Some(document) if document.0.is_empty() => self.tree.delete(ASSET_METADATA_FILE),
            Some(document) => drop(self.tree.put(ASSET_METADATA_FILE, document.to_json())?),
            None => {}
        }
        Ok(())
    }
}
