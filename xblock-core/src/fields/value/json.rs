//! From stored JSON to native values and back.
use num_bigint::BigInt;
use serde_json::{Map, Number};

use super::{Dict, Score, Value};
use crate::fields::error::FieldError;
use crate::fields::python::json_text::key_text;

/// The stored form of every field value.
pub type Json = serde_json::Value;

impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::None,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => number_value(number),
            Json::String(text) => Self::Str(text.as_str().into()),
            Json::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Json::Object(members) => Self::Dict(
                members
                    .iter()
                    .map(|(key, value)| (Self::from(key.as_str()), Self::from(value)))
                    .collect::<Dict>(),
            ),
        }
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        Self::from(&json)
    }
}

fn number_value(number: &Number) -> Value {
    if let Some(integer) = number.as_i64() {
        Value::Int(integer)
    } else if let Some(integer) = number.as_u64() {
        Value::from(BigInt::from(integer))
    } else {
        Value::Float(number.as_f64().unwrap_or(f64::NAN))
    }
}

impl Value {
    /// Returns the JSON form of the value: tuples and sets become arrays, scores objects, and keys texts as Python's JSON
    /// writer makes them.
    ///
    /// Python stores sets and scores as themselves, in stores that can; JSON has neither, and this is the form
    /// their fields read back.
    ///
    /// # Errors
    /// [`FieldError::NotJson`] for bytes, dates, durations, infinite or not-a-number floats and integers beyond 64 bits.
    pub fn to_json(&self) -> Result<Json, FieldError> {
        Ok(match self {
            Self::None => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(value) => Json::from(*value),
            Self::BigInt(value) => Json::from(
                u64::try_from(value)
                    .map_err(|_| FieldError::NotJson { found: "an integer beyond 64 bits" })?,
            ),
            Self::Float(value) => Json::Number(
                Number::from_f64(*value)
                    .ok_or(FieldError::NotJson { found: "an infinite or undefined number" })?,
            ),
            Self::Str(text) => Json::String(text.to_string()),
            Self::List(items) | Self::Tuple(items) => array(items)?,
            Self::Set(items) => array(items)?,
            Self::Dict(dict) => {
                let mut members = Map::with_capacity(dict.len());
                for (key, value) in dict {
                    members.insert(key_text(key)?, value.to_json()?);
                }
                Json::Object(members)
            }
            Self::Score(score) => score_json(score)?,
            Self::Bytes(_) => return Err(FieldError::NotJson { found: "a byte string" }),
            Self::Date(_) => return Err(FieldError::NotJson { found: "a date" }),
            Self::DateTime(_) => return Err(FieldError::NotJson { found: "a date-time" }),
            Self::TimeDelta(_) => return Err(FieldError::NotJson { found: "a duration" }),
        })
    }
}

fn array<'a>(items: impl IntoIterator<Item = &'a Value>) -> Result<Json, FieldError> {
    items.into_iter().map(Value::to_json).collect::<Result<_, _>>().map(Json::Array)
}

fn score_json(score: &Score) -> Result<Json, FieldError> {
    let mut members = Map::with_capacity(2);
    members.insert("raw_earned".to_owned(), score.raw_earned.to_json()?);
    members.insert("raw_possible".to_owned(), score.raw_possible.to_json()?);
    Ok(Json::Object(members))
}
