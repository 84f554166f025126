//! The JSON text `json.dumps` writes: two blanks of indent, sorted keys, ASCII only.
use super::number::float_repr;
use crate::fields::error::FieldError;
use crate::fields::value::{Dict, Value};

const NOT_SORTABLE: &str = "a mapping whose keys can be sorted";

/// Writes a value as `json.dumps(value, indent=2, sort_keys=True, separators=(',', ': '))` does.
///
/// # Errors
/// [`FieldError::NotJson`] for values without a JSON form, [`FieldError::WrongType`] when keys cannot be compared.
pub(crate) fn dumps(value: &Value) -> Result<String, FieldError> {
    let mut text = String::new();
    write(value, 0, &mut text)?;
    Ok(text)
}

fn write(value: &Value, depth: usize, text: &mut String) -> Result<(), FieldError> {
    match value {
        Value::None => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Int(number) => text.push_str(&number.to_string()),
        Value::BigInt(number) => text.push_str(&number.to_string()),
        Value::Float(number) => text.push_str(&float_text(*number)),
        Value::Str(string) => write_string(string, text),
        Value::List(items) | Value::Tuple(items) => write_items(items.iter(), items.len(), depth, text)?,
        Value::Score(score) => {
            write_items([&score.raw_earned, &score.raw_possible].into_iter(), 2, depth, text)?
        }
        Value::Dict(dict) => write_dict(dict, depth, text)?,
        Value::Bytes(_) | Value::Set(_) | Value::Date(_) | Value::DateTime(_) | Value::TimeDelta(_) => {
            return Err(FieldError::NotJson { found: value.type_name() });
        }
    }
    Ok(())
}

fn write_items<'a>(
    items: impl Iterator<Item = &'a Value>,
    count: usize,
    depth: usize,
    text: &mut String,
) -> Result<(), FieldError> {
    if count == 0 {
        text.push_str("[]");
        return Ok(());
    }
    text.push('[');
    for (index, item) in items.enumerate() {
        start_line(index, depth + 1, text);
        write(item, depth + 1, text)?;
    }
    end_line(depth, text);
    text.push(']');
    Ok(())
}

fn write_dict(dict: &Dict, depth: usize, text: &mut String) -> Result<(), FieldError> {
    if dict.is_empty() {
        text.push_str("{}");
        return Ok(());
    }
    text.push('{');
    for (index, (key, value)) in sorted(dict)?.into_iter().enumerate() {
        start_line(index, depth + 1, text);
        write_string(&key_text(key)?, text);
        text.push_str(": ");
        write(value, depth + 1, text)?;
    }
    end_line(depth, text);
    text.push('}');
    Ok(())
}

/// Sorts by the native keys, which must all be texts or all numbers; a single key needs no order.
fn sorted(dict: &Dict) -> Result<Vec<(&Value, &Value)>, FieldError> {
    let mut entries: Vec<_> = dict.iter().collect();
    if entries.len() > 1 {
        let texts = entries.iter().all(|(key, _)| matches!(key, Value::Str(_)));
        let numbers = entries.iter().all(|(key, _)| key.is_number());
        if !texts && !numbers {
            return Err(FieldError::WrongType { expected: NOT_SORTABLE, found: "dict" });
        }
        entries.sort_by(|(left, _), (right, _)| left.order(right).unwrap_or(std::cmp::Ordering::Equal));
    }
    Ok(entries)
}

/// Returns the text JSON has for a key: texts as they are, numbers and the three words printed.
///
/// # Errors
/// [`FieldError::NotJson`] for any other key.
pub(crate) fn key_text(key: &Value) -> Result<String, FieldError> {
    Ok(match key {
        Value::Str(string) => string.to_string(),
        Value::None => "null".to_owned(),
        Value::Bool(true) => "true".to_owned(),
        Value::Bool(false) => "false".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::BigInt(number) => number.to_string(),
        Value::Float(number) => float_text(*number),
        _ => return Err(FieldError::NotJson { found: "a mapping key that is no text or number" }),
    })
}

fn float_text(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else {
        float_repr(number)
    }
}

fn start_line(index: usize, depth: usize, text: &mut String) {
    if index > 0 {
        text.push(',');
    }
    end_line(depth, text);
}

fn end_line(depth: usize, text: &mut String) {
    text.push('\n');
    for _ in 0..depth {
        text.push_str("  ");
    }
}

fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text.push('"');
}
