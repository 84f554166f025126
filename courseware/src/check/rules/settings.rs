//! Settings in attributes and policies: fields their types have, with values the fields list.

use jsonc_parser::ast::Object;
use jsonc_parser::common::Ranged;
use xblock_core::block::BlockType;
use xblock_core::fields::{FieldSpec, FieldType, Json, Scope, Values};
use xblock_core::olx::{DefinitionForm, STRIPPED_ATTRIBUTES, Severity, attribute_json, stored_json};

use crate::check::codes::{INVALID_BOOLEAN, UNKNOWN_SETTING, UNLISTED_VALUE};
use crate::check::course::{BlockPlace, Course, File, value_offset};
use crate::check::findings::Findings;
use crate::check::json_file;

/// Attributes that are no settings, of blocks of any type.
const OTHER_ATTRIBUTES: [&str; 14] = [
    "url_name",
    "slug",
    "name",
    "xblock-family",
    "filename",
    "org",
    "course",
    "parent_url",
    "parent_sequential_url",
    "index_in_children_list",
    "url",
    "source_file",
    "data_dir",
    "library",
];

/// Attributes that the readers of some types take for themselves.
const OWN_ATTRIBUTES: [(&str, &[&str]); 8] = [
    ("video", &["youtube", "source", "sub", "from", "to", "show_captions", "key", "download_track"]),
    ("videoalpha", &["youtube", "source", "sub", "from", "to", "show_captions", "key", "download_track"]),
    (
        "conditional",
        &[
            "sources",
            "show_tag",
            "message",
            "completed",
            "attempted",
            "poll_answer",
            "voted",
            "submitted",
            "correct",
        ],
    ),
    ("discussion", &["for", "id", "discussion_category", "topic"]),
    ("customtag", &["impl"]),
    ("poll_question", &["display_name", "reset"]),
    ("split_test", &["user_partition_id", "group_id_to_child"]),
    ("course", &["semester", "title"]),
];

/// Checks the attributes of all blocks.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    for place in &course.blocks {
        let known = course.registry.block_type(place.block_type);
        if known.is_known {
            attributes(place, &known, findings);
        }
    }
}

fn attributes(place: &BlockPlace<'_>, known: &BlockType, findings: &mut Findings) {
    // Reading says of types in plain form what is lost, and `customtag` passes everything on.
    let is_checked = known.class.olx.definition_form() != DefinitionForm::Plain || known.class.has_children;
    let is_open = matches!(place.block_type, "customtag" | "library" | "error" | "hidden");
    let own =
        OWN_ATTRIBUTES.iter().find(|(name, _)| *name == place.block_type).map_or(&[][..], |(_, own)| own);
    for attribute in &place.element.attributes {
        let name: &str = &attribute.name;
        if name.contains(':') {
            continue;
        }
        let text = &place.file.text;
        match known.field(name) {
            Some(spec) => {
                let value = attribute_json(spec, &attribute.value);
                let is_yaml = !known.class.has_children
                    && known.class.olx.definition_form() == DefinitionForm::Plain
                    && is_yaml_boolean(&attribute.value);
                if let Some(message) = no_boolean(spec, &value)
                    && !is_yaml
                {
                    findings.report(&INVALID_BOOLEAN, text, value_offset(text, attribute), message);
                }
                if let Some(message) = unlisted(spec, &value) {
                    findings.report(&UNLISTED_VALUE, text, value_offset(text, attribute), message);
                }
            }
            None if is_open || !is_checked || OTHER_ATTRIBUTES.contains(&name) || own.contains(&name) => {}
            None if STRIPPED_ATTRIBUTES.contains(&name) => {}
            None => {
                let (severity, message) = unknown(known, place.block_type, name);
                let offset = attribute.span().range().start;
                // Reading says so already of containers in plain form, and without a guess at what was meant.
                let guess = message.find("; did you mean").map_or("", |at| &message[at..]);
                let is_plain = known.class.olx.definition_form() == DefinitionForm::Plain;
                if !(is_plain && findings.amend("unknown-attribute", text, offset, guess)) {
                    findings.report_as(&UNKNOWN_SETTING, severity, text, offset, message);
                }
            }
        }
    }
}

/// Checks the settings that a policy has for one block.
pub(super) fn policy(
    course: &Course<'_>,
    block_type: &str,
    name: &str,
    file: &File,
    object: &Object<'_>,
    findings: &mut Findings,
) {
    let known = course.registry.block_type(block_type);
    if !known.is_known {
        return;
    }
    let name = if block_type == "course" { "course" } else { name };
    let place = course.find(block_type, name);
    for property in &object.properties {
        let name = property.name.as_str();
        if let Some(spec) = known.field(name) {
            let written = file.text.text.get(property.value.range().start..property.value.range().end);
            let value: Json = written.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            if let Err((_, error)) = stored_json(spec, value.clone()) {
                let start = format!("{name} cannot be ");
                if let Some(place) = place {
                    // Reading said so of the block, and did not know where.
                    findings.forget("invalid-value", place.file.text.path(), &start);
                }
                // Of a course's tabs the rule for these says more, entry by entry.
                if (block_type, name) != ("course", "tabs") {
                    let message = format!("{start}{value}: {error}");
                    let offset = json_file::value_offset(&property.value);
                    findings.report_read("invalid-value", &file.text, offset, message);
                }
            }
            if let Some(message) = no_boolean(spec, &value) {
                let offset = json_file::value_offset(&property.value);
                findings.report(&INVALID_BOOLEAN, &file.text, offset, message);
            }
            if let Some(message) = unlisted(spec, &value) {
                let offset = json_file::value_offset(&property.value);
                findings.report(&UNLISTED_VALUE, &file.text, offset, message);
            }
        } else if !OTHER_ATTRIBUTES.contains(&name) && name != "xml_attributes" {
            let (severity, message) = unknown(&known, block_type, name);
            let offset = json_file::name_offset(property);
            findings.report_as(&UNKNOWN_SETTING, severity, &file.text, offset, message);
        }
    }
}

