//! String, and the cleaning all text fields share.
use super::super::error::FieldError;
use super::super::value::Value;

pub(super) fn load_string(value: Value) -> Result<Value, FieldError> {
    match value {
        Value::None => Ok(value),
        Value::Str(_) | Value::Bytes(_) => sanitize(value),
        other => Err(FieldError::WrongType { expected: "a text", found: other.type_name() }),
    }
}

/// Removes the characters XML forbids from texts and decodes bytes; leaves everything else alone.
pub(super) fn sanitize(value: Value) -> Result<Value, FieldError> {
    match value {
        Value::Bytes(bytes) => Ok(Value::from(clean(decode(&bytes)?))),
        Value::Str(text) if text.chars().any(is_forbidden) => Ok(Value::from(clean(text.to_string()))),
        other => Ok(other),
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<String, FieldError> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|error| FieldError::NotUtf8 { problem: error.to_string() })
}

/// Says whether a text certainly has no character that is removed.
pub(super) fn is_clean(text: &str) -> bool {
    let is_suspect = |byte: u8| (byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')) || byte == 0xEF;
    !text.bytes().any(is_suspect)
}

fn clean(mut text: String) -> String {
    text.retain(|character| !is_forbidden(character));
    text
}

/// Surrogates, forbidden too, cannot occur in a Rust text.
const fn is_forbidden(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}
