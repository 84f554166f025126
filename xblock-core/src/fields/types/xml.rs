//! The check of texts that must be XML documents.
use super::super::error::FieldError;
use super::super::value::Value;
use super::texts;
use crate::fields::xml_check;

/// Checks that a value is nothing or the text of one well-formed XML document.
pub(super) fn check(value: &Value) -> Result<(), FieldError> {
    match value {
        Value::None => Ok(()),
        Value::Str(text) => xml_check::check(text),
        Value::Bytes(bytes) => match texts::decode(bytes) {
            Ok(text) => xml_check::check(&text),
            Err(error) => Err(FieldError::NotXml { line: 1, column: 1, problem: error.to_string() }),
        },
        other => Err(FieldError::WrongType { expected: "an XML document", found: other.type_name() }),
    }
}