/// Says that a field is not known; what looks like a slip of the hand is worse than what another program may read.
fn unknown(known: &BlockType, block_type: &str, name: &str) -> (Severity, String) {
    let settings =
        known.fields().iter().filter(|spec| matches!(spec.scope, Scope::Settings | Scope::Content));
    let close = settings.map(|spec| spec.name).find(|field| is_slip(name, field));
    match close {
        Some(field) => {
            (Severity::Warning, format!("{block_type} has no setting {name}; did you mean {field}?"))
        }
        None => (UNKNOWN_SETTING.severity, format!("{block_type} has no setting {name}")),
    }
}

/// Says whether a name is another with one letter wrong, missing, doubled or out of place, or in other case.
fn is_slip(name: &str, field: &str) -> bool {
    if name.len() < 4 || name.len().abs_diff(field.len()) > 1 {
        return false;
    }
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_").into_bytes();
    let (name, field) = (plain(name), plain(field));
    if name == field {
        return true;
    }
    let same = name.iter().zip(&field).take_while(|(a, b)| a == b).count();
    let (name, field) = (&name[same..], &field[same..]);
    let rest = |text: &[u8], from: usize| text.get(from..).map(<[u8]>::to_vec);
    rest(name, 1) == rest(field, 1)
        || rest(name, 1).as_deref() == Some(field)
        || Some(name) == rest(field, 1).as_deref()
        || (name.len() > 1
            && field.len() > 1
            && name[0] == field[1]
            && name[1] == field[0]
            && name[2..] == field[2..])
}

/// Says as what a value is read that is neither true nor false, though its field is one or the other.
fn no_boolean(spec: &FieldSpec, value: &Json) -> Option<String> {
    if spec.kind != FieldType::Boolean {
        return None;
    }
    let is_plain = match value {
        // Old exports write what is not set as None, or as nothing.
        Json::String(text) => {
            ["true", "false", "none", ""].iter().any(|word| text.trim().eq_ignore_ascii_case(word))
        }
        Json::Array(_) | Json::Object(_) => false,
        Json::Null | Json::Bool(_) | Json::Number(_) => true,
    };
    let read = spec.from_json(value).and_then(|read| spec.to_json(&read)).ok()?;
    (!is_plain).then(|| format!("{} is {value}, which is read as {read}", spec.name))
}

/// Says whether YAML, in which plain XBlocks have their values, takes a text for a boolean.
fn is_yaml_boolean(text: &str) -> bool {
    ["yes", "no", "on", "off"].iter().any(|word| text.trim().eq_ignore_ascii_case(word))
}

/// Says how a value is none of those its field lists.
fn unlisted(spec: &FieldSpec, value: &Json) -> Option<String> {
    // A value of the wrong type is said of by reading.
    if value.is_null() || spec.from_json(value).is_err() {
        return None;
    }
    let listed = |values: &mut dyn Iterator<Item = &'static str>| {
        let values: Vec<Json> = values.filter_map(|text| serde_json::from_str(text).ok()).collect();
        let stored = spec.from_json(value).and_then(|value| spec.to_json(&value)).unwrap_or_default();
        if values.is_empty() || values.contains(value) || values.contains(&stored) {
            return None;
        }
        let values: Vec<String> = values.iter().map(Json::to_string).collect();
        Some(format!("{value} is none of the values of {}: {}", spec.name, values.join(", ")))
    };
    match spec.values {
        Values::Any => None,
        Values::OneOf(values) => listed(&mut values.iter().copied()),
        Values::Named(values) => listed(&mut values.iter().map(|(_, value)| *value)),
        Values::Range { min, max, .. } => {
            let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
            let is_below = min.is_some_and(|min| number < min);
            let is_above = max.is_some_and(|max| number > max);
            let limit = if is_below { min } else { max }?;
            (is_below || is_above).then(|| {
                format!(
                    "{} is {value}, {} {limit}",
                    spec.name,
                    if is_below { "less than" } else { "more than" }
                )
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_told_from_other_names() {
        for slip in
            ["displayname", "dispaly_name", "display_nam", "Display-Name", "display_namee", "display_nume"]
        {
            assert!(is_slip(slip, "display_name"), "{slip}");
        }
        assert!(!is_slip("due", "dues"));
        assert!(!is_slip("ispublic", "display"));
    }
}
