//! Lenient reading of dates.
use chrono::{NaiveDate, NaiveDateTime};

use super::error::FieldError;
use super::value::DateTime;

pub(crate) struct ParsedDate {
    value: DateTime,
}

impl ParsedDate {
    pub(crate) fn misses_month_or_day(&self) -> bool {
        false
    }

    pub(crate) fn complete(&self, _today: Option<NaiveDate>) -> Result<DateTime, FieldError> {
        Ok(self.value)
    }
}

pub(crate) fn parse(text: &str) -> Result<ParsedDate, FieldError> {
    let value = if let Ok(aware) = chrono::DateTime::parse_from_rfc3339(text) {
        DateTime { local: aware.naive_local(), offset: Some(*aware.offset()) }
    } else if let Ok(naive) = text.parse::<NaiveDateTime>() {
        DateTime::naive(naive)
    } else if let Ok(date) = text.parse::<NaiveDate>() {
        DateTime::naive(date.into())
    } else {
        return Err(FieldError::InvalidDate { text: text.to_owned(), problem: "unknown format" });
    };
    Ok(ParsedDate { value })
}
