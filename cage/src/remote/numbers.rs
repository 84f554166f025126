//! Integers of any length in JSON, which the values of this house write `{"__int__": "..."}`.

use serde_json::Value as Json;

/// Writes JSON with long integers as numbers.
pub(super) fn write(value: &Json) -> String {
    let mut out = String::new();
    write_to(value, &mut out);
    out
}

fn write_to(value: &Json, out: &mut String) {
    match value {
        Json::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_to(item, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            if let (1, Some(Json::String(digits))) = (members.len(), members.get("__int__"))
                && is_integer(digits)
            {
                return out.push_str(digits);
            }
            out.push('{');
            for (place, (name, member)) in members.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                out.push_str(&Json::from(name.as_str()).to_string());
                out.push(':');
                write_to(member, out);
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads JSON with integers beyond 64 bits in it.
pub(super) fn read(text: &str) -> Option<Json> {
    serde_json::from_str(&shielded(text)).ok()
}

/// Writes long integers as members, outside of texts.
fn shielded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|sign: char| sign == '"' || sign == '-' || sign.is_ascii_digit()) {
        let (before, token) = rest.split_at(start);
        out.push_str(before);
        let end = if token.starts_with('"') { text_end(token) } else { number_end(token) };
        let (token, after) = token.split_at(end);
        if token.len() > 18 && is_integer(token) && token.parse::<i64>().is_err() {
            out.push_str("{\"__int__\":\"");
            out.push_str(token);
            out.push_str("\"}");
        } else {
            out.push_str(token);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn text_end(token: &str) -> usize {
    let mut bytes = token.bytes().enumerate().skip(1);
    while let Some((place, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return place + 1,
            _ => {}
        }
    }
    token.len()
}

fn number_end(token: &str) -> usize {
    token.find(|sign: char| !(sign.is_ascii_digit() || "+-.eE".contains(sign))).unwrap_or(token.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn long_integers_come_and_go_as_numbers() {
        let value = json!({"a": {"__int__": "-100000000000000000000"}, "b": ["1", 2.5, null, {"__int__": "x"}], "c": "\"1e5 99999999999999999999"});
        let text = write(&value);
        assert!(text.contains(r#""a":-100000000000000000000,"#), "{text}");
        assert_eq!(read(&text), Some(value));
        assert_eq!(read("[18446744073709551615]"), Some(json!([{"__int__": "18446744073709551615"}])));
        assert_eq!(read("[9223372036854775807, -9223372036854775808]"), Some(json!([i64::MAX, i64::MIN])));
        assert_eq!(
            read("{\"é\\\\\": \"\\\"12345678901234567890\", \"b\": 1.5e300}"),
            Some(json!({"é\\": "\"12345678901234567890", "b": 1.5e300}))
        );
        for broken in ["", "[", "\"", "\"\\", "[1", "nan", "[12345678901234567890"] {
            assert_eq!(read(broken), None, "{broken}");
        }
    }
}
