//! Field values between JSON and the BSON of Split (modulestore reference, section 2.5).
//!
//! Split stores dates as BSON dates and references as `[type, id]`; everything else is the field's JSON. What is read
//! must be what was put, on every backend alike, so a value takes Split's form only where that form gives exactly the
//! same JSON back: `2031-01-01T00:00:00Z` becomes a date, `2031-01-01` and `2031-01-01T00:00:00.0001Z` stay texts, which
//! the platform's fields read as well. JSON that BSON cannot hold, or that would read back as something else (integers
//! beyond 64 bits signed, keys with a zero byte, a list in a reference's place), is kept as text in a document of its
//! own, `{"$json": text}`. Keys with dots or dollar signs stay as they are.

use bson::oid::ObjectId;
use bson::raw::{RawBsonRef, RawDocument};
use bson::{Bson, DateTime as BsonDateTime, Document};
use chrono::{DateTime, Datelike, NaiveDateTime, Timelike};
use serde_json::{Map, Number};
use xblock_core::block::BlockType;
use xblock_core::fields::{FieldType, Json, MAX_DEPTH, is_too_deep};
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{FieldMap, RuntimeError};

use crate::documents::{corrupt, is_value_too_deep, pair, pair_bson, to_bson};

/// The only key of a document that holds JSON as text.
const AS_TEXT: &str = "$json";

/// How the platform writes a date to the second.
const DATE: &str = "%Y-%m-%dT%H:%M:%SZ";
/// How XBlock's own date-time field writes one.
const DATE_TIME: &str = "%Y-%m-%dT%H:%M:%S%.6f";

/// Converts the values of one block's fields.
#[derive(Clone, Copy)]
pub(crate) struct FieldCodec<'a> {
    /// Where the fields are declared.
    block_type: Option<&'a BlockType>,
    /// Where references lead; without it they stay pairs.
    context: Option<&'a ContextKey>,
}

impl<'a> FieldCodec<'a> {
    /// Takes values as they come: for asides, whose classes are not known here.
    pub(crate) const UNTYPED: Self = Self { block_type: None, context: None };

    pub(crate) fn new(block_type: &'a BlockType, context: Option<&'a ContextKey>) -> Self {
        Self { block_type: Some(block_type), context }
    }

    fn kind(&self, name: &str) -> Option<FieldType> {
        self.block_type?.field(name).map(|field| field.kind)
    }

    /// Reads a document of fields; the names in `except` are passed over.
    pub(crate) fn read(
        &self,
        fields: Option<&RawDocument>,
        except: &[&str],
        place: impl std::fmt::Display,
    ) -> Result<FieldMap, RuntimeError> {
        let mut map = FieldMap::default();
        for element in fields.into_iter().flatten() {
            let (name, value) = element.map_err(|error| corrupt(&place, error))?;
            let name = name.as_str();
            if !except.contains(&name) {
                let value = self.one(name, value, &place)?;
                map.insert(name.into(), value);
            }
        }
        Ok(map)
    }

    /// Reads the value of one field.
    pub(crate) fn one(
        &self,
        name: &str,
        value: RawBsonRef<'_>,
        place: impl std::fmt::Display,
    ) -> Result<Json, RuntimeError> {
        self.decode(self.kind(name), value)
            .map_err(|problem| corrupt(place, format!("field `{name}`: {problem}")))
    }

    /// Writes a document of fields. A value that is what the old document holds keeps the form it has there.
    pub(crate) fn write(
        &self,
        map: &FieldMap,
        except: &[&str],
        old: Option<&RawDocument>,
        place: &str,
    ) -> Result<Document, RuntimeError> {
        let mut document = Document::new();
        for (name, value) in map {
            if except.contains(&&**name) {
                continue;
            }
            if name.contains('\0') {
                return Err(RuntimeError::Unstorable {
                    place: format!("field {name:?} of {place}"),
                    reason: "a name in BSON cannot hold a zero byte".into(),
                });
            }
            if is_too_deep(value) {
                return Err(RuntimeError::Unstorable {
                    place: format!("field {name:?} of {place}"),
                    reason: format!("its value is nested deeper than {MAX_DEPTH} levels"),
                });
            }
            let kind = self.kind(name);
            let kept = old
                .and_then(|old| old.get(name).ok().flatten())
                .filter(|kept| self.decode(kind, *kept).is_ok_and(|json| json == *value))
                .and_then(|kept| to_bson(kept).ok());
            document.insert(&**name, kept.unwrap_or_else(|| self.encode(kind, value)));
        }
        Ok(document)
    }

