//! `save_asset_metadata` and its like: what an `assetstore` says about files, in the structures of both branches (modulestore
//! reference, section 11). The files themselves are the contentstore's, which knows nothing of these records.

use bson::{Bson, Document, doc};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use xblock_core::fields::{MAX_DEPTH, is_too_deep};
use xblock_core::keys::{AssetKey, ContextKey};
use xblock_core::runtime::{Branch, FieldMap, RuntimeError};

use super::branch::{OpenBranch, assets_of};
use super::bulk::Bulk;
use crate::documents::{corrupt, integer_bson, to_time};
use crate::fields::{decode_plain, encode_any};
use crate::runtime::ModulestoreRuntime;

/// One record. What is not set is null in the document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AssetMetadata {
    /// The folder it was uploaded from.
    pub pathname: Option<String>,
    /// What the storage calls it.
    pub internal_name: Option<String>,
    /// Whether only learners of the course may have it.
    pub locked: bool,
    /// Its media type.
    pub content_type: Option<String>,
    /// The name of its thumbnail.
    pub thumbnail: Option<String>,
    /// Whatever else is said of it.
    pub fields: FieldMap,
    /// Its version.
    pub curr_version: Option<String>,
    /// The version before.
    pub prev_version: Option<String>,
    /// Who made it; where that is not said, who saves it first.
    pub created_by: Option<i64>,
    /// Their address.
    pub created_by_email: Option<String>,
    /// When it was made; where that is not said, when it is saved first.
    pub created_on: Option<DateTime<Utc>>,
    /// Who changed it last; set when it is saved.
    pub edited_by: Option<i64>,
    /// Their address.
    pub edited_by_email: Option<String>,
    /// When that was; set when it is saved.
    pub edited_on: Option<DateTime<Utc>>,
}

fn text(value: Option<&String>) -> Bson {
    value.map_or(Bson::Null, Bson::from)
}

fn time(value: Option<DateTime<Utc>>) -> Bson {
    value.map_or(Bson::Null, |time| Bson::from(to_time(time)))
}

impl AssetMetadata {
    fn to_document(&self, key: &AssetKey) -> Document {
        let fields: Document =
            self.fields.iter().map(|(name, value)| (name.to_string(), encode_any(value))).collect();
        doc! {
            "filename": key.path(),
            "asset_type": key.asset_type(),
            "pathname": text(self.pathname.as_ref()),
            "internal_name": text(self.internal_name.as_ref()),
            "locked": self.locked,
            "contenttype": text(self.content_type.as_ref()),
            "thumbnail": text(self.thumbnail.as_ref()),
            "fields": fields,
            "edit_info": {
                "curr_version": text(self.curr_version.as_ref()),
                "prev_version": text(self.prev_version.as_ref()),
                "created_by": self.created_by.map_or(Bson::Null, integer_bson),
                "created_by_email": text(self.created_by_email.as_ref()),
                "created_on": time(self.created_on),
                "edited_by": self.edited_by.map_or(Bson::Null, integer_bson),
                "edited_by_email": text(self.edited_by_email.as_ref()),
                "edited_on": time(self.edited_on),
            },
        }
    }

    fn read(document: &Document, place: &str) -> Result<Self, RuntimeError> {
        let text = |document: &Document, name: &str| document.get_str(name).ok().map(str::to_owned);
        let empty = Document::new();
        let info = document.get_document("edit_info").unwrap_or(&empty);
        let number = |name: &str| match info.get(name) {
            Some(Bson::Int32(number)) => Some(i64::from(*number)),
            Some(Bson::Int64(number)) => Some(*number),
            _ => None,
        };
        let time = |name: &str| {
            let time = info.get_datetime(name).ok()?;
            DateTime::from_timestamp_millis(time.timestamp_millis())
        };
        let raw = bson::RawDocumentBuf::try_from(document).map_err(|error| corrupt(place, error))?;
        let mut fields = FieldMap::default();
        if let Some(value) = raw.get("fields").map_err(|error| corrupt(place, error))? {
            let value =
                decode_plain(value).map_err(|problem| corrupt(place, format!("its fields: {problem}")))?;
            if let Json::Object(values) = value {
                fields.extend(values.into_iter().map(|(name, value)| (name.into(), value)));
            }
        }
        Ok(Self {
            pathname: text(document, "pathname"),
            internal_name: text(document, "internal_name"),
            locked: document.get_bool("locked").unwrap_or(false),
            content_type: text(document, "contenttype"),
            thumbnail: text(document, "thumbnail"),
            fields,
            curr_version: text(info, "curr_version"),
            prev_version: text(info, "prev_version"),
            created_by: number("created_by"),
            created_by_email: text(info, "created_by_email"),
            created_on: time("created_on"),
            edited_by: number("edited_by"),
            edited_by_email: text(info, "edited_by_email"),
            edited_on: time("edited_on"),
        })
    }
}

