//! Blocks that more than one parent points to.

use std::collections::HashMap;

use xblock_core::olx::Severity;

use crate::check::codes::DUPLICATE_POINTER;
use crate::check::course::{Course, Pointer};
use crate::check::findings::Findings;

/// The types that keep learner state under their name, of which the platform lets no two have the same
/// (xblock reference, section 18).
const STATEFUL: [&str; 8] =
    ["chapter", "course", "poll_question", "problem", "sequential", "vertical", "video", "videosequence"];

/// Checks that each block is pointed to once.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    let mut seen: HashMap<(&str, &str), Pointer<'_>> = HashMap::new();
    for pointer in &course.pointers {
        let block_type: &str = &pointer.element.name;
        let Some(name) = pointer.element.get("url_name") else { continue };
        let Some(first) = seen.get(&(block_type, name)) else {
            seen.insert((block_type, name), *pointer);
            continue;
        };
        // Twice below one parent is said of by reading.
        if std::ptr::eq(first.parent, pointer.parent) {
            continue;
        }
        let (severity, what) = if !STATEFUL.contains(&block_type) {
            (Severity::Warning, "it is one block in both places")
        } else if &*pointer.parent.name == "vertical" && &*first.parent.name == "vertical" {
            // Units put the file in the place of the pointer before it gets its name.
            (
                Severity::Warning,
                "the platform makes a second block of it, whose name changes with its content",
            )
        } else {
            (Severity::Error, "the platform cannot read it in the second place")
        };
        let other = first.file.text.position(first.element.span().range().start);
        let message =
            format!("{block_type} {name} is pointed to from {}:{other}, too; {what}", first.file.text.path());
        let offset = pointer.element.span().range().start;
        findings.report_as(&DUPLICATE_POINTER, severity, &pointer.file.text, offset, message);
    }
}
