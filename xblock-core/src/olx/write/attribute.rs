//! The text of an attribute that the course import reads back as a value.

use crate::fields::{FieldSpec, FieldType, Json};
use crate::olx::json_line::json_line;
use crate::olx::xml_name::{is_char, is_name};

use super::host::WriteHost;

/// Says whether XML can hold a text.
#[must_use]
pub fn is_xml_text(text: &str) -> bool {
    text.chars().all(is_char)
}

/// Says whether a name, possibly in James Clark's form, can name an attribute.
#[must_use]
pub fn is_attribute_name(name: &str) -> bool {
    match name.strip_prefix('{') {
        Some(rest) => rest.split_once('}').is_some_and(|(_, local)| is_name(local) && !local.contains(':')),
        None => is_name(name) && !name.contains(':'),
    }
}

/// Returns the text for a field's stored value, and whether it reads back as that value.
///
/// A text stands as it is, anything else as JSON (xblock reference, section 17). A text that would be taken for JSON of
/// another value is written as JSON too, where edx-platform would change it.
#[must_use]
pub fn attribute_value(spec: &FieldSpec, stored: &Json, host: &dyn WriteHost) -> (String, bool) {
    let value =
        spec.from_json(stored).and_then(|native| spec.to_json(&native)).unwrap_or_else(|_| stored.clone());
    let value = map_references(spec.kind, value, host);
    let text = match &value {
        Json::String(text) if !host.loses_nothing() || reads_as(spec, text, &value) => text.clone(),
        value => json_line(value),
    };
    let is_exact = is_xml_text(&text) && reads_as(spec, &text, &value);
    (text, is_exact)
}

/// Says whether an attribute's text comes back as a value by the course import's rule.
fn reads_as(spec: &FieldSpec, text: &str, value: &Json) -> bool {
    match serde_json::from_str::<Json>(text) {
        Ok(Json::Null) => value.is_null(),
        Ok(decoded) if spec.from_json(&decoded).is_ok() => decoded == *value,
        _ => value.as_str() == Some(text),
    }
}

/// Replaces the usage keys that a reference field holds by the form they have in the package.
fn map_references(kind: FieldType, value: Json, host: &dyn WriteHost) -> Json {
    match (kind, value) {
        (FieldType::Reference, Json::String(key)) => host.reference(&key).into(),
        (FieldType::ReferenceList, Json::Array(keys)) => {
            keys.into_iter().map(|key| map_references(FieldType::Reference, key, host)).collect()
        }
        (FieldType::ReferenceValueDict, Json::Object(entries)) => Json::Object(
            entries
                .into_iter()
                .map(|(name, key)| (name, map_references(FieldType::Reference, key, host)))
                .collect(),
        ),
        (_, value) => value,
    }
}

/// Returns the text of a value as attributes of no field hold it: a text as it is, anything else as JSON.
pub(crate) fn free_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        value => json_line(value),
    }
}
