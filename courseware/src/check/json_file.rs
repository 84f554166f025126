//! JSON files with the places of their keys and values.

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::text::Text;

/// Reads the object a file holds; nothing where it holds none, or what only Python reads.
pub(super) fn object<'t>(text: &'t Text) -> Option<Object<'t>> {
    // What serde_json accepts is no deeper than its limit, so that the reader below cannot run out of stack.
    serde_json::from_str::<serde_json::Value>(&text.text).ok()?;
    match parse_to_ast(&text.text, &CollectOptions::default(), &ParseOptions::default()).ok()?.value? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// Finds a member of an object.
pub(super) fn member<'o, 't>(object: &'o Object<'t>, name: &str) -> Option<&'o ObjectProp<'t>> {
    // The last of equal names counts.
    object.properties.iter().rev().find(|property| property.name.as_str() == name)
}

/// Returns the first byte of a member's name.
pub(super) fn name_offset(property: &ObjectProp<'_>) -> usize {
    property.range.start
}

/// Returns the first byte of a value.
pub(super) fn value_offset(value: &Value<'_>) -> usize {
    value.range().start
}

/// Returns a number.
pub(super) fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::NumberLit(number) => number.value.parse().ok(),
        // Python's `float()` reads texts, too.
        Value::StringLit(text) => text.value.trim().parse().ok(),
        _ => None,
    }
}

/// Returns a text.
pub(super) fn text<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::StringLit(text) => Some(&text.value),
        _ => None,
    }
}
