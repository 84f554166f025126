//! Readings of texts that Python's constructors have, `int`, `float` and `complex`, and how Python prints answers.

use num_complex::Complex64;
use num_traits::ToPrimitive;
use xblock_core::fields::{FieldType, Json, Value};

/// Reads a text as `float()` does.
pub(super) fn float(text: &str) -> Option<f64> {
    FieldType::Float.from_json(&Json::from(text)).ok()?.as_float()
}

/// Reads a text as `int()` does.
pub(super) fn int(text: &str) -> Option<i64> {
    match FieldType::Integer.from_json(&Json::from(text)).ok()? {
        Value::Int(value) => Some(value),
        Value::BigInt(value) => value.to_i64(),
        _ => None,
    }
}

/// Prints an answer as `str()` does: a text as it is, anything else as Python writes it in a program.
pub(super) fn printed(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => repr(other),
    }
}

fn repr(value: &Json) -> String {
    match value {
        Json::Null => "None".into(),
        Json::Bool(true) => "True".into(),
        Json::Bool(false) => "False".into(),
        Json::Number(number) => number.to_string(),
        Json::String(text) => {
            let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
            let escaped =
                text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
            let escaped = if quote == '\'' { escaped.replace('\'', "\\'") } else { escaped };
            format!("{quote}{escaped}{quote}")
        }
        Json::Array(items) => format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Json::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{}: {}", repr(&Json::from(name.as_str())), repr(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// Reads a text as `complex()` does: `3`, `4j`, `3+4j`, in parentheses or not, without blanks inside.
pub(super) fn complex(text: &str) -> Option<Complex64> {
    let text = text.trim();
    let text = match text.strip_prefix('(') {
        Some(inside) => inside.strip_suffix(')')?.trim(),
        None => text,
    };
    if text.is_empty() || text.contains(char::is_whitespace) {
        return None;
    }
    let Some(imaginary) = text.strip_suffix(['j', 'J']) else {
        return float(text).map(|re| Complex64::new(re, 0.0));
    };
    // The sign that parts the halves is the last one that is not an exponent's.
    let bytes = imaginary.as_bytes();
    let split = (1..bytes.len()).rev().find(|at| {
        let is_exponent = matches!(bytes[at - 1], b'e' | b'E')
            && (*at < 2 || bytes[at - 2].is_ascii_digit() || bytes[at - 2] == b'.');
        matches!(bytes[*at], b'+' | b'-') && !is_exponent
    });
    let (re, im) = match split {
        Some(at) => (float(&imaginary[..at])?, &imaginary[at..]),
        None => (0.0, imaginary),
    };
    let im = match im {
        "" | "+" => 1.0,
        "-" => -1.0,
        number => float(number)?,
    };
    Some(Complex64::new(re, im))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_printed_as_python_prints_them() {
        assert_eq!(printed(&Json::from("it's")), "it's");
        assert_eq!(
            printed(&serde_json::json!(["it's", "a\"'\\", null, {"k": true}])),
            r#"["it's", 'a"\'\\', None, {'k': True}]"#
        );
    }

    #[test]
    fn complex_numbers_are_read_as_python_reads_them() {
        let read = |text| complex(text).map(|value| (value.re, value.im));
        assert_eq!(read(" 3+4j "), Some((3.0, 4.0)));
        assert_eq!(read("-1e-3-2.5e+2j"), Some((-1e-3, -250.0)));
        assert_eq!(read("(j)"), Some((0.0, 1.0)));
        assert_eq!(read("1_000"), Some((1000.0, 0.0)));
        assert_eq!(read("inf"), Some((f64::INFINITY, 0.0)));
        assert_eq!((read("3 + 4j"), read("2*3"), read("")), (None, None, None));
    }
}
