//! Any text, read as a formula and as a chemical equation.

/// What is asked about formulas; the blocks answer, which this crate does not know.
pub struct FormulaEngine<'e> {
    /// Returns the value of a formula without variables, whatever the case of its letters.
    pub value: &'e dyn Fn(&str) -> Option<(f64, f64)>,
    /// Returns a formula in LaTeX.
    pub latex: &'e dyn Fn(&str) -> Option<String>,
    /// Returns a chemical equation as HTML.
    pub chemistry: &'e dyn Fn(&str) -> String,
    /// Tells whether two chemical equations are equal.
    pub equal: &'e dyn Fn(&str, &str) -> bool,
}

/// Reads a text as a formula and as a chemical equation: nothing panics, what has a value has it in parentheses, between
/// blanks and in capitals, too, and can be shown; no markup of the text gets into the page.
pub fn formula(data: &[u8], engine: &FormulaEngine<'_>) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let value = (engine.value)(text);
    let latex = (engine.latex)(text);
    if let Some(value) = value {
        assert!(latex.is_some(), "{text:?} has the value {value:?} and cannot be shown");
        is_same(value, (engine.value)(&format!(" {text}\n")), text);
        is_same(value, (engine.value)(&text.to_ascii_uppercase()), text);
        let is_blank = latex.as_deref() == Some("");
        // A number beside an infinite one is no number any more once it is multiplied again.
        if !is_blank && value.0.is_finite() && value.1.is_finite() && text.len() < 10_000 {
            let again = (engine.value)(&format!("({text})"));
            assert!(again.is_some() || is_deep(text), "{text:?} has no value in parentheses");
            if again.is_some() {
                is_same(value, again, text);
            }
        }
    }
    if let Some(latex) = &latex {
        assert_eq!(latex.matches('{').count(), latex.matches('}').count(), "{text:?} is shown as {latex}");
    }
    let shown = (engine.chemistry)(text);
    let markup = ["span", "sub", "sup", "/span", "/sub", "/sup"];
    for tag in shown.split('<').skip(1) {
        let name = tag.split([' ', '>']).next().unwrap_or_default();
        assert!(markup.contains(&name), "{text:?} is shown with markup: {shown}");
    }
    if (engine.equal)(text, text) {
        assert!(!shown.contains("inline-error"), "{text:?} equals itself and is shown as {shown}");
    }
}

fn is_same(value: (f64, f64), again: Option<(f64, f64)>, text: &str) {
    let again = again.unwrap_or_else(|| panic!("{text:?} has no value when it is written otherwise"));
    let near = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan());
    assert!(near(value.0, again.0) && near(value.1, again.1), "{text:?}: {value:?} and {again:?}");
}

/// Tells whether one pair of parentheses more may be too much.
fn is_deep(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'(').count() >= 150
}
