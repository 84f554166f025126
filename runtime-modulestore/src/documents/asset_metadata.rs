//! What an `assetstore` says about files: `assets` of a structure, and documents of Old Mongo's `assetstore` (modulestore
//! reference, section 11).

use std::collections::BTreeMap;

use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document, doc};
use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use xblock_core::keys::{AssetKey, ContextKey};
use xblock_core::runtime::{AssetMetadata, FieldMap, RuntimeError};

use super::{Structure, corrupt, integer_bson, to_document, to_time};
use crate::fields::{decode_plain, encode_any};

/// The attributes of a record that have a place of their own.
const KNOWN: [&str; 9] = [
    "filename",
    "asset_type",
    "pathname",
    "internal_name",
    "locked",
    "contenttype",
    "thumbnail",
    "fields",
    "edit_info",
];

/// What is said about the files of one branch.
pub(crate) type AssetRecords = BTreeMap<AssetKey, AssetMetadata>;

fn text(value: Option<&String>) -> Bson {
    value.map_or(Bson::Null, Bson::from)
}

fn time(value: Option<DateTime<Utc>>) -> Bson {
    value.map_or(Bson::Null, |time| Bson::from(to_time(time)))
}

fn document_of(fields: &FieldMap) -> Document {
    fields.iter().map(|(name, value)| (name.to_string(), encode_any(value))).collect()
}

/// Makes the document of a record. What is not set is null.
fn record_document(key: &AssetKey, metadata: &AssetMetadata) -> Document {
    let mut document = doc! {
        "filename": key.path(),
        "asset_type": key.asset_type(),
        "pathname": text(metadata.pathname.as_ref()),
        "internal_name": text(metadata.internal_name.as_ref()),
        "locked": metadata.locked,
        "contenttype": text(metadata.content_type.as_ref()),
        "thumbnail": text(metadata.thumbnail.as_ref()),
        "fields": document_of(&metadata.fields),
        "edit_info": {
            "curr_version": text(metadata.curr_version.as_ref()),
            "prev_version": text(metadata.prev_version.as_ref()),
            "created_by": metadata.created_by.map_or(Bson::Null, integer_bson),
            "created_by_email": text(metadata.created_by_email.as_ref()),
            "created_on": time(metadata.created_on),
            "edited_by": metadata.edited_by.map_or(Bson::Null, integer_bson),
            "edited_by_email": text(metadata.edited_by_email.as_ref()),
            "edited_on": time(metadata.edited_on),
        },
    };
    document.extend(document_of(&metadata.extra));
    document
}

/// Reads the document of a record.
///
/// # Errors
/// [`RuntimeError::Corrupt`] where it holds what no value can be.
pub(crate) fn read_record(document: &Document, place: &str) -> Result<AssetMetadata, RuntimeError> {
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
    let raw = RawDocumentBuf::try_from(document).map_err(|error| corrupt(place, error))?;
    let (mut fields, mut extra) = (FieldMap::default(), FieldMap::default());
    for element in &*raw {
        let (name, value) = element.map_err(|error| corrupt(place, error))?;
        if name.as_str() != "fields" && KNOWN.contains(&name.as_str()) {
            continue;
        }
        let value =
            decode_plain(value).map_err(|problem| corrupt(place, format!("its {name}: {problem}")))?;
        match value {
            Json::Object(values) if name.as_str() == "fields" => {
                fields.extend(values.into_iter().map(|(name, value)| (name.into(), value)));
            }
            _ if name.as_str() == "fields" => {}
            value => drop(extra.insert(name.as_str().into(), value)),
        }
    }
    Ok(AssetMetadata {
        pathname: text(document, "pathname"),
        internal_name: text(document, "internal_name"),
        locked: document.get_bool("locked").ok(),
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
        extra,
    })
}

