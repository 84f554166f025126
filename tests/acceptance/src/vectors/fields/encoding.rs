//! How the vectors write native values in JSON.
use chrono::{FixedOffset, NaiveDate, NaiveDateTime};
use serde_json::{Map, Value as Json, json};
use xblock_core::fields::{DateTime, Dict, Score, TimeDelta, Value, ValueSet};

/// The integers JSON itself holds; others are written as text.
const EXACT: i64 = 1 << 53;

/// Reads a native value.
pub(super) fn decode(json: &Json) -> Result<Value, String> {
    Ok(match json {
        Json::Array(items) => Value::List(decode_all(items)?),
        Json::Object(members) => match members.get("$type").and_then(Json::as_str) {
            Some(kind) => decode_typed(kind, members)?,
            None => Value::Dict(
                members
                    .iter()
                    .map(|(key, value)| Ok((Value::from(key.as_str()), decode(value)?)))
                    .collect::<Result<Dict, String>>()?,
            ),
        },
        scalar => Value::from(scalar),
    })
}

fn decode_all(items: &[Json]) -> Result<Vec<Value>, String> {
    items.iter().map(decode).collect()
}

fn decode_typed(kind: &str, members: &Map<String, Json>) -> Result<Value, String> {
    let known: &[&str] = match kind {
        "float" | "int" => &["repr"],
        "datetime" => &["iso", "aware"],
        "date" => &["iso"],
        "timedelta" => &["days", "seconds", "microseconds"],
        "bytes" => &["base64"],
        "set" | "tuple" | "dict" => &["items"],
        "Score" => &["raw_earned", "raw_possible"],
        other => return Err(format!("unknown type `{other}`")),
    };
    if let Some(member) =
        members.keys().find(|member| *member != "$type" && !known.contains(&member.as_str()))
    {
        return Err(format!("unknown member `{member}` of a {kind}"));
    }
    let get = |name: &str| members.get(name).ok_or_else(|| format!("a {kind} without `{name}`"));
    let text = |name: &str| get(name)?.as_str().ok_or_else(|| format!("`{name}` of a {kind} is no text"));
    let number =
        |name: &str| get(name)?.as_i64().ok_or_else(|| format!("`{name}` of a {kind} is no integer"));
    let items = || get("items")?.as_array().ok_or_else(|| format!("`items` of a {kind} is no array"));
    let wrong = |text: &str| format!("`{text}` is no {kind}");
    Ok(match kind {
        "float" => Value::Float(text("repr")?.parse().map_err(|_| wrong("repr"))?),
        "int" => xblock_core::fields::FieldType::Integer
            .load(Value::from(text("repr")?), &xblock_core::fields::Conversion::default())
            .map_err(|error| error.to_string())?,
        "datetime" => {
            let value = parse_datetime(text("iso")?).ok_or_else(|| wrong("iso"))?;
            if get("aware")?.as_bool() != Some(value.is_aware()) {
                return Err(wrong("aware"));
            }
            Value::DateTime(value)
        }
        "date" => Value::Date(text("iso")?.parse::<NaiveDate>().map_err(|error| error.to_string())?),
        "timedelta" => {
            let seconds = i128::from(number("days")?) * 86_400 + i128::from(number("seconds")?);
            let micros = seconds * 1_000_000 + i128::from(number("microseconds")?);
            Value::TimeDelta(TimeDelta::from_microseconds(micros).ok_or_else(|| wrong("days"))?)
        }
        "bytes" => Value::Bytes(decode_base64(text("base64")?).ok_or_else(|| wrong("base64"))?.into()),
        "set" => Value::Set(decode_all(items()?)?.into_iter().collect::<ValueSet>()),
        "tuple" => Value::Tuple(decode_all(items()?)?),
        "dict" => Value::Dict(
            items()?
                .iter()
                .map(|pair| Ok((decode(&pair[0])?, decode(&pair[1])?)))
                .collect::<Result<Dict, String>>()?,
        ),
        _ => Value::from(Score {
            raw_earned: decode(get("raw_earned")?)?,
            raw_possible: decode(get("raw_possible")?)?,
        }),
    })
}

