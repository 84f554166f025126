//! Policy files: settings of blocks that exist, each said once.

use jsonc_parser::ast::{Object, Value};

use crate::check::codes::{DUPLICATE_KEY, POLICY_WITHOUT_BLOCK};
use crate::check::course::{Course, File};
use crate::check::findings::Findings;
use crate::check::json_file;

use super::settings;

/// Checks the policy of the course, and the JSON files beside it for keys that stand twice.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    for (path, file) in course.files {
        let Some(object) = json_file::object(&file.text) else { continue };
        duplicates(file, &object, findings);
        if is_policy(path) {
            policy(course, file, &object, findings);
        }
    }
}

/// Says whether a file, which was read, gives settings to blocks.
pub(super) fn is_policy(path: &str) -> bool {
    let Some(name) = path.strip_prefix("policies/") else { return false };
    match name.split_once('/') {
        Some((_, name)) => name == "policy.json",
        None => name.ends_with(".json") && name != "assets.json",
    }
}

fn policy(course: &Course<'_>, file: &File, object: &Object<'_>, findings: &mut Findings) {
    for property in &object.properties {
        let key = property.name.as_str();
        let offset = json_file::name_offset(property);
        let Some((block_type, name)) = key.split_once('/') else {
            let message = format!("{key:?} is no TYPE/NAME");
            findings.report(&POLICY_WITHOUT_BLOCK, &file.text, offset, message);
            continue;
        };
        // The root is called by its type once it is read, and by the course's run before.
        let is_root = block_type == "course" && file.text.path().split(['/', '.']).nth(1) == Some(name);
        let usage = course.package.context.make_usage_key(block_type, name);
        if !is_root && !usage.is_ok_and(|usage| course.has_block(&usage)) {
            let message = format!("there is no {block_type} named {name}");
            findings.report(&POLICY_WITHOUT_BLOCK, &file.text, offset, message);
            continue;
        }
        match &property.value {
            Value::Object(object) => settings::policy(course, block_type, name, file, object, findings),
            other => {
                // Reading said so, and did not know where.
                findings.forget("invalid-policy", file.text.path(), &format!("the settings of {key} "));
                let message = format!("the settings of {key} are no JSON object; they are ignored");
                findings.report_read("invalid-policy", &file.text, json_file::value_offset(other), message);
            }
        }
    }
}

/// Finds keys that stand twice in one object.
fn duplicates(file: &File, object: &Object<'_>, findings: &mut Findings) {
    let mut seen = std::collections::HashSet::new();
    for property in &object.properties {
        if !seen.insert(property.name.as_str()) {
            let message = format!("{:?} stands twice in one object", property.name.as_str());
            findings.report(&DUPLICATE_KEY, &file.text, json_file::name_offset(property), message);
        }
        values(file, &property.value, findings);
    }
}

fn values(file: &File, value: &Value<'_>, findings: &mut Findings) {
    match value {
        Value::Object(object) => duplicates(file, object, findings),
        Value::Array(array) => array.elements.iter().for_each(|element| values(file, element, findings)),
        _ => {}
    }
}
