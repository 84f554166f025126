//! The engine against texts made to hurt, and its laws; recorded evaluations are run by the `vectors` command.

use super::*;

#[test]
fn formulas_are_shown_without_needless_parentheses() {
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
