//! Date and DateTime.
use chrono::{DateTime as ChronoDateTime, Datelike, NaiveDate, Offset, Utc};

use super::super::conversion::Conversion;
use super::super::dateparse;
use super::super::error::FieldError;
use super::super::value::{DateTime, TimeDelta, Value};
use super::texts;

const DATE: &str = "a date";
/// The year an incomplete date is tried with when the current one is not known; a leap year, to accept every day.
const STAND_IN_YEAR: i32 = 2000;
const DATE_OR_DURATION: &str = "a date or a duration";

pub(super) fn load_date(value: Value, conversion: &Conversion) -> Result<Value, FieldError> {
    match value {
        Value::None | Value::DateTime(_) => Ok(value),
        Value::Str(text) if text.is_empty() => Ok(Value::None),
        Value::Str(text) => read_date(&text, conversion),
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_) => from_milliseconds(&value),
        other => Err(FieldError::WrongType { expected: DATE, found: other.type_name() }),
    }
}

/// Reads a text that must say month and day; one that does not is no date, and nothing.
///
/// As in the reference, what is missing shows by reading the text with two different defaults.
fn read_date(text: &str, conversion: &Conversion) -> Result<Value, FieldError> {
    let parsed = dateparse::parse(text, conversion)?;
    let year = conversion.today.map_or(STAND_IN_YEAR, |today| today.year());
    let on = |month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
    let local = parsed.with_default(on(1, 1))?;
    let offset = match parsed.offset() {
        Err(error @ FieldError::Overflow { .. }) => return Err(error),
        // A zone that is merely impossible matters only if there is a date.
        other => other,
    };
    if local != parsed.with_default(on(2, 2))? {
        return Ok(Value::None);
    }
    if parsed.needs_year() && conversion.today.is_none() {
        return Err(parsed.incomplete());
    }
    let offset = offset?.unwrap_or_else(|| Utc.fix());
    Ok(Value::DateTime(DateTime { local, offset: Some(offset) }))
}

/// Reads a text, taking what is missing from today.
fn read_datetime(text: &str, conversion: &Conversion) -> Result<DateTime, FieldError> {
    let parsed = dateparse::parse(text, conversion)?;
    if parsed.needs_date() && conversion.today.is_none() {
        return Err(parsed.incomplete());
    }
    let local = parsed.with_default(conversion.today.unwrap_or_default())?;
    Ok(DateTime { local, offset: parsed.offset()? })
}

/// Reads a number as milliseconds since 1970, rounded to the microsecond.
fn from_milliseconds(value: &Value) -> Result<Value, FieldError> {
    let overflow = || FieldError::Overflow { expected: DATE, found: value.excerpt() };
    let invalid = || FieldError::InvalidValue { expected: DATE, found: value.excerpt() };
    let seconds = value.as_float().ok_or_else(overflow)? / 1000.0;
    if seconds.is_nan() {
        return Err(invalid());
    }
    if seconds.abs() >= 9.3e18 {
        return Err(overflow());
    }
    let delta = TimeDelta::from_seconds_float(seconds).ok_or_else(invalid)?;
    let micros = i64::try_from(delta.total_microseconds()).map_err(|_| invalid())?;
    let instant = ChronoDateTime::<Utc>::from_timestamp_micros(micros).ok_or_else(invalid)?;
    if (1..=9999).contains(&instant.year()) {
        Ok(Value::DateTime(DateTime::utc(instant.naive_utc())))
    } else {
        Err(invalid())
    }
}

pub(super) fn dump_date(value: &Value) -> Result<Value, FieldError> {
    match value {
        Value::None => Ok(Value::None),
        Value::DateTime(datetime) => {
            let is_utc = datetime.offset_seconds().unwrap_or(0) == 0;
            Ok(Value::from(if is_utc && datetime.local.year() >= 1900 {
                datetime.local.format("%Y-%m-%dT%H:%M:%SZ").to_string()
            } else {
                datetime.isoformat()
            }))
        }
        other => Err(FieldError::WrongType { expected: DATE, found: other.type_name() }),
    }
}

pub(super) fn load_datetime(value: Value, conversion: &Conversion) -> Result<Value, FieldError> {
    let value = match value {
        Value::Bytes(bytes) => Value::from(texts::decode(&bytes)?),
        other => other,
    };
    match value {
        Value::None | Value::TimeDelta(_) => Ok(value),
        Value::Str(text) if text.is_empty() => Ok(Value::None),
        Value::Str(text) => in_utc(read_datetime(&text, conversion)?),
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_) => from_seconds(&value),
        Value::DateTime(datetime) => in_utc(datetime),
        other => Err(FieldError::WrongType { expected: DATE_OR_DURATION, found: other.type_name() }),
    }
}

fn in_utc(datetime: DateTime) -> Result<Value, FieldError> {
    datetime
        .to_utc()
        .map(Value::DateTime)
        .ok_or_else(|| FieldError::Overflow { expected: "a date in UTC", found: datetime.isoformat() })
}

fn from_seconds(value: &Value) -> Result<Value, FieldError> {
    let overflow = || FieldError::Overflow { expected: "a duration", found: value.excerpt() };
    let delta = match value {
        Value::Float(seconds) if seconds.is_nan() => {
            return Err(FieldError::InvalidValue { expected: "a duration", found: value.excerpt() });
        }
        Value::Float(seconds) => TimeDelta::from_seconds_float(*seconds),
        other => other.as_int().and_then(|seconds| TimeDelta::from_seconds(i128::from(seconds))),
    };
    delta.map(Value::TimeDelta).ok_or_else(overflow)
}

pub(super) fn dump_datetime(value: &Value) -> Result<Value, FieldError> {
    match value {
        Value::None => Ok(Value::None),
        // The platform's C library prints a year without leading zeros.
        Value::DateTime(datetime) => Ok(Value::from(format!(
            "{}-{}",
            datetime.local.year(),
            datetime.local.format("%m-%dT%H:%M:%S%.6f")
        ))),
        Value::TimeDelta(delta) => Ok(Value::Float(delta.total_seconds())),
        other => Err(FieldError::WrongType { expected: DATE_OR_DURATION, found: other.type_name() }),
    }
}
