//! The engine against recorded evaluations, and against texts made to hurt.

use num_complex::Complex64;
use serde_json::Value as Json;

use super::*;

fn vectors() -> Json {
    serde_json::from_str(include_str!("../../../tests/vectors/calc.json")).expect("the vectors are JSON")
}

fn number(json: &Json) -> Number {
    match json {
        Json::Number(number) if number.is_i64() => Number::Int(number.as_i64().expect("an integer")),
        Json::Array(parts) => Number::Complex(Complex64::new(float(&parts[0]), float(&parts[1]))),
        other => Number::Float(float(other)),
    }
}

fn float(json: &Json) -> f64 {
    match json {
        Json::String(text) => text.parse().expect("nan and inf are floats"),
        Json::Null => 0.0,
        other => other.as_f64().expect("a number"),
    }
}

fn close(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1e-3)
}

fn agrees(found: &Result<Number, FormulaError>, case: &Json) -> bool {
    match (found, case.get("error")) {
        (Err(error), Some(expected)) => {
            let class = expected["class"].as_str().unwrap_or_default();
            let message = expected["message"].as_str();
            match error {
                FormulaError::Undefined { message: text } => {
                    class == "UndefinedVariable" && message == Some(text)
                }
                FormulaError::Parentheses { message: text } => {
                    class == "UnmatchedParenthesis" && message == Some(text)
                }
                FormulaError::Syntax => class == "ParseException",
                FormulaError::Factorial | FormulaError::Domain(_) => class == "ValueError",
                FormulaError::ZeroDivision(_) => class == "ZeroDivisionError",
                FormulaError::Overflow(_) => class == "OverflowError",
                FormulaError::Kind(_) => class == "TypeError",
                FormulaError::TooMuch { .. } | FormulaError::Function { .. } => false,
            }
        }
        (Ok(number), None) => {
            let value = &case["value"];
            match value["kind"].as_str() {
                Some("int") => match number {
                    Number::Int(found) | Number::NumpyInt(found) => value["int"] == *format!("{found}"),
                    Number::BigInt(found) => value["int"] == *format!("{found}"),
                    _ => false,
                },
                kind => {
                    (kind == Some("complex")) == number.is_complex()
                        && !matches!(number, Number::Int(_) | Number::BigInt(_) | Number::NumpyInt(_))
                        && number.complex().is_ok_and(|found| {
                            close(found.re, float(&value["re"])) && close(found.im, float(&value["im"]))
                        })
                }
            }
        }
        _ => false,
    }
}

#[test]
fn values_and_errors_are_those_of_the_python_evaluator() {
    let (mut run, mut failures) = (0, Vec::new());
    for (section, cases) in vectors()["sections"].as_object().expect("there are sections") {
        for case in cases.as_array().expect("there are cases").iter().filter(|_| section != "preview") {
            let given = case["variables"].as_object().cloned().unwrap_or_default();
            let variables = given.iter().map(|(name, value)| (name.clone(), number(value))).collect();
            let case_rule = if case["case_sensitive"] == true { Case::Sensitive } else { Case::Insensitive };
            let text = case["expr"].as_str().expect("a text");
            run += 1;
            let found = evaluate(&variables, &Functions::new(), text, case_rule);
            if !agrees(&found, case) {
                failures.push(format!("{section}: {text}: {found:?}, expected {case}"));
            }
        }
    }
    assert!(run > 600, "only {run} cases");
    assert!(failures.is_empty(), "{} of {run}:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn formulas_are_shown_as_recorded() {
    let vectors = vectors();
    let cases = vectors["sections"]["preview"].as_array().expect("there are previews");
    for case in cases {
        let text = case["expr"].as_str().expect("a text");
        assert_eq!(latex(text).ok().as_deref(), case["latex"].as_str(), "{text}");
    }
    for (text, shown) in [
        ("2*- 3", r"2\cdot -3"),
        ("x_", r"x\_"),
        ("Varepsilon+Hbar", r"\Varepsilon+Hbar"),
        ("((x))^((y))", "((x))^{(y)}"),
        ("(x)*(y)/(z)*(w)", r"\frac{(x)\cdot (y)}{z}\cdot (w)"),
    ] {
        assert_eq!(latex(text).as_deref(), Ok(shown));
    }
}

#[test]
fn a_formula_cannot_fill_memory_stack_or_time() {
    let value = |text: &str| evaluate(&Variables::new(), &Functions::new(), text, Case::Insensitive);
    for text in [
        "9^9^9^9",
        "fact(10^9)",
        "2^4000000*2^4000000",
        &"(".repeat(100_000),
        &format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        &"2^1000000+".repeat(4000),
        &format!("{}0", "fact(100000)-".repeat(3800)),
        &"1+".repeat(500_000),
        &"9".repeat(1_000_000),
        &"9".repeat(40_000),
        &format!("{}0", (0..8000).map(|name| format!("x{name}+")).collect::<String>()),
    ] {
        assert!(value(text).is_err(), "{}", &text[..10]);
        assert!(latex(text).is_ok_and(|latex| !latex.is_empty()) || latex(text).is_err());
    }
    assert_eq!(value(&format!("{}1{}", "(".repeat(200), ")".repeat(200))), Ok(Number::Int(1)));
    assert!(matches!(value(&"-sin(".repeat(201)), Err(FormulaError::Parentheses { .. })));
    let deep = format!("{}1{}", "sin(".repeat(201), ")".repeat(201));
    assert!(matches!(value(&deep), Err(FormulaError::TooMuch { .. })));
}

#[test]
fn functions_of_the_caller_go_before_those_there_are() {
    let mut functions = Functions::new();
    functions.insert("Sin".to_owned(), Box::new(|x| Ok(Number::Float(x.float()? + 1.0))));
    functions.insert(
        "bad".to_owned(),
        Box::new(|_| Err(FormulaError::Function { message: "no such number".to_owned() })),
    );
    let value = |text: &str, case| evaluate(&Variables::new(), &functions, text, case);
    assert_eq!(value("sin(1)", Case::Insensitive), Ok(Number::Float(2.0)));
    assert_eq!(value("Sin(1)", Case::Sensitive), Ok(Number::Float(2.0)));
    assert_eq!(value("sin(0)", Case::Sensitive), Ok(Number::NumpyFloat(0.0)));
    assert_eq!(value("bad(1)", Case::Sensitive).expect_err("it fails").to_string(), "no such number");
    let error = value("SIN(1)", Case::Sensitive).expect_err("it is none");
    assert!(error.to_string().ends_with("(did you mean Sin, sin?)"), "{error}");
}
