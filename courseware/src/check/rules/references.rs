//! Fields that name other blocks.

use std::str::FromStr;

use xblock_core::fields::{FieldType, Json};
use xblock_core::keys::UsageKey;

use crate::check::codes::DANGLING_REFERENCE;
use crate::check::course::Course;
use crate::check::findings::Findings;

/// Checks that the blocks named in fields exist.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    for (usage, data) in course.all_blocks() {
        let known = course.registry.block_type(usage.block_type());
        for (name, value) in data.content.iter().chain(&data.settings) {
            let is_reference = known.field(name).is_some_and(|spec| {
                matches!(
                    spec.kind,
                    FieldType::Reference | FieldType::ReferenceList | FieldType::ReferenceValueDict
                )
            });
            if !is_reference {
                continue;
            }
            for key in keys(value) {
                if key.context_key() != course.package.context || course.has_block(&key) {
                    continue;
                }
                let message = format!("{name} names {key}, which does not exist");
                match course.place(usage) {
                    Some(place) => {
                        findings.report(
                            &DANGLING_REFERENCE,
                            &place.file.text,
                            place.value_offset(name),
                            message,
                        );
                    }
                    None => findings.report_package(&DANGLING_REFERENCE, format!("{usage}: {message}")),
                }
            }
        }
    }
}

fn keys(value: &Json) -> Vec<UsageKey> {
    match value {
        Json::String(text) => UsageKey::from_str(text).ok().into_iter().collect(),
        Json::Array(items) => items.iter().flat_map(keys).collect(),
        Json::Object(members) => members.values().flat_map(keys).collect(),
        _ => Vec::new(),
    }
}
