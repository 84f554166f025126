//! Static files and their attributes.

use xblock_core::keys::AssetKey;
use xblock_core::runtime::{AssetData, AssetReader, AssetRecord, RuntimeError};

use super::layout::asset_key;
use super::tables::AssetRow;
use super::view::View;
use crate::document::FileRecord;
use crate::store::BundleFile;

/// A static file open for reading.
pub(super) struct OpenAsset {
    record: AssetRecord,
    file: BundleFile,
}

impl OpenAsset {
    pub(super) fn new(record: AssetRecord, file: BundleFile) -> Self {
        Self { record, file }
    }
}

impl AssetReader for OpenAsset {
    fn record(&self) -> &AssetRecord {
        &self.record
    }

    fn read_at(&mut self, start: u64, length: usize) -> Result<Vec<u8>, RuntimeError> {
        Ok(self.file.read_range(start, length as u64)?)
    }
}

/// Writes a file's attributes as the index keeps them; a file without any gets its name and type.
pub(super) fn attributes_text(
    data: Option<&AssetData>,
    name: &str,
    record: &FileRecord,
) -> Result<String, RuntimeError> {
    let plain;
    let data = match data {
        Some(data) => data,
        None => {
            plain = AssetData {
                content_type: record.mime.as_deref().map(str::to_owned),
                display_name: name.to_owned(),
                ..AssetData::default()
            };
            &plain
        }
    };
    serde_json::to_string(data)
        .map_err(|error| RuntimeError::Unstorable { place: name.to_owned(), reason: error.to_string() })
}

/// Makes a record of an index row, none where the context can have no such file.
pub(super) fn asset_record(view: &View<'_>, row: &AssetRow) -> Result<Option<AssetRecord>, RuntimeError> {
    match asset_key(&view.key, &row.asset_type, &row.name) {
        Some(key) => record_of(key, row).map(Some),
        None => Ok(None),
    }
}

pub(super) fn record_of(key: AssetKey, row: &AssetRow) -> Result<AssetRecord, RuntimeError> {
    let data = serde_json::from_str(&row.attributes).map_err(|error| RuntimeError::Corrupt {
        place: format!("index row of {key}"),
        reason: error.to_string(),
    })?;
    Ok(AssetRecord { key, data, length: row.size, digest: row.hash.to_string().into() })
}