fn parse_datetime(iso: &str) -> Option<DateTime> {
    // An offset stands after the time, which has no sign of its own.
    let time_at = iso.find('T')? + 1;
    let zone_at = iso[time_at..].find(['+', '-']).map_or(iso.len(), |at| time_at + at);
    let local: NaiveDateTime = iso[..zone_at].parse().ok()?;
    let zone = &iso[zone_at..];
    if zone.is_empty() {
        return Some(DateTime::naive(local));
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let seconds = zone[1..]
        .split(':')
        .zip([3600, 60, 1])
        .try_fold(0, |sum, (part, unit)| part.parse::<i32>().ok().map(|part| sum + part * unit))?;
    Some(DateTime { local, offset: Some(FixedOffset::east_opt(sign * seconds)?) })
}

/// Writes a native value.
pub(super) fn encode(value: &Value) -> Json {
    match value {
        Value::None => Json::Null,
        Value::Bool(value) => Json::from(*value),
        Value::Int(value) if (-EXACT..=EXACT).contains(value) => Json::from(*value),
        Value::Int(value) => json!({"$type": "int", "repr": value.to_string()}),
        Value::BigInt(value) => json!({"$type": "int", "repr": value.to_string()}),
        Value::Float(value) => json!({"$type": "float", "repr": float_text(*value)}),
        Value::Str(text) => Json::from(&**text),
        Value::Bytes(bytes) => json!({"$type": "bytes", "base64": encode_base64(bytes)}),
        Value::List(items) => items.iter().map(encode).collect(),
        Value::Tuple(items) => json!({"$type": "tuple", "items": items.iter().map(encode).collect::<Json>()}),
        Value::Set(items) => json!({"$type": "set", "items": items.iter().map(encode).collect::<Json>()}),
        Value::Dict(dict) if dict.keys().all(|key| matches!(key, Value::Str(_))) => dict
            .iter()
            .map(|(key, value)| (key.as_str().unwrap_or_default().to_owned(), encode(value)))
            .collect(),
        Value::Dict(dict) => {
            let items: Json = dict.iter().map(|(key, value)| json!([encode(key), encode(value)])).collect();
            json!({"$type": "dict", "items": items})
        }
        Value::Date(date) => json!({"$type": "date", "iso": date.to_string()}),
        Value::DateTime(value) => {
            json!({"$type": "datetime", "iso": value.isoformat(), "aware": value.is_aware()})
        }
        Value::TimeDelta(delta) => json!({
            "$type": "timedelta",
            "days": delta.days(),
            "seconds": delta.seconds(),
            "microseconds": delta.microseconds(),
        }),
        Value::Score(score) => json!({
            "$type": "Score",
            "raw_earned": encode(&score.raw_earned),
            "raw_possible": encode(&score.raw_possible),
        }),
    }
}

/// Writes the floats of plain JSON as the vectors do.
pub(super) fn with_floats(json: &Json) -> Json {
    match json {
        Json::Number(number) if number.is_f64() => encode(&Value::from(json)),
        Json::Array(items) => items.iter().map(with_floats).collect(),
        Json::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), with_floats(value))).collect()
        }
        other => other.clone(),
    }
}

fn float_text(value: f64) -> String {
    // The text writer of a field prints floats as `repr` does, but for those JSON has no number for.
    if value.is_nan() {
        "nan".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "inf".to_owned() } else { "-inf".to_owned() }
    } else {
        xblock_core::fields::FieldType::Float.to_text(&Value::Float(value)).ok().flatten().unwrap_or_default()
    }
}

/// Tells whether two encoded values are the same; the order of members and of the elements of sets does not matter.
pub(super) fn same(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Object(left), Json::Object(right)) => {
            let is_set = left.get("$type") == Some(&Json::from("set"));
            left.len() == right.len()
                && left.iter().all(|(name, value)| {
                    right.get(name).is_some_and(|other| {
                        if is_set && name == "items" {
                            same_elements(value, other)
                        } else {
                            same(value, other)
                        }
                    })
                })
        }
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        _ => left == right,
    }
}

fn same_elements(left: &Json, right: &Json) -> bool {
    let (Some(left), Some(right)) = (left.as_array(), right.as_array()) else { return false };
    left.len() == right.len() && left.iter().all(|item| right.iter().any(|other| same(item, other)))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encode_base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits =
            (0..3).fold(0_usize, |bits, index| (bits << 8) | usize::from(*group.get(index).unwrap_or(&0)));
        for index in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * index)) & 63];
            text.push(if index <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut filled) = (0_usize, 0);
    for digit in text.trim_end_matches('=').bytes() {
        bits = (bits << 6) | ALPHABET.iter().position(|&letter| letter == digit)?;
        filled += 6;
        if filled >= 8 {
            filled -= 8;
            bytes.push(u8::try_from((bits >> filled) & 255).ok()?);
        }
    }
    Some(bytes)
}
