//! Dates in free form, read as the dateutil parser reads them: month first, day first when it cannot be a month, names,
//! fractions, twelve-hour clocks, zones by offset.
mod components;
mod decimal;
mod lexer;
mod parser;
mod words;

use chrono::{Datelike, Days, FixedOffset, NaiveDate, NaiveDateTime};

use super::conversion::Conversion;
use super::error::FieldError;
use super::value::TimeDelta;
use parser::{Failure, Found};

/// Holds what a text says of a date, part by part.
pub(crate) struct ParsedDate<'a> {
    text: &'a str,
    found: Found,
}

/// Reads what a text says of a date. The current year decides the century of two-digit years.
///
/// # Errors
/// [`FieldError::InvalidDate`] for a text that is no date.
pub(crate) fn parse<'a>(text: &'a str, conversion: &Conversion) -> Result<ParsedDate<'a>, FieldError> {
    let invalid = |problem| FieldError::InvalidDate { text: text.to_owned(), problem };
    let mut found = parser::parse(text, conversion.today.map(|today| today.year()))
        .map_err(|Failure| invalid("unknown format"))?;
    if found.is_empty() {
        return Err(invalid("it does not contain a date"));
    }
    found.settle();
    Ok(ParsedDate { text, found })
}

impl ParsedDate<'_> {
    /// Tells whether the year is missing, or its century is a guess because the current year is not known.
    pub(crate) const fn needs_year(&self) -> bool {
        self.found.year.is_none() || self.found.guessed_century
    }

    /// Tells whether any part of the date is missing or a guess.
    pub(crate) const fn needs_date(&self) -> bool {
        self.needs_year() || self.found.month.is_none() || self.found.day.is_none()
    }

    /// Reports that the text leaves out what only a clock could supply.
    pub(crate) fn incomplete(&self) -> FieldError {
        FieldError::IncompleteDate { text: self.text.to_owned() }
    }

    /// Takes missing parts from a default date at midnight.
    ///
    /// # Errors
    /// [`FieldError::InvalidDate`] for an impossible date or time, [`FieldError::Overflow`] for numbers beyond all.
    pub(crate) fn with_default(&self, default: NaiveDate) -> Result<NaiveDateTime, FieldError> {
        let found = &self.found;
        let invalid = |problem| FieldError::InvalidDate { text: self.text.to_owned(), problem };
        let day = match found.day {
            Some(day) => day,
            None => {
                let year = found.year.unwrap_or_else(|| i64::from(default.year()));
                let month = found.month.unwrap_or_else(|| i64::from(default.month()));
                let last = components::days_in_month(year, month)
                    .ok_or_else(|| invalid("the month is impossible"))?;
                i64::from(default.day().min(last))
            }
        };
        // A number beyond all is reported before any that is merely impossible.
        let year = i32::try_from(found.year.unwrap_or_else(|| i64::from(default.year())))
            .map_err(|_| self.overflow())?;
        let (month, day) = (self.part(found.month, default.month())?, self.part(Some(day), 1)?);
        let (hour, minute) = (self.part(found.hour, 0)?, self.part(found.minute, 0)?);
        let (second, microsecond) = (self.part(found.second, 0)?, self.part(found.microsecond, 0)?);
        let in_range = (1..=9999).contains(&year);
        let date = in_range.then(|| NaiveDate::from_ymd_opt(year, month, day)).flatten();
        let date = date.ok_or_else(|| invalid("the day does not exist"))?;
        let local =
            date.and_hms_micro_opt(hour, minute, second, microsecond).filter(|_| microsecond < 1_000_000);
        let local = local.ok_or_else(|| invalid("the time does not exist"))?;
        // A weekday alone means the next such day, the default itself included.
        match found.weekday {
            Some(weekday) if found.day.is_none() => {
                let ahead = (7 + weekday - u64::from(local.weekday().num_days_from_monday())) % 7;
                local
                    .checked_add_days(Days::new(ahead))
                    .filter(|day| day.year() <= 9999)
                    .ok_or_else(|| self.overflow())
            }
            _ => Ok(local),
        }
    }

    /// Returns the offset from UTC, if the text says any.
    ///
    /// # Errors
    /// [`FieldError::InvalidValue`] for a zone a day or more from UTC, [`FieldError::Overflow`] for one beyond all.
    pub(crate) fn offset(&self) -> Result<Option<FixedOffset>, FieldError> {
        let Some(seconds) = self.found.offset else { return Ok(None) };
        TimeDelta::from_seconds(i128::from(seconds)).ok_or_else(|| self.overflow())?;
        let offset = i32::try_from(seconds).ok().and_then(FixedOffset::east_opt);
        let too_far = || FieldError::InvalidValue {
            expected: "a date in a zone less than a day from UTC",
            found: format!("`{}`", self.text),
        };
        offset.ok_or_else(too_far).map(Some)
    }

    fn part(&self, part: Option<i64>, default: u32) -> Result<u32, FieldError> {
        match part {
            None => Ok(default),
            Some(value) if value > i64::from(i32::MAX) => Err(self.overflow()),
            Some(value) => u32::try_from(value).map_err(|_| self.overflow()),
        }
    }

    fn overflow(&self) -> FieldError {
        FieldError::Overflow { expected: "a date", found: format!("`{}`", self.text) }
    }
}
