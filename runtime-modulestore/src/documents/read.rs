//! Reading single fields of a document, with the place named where one is not what it should be.

use std::fmt::Display;

use bson::DateTime as BsonDateTime;
use bson::oid::ObjectId;
use bson::raw::{RawBsonRef, RawDocument};
use chrono::{DateTime, Utc};
use xblock_core::keys;
use xblock_core::runtime::RuntimeError;

use super::scan::find;

/// Reports a document that breaks its own format.
pub(crate) fn corrupt(place: impl Display, reason: impl Display) -> RuntimeError {
    RuntimeError::Corrupt { place: place.to_string(), reason: plain(reason.to_string()) }
}

/// Says in plain words what the library for BSON says: `BSON error at key "NAME". Kind: ...`.
fn plain(reason: String) -> String {
    let parts = reason.split_once("BSON error at key \"").and_then(|(before, rest)| {
        let (name, rest) = rest.split_once("\". Kind: ")?;
        Some((before, name, rest))
    });
    match parts {
        Some((before, name, "An error occurred when attempting to access a document value")) => {
            format!("{before}`{name}` is missing, or its value is of another type than it should be")
        }
        Some((before, name, rest)) => {
            let words = rest.split_once(". Message: ").map_or(rest, |(_, message)| message);
            format!("{before}`{name}`: {words}")
        }
        None => reason,
    }
}

/// Returns the id as the key types spell it.
pub(crate) fn to_key_id(id: ObjectId) -> keys::ObjectId {
    keys::ObjectId(id.bytes())
}

/// Returns the id as BSON spells it.
pub(crate) fn to_bson_id(id: keys::ObjectId) -> ObjectId {
    ObjectId::from_bytes(id.0)
}

/// Cuts a time to what BSON holds.
pub(crate) fn to_time(time: DateTime<Utc>) -> BsonDateTime {
    BsonDateTime::from_millis(time.timestamp_millis())
}

/// Returns a field's value, `None` where it is missing or null.
fn present<'a>(
    document: &'a RawDocument,
    name: &str,
    place: impl Display,
) -> Result<Option<RawBsonRef<'a>>, RuntimeError> {
    match find(document.as_bytes(), name) {
        Ok(None) => Ok(None),
        Ok(Some(found)) if found.is_null() => Ok(None),
        Ok(Some(found)) => found.value(document).map(Some).map_err(|error| corrupt(place, error)),
        Err(error) => Err(corrupt(place, error)),
    }
}

fn wrong_type(place: impl Display, name: &str, value: RawBsonRef<'_>, expected: &str) -> RuntimeError {
    corrupt(place, format!("`{name}` is {:?}, not {expected}", value.element_type()))
}

pub(crate) fn object_id(
    document: &RawDocument,
    name: &str,
    place: impl Display,
) -> Result<Option<ObjectId>, RuntimeError> {
    present(document, name, &place)?.map(|value| as_object_id(value, name, place)).transpose()
}

pub(super) fn as_object_id(
    value: RawBsonRef<'_>,
    name: &str,
    place: impl Display,
) -> Result<ObjectId, RuntimeError> {
    match value {
        RawBsonRef::ObjectId(id) => Ok(id),
        other => Err(wrong_type(place, name, other, "an ObjectId")),
    }
}

pub(crate) fn text<'a>(
    document: &'a RawDocument,
    name: &str,
    place: impl Display,
) -> Result<Option<&'a str>, RuntimeError> {
    present(document, name, &place)?.map(|value| as_text(value, name, place)).transpose()
}

pub(super) fn as_text<'a>(
    value: RawBsonRef<'a>,
    name: &str,
    place: impl Display,
) -> Result<&'a str, RuntimeError> {
    match value {
        RawBsonRef::String(text) => Ok(text),
        other => Err(wrong_type(place, name, other, "a string")),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only numbers within 53 bits get that far")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9.0e15).then_some(number as i64)
}

pub(crate) fn integer(
    document: &RawDocument,
    name: &str,
    place: impl Display,
) -> Result<Option<i64>, RuntimeError> {
    present(document, name, &place)?.map(|value| as_integer(value, name, place)).transpose()
}

pub(super) fn as_integer(
    value: RawBsonRef<'_>,
    name: &str,
    place: impl Display,
) -> Result<i64, RuntimeError> {
    let number = match value {
        RawBsonRef::Int32(number) => Some(i64::from(number)),
        RawBsonRef::Int64(number) => Some(number),
        RawBsonRef::Double(number) => whole(number),
        _ => None,
    };
    number.ok_or_else(|| wrong_type(place, name, value, "an integer"))
}

pub(crate) fn time(
    document: &RawDocument,
    name: &str,
    place: impl Display,
) -> Result<Option<DateTime<Utc>>, RuntimeError> {
    present(document, name, &place)?.map(|value| as_time(value, name, place)).transpose()
}

pub(super) fn as_time(
    value: RawBsonRef<'_>,
    name: &str,
    place: impl Display,
) -> Result<DateTime<Utc>, RuntimeError> {
    match value {
        RawBsonRef::DateTime(time) => DateTime::from_timestamp_millis(time.timestamp_millis())
            .ok_or_else(|| corrupt(place, format!("`{name}` is a time out of range"))),
        other => Err(wrong_type(place, name, other, "a date")),
    }
}

/// Returns an embedded document.
pub(crate) fn document<'a>(
    document: &'a RawDocument,
    name: &str,
    place: impl Display,
) -> Result<Option<&'a RawDocument>, RuntimeError> {
    match present(document, name, &place)? {
        None => Ok(None),
        Some(RawBsonRef::Document(inner)) => Ok(Some(inner)),
        Some(other) => Err(wrong_type(place, name, other, "a document")),
    }
}

/// Returns the two texts of a `[type, id]` pair.
pub(crate) fn pair(value: RawBsonRef<'_>) -> Option<(&str, &str)> {
    let mut items = value.as_array()?.into_iter();
    let block_type = items.next()?.ok()?.as_str()?;
    let block_id = items.next()?.ok()?.as_str()?;
    items.next().is_none().then_some((block_type, block_id))
}
