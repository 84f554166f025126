//! From a formula to its value.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use num_bigint::BigInt;

use super::FormulaError;
use super::functions::{CONSTANTS, FUNCTIONS, Function, constant};
use super::number::Number;
use super::parse::{Expr, Factor, Sign, parse};

/// The values of variables beside the constants.
pub(crate) type Variables = IndexMap<String, Number>;

/// Whether names are told apart by case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// `X` and `x` are two names.
    Sensitive,
    /// `X` and `x` are one name; of two definitions the later counts.
    Insensitive,
}

/// Returns the value of a formula; a blank one is not a number.
///
/// # Errors
/// [`FormulaError`].
pub(crate) fn evaluate(text: &str, variables: &Variables, case: Case) -> Result<Number, FormulaError> {
    if text.trim().is_empty() {
        return Ok(Number::Float(f64::NAN));
    }
    check_parentheses(text)?;
    let expr = parse(text)?;
    let names = Names::new(variables, case);
    names.check(&expr)?;
    names.value(&expr)
}

/// Checks that every parenthesis that opens closes.
fn check_parentheses(text: &str) -> Result<(), FormulaError> {
    let mut open = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '(' => open += 1,
            ')' if open == 0 => {
                let message = format!(
                    "Invalid Input: A closing parenthesis was found after segment {}, but there is no matching opening \
                     parenthesis before it.",
                    &text[..at]
                );
                return Err(FormulaError::Parentheses { message });
            }
            ')' => open -= 1,
            _ => {}
        }
    }
    if open == 0 {
        return Ok(());
    }
    let message =
        format!("Invalid Input: Parentheses are unmatched. {open} parentheses were opened but never closed.");
    Err(FormulaError::Parentheses { message })
}

/// What names mean in one evaluation.
struct Names {
    case: Case,
    variables: IndexMap<String, Number>,
}

impl Names {
    fn new(given: &Variables, case: Case) -> Self {
        let constants = CONSTANTS.iter().filter_map(|name| Some(((*name).to_owned(), constant(name)?)));
        let mut names = Self { case, variables: constants.collect() };
        for (name, value) in given {
            names.variables.insert(names.key(name), value.clone());
        }
        names
    }

    fn key(&self, name: &str) -> String {
        match self.case {
            Case::Sensitive => name.to_owned(),
            Case::Insensitive => name.to_lowercase(),
        }
    }

    fn variable(&self, name: &str) -> Option<&Number> {
        self.variables.get(&self.key(name))
    }

    fn function(&self, name: &str) -> Option<Function> {
        let name = self.key(name);
        FUNCTIONS.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    }

    /// Reports every name that is not defined, variables first.
    fn check(&self, expr: &Expr) -> Result<(), FormulaError> {
        let (mut variables, mut functions) = (BTreeSet::new(), BTreeSet::new());
        collect(expr, &mut variables, &mut functions);
        variables.retain(|name| self.variable(name).is_none());
        functions.retain(|name| self.function(name).is_none());
        if !variables.is_empty() {
            let close = self.differing_by_case(&variables, self.variables.keys().map(String::as_str));
            return Err(undefined(&variables, "variable", &close));
        }
        if !functions.is_empty() {
            let mut hint = self.differing_by_case(&functions, FUNCTIONS.iter().map(|(name, _)| *name));
            if functions.iter().any(|name| self.variable(name).is_some()) {
                hint.insert_str(0, " (did you forget to use * for multiplication?)");
            }
            return Err(undefined(&functions, "function", &hint));
        }
        Ok(())
    }

    /// Suggests names that differ from the undefined ones only by case.
    fn differing_by_case<'n>(
        &self,
        undefined: &BTreeSet<String>,
        known: impl Iterator<Item = &'n str>,
    ) -> String {
        if self.case == Case::Insensitive {
            return String::new();
        }
        let lower: BTreeSet<String> = undefined.iter().map(|name| name.to_lowercase()).collect();
        let close: BTreeSet<&str> = known.filter(|name| lower.contains(&name.to_lowercase())).collect();
        if close.is_empty() {
            return String::new();
        }
        format!(" (did you mean {}?)", close.into_iter().collect::<Vec<_>>().join(", "))
    }

    fn value(&self, expr: &Expr) -> Result<Number, FormulaError> {
        match expr {
            Expr::Number(number) => Ok(number.clone()),
            Expr::Variable(name) => self.variable(name).cloned().ok_or(FormulaError::Syntax),
            Expr::Call(name, argument) => {
                let argument = self.value(argument)?;
                self.function(name).ok_or(FormulaError::Syntax)?(&argument)
            }
            Expr::Sum(terms) => {
                let mut total = Number::Int(BigInt::ZERO);
                for (at, (sign, term)) in terms.iter().enumerate() {
                    let term = self.value(term)?;
                    total = match (at, sign) {
                        (0, Sign::Plus) => term,
                        (0, Sign::Minus) => term.negated(),
                        (_, Sign::Plus) => total.plus(&term)?,
                        (_, Sign::Minus) => total.minus(&term)?,
                    };
                }
                Ok(total)
            }
            Expr::Product(factors) => {
                let mut product = Number::Int(1.into());
                for (operator, factor) in factors {
                    let factor = self.value(factor)?;
                    product = match operator {
                        Factor::Times => product.times(&factor)?,
                        Factor::Over => product.over(&factor)?,
                    };
                }
                Ok(product)
            }
            Expr::Parallel(items) => self.parallel(items),
            Expr::Power(items) => {
                let mut values = items.iter().rev().map(|item| self.value(item));
                let mut result = values.next().ok_or(FormulaError::Syntax)??;
                for base in values {
                    result = base?.power(&result)?;
                }
                Ok(result)
            }
        }
    }

    /// Returns the resistance of resistors side by side; not a number where one of them is zero.
    fn parallel(&self, items: &[Expr]) -> Result<Number, FormulaError> {
        let values = items.iter().map(|item| self.value(item)).collect::<Result<Vec<_>, _>>()?;
        if values.iter().any(Number::is_zero) {
            return Ok(Number::Float(f64::NAN));
        }
        let one = Number::Float(1.0);
        let mut total = Number::Int(BigInt::ZERO);
        for value in &values {
            total = total.plus(&one.over(value)?)?;
        }
        one.over(&total)
    }
}

