//! From a formula to its value.

use std::collections::BTreeSet;

use super::FormulaError;
use super::names::{Applied, Case, Functions, Names, Slot, Variables};
use super::number::Number;
use super::parse::{Operator, Parsed, Sign, Step, check_parentheses, parse};
use crate::words::marked;

/// How many bits whole numbers beyond 64 bits may have together, over one evaluation.
const BIG_BITS: u64 = 1 << 22;

/// A formula, read once to be evaluated for many values.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    pub(super) text: String,
    /// Nothing for a blank text.
    pub(super) parsed: Parsed,
}

/// A formula whose names are known.
pub struct Bound<'f, 'n> {
    formula: &'f Formula,
    variables: Vec<Slot>,
    functions: Vec<Applied<'n>>,
}

/// Returns the value of a formula; that of a blank one is not a number.
///
/// ```
/// use blocks::formula::{Case, Functions, Number, Variables, evaluate};
///
/// let variables = Variables::from([("x".to_owned(), Number::Float(3.0))]);
/// let value = evaluate(&variables, &Functions::new(), "2*x^2", Case::Sensitive)?;
/// assert_eq!(value, Number::Float(18.0));
/// # Ok::<(), blocks::formula::FormulaError>(())
/// ```
///
/// # Errors
/// [`FormulaError`].
pub fn evaluate(
    variables: &Variables,
    functions: &Functions,
    text: &str,
    case: Case,
) -> Result<Number, FormulaError> {
    let formula = Formula::parse(text)?;
    let names = Names::new(variables.keys().map(String::as_str), functions, case);
    let bound = formula.bind(&names)?;
    bound.value(variables.values())
}

/// Returns the value of a formula without variables, whatever the case of its letters.
///
/// # Errors
/// [`FormulaError`].
pub fn value_of(text: &str) -> Result<Number, FormulaError> {
    evaluate(&Variables::new(), &Functions::new(), text, Case::Insensitive)
}

impl Formula {
    /// Reads a formula.
    ///
    /// # Errors
    /// [`FormulaError::Parentheses`], [`FormulaError::Syntax`] or [`FormulaError::TooMuch`].
    pub fn parse(text: &str) -> Result<Self, FormulaError> {
        if is_blank(text) {
            return Ok(Self { text: String::new(), parsed: Parsed::default() });
        }
        check_parentheses(text)?;
        Ok(Self { text: text.to_owned(), parsed: parse(text)? })
    }

    /// Finds out what the names of the formula mean.
    ///
    /// # Errors
    /// [`FormulaError::Undefined`] where some mean nothing, variables first.
    pub fn bind<'n>(&self, names: &Names<'n>) -> Result<Bound<'_, 'n>, FormulaError> {
        let (mut variables, mut functions) = (Vec::new(), Vec::new());
        let mut unknown = BTreeSet::new();
        for name in self.names(&self.parsed.variables) {
            match names.variable(name) {
                Some(slot) => variables.push(slot),
                None => _ = unknown.insert(name),
            }
        }
        if !unknown.is_empty() {
            return Err(names.undefined_variables(&unknown));
        }
        for name in self.names(&self.parsed.functions) {
            match names.function(name) {
                Some(function) => functions.push(function),
                None => _ = unknown.insert(name),
            }
        }
        if !unknown.is_empty() {
            return Err(names.undefined_functions(&unknown));
        }
        Ok(Bound { formula: self, variables, functions })
    }

    fn names(&self, places: &[(usize, usize)]) -> impl Iterator<Item = &str> {
        places.iter().map(|(start, end)| &self.text[*start..*end])
    }
}

/// Tells whether a text is nothing but what Python takes for blanks.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

impl Bound<'_, '_> {
    /// Returns the formula's value for the values of the caller's variables, in the order of their names.
    ///
    /// # Errors
    /// [`FormulaError`] where there is none. A variable that gets no value is [`FormulaError::Kind`].
    pub fn value<'v>(&self, given: impl IntoIterator<Item = &'v Number>) -> Result<Number, FormulaError> {
        let given: Vec<&Number> = given.into_iter().collect();
        let mut machine = Machine { stack: Vec::with_capacity(16), big_bits: 0 };
        for step in &self.formula.parsed.steps {
            match step {
                Step::Number { value, .. } => machine.stack.push(value.clone()?),
                Step::Variable(place) => machine.stack.push(match self.variables.get(*place) {
                    Some(Slot::Constant(value)) => value.clone(),
                    Some(Slot::Given(place)) => (*given.get(*place).ok_or(NO_VALUE)?).clone(),
                    None => return Err(NO_VALUE),
                }),
                Step::Call(place) => {
                    let operand = machine.pop()?;
                    let result = match self.functions.get(*place).ok_or(NO_VALUE)? {
                        Applied::Native(function) => function(&operand)?,
                        Applied::Given(function) => function(&operand)?,
                    };
                    machine.push(result)?;
                }
                Step::Parentheses => {}
                Step::Power(count) => machine.power(*count)?,
                Step::Parallel(count) => machine.parallel(*count)?,
                Step::Product { first, count } => {
                    machine.product(self.formula.operators(*first, *count))?;
                }
                Step::Sum { sign, first, count } => {
                    machine.sum(*sign, self.formula.operators(*first, *count))?;
                }
            }
        }
        Ok(machine.stack.pop().unwrap_or(Number::Float(f64::NAN)))
    }
}

