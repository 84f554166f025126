//! Dates in an order in which nothing could ever be open.

use xblock_core::fields::Json;

use crate::check::codes::DATES_OUT_OF_ORDER;
use crate::check::course::Course;
use crate::check::findings::Findings;

/// What must not come before what.
const PAIRS: [(&str, &str); 3] = [("start", "end"), ("enrollment_start", "enrollment_end"), ("start", "due")];

/// Checks the dates of every block against each other.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    for (usage, data) in course.all_blocks() {
        let date = |name: &str| {
            // Stored dates are written alike, so that their texts compare as they do.
            let text = data.settings.get(name).and_then(Json::as_str)?;
            (text.len() >= 20 && text.ends_with('Z')).then_some(text)
        };
        for (first, last) in PAIRS {
            let (Some(begin), Some(end)) = (date(first), date(last)) else { continue };
            if end >= begin {
                continue;
            }
            let message = format!("{last} is {end}, before {first}, {begin}");
            match course.place(usage) {
                Some(place) => {
                    findings.report(&DATES_OUT_OF_ORDER, &place.file.text, place.value_offset(last), message);
                }
                None => findings.report_package(&DATES_OUT_OF_ORDER, format!("{usage}: {message}")),
            }
        }
    }
}
