//! The pages a course lists in its policy.

use jsonc_parser::ast::{Object, Value};

use super::policies::is_policy;
use crate::check::codes::{INVALID_TAB, MISSING_TAB_PAGE, UNKNOWN_TAB};
use crate::check::course::{Course, File};
use crate::check::findings::Findings;
use crate::check::json_file::{self, member, name_offset, text, value_offset};

/// The types of pages that are part of the platform.
const KNOWN: [&str; 27] = [
    "calendar",
    "ccx_coach",
    "course_info",
    "courseware",
    "dates",
    "discussion",
    "edxnotes",
    "external_discussion",
    "external_link",
    "html_textbooks",
    "instructor",
    "live",
    "lti_live",
    "lti_live_tab",
    "notes",
    "open_ended",
    "pdf_textbooks",
    "peer_grading",
    "progress",
    "single_textbook",
    "staff_grading",
    "static_tab",
    "syllabus",
    "teams",
    "textbooks",
    "wiki",
    "zooming_image",
];

/// Checks the tabs of every course in the policy.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    for (_, file) in course.files.iter().filter(|(path, _)| is_policy(path)) {
        let Some(policy) = json_file::object(&file.text) else { continue };
        for property in policy.properties.iter().filter(|p| p.name.as_str().starts_with("course/")) {
            let Value::Object(settings) = &property.value else { continue };
            match member(settings, "tabs").map(|tabs| &tabs.value) {
                None | Some(Value::NullKeyword(_)) => {}
                Some(Value::Array(tabs)) => {
                    for value in &tabs.elements {
                        match value {
                            Value::Object(object) => tab(course, file, object, findings),
                            other => {
                                findings.report(
                                    &INVALID_TAB,
                                    &file.text,
                                    value_offset(other),
                                    "this is no object",
                                );
                            }
                        }
                    }
                }
                Some(other) => {
                    findings.report(&INVALID_TAB, &file.text, value_offset(other), "tabs is no list");
                }
            }
        }
    }
}

fn tab(course: &Course<'_>, file: &File, tab: &Object<'_>, findings: &mut Findings) {
    let string = |name: &str| member(tab, name).and_then(|property| text(&property.value));
    let Some(kind) = string("type") else {
        findings.report(&INVALID_TAB, &file.text, tab.range.start, "the page has no type");
        return;
    };
    if kind == "static_tab" {
        for name in ["name", "url_slug"] {
            if string(name).is_none() {
                let message = format!("a page of type static_tab has no {name}");
                findings.report(&INVALID_TAB, &file.text, tab.range.start, message);
            }
        }
        if let (Some(slug), Some(property)) = (string("url_slug"), member(tab, "url_slug")) {
            let usage = course.package.context.make_usage_key("static_tab", slug);
            if !usage.is_ok_and(|usage| course.has_block(&usage)) {
                let message = format!("tabs/{slug}.html does not exist");
                findings.report(&MISSING_TAB_PAGE, &file.text, value_offset(&property.value), message);
            }
        }
    } else if !KNOWN.contains(&kind) {
        let offset = member(tab, "type").map_or(tab.range.start, name_offset);
        findings.report(&UNKNOWN_TAB, &file.text, offset, format!("{kind:?} is no type of page"));
    }
}