/// Returns a structure's asset metadata: types, each with its records.
///
/// # Errors
/// [`RuntimeError::Corrupt`].
pub(crate) fn assets_of(structure: &Structure) -> Result<Document, RuntimeError> {
    match structure.raw().get_document("assets") {
        Ok(assets) => to_document(assets).map_err(|error| corrupt(place_in(structure), error)),
        // Mostly there is none.
        Err(_) => Ok(Document::new()),
    }
}

/// Says where a structure's asset metadata is, for messages.
pub(crate) fn place_in(structure: &Structure) -> String {
    format!("the asset metadata of structure {}", structure.id())
}

/// Finds the record of a file.
pub(crate) fn find_record<'d>(assets: &'d Document, key: &AssetKey) -> Option<&'d Document> {
    let records = assets.get_array(key.asset_type()).ok()?;
    records.iter().filter_map(Bson::as_document).find(|record| is_called(record, key.path()))
}

/// Puts a record in the place of the one of this file, in the order of names, for those who look for one.
pub(crate) fn put_record(assets: &mut Document, key: &AssetKey, metadata: &AssetMetadata) {
    remove_record(assets, key);
    let mut records = assets.get_array(key.asset_type()).cloned().unwrap_or_default();
    let comes_before = |record: &Bson| {
        let name = record.as_document().and_then(|record| record.get_str("filename").ok());
        name.is_some_and(|name| name < key.path())
    };
    let at = records.partition_point(comes_before);
    records.insert(at, record_document(key, metadata).into());
    assets.insert(key.asset_type(), records);
}

/// Takes the record of a file out; says whether there was one.
pub(crate) fn remove_record(assets: &mut Document, key: &AssetKey) -> bool {
    let Ok(records) = assets.get_array_mut(key.asset_type()) else { return false };
    let before = records.len();
    records.retain(|record| !record.as_document().is_some_and(|record| is_called(record, key.path())));
    records.len() != before
}

/// Says whether a record is of a file of this name.
fn is_called(record: &Document, name: &str) -> bool {
    record.get_str("filename").is_ok_and(|found| found == name)
}

/// Reads every record of a context; of several of one file the first, which is the one the platform finds.
///
/// # Errors
/// [`RuntimeError::Corrupt`] where one cannot be read.
pub(crate) fn read_records(
    assets: &Document,
    context: &ContextKey,
    place: &str,
) -> Result<AssetRecords, RuntimeError> {
    let mut found = AssetRecords::new();
    for (asset_type, records) in assets {
        let records =
            records.as_array().ok_or_else(|| corrupt(place, format!("`{asset_type}` is no list")))?;
        for record in records {
            let record = record
                .as_document()
                .ok_or_else(|| corrupt(place, format!("`{asset_type}` lists what is no record")))?;
            let name = record.get_str("filename").map_err(|error| corrupt(place, error))?;
            let key =
                AssetKey::new(context.clone(), asset_type, name).map_err(|error| corrupt(place, error))?;
            let metadata = read_record(record, &format!("{place}, {key}"))?;
            found.entry(key).or_insert(metadata);
        }
    }
    Ok(found)
}

/// Reads the records of a document of Old Mongo's `assetstore`; none where it is of another course.
///
/// # Errors
/// As [`read_records`].
pub(crate) fn read_old_records(
    raw: &RawDocument,
    context: &ContextKey,
) -> Result<AssetRecords, RuntimeError> {
    if raw.get_str("course_id").ok() != Some(&context.to_string()) {
        return Ok(AssetRecords::new());
    }
    let place = format!("the `{ASSETSTORE}` document of {context}");
    match raw.get_document("assets") {
        Ok(assets) => {
            let assets = to_document(assets).map_err(|error| corrupt(place.as_str(), error))?;
            read_records(&assets, context, &place)
        }
        Err(error) => match raw.get("assets") {
            Ok(None) => Ok(AssetRecords::new()),
            _ => Err(corrupt(place, error)),
        },
    }
}

/// The name of Old Mongo's collection of records.
pub(crate) const ASSETSTORE: &str = "assetstore";
