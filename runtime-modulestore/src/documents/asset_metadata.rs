//! What an `assetstore` says about files: `assets` of a structure, and documents of Old Mongo's `assetstore` (modulestore
//! reference, section 11).

use std::collections::BTreeMap;

use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};
use bson::{Bson, Document, doc};
use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use xblock_core::keys::{AssetKey, ContextKey};
use xblock_core::runtime::{
    AssetMetadata, AssetMetadataRecords, DamagedAssetMetadata, FieldMap, RuntimeError,
};

use super::read::text as text_of;
use super::{FileId, Structure, corrupt, integer_bson, to_document, to_time};
use crate::fields::{decode_plain, encode_any};

/// The attributes of a record that name its file.
const NAMES: [&str; 2] = ["filename", "asset_type"];

/// The attribute of a record that says who changed it and when.
const EDIT_INFO: &str = "edit_info";

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
    for (name, value) in &metadata.extra {
        match (&**name, value) {
            (EDIT_INFO, Json::Object(values)) => {
                if let Ok(info) = document.get_document_mut(EDIT_INFO) {
                    values.iter().for_each(|(name, value)| put_where_unset(info, name, value));
                }
            }
            (name, value) => put_where_unset(&mut document, name, value),
        }
    }
    document
}

/// Puts back a value that no attribute of the name can have, unless the attribute was set meanwhile.
fn put_where_unset(document: &mut Document, name: &str, value: &Json) {
    let is_unset = match document.get(name) {
        None | Some(Bson::Null) => true,
        Some(Bson::Document(values)) => values.values().all(|value| *value == Bson::Null),
        Some(_) => false,
    };
    if is_unset {
        document.insert(name, encode_any(value));
    }
}

/// What [`record_document`] writes of a time.
fn read_time(value: &Bson) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(value.as_datetime()?.timestamp_millis())
}

fn read_text(value: &Bson) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn read_number(value: &Bson) -> Option<i64> {
    match value {
        Bson::Int32(number) => Some(i64::from(*number)),
        Bson::Int64(number) => Some(*number),
        _ => None,
    }
}

/// Takes an attribute out of a document, unless no attribute can have such a value.
fn take<T>(document: &mut Document, name: &str, read: impl Fn(&Bson) -> Option<T>) -> Option<T> {
    let value = document.get(name)?;
    let read = read(value);
    if read.is_some() || *value == Bson::Null {
        document.remove(name);
    }
    read
}

/// Returns documents as JSON; what JSON has no form for is damage.
fn read_fields(document: &Document, place: &str) -> Result<FieldMap, RuntimeError> {
    let raw = RawDocumentBuf::try_from(document).map_err(|error| corrupt(place, error))?;
    let mut fields = FieldMap::default();
    for element in &*raw {
        let (name, value) = element.map_err(|error| corrupt(place, error))?;
        let value =
            decode_plain(value).map_err(|problem| corrupt(place, format!("its {name}: {problem}")))?;
        fields.insert(name.as_str().into(), value);
    }
    Ok(fields)
}

