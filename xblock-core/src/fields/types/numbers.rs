//! Integer, Float and Boolean.
use super::super::error::FieldError;
use super::super::python::number;
use super::super::value::Value;

const INTEGER: &str = "an integer";
const FLOAT: &str = "a number";

/// Tells whether the value stands for nothing in a number field.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::None => true,
        Value::Str(text) => text.is_empty(),
        _ => false,
    }
}

pub(super) fn load_integer(value: &Value) -> Result<Value, FieldError> {
    if is_blank(value) {
        return Ok(Value::None);
    }
    let invalid = || FieldError::InvalidValue { expected: INTEGER, found: value.excerpt() };
    match value {
        Value::Bool(value) => Ok(Value::Int(i64::from(*value))),
        Value::Int(_) | Value::BigInt(_) => Ok(value.clone()),
        Value::Float(float) if float.is_infinite() => {
            Err(FieldError::Overflow { expected: INTEGER, found: value.excerpt() })
        }
        Value::Float(float) => number::truncate(*float).map(Value::from).ok_or_else(invalid),
        Value::Str(text) => number::parse_int(text).map(Value::from).ok_or_else(invalid),
        Value::Bytes(bytes) => ascii(bytes).and_then(number::parse_int).map(Value::from).ok_or_else(invalid),
        other => Err(FieldError::WrongType { expected: INTEGER, found: other.type_name() }),
    }
}

pub(super) fn load_float(value: &Value) -> Result<Value, FieldError> {
    if is_blank(value) {
        return Ok(Value::None);
    }
    let invalid = || FieldError::InvalidValue { expected: FLOAT, found: value.excerpt() };
    match value {
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_) => value
            .as_float()
            .map(Value::Float)
            .ok_or_else(|| FieldError::Overflow { expected: FLOAT, found: value.excerpt() }),
        Value::Str(text) => number::parse_float(text).map(Value::Float).ok_or_else(invalid),
        Value::Bytes(bytes) => {
            ascii(bytes).and_then(number::parse_float).map(Value::Float).ok_or_else(invalid)
        }
        other => Err(FieldError::WrongType { expected: FLOAT, found: other.type_name() }),
    }
}

pub(super) fn load_boolean(value: &Value) -> Value {
    Value::Bool(match value {
        Value::Str(text) => text.to_lowercase() == "true",
        Value::Bytes(bytes) => bytes.eq_ignore_ascii_case(b"true"),
        other => other.is_truthy(),
    })
}

/// Numbers in bytes are read only in ASCII.
fn ascii(bytes: &[u8]) -> Option<&str> {
    if bytes.is_ascii() { std::str::from_utf8(bytes).ok() } else { None }
}
