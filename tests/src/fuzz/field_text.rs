//! Any text, read as a value of a field of every type.

use chrono::NaiveDate;
use xblock_core::fields::{Conversion, DateTime, FieldType, Json, Value};
use xblock_core::olx::json_line;

/// Reads the text behind the first byte as a value of the field type which that byte names: nothing panics, and a value
/// that its type can write reads back, as text and as JSON.
pub fn field_text(data: &[u8]) {
    let Some((&kind, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let kind = FieldType::ALL[usize::from(kind) % FieldType::ALL.len()];
    let today = Conversion::on(NaiveDate::from_ymd_opt(2031, 2, 28).expect("a day"));
    for conversion in [Conversion::default(), today] {
        if let Ok(value) = kind.parse_text(text, &conversion) {
            check(kind, &value);
        }
        if let Ok(value) = kind.load(Value::from(text), &conversion) {
            check(kind, &value);
        }
    }
    if let Ok(json) = serde_json::from_str::<Json>(text)
        && let Ok(value) = kind.from_json(&json)
    {
        check(kind, &value);
    }
}

fn check(kind: FieldType, value: &Value) {
    let text = kind.to_text(value);
    let json = kind.to_json(value);
    let is_equal = |again: &Value| again == value || format!("{again:?}") == format!("{value:?}");
    if survives_text(kind, value) {
        let text = text.as_ref().expect("the value has a text");
        if let Some(text) = text {
            let again = kind.from_text(text).expect("what is written is read");
            assert!(is_equal(&again), "{kind:?} {value:?} {text:?} {again:?}");
        }
    }
    if survives_json(kind, value) {
        let json = json.as_ref().expect("the value has a stored form");
        let again = kind.from_json(json).expect("what is stored is read");
        assert!(is_equal(&again), "{kind:?} {value:?} {json} {again:?}");
    }
    // Whatever was written is read without harm.
    if let Ok(Some(text)) = text {
        let _ = kind.from_text(&text);
    }
    if let Ok(json) = json {
        let _ = kind.from_json(&json);
    }
}

/// Tells whether a type writes all of a value into its text, as the classes of XBlock do or do not.
fn survives_text(kind: FieldType, value: &Value) -> bool {
    match (kind, value) {
        // Nothing is written as a zero.
        (FieldType::RelativeTime, Value::None) => false,
        // Text that is no text stays what it is, and reads back as text.
        (FieldType::String | FieldType::XmlString, value) => matches!(value, Value::Str(_)),
        (FieldType::Randomization, value) => {
            value.as_str().is_some_and(|text| !matches!(text, "" | "true" | "false"))
        }
        // A null key is written as the word.
        (_, Value::Dict(dict)) if dict.keys().any(|key| key.as_str() == Some("null")) => false,
        (FieldType::Integer, Value::Int(_) | Value::BigInt(_) | Value::None)
        | (FieldType::Float, Value::Float(_) | Value::None)
        | (FieldType::Boolean, Value::Bool(_)) => true,
        (FieldType::DateTime, Value::None) | (FieldType::Timedelta, Value::TimeDelta(_)) => {
            survives_json(kind, value)
        }
        (FieldType::Date | FieldType::RelativeTime, _) => survives_json(kind, value),
        (
            FieldType::Any
            | FieldType::Field
            | FieldType::JsonField
            | FieldType::Reference
            | FieldType::Dict
            | FieldType::List
            | FieldType::ReferenceList
            | FieldType::ReferenceValueDict,
            value,
        ) => is_plain_yaml(value),
        _ => false,
    }
}

/// Tells whether JSON holds all of a value of this type.
fn survives_json(kind: FieldType, value: &Value) -> bool {
    match (kind, value) {
        // What JSON has is stored; other values wait for an error or are stored as the nearest of them.
        (FieldType::Integer, value) => matches!(value, Value::Int(_) | Value::BigInt(_) | Value::None),
        (FieldType::Float, value) => matches!(value, Value::Float(_) | Value::None),
        (FieldType::Boolean, value) => matches!(value, Value::Bool(_)),
        (FieldType::String | FieldType::XmlString, value) => matches!(value, Value::Str(_) | Value::None),
        (FieldType::Date, Value::DateTime(date)) => is_whole(date) && date.is_aware(),
        (FieldType::DateTime, Value::DateTime(date)) => {
            date.offset.is_some_and(|offset| offset.local_minus_utc() == 0) && is_late(date)
        }
        (FieldType::Timedelta, Value::TimeDelta(delta)) => {
            let micros = delta.total_microseconds();
            micros >= 0 && micros % 1_000_000 == 0
        }
        (FieldType::RelativeTime, Value::TimeDelta(delta)) => {
            let micros = delta.total_microseconds();
            (0..86_400_000_000).contains(&micros) && micros % 1_000_000 == 0
        }
        (FieldType::Date | FieldType::DateTime | FieldType::Timedelta, Value::None) => true,
        (
            FieldType::Any
            | FieldType::Field
            | FieldType::JsonField
            | FieldType::Reference
            | FieldType::Dict
            | FieldType::List
            | FieldType::ReferenceList
            | FieldType::ReferenceValueDict,
            value,
        ) => is_json(value),
        _ => false,
    }
}

/// Years of fewer digits are written with fewer, which the reader takes for other things.
fn is_late(date: &DateTime) -> bool {
    use chrono::Datelike as _;
    date.local.year() >= 1000
}

fn is_whole(date: &DateTime) -> bool {
    use chrono::Timelike as _;
    // Offsets of seconds are written, and not read.
    let has_whole_offset = date.offset.is_none_or(|offset| offset.local_minus_utc() % 60 == 0);
    is_late(date) && date.local.nanosecond() == 0 && has_whole_offset
}

fn is_json(value: &Value) -> bool {
    match value {
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Str(_) => true,
        Value::Float(number) => number.is_finite(),
        Value::List(items) => items.iter().all(is_json),
        Value::Dict(dict) => dict.iter().all(|(key, value)| matches!(key, Value::Str(_)) && is_json(value)),
        _ => false,
    }
}

/// Tells whether YAML 1.1 reads a value as it is written: a float with an exponent and no point is a text there, and a key
/// of more than 1024 characters is none.
fn is_plain_yaml(value: &Value) -> bool {
    match value {
        Value::Float(number) => number.is_finite() && (1e-4..1e16).contains(&number.abs()),
        Value::List(items) => items.iter().all(is_plain_yaml),
        Value::Dict(dict) => {
            let is_key =
                |key: &Value| key.as_str().is_some_and(|key| json_line(&Json::from(key)).len() <= 1000);
            dict.iter().all(|(key, value)| is_key(key) && is_plain_yaml(value))
        }
        other => is_json(other),
    }
}
