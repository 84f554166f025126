//! Date-times and durations with microseconds, as Python's `datetime` module keeps them.
use std::fmt;
use std::hash::{Hash, Hasher};

use chrono::{Datelike, FixedOffset, NaiveDateTime, Offset, TimeDelta as ChronoDelta, Timelike, Utc};

const MICROS_PER_SECOND: i128 = 1_000_000;
const SECONDS_PER_DAY: i128 = 86_400;
const MICROS_PER_DAY: i128 = SECONDS_PER_DAY * MICROS_PER_SECOND;
const MAX_DAYS: i128 = 999_999_999;

/// Holds a date with time in the years 1 to 9999, either with its offset from UTC (aware) or without (naive).
#[derive(Debug, Clone, Copy)]
pub struct DateTime {
    /// The wall clock.
    pub local: NaiveDateTime,
    /// The offset from UTC of that clock, if known.
    pub offset: Option<FixedOffset>,
}

impl DateTime {
    /// Makes an aware date-time in UTC.
    #[must_use]
    pub fn utc(local: NaiveDateTime) -> Self {
        Self { local, offset: Some(Utc.fix()) }
    }

    /// Makes a date-time that knows no zone.
    #[must_use]
    pub const fn naive(local: NaiveDateTime) -> Self {
        Self { local, offset: None }
    }

    /// Tells whether the offset from UTC is known.
    #[must_use]
    pub const fn is_aware(&self) -> bool {
        self.offset.is_some()
    }

    /// Returns the offset from UTC in seconds; a naive date-time has none.
    #[must_use]
    pub fn offset_seconds(&self) -> Option<i32> {
        self.offset.map(|offset| offset.local_minus_utc())
    }

    /// Returns the same instant on a UTC clock, taking a naive date-time to be UTC already. Nothing when that falls
    /// outside the years 1 to 9999.
    #[must_use]
    pub fn to_utc(&self) -> Option<Self> {
        let local = match self.offset {
            None => self.local,
            Some(offset) => {
                self.local.checked_sub_signed(ChronoDelta::seconds(i64::from(offset.local_minus_utc())))?
            }
        };
        (1..=9999).contains(&local.year()).then_some(Self::utc(local))
    }

    /// Prints the date-time as `datetime.isoformat` does: microseconds only when there are any, the offset when known.
    #[must_use]
    pub fn isoformat(&self) -> String {
        let mut text = format!("{:04}-{}", self.local.year(), self.local.format("%m-%dT%H:%M:%S"));
        let micros = self.microsecond();
        if micros != 0 {
            text.push_str(&format!(".{micros:06}"));
        }
        if let Some(seconds) = self.offset_seconds() {
            let sign = if seconds < 0 { '-' } else { '+' };
            let seconds = seconds.abs();
            text.push_str(&format!("{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60));
            if seconds % 60 != 0 {
                text.push_str(&format!(":{:02}", seconds % 60));
            }
        }
        text
    }

    /// Returns the microseconds within the second.
    #[must_use]
    pub fn microsecond(&self) -> u32 {
        self.local.nanosecond() / 1000 % 1_000_000
    }

    /// Returns the instant in UTC for comparison; beyond the range of years too.
    fn instant(&self) -> Option<NaiveDateTime> {
        let offset = self.offset?;
        self.local.checked_sub_signed(ChronoDelta::seconds(i64::from(offset.local_minus_utc())))
    }
}

impl PartialEq for DateTime {
    fn eq(&self, other: &Self) -> bool {
        match (self.offset, other.offset) {
            (None, None) => self.local == other.local,
            (Some(_), Some(_)) => self.instant() == other.instant(),
            _ => false,
        }
    }
}

impl Eq for DateTime {}

impl Hash for DateTime {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.instant().unwrap_or(self.local).hash(state);
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.isoformat())
    }
}

/// Holds a duration of up to 999 999 999 days either way, normalised so that only the days may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TimeDelta {
    days: i32,
    seconds: u32,
    microseconds: u32,
}

impl TimeDelta {
    /// Makes a duration of so many microseconds; nothing when it is too long.
    #[must_use]
    pub fn from_microseconds(microseconds: i128) -> Option<Self> {
        let days = microseconds.div_euclid(MICROS_PER_DAY);
        let rest = microseconds.rem_euclid(MICROS_PER_DAY);
        if days.abs() > MAX_DAYS {
            return None;
        }
        Some(Self {
            days: i32::try_from(days).ok()?,
            seconds: u32::try_from(rest / MICROS_PER_SECOND).ok()?,
            microseconds: u32::try_from(rest % MICROS_PER_SECOND).ok()?,
        })
    }

    /// Makes a duration of so many seconds; nothing when it is too long.
    #[must_use]
    pub fn from_seconds(seconds: i128) -> Option<Self> {
        Self::from_microseconds(seconds.checked_mul(MICROS_PER_SECOND)?)
    }

    /// Makes a duration of so many seconds, rounded to the nearest microsecond, halves to the even one. Nothing when
    /// it is too long or no number.
    #[must_use]
    pub fn from_seconds_float(seconds: f64) -> Option<Self> {
        if !seconds.is_finite() || seconds.abs() > 1e15 {
            return None;
        }
        // The fraction is scaled alone, as multiplying all of it would lose digits of long durations.
        let whole = seconds.trunc();
        let micros = ((seconds - whole) * 1e6).round_ties_even();
        #[expect(clippy::cast_possible_truncation, reason = "both are whole and far inside the range")]
        let (whole, micros) = (whole as i128, micros as i128);
        Self::from_microseconds(whole * MICROS_PER_SECOND + micros)
    }

    /// Returns the days, the only part that may be negative.
    #[must_use]
    pub const fn days(&self) -> i32 {
        self.days
    }

    /// Returns the seconds within the day.
    #[must_use]
    pub const fn seconds(&self) -> u32 {
        self.seconds
    }

    /// Returns the microseconds within the second.
    #[must_use]
    pub const fn microseconds(&self) -> u32 {
        self.microseconds
    }

    /// Returns the whole duration in microseconds.
    #[must_use]
    pub fn total_microseconds(&self) -> i128 {
        (i128::from(self.days) * SECONDS_PER_DAY + i128::from(self.seconds)) * MICROS_PER_SECOND
            + i128::from(self.microseconds)
    }

    /// Returns the whole duration in seconds, the nearest float.
    #[must_use]
    pub fn total_seconds(&self) -> f64 {
        let micros = self.total_microseconds();
        let sign = if micros < 0 { "-" } else { "" };
        let micros = micros.abs();
        // Reading the decimal text rounds once; dividing a rounded float would round twice.
        format!("{sign}{}.{:06}", micros / MICROS_PER_SECOND, micros % MICROS_PER_SECOND)
            .parse()
            .unwrap_or(f64::NAN)
    }

    /// Tells whether the duration is nothing.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.days == 0 && self.seconds == 0 && self.microseconds == 0
    }
}

/// Prints the duration as Python does: `-1 day, 23:59:55`, `0:00:01.500000`.
impl fmt::Display for TimeDelta {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days != 0 {
            let plural = if self.days.abs() == 1 { "" } else { "s" };
            write!(formatter, "{} day{plural}, ", self.days)?;
        }
        write!(formatter, "{}:{:02}:{:02}", self.seconds / 3600, self.seconds / 60 % 60, self.seconds % 60)?;
        if self.microseconds != 0 {
            write!(formatter, ".{:06}", self.microseconds)?;
        }
        Ok(())
    }
}
