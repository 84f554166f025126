//! From text to the steps that a formula is made of.
//!
//! ```text
//! sum      = [+-] product ((+|-) product)*
//! product  = parallel ((*|/) parallel)*
//! parallel = power (|| power)*
//! power    = atom (^ atom)*
//! atom     = number | function | variable | ( sum )
//! ```
//! A sign before a sum belongs to the sum, everywhere else to the number after it.

use num_bigint::BigInt;

use super::FormulaError;
use super::number::Number;
use crate::words::{Saying, marked};

/// How deep parentheses and functions may be nested.
const MAX_DEPTH: usize = 200;

/// The longest formula in bytes.
const MAX_LENGTH: usize = 50_000;

/// The longest whole number in digits (Python reads no longer ones).
const MAX_DIGITS: usize = 4300;

/// A step; those of operators take the results of as many steps before them as they have operands.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// A number, and how it was typed.
    Number { value: Result<Number, FormulaError>, literal: Literal },
    /// A variable, by its place among the names.
    Variable(usize),
    /// A function of one operand, by its place among the names.
    Call(usize),
    /// What stands in parentheses.
    Parentheses,
    /// Powers, from the right.
    Power(usize),
    /// Resistors side by side.
    Parallel(usize),
    /// Factors; where there are several, each but the first has an operator.
    Product { first: usize, count: usize },
    /// Terms; where there are several, each but the first has an operator, and the first may have a sign.
    Sum { sign: Option<Sign>, first: usize, count: usize },
}

/// How a number was typed: places in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Literal {
    /// The sign and the digits.
    pub(super) mantissa: (usize, usize),
    pub(super) exponent: Option<(usize, usize)>,
    pub(super) is_percent: bool,
}

/// A sign of a sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Plus,
    Minus,
}

/// An operator between operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

/// What a text was read as.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Parsed {
    pub(super) steps: Vec<Step>,
    pub(super) operators: Vec<Operator>,
    /// The names of variables and functions, each once.
    pub(super) variables: Vec<(usize, usize)>,
    pub(super) functions: Vec<(usize, usize)>,
}

/// Parses a text that is not blank.
///
/// # Errors
/// [`FormulaError::Syntax`] where it is no formula, [`FormulaError::TooMuch`] where it is too long or too deep.
pub(super) fn parse(text: &str) -> Result<Parsed, FormulaError> {
    if text.len() > MAX_LENGTH {
        return Err(too_long());
    }
    let mut parser = Parser {
        text,
        bytes: text.as_bytes(),
        at: 0,
        depth: 0,
        parsed: Parsed::default(),
        pending: Vec::new(),
    };
    parser.parsed.steps.reserve(text.len().min(256) + 2);
    parser.sum()?;
    parser.skip_blanks();
    if parser.at == text.len() { Ok(parser.parsed) } else { Err(FormulaError::Syntax) }
}

/// Checks that every parenthesis that opens closes.
///
/// # Errors
/// [`FormulaError::Parentheses`] with a message for the learner.
pub(super) fn check_parentheses(text: &str) -> Result<(), FormulaError> {
    if text.len() > MAX_LENGTH {
        return Err(too_long());
    }
    let mut open = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => open += 1,
            b')' if open == 0 => {
                let saying = marked(
                    "Invalid Input: A closing parenthesis was found after segment {segment}, but there is no matching \
                     opening parenthesis before it.",
                );
                let message = Saying::new(saying, &[("segment", &text[..at])]);
                return Err(FormulaError::Parentheses { message });
            }
            b')' => open -= 1,
            _ => {}
        }
    }
    if open == 0 {
        return Ok(());
    }
    let saying =
        marked("Invalid Input: Parentheses are unmatched. {count} parentheses were opened but never closed.");
    let message = Saying::new(saying, &[("count", &open.to_string())]);
    Err(FormulaError::Parentheses { message })
}

fn too_long() -> FormulaError {
    let text = marked("Invalid Input: The formula is longer than {most} characters.");
    FormulaError::too_much(text, &[("most", &MAX_LENGTH.to_string())])
}

struct Parser<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    depth: usize,
    parsed: Parsed,
    /// Operators of sums and products that are not complete yet.
    pending: Vec<Operator>,
}

type Parse = Result<(), FormulaError>;

