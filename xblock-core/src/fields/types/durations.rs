//! Timedelta, a duration as a sentence, and RelativeTime, a duration as a clock.
use super::super::error::FieldError;
use super::super::python::text::{decimal_digit, is_space};
use super::super::value::{TimeDelta, Value};

const TIMEDELTA: &str = "a duration such as `1 day 2 hours`";
const RELATIVE_TIME: &str = "a time such as `00:01:30`";
const SECONDS_PER_DAY: f64 = 86_400.0;

/// The units in the order they must come, with their seconds.
const UNITS: [(&str, i128); 4] = [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];

pub(super) fn load_timedelta(value: Value) -> Result<Value, FieldError> {
    match value {
        Value::None | Value::TimeDelta(_) => Ok(value),
        Value::Str(ref text) => match sentence_seconds(text) {
            Sentence::Other => Ok(Value::None),
            Sentence::Seconds(seconds) => duration(TimeDelta::from_seconds(seconds), TIMEDELTA, &value),
            Sentence::TooLong => duration(None, TIMEDELTA, &value),
        },
        other => Err(FieldError::WrongType { expected: TIMEDELTA, found: other.type_name() }),
    }
}

enum Sentence {
    Seconds(i128),
    TooLong,
    Other,
}

/// Reads up to four counted units, each optional, with at most one blank after each but the last.
///
/// No unit can begin where another may, so reading what fits finds the only possible reading.
fn sentence_seconds(text: &str) -> Sentence {
    let mut rest = text;
    let mut total = Some(0_i128);
    for (index, (unit, seconds)) in UNITS.into_iter().enumerate() {
        if let Some((count, after)) = counted(rest, unit) {
            total = total.and_then(|sum| sum.checked_add(count?.checked_mul(seconds)?));
            rest = after;
        }
        if index + 1 < UNITS.len() {
            rest = rest.strip_prefix(is_space).unwrap_or(rest);
        }
    }
    if !(rest.is_empty() || rest == "\n") {
        return Sentence::Other;
    }
    total.map_or(Sentence::TooLong, Sentence::Seconds)
}

/// Reads `<digits> <unit>` with an optional `s`, giving the count (nothing if too large) and the rest of the text.
fn counted<'a>(text: &'a str, unit: &str) -> Option<(Option<i128>, &'a str)> {
    let end = text.find(|character| decimal_digit(character).is_none()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return None;
    }
    let rest = rest.strip_prefix(' ')?.strip_prefix(unit)?;
    let count = digits
        .chars()
        .filter_map(decimal_digit)
        .try_fold(0_i128, |sum, digit| sum.checked_mul(10)?.checked_add(i128::from(digit)));
    Some((count, rest.strip_prefix('s').unwrap_or(rest)))
}

fn duration(delta: Option<TimeDelta>, expected: &'static str, value: &Value) -> Result<Value, FieldError> {
    delta.map(Value::TimeDelta).ok_or_else(|| FieldError::Overflow { expected, found: value.excerpt() })
}

/// Writes days and seconds; anything that is no duration has neither.
pub(super) fn dump_timedelta(value: &Value) -> Value {
    let delta = match value {
        Value::None => return Value::None,
        Value::TimeDelta(delta) => *delta,
        _ => return Value::from(""),
    };
    let mut parts = Vec::with_capacity(2);
    if delta.days() > 0 {
        parts.push(format!("{} days", delta.days()));
    }
    if delta.seconds() > 0 {
        parts.push(format!("{} seconds", delta.seconds()));
    }
    Value::from(parts.join(" "))
}

pub(super) fn load_relative_time(value: Value) -> Result<Value, FieldError> {
    if !value.is_truthy() {
        return Ok(Value::TimeDelta(TimeDelta::default()));
    }
    match value {
        Value::TimeDelta(_) => Ok(value),
        Value::Float(seconds) => from_float(seconds, &value),
        Value::Str(ref text) => match clock_seconds(text) {
            Some(seconds) => duration(TimeDelta::from_seconds(seconds), RELATIVE_TIME, &value),
            None => Err(FieldError::InvalidValue { expected: RELATIVE_TIME, found: value.excerpt() }),
        },
        other => Err(FieldError::WrongType { expected: RELATIVE_TIME, found: other.type_name() }),
    }
}

fn from_float(seconds: f64, value: &Value) -> Result<Value, FieldError> {
    if seconds.is_nan() {
        return Err(FieldError::InvalidValue { expected: RELATIVE_TIME, found: value.excerpt() });
    }
    duration(TimeDelta::from_seconds_float(seconds), RELATIVE_TIME, value)
}

/// Reads hours to 23, minutes to 59 and seconds to 61, one or two digits each.
fn clock_seconds(text: &str) -> Option<i128> {
    let mut parts = text.split(':');
    let hours = clock_part(parts.next()?, 23)?;
    let minutes = clock_part(parts.next()?, 59)?;
    let seconds = clock_part(parts.next()?, 61)?;
    parts.next().is_none().then_some(hours * 3600 + minutes * 60 + seconds)
}

/// Reads one or two digits up to a maximum. A first digit of two is ASCII, as the patterns of `strptime` spell it out.
fn clock_part(text: &str, maximum: i128) -> Option<i128> {
    let mut digits = text.chars();
    let first = digits.next()?;
    let value = match (digits.next(), digits.next()) {
        (None, _) => i128::from(decimal_digit(first)?),
        (Some(second), None) if first.is_ascii() => {
            // A maximum's own last digit is spelled out in the pattern as well.
            let tens = i128::from(decimal_digit(first)?);
            if tens == maximum / 10 && maximum % 10 != 9 && !second.is_ascii() {
                return None;
            }
            tens * 10 + i128::from(decimal_digit(second)?)
        }
        _ => return None,
    };
    (value <= maximum).then_some(value)
}

/// Caps a number of seconds; a not-a-number stays one, to be refused.
const fn at_most_a_day(seconds: f64) -> f64 {
    if seconds > SECONDS_PER_DAY { SECONDS_PER_DAY } else { seconds }
}

pub(super) fn dump_relative_time(value: &Value) -> Result<Value, FieldError> {
    if !value.is_truthy() {
        return Ok(Value::from("00:00:00"));
    }
    let delta = match value {
        Value::Float(seconds) => match from_float(at_most_a_day(*seconds), value)? {
            Value::TimeDelta(delta) => delta,
            _ => TimeDelta::default(),
        },
        Value::TimeDelta(delta) if delta.total_seconds() > SECONDS_PER_DAY => {
            return Err(FieldError::InvalidValue { expected: "a time within a day", found: value.excerpt() });
        }
        Value::TimeDelta(delta) => *delta,
        other => {
            return Err(FieldError::WrongType { expected: RELATIVE_TIME, found: other.type_name() });
        }
    };
    let text = delta.to_string();
    Ok(Value::from(if text.len() == 7 { format!("0{text}") } else { text }))
}
