//! Numbers of learner state that JSON does not have: not-a-number and the infinities, which Python's JSON has.
//!
//! They are held as `{"__float__": "NaN"}`, as integers beyond 64 bits are held as `{"__int__": "digits"}`; whoever hands
//! state over from Python, or back, puts the numbers in their places.

use serde_json::{Value as Json, json};

/// Reads a number.
pub(super) fn read(value: &Json) -> Option<f64> {
    if let Some(number) = value.as_f64() {
        return Some(number);
    }
    let members = value.as_object().filter(|members| members.len() == 1)?;
    match members.get("__float__")?.as_str()? {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Writes a number.
pub(super) fn write(number: f64) -> Json {
    if number.is_finite() {
        return json!(number);
    }
    let name = if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    json!({ "__float__": name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back() {
        for number in [0.5, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(read(&write(number)), Some(number));
        }
        assert!(read(&write(f64::NAN)).is_some_and(f64::is_nan));
        assert_eq!((read(&json!("NaN")), read(&json!({ "__float__": "1" }))), (None, None));
    }
}
