//! Whether learners may see how well they did (XBlock's `ShowCorrectness`; xblock reference, section 15).

use chrono::{DateTime, Utc};

/// Tells whether a learner may see whether answers are right, given the setting `show_correctness`, the due date and
/// whether the learner is staff.
///
/// `never` and `never_but_include_grade` hold for staff, too; any word that is none of the settings means `always`.
///
/// ```
/// use xblock_core::block::correctness_available;
///
/// let now = "2031-03-01T00:00:00Z".parse().unwrap();
/// let later = "2031-04-01T00:00:00Z".parse().unwrap();
/// assert!(correctness_available("past_due", None, false, now));
/// assert!(!correctness_available("past_due", Some(later), false, now));
/// assert!(correctness_available("past_due", Some(later), true, now));
/// assert!(!correctness_available("never", None, true, now));
/// ```
#[must_use]
pub fn correctness_available(
    show_correctness: &str,
    due: Option<DateTime<Utc>>,
    is_staff: bool,
    now: DateTime<Utc>,
) -> bool {
    match show_correctness {
        "never" | "never_but_include_grade" => false,
        _ if is_staff => true,
        "past_due" => due.is_none_or(|due| due < now),
        _ => true,
    }
}