fn undefined(names: &BTreeSet<String>, what: &str, hint: &str) -> FormulaError {
    let names = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    FormulaError::Undefined {
        message: format!("Invalid Input: {names} not permitted in answer as a {what}{hint}"),
    }
}

fn collect(expr: &Expr, variables: &mut BTreeSet<String>, functions: &mut BTreeSet<String>) {
    match expr {
        Expr::Number(_) => {}
        Expr::Variable(name) => {
            variables.insert(name.clone());
        }
        Expr::Call(name, argument) => {
            functions.insert(name.clone());
            collect(argument, variables, functions);
        }
        Expr::Sum(terms) => terms.iter().for_each(|(_, term)| collect(term, variables, functions)),
        Expr::Product(factors) => {
            factors.iter().for_each(|(_, factor)| collect(factor, variables, functions))
        }
        Expr::Parallel(items) | Expr::Power(items) => {
            items.iter().for_each(|item| collect(item, variables, functions));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    fn number(json: &Json) -> Option<Number> {
        match json {
            Json::Number(number) if number.is_i64() => number.as_i64().map(|value| Number::Int(value.into())),
            Json::Number(number) => number.as_f64().map(Number::Float),
            _ => None,
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
                        class.starts_with("Undefined") && message == Some(text)
                    }
                    FormulaError::Parentheses { message: text } => {
                        class == "UnmatchedParenthesis" && message == Some(text)
                    }
                    FormulaError::Syntax => class == "ParseException",
                    FormulaError::Factorial | FormulaError::Domain(_) => class == "ValueError",
                    FormulaError::Arithmetic(_) => {
                        ["ZeroDivisionError", "OverflowError", "TypeError"].contains(&class)
                    }
                }
            }
            (Ok(number), None) => {
                let value = &case["value"];
                if value["kind"] == "int"
                    && let Number::Int(found) = number
                {
                    return value["int"] == found.to_string();
                }
                number.complex().is_ok_and(|found| {
                    close(found.re, float(&value["re"])) && close(found.im, float(&value["im"]))
                })
            }
            _ => false,
        }
    }

    /// Every recorded evaluation but those of vectors.
    #[test]
    fn values_are_those_of_the_python_evaluator() {
        let vectors: Json = serde_json::from_str(include_str!("../../../../tests/vectors/calc.json"))
            .expect("the vectors are JSON");
        let (mut run, mut failures) = (0, Vec::new());
        for (section, cases) in vectors["sections"].as_object().expect("there are sections") {
            for case in cases.as_array().expect("there are cases").iter().filter(|_| section != "preview") {
                let given = case["variables"].as_object();
                let variables = given
                    .map(|given| {
                        given
                            .iter()
                            .filter_map(|(name, value)| Some((name.clone(), number(value)?)))
                            .collect()
                    })
                    .unwrap_or_default();
                let sensitive = case["case_sensitive"] == true;
                let case_rule = if sensitive { Case::Sensitive } else { Case::Insensitive };
                let text = case["expr"].as_str().expect("a text");
                // Variables that are lists are a matter of symbolic problems.
                if text.contains('w') && given.is_some_and(|given| given.contains_key("w")) {
                    continue;
                }
                run += 1;
                let found = evaluate(text, &variables, case_rule);
                if !agrees(&found, case) {
                    failures.push(format!("{section}: {text}: {found:?}, expected {case}"));
                }
            }
        }
        assert!(run > 550, "only {run} cases");
        assert!(failures.is_empty(), "{} of {run}:\n{}", failures.len(), failures.join("\n"));
    }

    #[test]
    fn a_formula_cannot_fill_memory_or_stack() {
        let none = Variables::new();
        for text in [
            "9^9^9^9",
            "fact(10^9)",
            &"(".repeat(100_000),
            &format!("{}1{}", "(".repeat(50_000), ")".repeat(50_000)),
        ] {
            assert!(evaluate(text, &none, Case::Insensitive).is_err());
        }
    }
}
