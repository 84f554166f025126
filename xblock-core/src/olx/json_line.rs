//! JSON on one line, as Python's `json.dumps` writes it: a blank after commas and colons, ASCII only.

use std::fmt::Write as _;

use crate::fields::{Json, float_repr};

/// Writes a value as `json.dumps` does.
#[must_use]
pub fn json_line(value: &Json) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

/// Orders the keys of all objects in a value.
pub(crate) fn sorted_keys(value: &Json) -> Json {
    match value {
        Json::Array(items) => items.iter().map(sorted_keys).collect(),
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            Json::Object(
                members.into_iter().map(|(name, member)| (name.clone(), sorted_keys(member))).collect(),
            )
        }
        value => value.clone(),
    }
}

/// Writes a value as `json.dumps` does with sorted keys and an indent of four.
pub(crate) fn json_indented(value: &Json) -> String {
    let mut out = String::new();
    write_indented(&mut out, value, 0);
    out
}

fn write_indented(out: &mut String, value: &Json, depth: usize) {
    match value {
        Json::Array(items) if !items.is_empty() => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                start_line(out, at, depth + 1);
                write_indented(out, item, depth + 1);
            }
            end_line(out, depth);
            out.push(']');
        }
        Json::Object(members) if !members.is_empty() => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (at, (name, member)) in members.into_iter().enumerate() {
                start_line(out, at, depth + 1);
                write_string(out, name);
                out.push_str(": ");
                write_indented(out, member, depth + 1);
            }
            end_line(out, depth);
            out.push('}');
        }
        value => write(out, value),
    }
}

fn start_line(out: &mut String, at: usize, depth: usize) {
    if at > 0 {
        out.push(',');
    }
    end_line(out, depth);
}

fn end_line(out: &mut String, depth: usize) {
    out.push('\n');
    (0..depth).for_each(|_| out.push_str("    "));
}

fn write(out: &mut String, value: &Json) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => out.push_str(&float_repr(float)),
            _ => out.push_str(&number.to_string()),
        },
        Json::String(text) => write_string(out, text),
        Json::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                separate(out, at);
                write(out, item);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (at, (name, member)) in members.iter().enumerate() {
                separate(out, at);
                write_string(out, name);
                out.push_str(": ");
                write(out, member);
            }
            out.push('}');
        }
    }
}

fn separate(out: &mut String, at: usize) {
    if at > 0 {
        out.push_str(", ");
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").expect("writing to a string cannot fail");
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::json_line;

    #[test]
    fn values_are_written_as_python_writes_them() {
        let value = json!({"b": [1, 2.0, 1e16, null, true], "ä\n\u{7f}": "x\"\\\u{1F600}", "": {}});
        assert_eq!(
            json_line(&value),
            r#"{"b": [1, 2.0, 1e+16, null, true], "\u00e4\n\u007f": "x\"\\\ud83d\ude00", "": {}}"#
        );
    }
}
