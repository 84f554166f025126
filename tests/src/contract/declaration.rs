//! Promises about what a class declares.

use std::collections::BTreeSet;

use xblock_core::fields::{FieldDefault, Json, Scope, ScopeIds, Values};

use super::schema::violation;
use super::{Contract, Finding};

/// Names that OLX and the platform use for something else.
const TAKEN: &[&str] = &[
    "parent",
    "children",
    "url_name",
    "filename",
    "slug",
    "org",
    "course",
    "location",
    "tags",
    "xml_attributes",
];

pub(super) fn described(contract: &Contract) -> Vec<Finding> {
    let mut findings = Vec::new();
    for spec in contract.own_fields() {
        let place = format!("field `{}`", spec.name);
        if spec.help.trim().is_empty() {
            findings.push(Finding::new(&place, "it has no help", "say what it is for: help = \"..\""));
        }
        let is_edited = spec.scope == Scope::Settings && !spec.hidden && !spec.deprecated;
        if is_edited && spec.display_name.is_none_or(|name| name.trim().is_empty()) {
            let mend = "give editors a name to show: display_name = \"..\", or say that they hide it: hidden";
            findings.push(Finding::new(&place, "it is a setting without a name", mend));
        }
    }
    findings
}

pub(super) fn defaults(contract: &Contract) -> Vec<Finding> {
    let ids = ScopeIds::new(&*contract.block_type().name, "definition", "usage").with_user("learner");
    let mut findings = Vec::new();
    for spec in contract.own_fields() {
        let place = format!("field `{}`", spec.name);
        let mut wrong = |wrong: String| {
            let mend = format!(
                "give it a default its type {} takes, as JSON of the stored form",
                spec.kind.class_name()
            );
            findings.push(Finding::new(&place, wrong, mend));
        };
        let schema = match spec.json_schema() {
            Ok(schema) => schema,
            Err(error) => {
                wrong(error.to_string());
                continue;
            }
        };
        if spec.default != FieldDefault::UniqueId {
            match spec.default_json() {
                Ok(default) => {
                    if let Err(error) = spec.from_json(&default) {
                        wrong(format!("its default {default} cannot be read back: {error}"));
                    } else if let Some(violation) = violation(&schema, &default) {
                        wrong(format!("its default breaks its own schema: {violation}"));
                    }
                }
                Err(error) => wrong(error.to_string()),
            }
        }
        if let Err(error) = spec.default_value(&ids) {
            wrong(format!("its default cannot be used: {error}"));
        }
        let mut bare = schema.clone();
        if let Some(members) = bare.as_object_mut() {
            members.retain(|name, _| !matches!(name.as_str(), "enum" | "oneOf"));
        }
        for value in offered(spec.values, &spec.values_json().unwrap_or_default()) {
            let refused = spec.from_json(&value).err().map(|error| error.to_string());
            if let Some(reason) = refused.or_else(|| violation(&bare, &value)) {
                let mend = "offer only values the field takes: values = [..]";
                findings.push(Finding::new(
                    &place,
                    format!("it offers {value}, which it refuses: {reason}"),
                    mend,
                ));
            }
        }
    }
    findings
}

/// The values a declaration offers one by one.
pub(super) fn offered(values: Values, json: &Json) -> Vec<Json> {
    match values {
        Values::OneOf(_) => json.as_array().cloned().unwrap_or_default(),
        Values::Named(_) => {
            json.as_array().into_iter().flatten().filter_map(|pair| pair.get("value").cloned()).collect()
        }
        Values::Any | Values::Range { .. } => Vec::new(),
    }
}

pub(super) fn sound(contract: &Contract) -> Vec<Finding> {
    let class = contract.block_type().class;
    let mut findings = Vec::new();
    for name in std::iter::once(&class.block_type).chain(class.aliases) {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(fits) {
            findings.push(Finding::new(
                format!("type `{name}`"),
                "the name is no tag that is found again: XBlock looks types up in lower case",
                "use lower-case letters, digits, `_` and `-`, with a letter first",
            ));
        }
    }
    let mut names = BTreeSet::new();
    for spec in class.fields {
        let place = format!("field `{}`", spec.name);
        if !names.insert(spec.name) {
            findings.push(Finding::new(&place, "it is declared twice", "declare it once"));
        }
        if TAKEN.contains(&spec.name) && !spec.deprecated {
            let wrong = "OLX and the platform use the name for something else, so its value would be lost";
            findings.push(Finding::new(&place, wrong, "choose another name"));
        }
        if spec.scope == Scope::Content && matches!(spec.name, "display_name" | "due" | "start") {
            let wrong = "the platform keeps it as a setting of each usage, not as content";
            findings.push(Finding::new(&place, wrong, "declare it with scope = settings"));
        }
    }
    let mut handlers = BTreeSet::new();
    for handler in class.handlers {
        if !handlers.insert(handler) {
            findings.push(Finding::new(
                format!("handler `{handler}`"),
                "it is declared twice",
                "declare it once",
            ));
        }
    }
    findings
}