    fn encode(&self, kind: Option<FieldType>, json: &Json) -> Bson {
        let candidates = [kind.and_then(|kind| self.encode_typed(kind, json)), encode_plain(json)];
        for candidate in candidates.into_iter().flatten() {
            if !self.is_typed(kind) || self.gives_back(kind, &candidate, json) {
                return candidate;
            }
        }
        as_text(json)
    }

    /// Says whether reading a field looks at its type at all.
    fn is_typed(&self, kind: Option<FieldType>) -> bool {
        use FieldType as T;
        matches!(kind, Some(T::Date | T::DateTime | T::Reference | T::ReferenceList | T::ReferenceValueDict))
    }

    fn gives_back(&self, kind: Option<FieldType>, bson: &Bson, json: &Json) -> bool {
        let Ok(raw) = bson::raw::RawBson::try_from(bson.clone()) else { return false };
        self.decode(kind, raw.as_raw_bson_ref()).is_ok_and(|read| read == *json)
    }

    fn encode_typed(&self, kind: FieldType, json: &Json) -> Option<Bson> {
        match (kind, json) {
            (FieldType::Date, Json::String(text)) => parse_date(text, DATE),
            (FieldType::DateTime, Json::String(text)) => parse_date(text, DATE_TIME),
            (FieldType::Reference, Json::String(_)) => Some(self.encode_reference(json)),
            (FieldType::ReferenceList, Json::Array(items)) => {
                Some(Bson::Array(items.iter().map(|item| self.encode_reference(item)).collect()))
            }
            (FieldType::ReferenceValueDict, Json::Object(members)) => {
                if members.keys().any(|key| key.contains('\0')) {
                    return None;
                }
                let encoded = members.iter().map(|(key, value)| (key.clone(), self.encode_reference(value)));
                Some(Bson::Document(encoded.collect()))
            }
            _ => None,
        }
    }

    /// Returns `[type, id]` for the key of a block of this context, and anything else as it is.
    fn encode_reference(&self, json: &Json) -> Bson {
        if let (Some(context), Some(text)) = (self.context, json.as_str())
            && let Ok(key) = text.parse::<UsageKey>()
            && let Ok(here) = context.make_usage_key(key.block_type(), key.block_id())
            && here.to_string() == text
        {
            return pair_bson(key.block_type(), key.block_id());
        }
        encode_any(json)
    }

    fn decode(&self, kind: Option<FieldType>, value: RawBsonRef<'_>) -> Result<Json, String> {
        match (kind, value) {
            (Some(FieldType::DateTime), RawBsonRef::DateTime(time)) => {
                Ok(Json::String(to_naive(time)?.format(DATE_TIME).to_string()))
            }
            (Some(FieldType::Date), RawBsonRef::DateTime(time)) => {
                let time = to_naive(time)?;
                // The field's own text: to the second, and with an offset before strftime's first year.
                let form = if time.year() >= 1900 { DATE } else { "%Y-%m-%dT%H:%M:%S+00:00" };
                Ok(Json::String(time.format(form).to_string()))
            }
            (Some(FieldType::Reference), value) => self.decode_reference(value),
            (Some(FieldType::ReferenceList), RawBsonRef::Array(items)) => items
                .into_iter()
                .map(|item| self.decode_reference(item.map_err(|error| error.to_string())?))
                .collect::<Result<_, _>>()
                .map(Json::Array),
            (Some(FieldType::ReferenceValueDict), RawBsonRef::Document(members)) => {
                if let Some(json) = from_text(members) {
                    return Ok(json);
                }
                let mut object = Map::new();
                for element in members {
                    let (key, value) = element.map_err(|error| error.to_string())?;
                    object.insert(key.to_string(), self.decode_reference(value)?);
                }
                Ok(Json::Object(object))
            }
            (_, value) => decode_plain(value),
        }
    }

    fn decode_reference(&self, value: RawBsonRef<'_>) -> Result<Json, String> {
        if let (Some(context), Some((block_type, block_id))) = (self.context, pair(value))
            && let Ok(key) = context.make_usage_key(block_type, block_id)
        {
            return Ok(Json::String(key.to_string()));
        }
        decode_plain(value)
    }
}

fn parse_date(text: &str, form: &str) -> Option<Bson> {
    let time = NaiveDateTime::parse_from_str(text, form).ok()?;
    let in_range = (1..=9999).contains(&time.year()) && time.nanosecond() % 1_000_000 == 0;
    in_range.then(|| Bson::DateTime(BsonDateTime::from_millis(time.and_utc().timestamp_millis())))
}

