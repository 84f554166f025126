//! What is said about files whether a bundle has them or not, in a document beside their attributes.

use xblock_core::keys::{AssetKey, ContextKey};
use xblock_core::runtime::{AssetMetadata, AssetMetadataRecords, Branch, DamagedAssetMetadata, RuntimeError};

use super::BlockstoreRuntime;
use super::definitions::Source;
use super::layout::{ASSET_METADATA_FILE, AssetMetadataDocument, Entry, Said, classify};
use super::view::View;
use crate::document::FileRecord;

impl BlockstoreRuntime {
    /// Lists what is said about files in a branch, in key order.
    pub(super) fn list_asset_metadata(
        &self,
        context: &ContextKey,
        branch: Branch,
    ) -> Result<AssetMetadataRecords, RuntimeError> {
        self.look(context, &[branch], |view| {
            view.state(branch)?;
            self.records_in(view, branch)
        })
    }

    /// Lists what the state of a branch says about files.
    pub(super) fn records_in(
        &self,
        view: &View<'_>,
        branch: Branch,
    ) -> Result<AssetMetadataRecords, RuntimeError> {
        let record = self.asset_metadata_file(view, branch)?;
        self.records_of(&view.key, view.source(branch), record.as_ref())
    }

    /// Lists what the document says.
    pub(super) fn records_of(
        &self,
        context: &ContextKey,
        source: Source,
        record: Option<&FileRecord>,
    ) -> Result<AssetMetadataRecords, RuntimeError> {
        let mut found = AssetMetadataRecords::default();
        let document = match self.asset_metadata_document(source, record) {
            Ok(document) => document,
            Err(error) => {
                found.damaged.push(DamagedAssetMetadata::from_error(None, error)?);
                return Ok(found);
            }
        };
        for (path, said) in document.0 {
            let key = match classify(&path) {
                Entry::Asset(asset_type, name) => {
                    AssetKey::new(context.clone(), asset_type, name).map_err(|error| error.to_string())
                }
                _ => Err("it is no path of a static file".to_owned()),
            };
            let (key, reason) = match (key, said) {
                (Ok(key), Said::Record(metadata)) => {
                    found.records.push((key, *metadata));
                    continue;
                }
                (Ok(key), Said::Other(value)) => {
                    let error = serde_json::from_value::<AssetMetadata>(value).err();
                    (Some(key), error.map(|error| error.to_string()).unwrap_or_default())
                }
                (Err(reason), _) => (None, reason),
            };
            let place = format!("{ASSET_METADATA_FILE} of {context}, {path:?}");
            found.damaged.push(DamagedAssetMetadata { key, place, reason });
        }
        found.records.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found)
    }

    /// Finds the document in the state of a branch, without putting the whole state together.
    fn asset_metadata_file(
        &self,
        view: &View<'_>,
        branch: Branch,
    ) -> Result<Option<FileRecord>, RuntimeError> {
        let base = match (branch, view.row.draft) {
            (Branch::Draft, Some(draft)) => {
                let (document, _) = self.store.draft_now(view.tables.db, draft)?;
                if let Some(staged) = document.files_to_overwrite.get(ASSET_METADATA_FILE) {
                    return Ok(staged.clone());
                }
                document.base_snapshot
            }
            _ => view.row.latest.map(|(_, digest)| digest),
        };
        let snapshot = base.map(|base| self.store.snapshot(view.row.bundle, base)).transpose()?;
        Ok(snapshot.and_then(|snapshot| snapshot.files.get(ASSET_METADATA_FILE).cloned()))
    }

    /// Reads the document; an empty one where there is none.
    pub(super) fn asset_metadata_document(
        &self,
        source: Source,
        record: Option<&FileRecord>,
    ) -> Result<AssetMetadataDocument, RuntimeError> {
        let Some(record) = record else { return Ok(AssetMetadataDocument::default()) };
        let text = self.read_file(source, ASSET_METADATA_FILE, record)?;
        serde_json::from_slice(&text).map_err(|error| RuntimeError::Corrupt {
            place: format!("bundle {}, {ASSET_METADATA_FILE}", source.bundle),
            reason: error.to_string(),
        })
    }
}