impl Parser<'_> {
    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    /// Returns the next byte that is not blank, without taking it.
    fn peek(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes a byte that follows without a blank.
    fn take_next(&mut self, byte: u8) -> bool {
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    /// Takes bytes as long as they are of a kind, and says how many there were.
    fn take_while(&mut self, is_of_kind: impl Fn(u8) -> bool) -> usize {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| !is_of_kind(*byte)).unwrap_or(rest.len());
        self.at += length;
        length
    }

    fn sign(&mut self) -> Option<Sign> {
        let sign = match self.peek() {
            Some(b'+') => Sign::Plus,
            Some(b'-') => Sign::Minus,
            _ => return None,
        };
        self.at += 1;
        Some(sign)
    }

    fn sum(&mut self) -> Parse {
        let sign = self.sign();
        let pending = self.pending.len();
        self.product()?;
        while let Some(sign) = self.sign() {
            self.product()?;
            self.pending.push(if sign == Sign::Plus { Operator::Plus } else { Operator::Minus });
        }
        let (first, count) = self.settle(pending);
        self.parsed.steps.push(Step::Sum { sign, first, count });
        Ok(())
    }

    fn product(&mut self) -> Parse {
        let pending = self.pending.len();
        self.parallel()?;
        loop {
            let operator = match self.peek() {
                Some(b'*') => Operator::Times,
                Some(b'/') => Operator::Over,
                _ => break,
            };
            self.at += 1;
            self.parallel()?;
            self.pending.push(operator);
        }
        let (first, count) = self.settle(pending);
        self.parsed.steps.push(Step::Product { first, count });
        Ok(())
    }

    /// Moves the operators of a sum or product, whose operands are complete, to where its step finds them.
    fn settle(&mut self, pending: usize) -> (usize, usize) {
        let first = self.parsed.operators.len();
        self.parsed.operators.extend(self.pending.drain(pending..));
        (first, self.parsed.operators.len() - first + 1)
    }

    fn parallel(&mut self) -> Parse {
        self.power()?;
        let mut count = 1;
        while self.peek() == Some(b'|') && self.bytes.get(self.at + 1) == Some(&b'|') {
            self.at += 2;
            self.power()?;
            count += 1;
        }
        if count > 1 {
            self.parsed.steps.push(Step::Parallel(count));
        }
        Ok(())
    }

    fn power(&mut self) -> Parse {
        self.atom()?;
        let mut count = 1;
        while self.take(b'^') {
            self.atom()?;
            count += 1;
        }
        if count > 1 {
            self.parsed.steps.push(Step::Power(count));
        }
        Ok(())
    }

    fn atom(&mut self) -> Parse {
        match self.peek() {
            Some(b'0'..=b'9' | b'.' | b'+' | b'-') => self.number(),
            Some(b'(') => {
                self.parentheses()?;
                self.parsed.steps.push(Step::Parentheses);
                Ok(())
            }
            Some(byte) if byte.is_ascii_alphabetic() => self.name(),
            _ => Err(FormulaError::Syntax),
        }
    }

    fn parentheses(&mut self) -> Parse {
        if self.depth >= MAX_DEPTH {
            let text = marked("Invalid Input: More than {most} parentheses stand inside one another.");
            return Err(FormulaError::too_much(text, &[("most", &MAX_DEPTH.to_string())]));
        }
        self.at += 1;
        self.depth += 1;
        self.sum()?;
        self.depth -= 1;
        if self.take(b')') { Ok(()) } else { Err(FormulaError::Syntax) }
    }

    /// Takes a function with its operand, or a variable.
    fn name(&mut self) -> Parse {
        let start = self.at;
        self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        self.take_while(|byte| byte == b'\'');
        let name = (start, self.at);
        if self.peek() == Some(b'(') {
            let place = place(self.text, &mut self.parsed.functions, name);
            self.parentheses()?;
            self.parsed.steps.push(Step::Call(place));
            return Ok(());
        }
        let end = self.tensor(start).unwrap_or(name.1);
        self.at = end;
        let place = place(self.text, &mut self.parsed.variables, (start, end));
        self.parsed.steps.push(Step::Variable(place));
        Ok(())
    }

    /// Returns where `T_{ij}^{kl}`, `T^{a}` or `T_{ij}`, then primes, ends.
    fn tensor(&mut self, start: usize) -> Option<usize> {
        self.at = start;
        self.take_while(|byte| byte.is_ascii_alphanumeric());
        let lower = self.index(b'_');
        let upper = self.index(b'^');
        if !lower && !upper {
            return None;
        }
        self.take_while(|byte| byte == b'\'');
        Some(self.at)
    }

    fn index(&mut self, mark: u8) -> bool {
        let start = self.at;
        let found = self.take_next(mark)
            && self.take_next(b'{')
            && self.take_while(|byte| byte.is_ascii_alphanumeric()) > 0
            && self.take_next(b'}');
        if !found {
            self.at = start;
        }
        found
    }

    fn number(&mut self) -> Parse {
        let start = self.at;
        let sign = self.sign();
        self.skip_blanks();
        let digits = self.at;
        let is_whole = self.mantissa()?;
        let (mantissa, digits) = ((start, self.at), (digits, self.at));
        let exponent = self.exponent();
        let is_percent = self.take(b'%');
        let literal = Literal { mantissa, exponent, is_percent };
        let mut value = self.value(digits, exponent, is_whole);
        if sign == Some(Sign::Minus) {
            value = value.map(negative);
        }
        if is_percent {
            value = value.and_then(|value| value.times(&Number::Float(0.01)));
        }
        self.parsed.steps.push(Step::Number { value, literal });
        Ok(())
    }

    /// Takes `1`, `1.`, `1.5` or `.5`, without blanks inside, and says whether it is a whole number.
    fn mantissa(&mut self) -> Result<bool, FormulaError> {
        let is_digit = |byte: u8| byte.is_ascii_digit();
        let has_digits = self.take_while(is_digit) > 0;
        if !self.take_next(b'.') {
            return if has_digits { Ok(true) } else { Err(FormulaError::Syntax) };
        }
        if self.take_while(is_digit) > 0 || has_digits { Ok(false) } else { Err(FormulaError::Syntax) }
    }

    /// Takes an exponent, and gives the place of its sign and digits.
    fn exponent(&mut self) -> Option<(usize, usize)> {
        let before = self.at;
        if self.take(b'E') || self.take(b'e') {
            self.skip_blanks();
            let start = self.at;
            self.sign();
            self.skip_blanks();
            if self.take_while(|byte| byte.is_ascii_digit()) > 0 {
                return Some((start, self.at));
            }
        }
        self.at = before;
        None
    }

    fn value(
        &self,
        digits: (usize, usize),
        exponent: Option<(usize, usize)>,
        is_whole: bool,
    ) -> Result<Number, FormulaError> {
        let digits = &self.text[digits.0..digits.1];
        match exponent {
            None if is_whole => match digits.parse::<i64>() {
                Ok(value) => Ok(Number::Int(value)),
                Err(_) if digits.len() > MAX_DIGITS => {
                    Err(FormulaError::Domain("Exceeds the limit (4300 digits) for integer string conversion"))
                }
                Err(_) => digits.parse::<BigInt>().map(Number::from).map_err(|_| FormulaError::Syntax),
            },
            None => digits.parse().map(Number::Float).map_err(|_| FormulaError::Syntax),
            Some((start, end)) => {
                let exponent = without_blanks(&self.text[start..end]);
                format!("{digits}e{exponent}").parse().map(Number::Float).map_err(|_| FormulaError::Syntax)
            }
        }
    }
}

/// Returns a text without the blanks that a formula may have.
pub(super) fn without_blanks(text: &str) -> String {
    text.replace([' ', '\t', '\n', '\r'], "")
}

/// Returns a name's place among those seen of late, and puts it there if it is new.
fn place(text: &str, names: &mut Vec<(usize, usize)>, name: (usize, usize)) -> usize {
    let spelling = &text[name.0..name.1];
    let recent = names.len().saturating_sub(64);
    let known = names[recent..].iter().position(|known| &text[known.0..known.1] == spelling);
    known.map_or_else(
        || {
            names.push(name);
            names.len() - 1
        },
        |at| recent + at,
    )
}

fn negative(value: Number) -> Number {
    match value {
        Number::Int(value) => {
            value.checked_neg().map_or_else(|| Number::from(-BigInt::from(value)), Number::Int)
        }
        Number::BigInt(value) => Number::from(-value),
        Number::Float(value) => Number::Float(-value),
        other => other,
    }
}
