//! Formula vectors: values, kinds of numbers, errors and LaTeX as Python's `calc` has them.

use blocks::formula::{Case, Complex64, FormulaError, Functions, Number, Variables, evaluate, latex};
use serde_json::Value as Json;

use super::Report;

/// Runs a file of formula vectors.
pub(super) fn run(file: &Json, report: &mut Report) {
    let Some(sections) = file["sections"].as_object() else {
        report.case("file", Err("the file has no sections".to_owned()));
        return;
    };
    for (section, cases) in sections {
        for case in cases.as_array().into_iter().flatten() {
            let text = case["expr"].as_str().unwrap_or_default();
            let outcome = if section == "preview" { preview(text, case) } else { value(text, case) };
            report.case(&format!("{section}: {text}"), outcome);
        }
    }
}

fn preview(text: &str, case: &Json) -> Result<(), String> {
    match (latex(text), case["latex"].as_str(), case["error"]["class"].as_str()) {
        (Ok(found), Some(expected), _) if found == expected => Ok(()),
        (Err(FormulaError::Syntax), None, Some("ParseException")) => Ok(()),
        (found, ..) => Err(format!("{found:?}, expected {case}")),
    }
}

fn value(text: &str, case: &Json) -> Result<(), String> {
    let mut variables = Variables::new();
    for (name, value) in case["variables"].as_object().into_iter().flatten() {
        variables.insert(name.clone(), variable(value).ok_or_else(|| format!("{name} is no number"))?);
    }
    let rule = if case["case_sensitive"] == true { Case::Sensitive } else { Case::Insensitive };
    let found = evaluate(&variables, &Functions::new(), text, rule);
    let is_same = match &found {
        Ok(number) => is_number(number, &case["value"]),
        Err(error) => is_error(error, &case["error"]),
    };
    if is_same { Ok(()) } else { Err(format!("{found:?}, expected {case}")) }
}

fn variable(json: &Json) -> Option<Number> {
    Some(match json {
        Json::Array(parts) => Number::Complex(Complex64::new(float(parts.first()?)?, float(parts.get(1)?)?)),
        json => json.as_i64().map(Number::Int).or_else(|| float(json).map(Number::Float))?,
    })
}

fn float(json: &Json) -> Option<f64> {
    match json {
        Json::String(text) => text.parse().ok(),
        Json::Null => Some(0.0),
        json => json.as_f64(),
    }
}

fn is_number(number: &Number, expected: &Json) -> bool {
    if expected["kind"] == "int" {
        let found = match number {
            Number::Int(found) | Number::NumpyInt(found) => found.to_string(),
            Number::BigInt(found) => found.to_string(),
            _ => return false,
        };
        return expected["int"].as_str() == Some(&found);
    }
    let is_whole = matches!(number, Number::Int(_) | Number::BigInt(_) | Number::NumpyInt(_));
    let near = |found: f64, expected: &Json| {
        let Some(expected) = float(expected) else { return false };
        found == expected
            || (found.is_nan() && expected.is_nan())
            || (found - expected).abs() <= 1e-12 * found.abs().max(expected.abs()).max(1e-3)
    };
    !is_whole
        && number.is_complex() == (expected["kind"] == "complex")
        && number
            .complex()
            .is_ok_and(|found| near(found.re, &expected["re"]) && near(found.im, &expected["im"]))
}

fn is_error(error: &FormulaError, expected: &Json) -> bool {
    let (class, message) = (expected["class"].as_str(), expected["message"].as_str());
    let found = match error {
        FormulaError::Undefined { message: found } => {
            return class == Some("UndefinedVariable") && message == Some(&*found.to_string());
        }
        FormulaError::Parentheses { message: found } => {
            return class == Some("UnmatchedParenthesis") && message == Some(&*found.to_string());
        }
        FormulaError::Syntax => "ParseException",
        FormulaError::Factorial | FormulaError::Domain(_) => "ValueError",
        FormulaError::ZeroDivision(_) => "ZeroDivisionError",
        FormulaError::Overflow(_) => "OverflowError",
        FormulaError::Kind(_) => "TypeError",
        _ => return false,
    };
    class == Some(found)
}
