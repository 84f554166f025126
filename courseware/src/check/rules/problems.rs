//! Problems, by the rules of their own type.

use blocks::check_problem;

use crate::check::course::Course;
use crate::check::findings::Findings;

/// Checks every problem.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    for place in course
        .blocks
        .iter()
        .filter(|place| course.registry.block_type(place.block_type).class.block_type == "problem")
    {
        if let Some(document) = &place.file.document {
            findings.extend(check_problem(&document.source, place.element));
        }
    }
}