impl Formula {
    /// Returns the operators between as many operands.
    pub(super) fn operators(&self, first: usize, count: usize) -> &[Operator] {
        self.parsed.operators.get(first..first + count - 1).unwrap_or_default()
    }
}

const NO_VALUE: FormulaError = FormulaError::Kind("a variable has no value");

/// The numbers that await their operator.
struct Machine {
    stack: Vec<Number>,
    big_bits: u64,
}

impl Machine {
    fn pop(&mut self) -> Result<Number, FormulaError> {
        self.stack.pop().ok_or(FormulaError::Syntax)
    }

    fn push(&mut self, number: Number) -> Result<(), FormulaError> {
        self.spend(&number)?;
        self.stack.push(number);
        Ok(())
    }

    /// Counts how much has been computed with large numbers.
    fn spend(&mut self, number: &Number) -> Result<(), FormulaError> {
        if let Number::BigInt(value) = number {
            self.big_bits += value.bits();
            if self.big_bits > BIG_BITS {
                return Err(FormulaError::too_much(
                    marked("Invalid Input: The numbers in the formula are too large."),
                    &[],
                ));
            }
        }
        Ok(())
    }

    fn power(&mut self, count: usize) -> Result<(), FormulaError> {
        let mut result = self.pop()?;
        for _ in 1..count {
            result = self.pop()?.power(&result)?;
            self.spend(&result)?;
        }
        self.push(result)
    }

    /// Computes the resistance of resistors side by side; not a number where one of them is zero.
    fn parallel(&mut self, count: usize) -> Result<(), FormulaError> {
        let values = self.stack.split_off(self.stack.len().saturating_sub(count));
        if values.iter().any(Number::is_zero) {
            return self.push(Number::Float(f64::NAN));
        }
        let one = Number::Float(1.0);
        let parts = values.iter().map(|value| one.over(value)).collect::<Result<Vec<_>, _>>()?;
        self.push(one.over(&total(&parts)?)?)
    }

    /// Multiplies, beginning with one: of a complex number that is infinite, this makes one that is not a number.
    fn product(&mut self, operators: &[Operator]) -> Result<(), FormulaError> {
        let start = self.stack.len().saturating_sub(operators.len() + 1);
        let first = self.stack.get_mut(start).ok_or(FormulaError::Syntax)?;
        if first.is_complex() {
            *first = Number::Int(1).times(first)?;
        }
        if operators.is_empty() {
            return Ok(());
        }
        let mut result = first.clone();
        for (at, operator) in operators.iter().enumerate() {
            let factor = self.stack.get(start + 1 + at).ok_or(FormulaError::Syntax)?;
            result = if *operator == Operator::Over { result.over(factor)? } else { result.times(factor)? };
            self.spend(&result)?;
        }
        self.stack.truncate(start);
        self.push(result)
    }

    /// Adds, beginning with zero, so that there is no negative zero.
    fn sum(&mut self, sign: Option<Sign>, operators: &[Operator]) -> Result<(), FormulaError> {
        let start = self.stack.len().saturating_sub(operators.len() + 1);
        let first = self.stack.get_mut(start).ok_or(FormulaError::Syntax)?;
        let mut result = match (sign, &*first) {
            (Some(Sign::Minus), first) => Number::Int(0).minus(first)?,
            (_, Number::Float(value)) => Number::Float(0.0 + value),
            (_, Number::NumpyFloat(value)) => Number::NumpyFloat(0.0 + value),
            (_, first) if first.is_complex() => Number::Int(0).plus(first)?,
            _ if operators.is_empty() => return Ok(()),
            (_, first) => first.clone(),
        };
        for (at, operator) in operators.iter().enumerate() {
            let term = self.stack.get(start + 1 + at).ok_or(FormulaError::Syntax)?;
            result = if *operator == Operator::Minus { result.minus(term)? } else { result.plus(term)? };
            self.spend(&result)?;
        }
        self.stack.truncate(start);
        self.push(result)
    }
}

/// Adds as Python's `sum` does, which keeps what additions of its floats lose (A. Neumaier).
fn total(parts: &[Number]) -> Result<Number, FormulaError> {
    let (mut sum, mut lost, mut rest) = (0.0_f64, 0.0, parts);
    while let [Number::Float(part), after @ ..] = rest {
        let next = sum + part;
        lost += if sum.abs() >= part.abs() { (sum - next) + part } else { (part - next) + sum };
        (sum, rest) = (next, after);
    }
    if lost.is_finite() {
        sum += lost;
    }
    let start = if rest.len() == parts.len() { Number::Int(0) } else { Number::Float(sum) };
    rest.iter().try_fold(start, |total, part| total.plus(part))
}
