//! The grading policy, and whether the course's subsections fit it.

use std::collections::BTreeSet;

use jsonc_parser::ast::{Array, Object, Value};
use jsonc_parser::common::Ranged;
use xblock_core::fields::Json;

use crate::check::codes::{
    INVALID_CUTOFFS, INVALID_GRADING, UNKNOWN_ASSIGNMENT, UNUSED_ASSIGNMENT, WEIGHTS_OFF,
};
use crate::check::course::{Course, File};
use crate::check::findings::Findings;
use crate::check::json_file::{self, member, number, text, value_offset};

/// How far the weights may be from 1 by rounding.
const ROUNDING: f64 = 0.005;

/// Checks the policy file that was read.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    let is_policy = |path: &str| path == "grading_policy.json" || path.ends_with("/grading_policy.json");
    let Some(file) = course.files.iter().find(|(path, _)| is_policy(path)).map(|(_, file)| file) else {
        return;
    };
    let Some(object) = json_file::object(&file.text) else { return };
    if let Some(grader) = member(&object, "GRADER") {
        match &grader.value {
            Value::Array(entries) => graders(course, file, entries, findings),
            other => {
                findings.report(&INVALID_GRADING, &file.text, value_offset(other), "GRADER is no list");
            }
        }
    }
    if let Some(cutoffs) = member(&object, "GRADE_CUTOFFS") {
        match &cutoffs.value {
            Value::Object(cutoffs) => check_cutoffs(file, cutoffs, findings),
            other => {
                findings.report(
                    &INVALID_GRADING,
                    &file.text,
                    value_offset(other),
                    "GRADE_CUTOFFS is no object",
                );
            }
        }
    }
}

fn graders(course: &Course<'_>, file: &File, entries: &Array<'_>, findings: &mut Findings) {
    let mut total = 0.0;
    let mut types: Vec<(&str, usize)> = Vec::new();
    let mut is_whole = true;
    for entry in &entries.elements {
        let Value::Object(entry) = entry else {
            findings.report(&INVALID_GRADING, &file.text, value_offset(entry), "this is no object");
            is_whole = false;
            continue;
        };
        let mut report = |offset: usize, message: String| {
            findings.report(&INVALID_GRADING, &file.text, offset, message);
            is_whole = false;
        };
        for name in ["type", "min_count", "drop_count"] {
            if member(entry, name).is_none() {
                report(entry.range.start, format!("this assignment type has no {name}"));
            }
        }
        for name in ["min_count", "drop_count", "weight"] {
            if let Some(value) = member(entry, name).filter(|property| number(&property.value).is_none()) {
                report(value_offset(&value.value), format!("{name} is no number"));
            }
        }
        let count = |name| member(entry, name).and_then(|property| number(&property.value));
        if let (Some(least), Some(dropped)) = (count("min_count"), count("drop_count"))
            && (least < 0.0 || dropped < 0.0)
        {
            report(entry.range.start, "a count is negative".to_owned());
        }
        total += count("weight").unwrap_or_default();
        if let Some(property) = member(entry, "type")
            && let Some(name) = text(&property.value)
        {
            types.push((name, value_offset(&property.value)));
        }
    }
    if is_whole && !entries.elements.is_empty() && (total - 1.0).abs() > ROUNDING {
        let message = format!("the weights add up to {total:.2}");
        findings.report(&WEIGHTS_OFF, &file.text, entries.range().start, message);
    }
    // What cannot be read as a whole cannot be compared.
    if is_whole {
        assignments(course, file, &types, findings);
    }
}

/// Compares the assignment types of the subsections with those of the policy.
fn assignments(course: &Course<'_>, file: &File, types: &[(&str, usize)], findings: &mut Findings) {
    let mut used = BTreeSet::new();
    for (usage, data) in course.of_type("sequential") {
        let Some(format) = data.settings.get("format").and_then(Json::as_str) else { continue };
        used.insert(format);
        let is_graded = data.settings.get("graded").and_then(Json::as_bool).unwrap_or(false);
        if !is_graded || format.is_empty() || types.iter().any(|(name, _)| *name == format) {
            continue;
        }
        let message = format!("{usage} is graded as {format:?}", usage = usage.block_id());
        if let Some(place) = course.place(usage) {
            findings.report(&UNKNOWN_ASSIGNMENT, &place.file.text, place.value_offset("format"), message);
        } else {
            findings.report_package(&UNKNOWN_ASSIGNMENT, message);
        }
    }
    for (name, offset) in types.iter().filter(|(name, _)| !used.contains(name)) {
        findings.report(
            &UNUSED_ASSIGNMENT,
            &file.text,
            *offset,
            format!("no subsection is graded as {name:?}"),
        );
    }
}

fn check_cutoffs(file: &File, cutoffs: &Object<'_>, findings: &mut Findings) {
    for cutoff in &cutoffs.properties {
        let name = cutoff.name.as_str();
        let message = match number(&cutoff.value) {
            None => format!("the grade {name} does not begin at a number"),
            Some(value) if !(0.0..=1.0).contains(&value) => format!("the grade {name} begins at {value}"),
            Some(_) => continue,
        };
        findings.report(&INVALID_CUTOFFS, &file.text, value_offset(&cutoff.value), message);
    }
}
