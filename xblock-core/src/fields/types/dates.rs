//! Date and DateTime.
use chrono::{DateTime as ChronoDateTime, Datelike, Utc};

use super::super::conversion::Conversion;
use super::super::dateparse;
use super::super::error::FieldError;
use super::super::value::{DateTime, TimeDelta, Value};
use super::texts;

const DATE: &str = "a date";
const DATE_OR_DURATION: &str = "a date or a duration";

pub(super) fn load_date(value: Value, conversion: &Conversion) -> Result<Value, FieldError> {
    match value {
        Value::None | Value::DateTime(_) => Ok(value),
        Value::Str(text) if text.is_empty() => Ok(Value::None),
        Value::Str(text) => {
            let parsed = dateparse::parse(&text)?;
            // A text that does not say both month and day is no date, but whatever it says must still be possible.
            if parsed.misses_month_or_day() {
                parsed.complete(conversion.today.or(chrono::NaiveDate::from_ymd_opt(2000, 1, 1)))?;
                return Ok(Value::None);
            }
            let mut datetime = parsed.complete(conversion.today)?;
            if !datetime.is_aware() {
                datetime = DateTime::utc(datetime.local);
            }
            Ok(Value::DateTime(datetime))
        }
        Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_) => from_milliseconds(&value),
        other => Err(FieldError::WrongType { expected: DATE, found: other.type_name() }),
    }
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
        Value::Str(text) => in_utc(dateparse::parse(&text)?.complete(conversion.today)?),
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
        Value::DateTime(datetime) => {
            Ok(Value::from(datetime.local.format("%Y-%m-%dT%H:%M:%S%.6f").to_string()))
        }
        Value::TimeDelta(delta) => Ok(Value::Float(delta.total_seconds())),
        other => Err(FieldError::WrongType { expected: DATE_OR_DURATION, found: other.type_name() }),
    }
}
