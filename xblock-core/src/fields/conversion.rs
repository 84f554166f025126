//! What conversions need from outside: today's date.
use chrono::NaiveDate;

/// Holds what reading a value may need and a value does not say.
///
/// The core has no clock, so a host that wants the Python behaviour for dates without a year (and date-times without a
/// date) says which day it is. Without one such a text is reported as incomplete instead of being completed with a
/// date nobody meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Conversion {
    /// The current date in UTC.
    pub today: Option<NaiveDate>,
}

impl Conversion {
    /// Reads incomplete dates as of this day.
    #[must_use]
    pub const fn on(today: NaiveDate) -> Self {
        Self { today: Some(today) }
    }
}