fn to_naive(time: BsonDateTime) -> Result<NaiveDateTime, String> {
    DateTime::from_timestamp_millis(time.timestamp_millis())
        .map(|time| time.naive_utc())
        .ok_or_else(|| "a time out of range".to_owned())
}

fn as_text(json: &Json) -> Bson {
    Bson::Document(bson::doc! { AS_TEXT: json.to_string() })
}

fn from_text(document: &RawDocument) -> Option<Json> {
    let mut elements = document.iter();
    let (key, value) = elements.next()?.ok()?;
    if key.as_str() != AS_TEXT || elements.next().is_some() {
        return None;
    }
    serde_json::from_str(value.as_str()?).ok()
}

/// Returns JSON as BSON, or nothing where BSON cannot hold it or would read it as [`as_text`]'s form.
pub(crate) fn encode_plain(json: &Json) -> Option<Bson> {
    Some(match json {
        Json::Null => Bson::Null,
        Json::Bool(value) => Bson::Boolean(*value),
        Json::Number(number) => encode_number(number)?,
        Json::String(text) => Bson::String(text.clone()),
        Json::Array(items) => Bson::Array(items.iter().map(encode_plain).collect::<Option<_>>()?),
        Json::Object(members) => {
            if members.len() == 1 && members.contains_key(AS_TEXT) {
                return None;
            }
            let mut document = Document::new();
            for (key, value) in members {
                if key.contains('\0') {
                    return None;
                }
                document.insert(key, encode_plain(value)?);
            }
            Bson::Document(document)
        }
    })
}

/// Returns JSON as BSON, as text where there is no other way.
pub(crate) fn encode_any(json: &Json) -> Bson {
    encode_plain(json).unwrap_or_else(|| as_text(json))
}

fn encode_number(number: &Number) -> Option<Bson> {
    if let Some(integer) = number.as_i64() {
        return Some(i32::try_from(integer).map_or(Bson::Int64(integer), Bson::Int32));
    }
    if number.is_u64() {
        return None;
    }
    number.as_f64().map(Bson::Double)
}

/// Returns BSON as JSON; what JSON has no form for is written as the platform's fields would read it.
pub(crate) fn decode_plain(value: RawBsonRef<'_>) -> Result<Json, String> {
    if is_value_too_deep(value) {
        return Err(format!("it is nested deeper than {MAX_DEPTH} levels"));
    }
    decode_levels(value)
}

fn decode_levels(value: RawBsonRef<'_>) -> Result<Json, String> {
    Ok(match value {
        RawBsonRef::Null | RawBsonRef::Undefined => Json::Null,
        RawBsonRef::Boolean(value) => Json::Bool(value),
        RawBsonRef::Int32(number) => Json::from(number),
        RawBsonRef::Int64(number) => Json::from(number),
        RawBsonRef::Double(number) => match Number::from_f64(number) {
            Some(number) => Json::Number(number),
            None if number.is_nan() => Json::from("NaN"),
            None => Json::from(if number > 0.0 { "Infinity" } else { "-Infinity" }),
        },
        RawBsonRef::String(text) | RawBsonRef::Symbol(text) => Json::from(text),
        RawBsonRef::ObjectId(id) => Json::from(ObjectId::to_hex(id)),
        RawBsonRef::DateTime(time) => {
            let time = to_naive(time)?;
            let form = if time.nanosecond() == 0 { DATE } else { "%Y-%m-%dT%H:%M:%S%.3fZ" };
            Json::String(time.format(form).to_string())
        }
        RawBsonRef::Array(items) => Json::Array(
            items
                .into_iter()
                .map(|item| decode_levels(item.map_err(|error| error.to_string())?))
                .collect::<Result<_, _>>()?,
        ),
        RawBsonRef::Document(members) => {
            if let Some(json) = from_text(members) {
                return Ok(json);
            }
            let mut object = Map::new();
            for element in members {
                let (key, value) = element.map_err(|error| error.to_string())?;
                object.insert(key.to_string(), decode_levels(value)?);
            }
            Json::Object(object)
        }
        RawBsonRef::Binary(binary) => match std::str::from_utf8(binary.bytes) {
            Ok(text) => Json::from(text),
            Err(_) => return Err("its bytes are no text".into()),
        },
        other => return Err(format!("no field holds a {:?}", other.element_type())),
    })
}