/// Returns the records of a type, as they stand.
fn records(assets: &Document, asset_type: &str) -> Vec<Document> {
    let records = assets.get_array(asset_type).map(Vec::as_slice).unwrap_or_default();
    records.iter().filter_map(|record| record.as_document().cloned()).collect()
}

fn is_called(record: &Document, name: &str) -> bool {
    record.get_str("filename").is_ok_and(|found| found == name)
}

fn place(key: &AssetKey) -> String {
    format!("the metadata of {key}")
}

impl Bulk<'_> {
    /// Keeps what is said of a file, in both branches, in place of what was said before.
    ///
    /// # Errors
    /// [`RuntimeError::WrongContext`], [`RuntimeError::Corrupt`].
    pub fn save_asset_metadata(
        &mut self,
        key: &AssetKey,
        metadata: &AssetMetadata,
    ) -> Result<(), RuntimeError> {
        self.own_file(key)?;
        for branch in Branch::ALL {
            let Some(open) = self.branch(branch) else { continue };
            let stamp = open.stamp;
            let mut assets = open.assets()?;
            let mut list = records(&assets, key.asset_type());
            let old = list.iter().position(|record| is_called(record, key.path())).map(|at| list.remove(at));
            let old = old.map(|old| AssetMetadata::read(&old, &place(key))).transpose()?.unwrap_or_default();
            if let Some((name, _)) = metadata.fields.iter().find(|(_, value)| is_too_deep(value)) {
                return Err(RuntimeError::Unstorable {
                    place: format!("field {name:?} of {key}"),
                    reason: format!("its value is nested deeper than {MAX_DEPTH} levels"),
                });
            }
            let mut new = metadata.clone();
            new.created_by = new.created_by.or(old.created_by).or(stamp.edited_by);
            new.created_on = new.created_on.or(old.created_on).or(Some(stamp.edited_on));
            (new.edited_by, new.edited_on) = (stamp.edited_by, Some(stamp.edited_on));
            // In the order of names, for those who look for one.
            let at =
                list.partition_point(|record| record.get_str("filename").is_ok_and(|name| name < key.path()));
            list.insert(at, new.to_document(key));
            assets.insert(key.asset_type(), list);
            open.set_assets(assets);
        }
        Ok(())
    }

    /// Forgets what is said of a file, in both branches; says whether anything was.
    ///
    /// # Errors
    /// As [`Bulk::save_asset_metadata`].
    pub fn delete_asset_metadata(&mut self, key: &AssetKey) -> Result<bool, RuntimeError> {
        self.own_file(key)?;
        let mut was_there = false;
        for branch in Branch::ALL {
            let Some(open) = self.branch(branch) else { continue };
            let mut assets = open.assets()?;
            let mut list = records(&assets, key.asset_type());
            let before = list.len();
            list.retain(|record| !is_called(record, key.path()));
            if list.len() != before {
                was_there = true;
                assets.insert(key.asset_type(), list);
                open.set_assets(assets);
            }
        }
        Ok(was_there)
    }

    fn own_file(&self, key: &AssetKey) -> Result<(), RuntimeError> {
        if key.context_key() == *self.reader.context {
            return Ok(());
        }
        Err(RuntimeError::WrongContext { key: key.to_string(), context: self.reader.context.clone() })
    }

    /// Returns a branch, where there is one.
    fn branch(&mut self, branch: Branch) -> Option<&mut OpenBranch> {
        match branch {
            Branch::Draft => Some(&mut self.draft),
            Branch::Published => Some(&mut self.published).filter(|open| open.exists()),
        }
    }
}

impl ModulestoreRuntime {
    /// Returns what is said of the files of a branch, by types and names.
    ///
    /// # Errors
    /// As [`usages`](xblock_core::runtime::Runtime::usages).
    pub fn asset_metadata(
        &self,
        context: &ContextKey,
        branch: Branch,
    ) -> Result<Vec<(AssetKey, AssetMetadata)>, RuntimeError> {
        self.refuse_old_course(context)?;
        self.in_branch(context, branch, |_, structure| {
            let assets = assets_of(structure)?;
            let mut found = Vec::new();
            for asset_type in assets.keys() {
                for record in records(&assets, asset_type) {
                    let name = record.get_str("filename").unwrap_or_default();
                    let at = || format!("the asset metadata of structure {}", structure.id());
                    let key = AssetKey::new(context.clone(), asset_type, name)
                        .map_err(|error| corrupt(at(), error))?;
                    let metadata = AssetMetadata::read(&record, &place(&key))?;
                    found.push((key, metadata));
                }
            }
            Ok(found)
        })
    }
}
