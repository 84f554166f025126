//! Dict, List and Set, and the reference fields made of them.
use super::super::error::FieldError;
use super::super::value::{Value, ValueSet};

pub(super) fn load_dict(value: Value) -> Result<Value, FieldError> {
    match value {
        Value::None | Value::Dict(_) => Ok(value),
        other => Err(FieldError::WrongType { expected: "a mapping", found: other.type_name() }),
    }
}

pub(super) fn load_list(value: Value) -> Result<Value, FieldError> {
    match value {
        Value::None | Value::List(_) => Ok(value),
        other => Err(FieldError::WrongType { expected: "a list", found: other.type_name() }),
    }
}

pub(super) fn load_set(value: Value) -> Result<Value, FieldError> {
    if value.is_none() { Ok(value) } else { set_from(value) }
}

/// Makes a set of the elements of anything that has elements.
pub(super) fn set_from(value: Value) -> Result<Value, FieldError> {
    let elements: Vec<Value> = match value {
        Value::Set(_) => return Ok(value),
        Value::List(items) | Value::Tuple(items) => items,
        Value::Dict(dict) => dict.into_keys().collect(),
        Value::Str(text) => text.chars().map(|character| Value::from(character.to_string())).collect(),
        Value::Bytes(bytes) => bytes.iter().map(|&byte| Value::Int(i64::from(byte))).collect(),
        Value::Score(score) => vec![score.raw_earned, score.raw_possible],
        other => {
            return Err(FieldError::WrongType { expected: "a collection", found: other.type_name() });
        }
    };
    elements
        .into_iter()
        .map(|element| {
            if element.is_hashable() {
                Ok(element)
            } else {
                Err(FieldError::WrongType { expected: "an element of a set", found: element.type_name() })
            }
        })
        .collect::<Result<ValueSet, _>>()
        .map(Value::Set)
}

/// Renames a key of nothing to the text `null`, at the end and over a key already so named.
pub(super) fn rename_none_key(value: Value) -> Value {
    match value {
        Value::Dict(mut dict) => {
            if let Some(nothing) = dict.shift_remove(&Value::None) {
                dict.insert(Value::from("null"), nothing);
            }
            Value::Dict(dict)
        }
        other => other,
    }
}