/// Reads the document of a record; values that no attribute of the name can have are kept beside the others.
///
/// # Errors
/// [`RuntimeError::Corrupt`] where it holds what no value can be.
pub(crate) fn read_record(document: &Document, place: &str) -> Result<AssetMetadata, RuntimeError> {
    let mut rest = document.clone();
    NAMES.iter().for_each(|name| drop(rest.remove(name)));
    let document = |value: &Bson| value.as_document().cloned();
    let mut info = take(&mut rest, EDIT_INFO, document).unwrap_or_default();
    let fields = take(&mut rest, "fields", document).unwrap_or_default();
    let mut metadata = AssetMetadata {
        pathname: take(&mut rest, "pathname", read_text),
        internal_name: take(&mut rest, "internal_name", read_text),
        locked: take(&mut rest, "locked", Bson::as_bool),
        content_type: take(&mut rest, "contenttype", read_text),
        thumbnail: take(&mut rest, "thumbnail", read_text),
        fields: read_fields(&fields, place)?,
        curr_version: take(&mut info, "curr_version", read_text),
        prev_version: take(&mut info, "prev_version", read_text),
        created_by: take(&mut info, "created_by", read_number),
        created_by_email: take(&mut info, "created_by_email", read_text),
        created_on: take(&mut info, "created_on", read_time),
        edited_by: take(&mut info, "edited_by", read_number),
        edited_by_email: take(&mut info, "edited_by_email", read_text),
        edited_on: take(&mut info, "edited_on", read_time),
        extra: read_fields(&rest, place)?,
    };
    let info = read_fields(&info, place)?;
    if !info.is_empty() {
        let info = info.iter().map(|(name, value)| (name.to_string(), value.clone()));
        metadata.extra.insert(EDIT_INFO.into(), Json::Object(info.collect()));
    }
    Ok(metadata)
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

/// Reads what a structure says about files.
///
/// # Errors
/// Every error that is no damage.
pub(crate) fn records_of(
    structure: &Structure,
    context: &ContextKey,
) -> Result<AssetMetadataRecords, RuntimeError> {
    let assets = match structure.raw().get("assets") {
        Ok(None | Some(RawBsonRef::Null | RawBsonRef::Document(_))) => assets_of(structure),
        Ok(Some(_)) => Err(corrupt(place_in(structure), "`assets` is no document")),
        Err(error) => Err(corrupt(place_in(structure), error)),
    };
    match assets {
        Ok(assets) => Ok(read_records(&assets, context, &place_in(structure))),
        Err(error) => all_damaged(error),
    }
}

fn all_damaged(error: RuntimeError) -> Result<AssetMetadataRecords, RuntimeError> {
    let damaged = vec![DamagedAssetMetadata::from_error(None, error)?];
    Ok(AssetMetadataRecords { records: Vec::new(), damaged })
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
fn read_records(assets: &Document, context: &ContextKey, place: &str) -> AssetMetadataRecords {
    let mut found = BTreeMap::new();
    let mut damaged = Vec::new();
    for (asset_type, records) in assets {
        let Some(records) = records.as_array() else {
            let reason = format!("`{asset_type}` is no list");
            damaged.push(DamagedAssetMetadata { key: None, place: place.to_owned(), reason });
            continue;
        };
        for (at, record) in records.iter().enumerate() {
            let place = format!("{place}, {asset_type}, {at}");
            match read_named(asset_type, record, context, &place) {
                Ok((key, metadata)) => drop(found.entry(key).or_insert(metadata)),
                Err(wrong) => damaged.push(wrong),
            }
        }
    }
    AssetMetadataRecords { records: found.into_iter().collect(), damaged }
}

/// Reads a record with the key of its file.
fn read_named(
    asset_type: &str,
    record: &Bson,
    context: &ContextKey,
    place: &str,
) -> Result<(AssetKey, AssetMetadata), DamagedAssetMetadata> {
    let wrong = |key, reason: String| Err(DamagedAssetMetadata { key, place: place.to_owned(), reason });
    let Some(record) = record.as_document() else { return wrong(None, "it is no document".to_owned()) };
    let key = match record.get_str("filename") {
        Ok(name) => AssetKey::new(context.clone(), asset_type, name).map_err(|error| error.to_string()),
        Err(_) => Err("its filename is no text".to_owned()),
    };
    let key = match key {
        Ok(key) => key,
        Err(reason) => return wrong(None, reason),
    };
    match read_record(record, place) {
        Ok(metadata) => Ok((key, metadata)),
        Err(RuntimeError::Corrupt { reason, .. }) => wrong(Some(key), reason),
        Err(error) => wrong(Some(key), error.to_string()),
    }
}

/// Reads the records of a document of Old Mongo's `assetstore`; none where it is of another course.
///
/// # Errors
/// Every error that is no damage.
pub(crate) fn read_old_records(
    raw: &RawDocument,
    context: &ContextKey,
) -> Result<AssetMetadataRecords, RuntimeError> {
    if raw.get_str("course_id").ok() != Some(&context.to_string()) {
        return Ok(AssetMetadataRecords::default());
    }
    let place = format!("the `{ASSETSTORE}` document of {context}");
    match raw.get_document("assets") {
        Ok(assets) => match to_document(assets) {
            Ok(assets) => Ok(read_records(&assets, context, &place)),
            Err(error) => all_damaged(corrupt(place, error)),
        },
        Err(error) => match raw.get("assets") {
            Ok(None) => Ok(AssetMetadataRecords::default()),
            _ => all_damaged(corrupt(place, error)),
        },
    }
}

/// Reads the records of a document of Old Mongo's `assetstore`, of whatever course it is; one that names no course is
/// damaged.
///
/// # Errors
/// Every error that is no damage.
pub(crate) fn read_any_old_records(raw: &RawDocument) -> Result<AssetMetadataRecords, RuntimeError> {
    match owner_of(raw) {
        Ok(context) => read_old_records(raw, &context),
        Err(error) => all_damaged(error),
    }
}

fn owner_of(raw: &RawDocument) -> Result<ContextKey, RuntimeError> {
    let unnamed = format!("a document of `{ASSETSTORE}`");
    let id = FileId::of(raw, "_id").map_err(|_| corrupt(&unnamed, "it has no `_id`"))?;
    let place = format!("document {} of `{ASSETSTORE}`", id.value());
    let course =
        text_of(raw, "course_id", &place)?.ok_or_else(|| corrupt(&place, "it has no `course_id`"))?;
    course
        .parse()
        .ok()
        .filter(|context: &ContextKey| context.to_string() == course)
        .ok_or_else(|| corrupt(&place, format!("its `course_id` is {course:?}, which is no key of a course")))
}

/// The name of Old Mongo's collection of records.
pub(crate) const ASSETSTORE: &str = "assetstore";
