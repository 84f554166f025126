//! The engine against texts made to hurt, and its laws; recorded evaluations are run by the `vectors` command.

use proptest::prelude::*;

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
        "2^1000000*2^1000000",
        &"(".repeat(100_000),
        &format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        &"2^1000000+".repeat(4000),
        &format!("{}0", "fact(50000)-".repeat(3800)),
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

/// Writes random formulas, fully in parentheses, with the value that Rust's own arithmetic gives them.
fn sums(depth: u32) -> BoxedStrategy<(String, f64)> {
    let number = (-1000_i32..1000, 0_u32..4).prop_map(|(digits, places)| {
        let value = f64::from(digits) / 10_f64.powi(i32::try_from(places).expect("a few places"));
        (format!("{value:?}"), value)
    });
    number
        .prop_recursive(depth, 64, 2, |inside| {
            (inside.clone(), 0_usize..3, inside).prop_map(|((one, a), operator, (other, b))| {
                let value = [a + b, a - b, a * b][operator];
                (format!("({one}){}({other})", ["+", "-", "*"][operator]), value)
            })
        })
        .boxed()
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>(), signs in "[-+*/^|(). 0-9eExi_{}'%]{0,40}") {
        for text in [text, signs] {
            let value = value_of(&text);
            prop_assert!(value.is_err() || latex(&text).is_ok());
        }
    }

    #[test]
    fn what_is_written_in_parentheses_has_the_value_of_its_parts((text, value) in sums(5)) {
        let found = value_of(&text).expect("it is a formula").float().expect("it is real");
        prop_assert!(found == value || (found - value).abs() < 1e-9 * value.abs(), "{}: {} {}", text, found, value);
    }

    #[test]
    fn names_in_capitals_are_the_same_unless_case_counts(x in -9.0_f64..9.0, y in 0.1_f64..9.0) {
        let variables = Variables::from([("x".to_owned(), x.into()), ("y".to_owned(), y.into())]);
        let value = |text: &str, case| evaluate(&variables, &Functions::new(), text, case);
        let small = value("sin(x)^2*ln(y)+e^x", Case::Insensitive);
        prop_assert!(small.is_ok());
        prop_assert_eq!(&value("SIN(X)^2*LN(Y)+E^X", Case::Insensitive), &small);
        prop_assert_eq!(&value("sin(x)^2*ln(y)+e^x", Case::Sensitive), &small);
        prop_assert!(value("sin(X)", Case::Sensitive).is_err());
    }

    #[test]
    fn functions_undo_each_other(x in -0.99_f64..0.99, y in -3.0_f64..3.0) {
        let variables = Variables::from([("z".to_owned(), Complex64::new(x, y).into())]);
        let value = |text: &str| {
            let value = evaluate(&variables, &Functions::new(), text, Case::Sensitive).expect("it has a value");
            value.complex().expect("it is no large integer")
        };
        for text in [
            "sin(arcsin(z))", "cos(arccos(z))", "tan(arctan(z))", "sinh(arcsinh(z))", "cosh(arccosh(z))",
            "tanh(arctanh(z))", "exp(ln(z))", "sqrt(z)^2", "2^log2(z)", "10^log10(z)", "sec(arcsec(z))",
            "csc(arccsc(z))", "cot(arccot(z))", "sech(arcsech(z))", "csch(arccsch(z))", "coth(arccoth(z))",
        ] {
            let found = value(text);
            let distance = (found - Complex64::new(x, y)).norm();
            prop_assert!(distance < 1e-9 * (1.0 + y.abs()), "{}: {} for {}", text, found, value("z"));
        }
    }
}
