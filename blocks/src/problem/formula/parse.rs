//! From text to a tree.
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

/// How deep parentheses and functions may be nested.
const MAX_DEPTH: usize = 200;

/// A formula.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Number(Number),
    Variable(String),
    Call(String, Box<Expr>),
    /// Signed terms.
    Sum(Vec<(Sign, Expr)>),
    /// Factors, each multiplied or divided by.
    Product(Vec<(Factor, Expr)>),
    Parallel(Vec<Expr>),
    /// Right-associative.
    Power(Vec<Expr>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Plus,
    Minus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Factor {
    Times,
    Over,
}

/// Parses a text that is not blank.
pub(super) fn parse(text: &str) -> Result<Expr, FormulaError> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let expr = parser.sum().ok_or(FormulaError::Syntax)?;
    parser.skip_blanks();
    if parser.at == text.len() { Ok(expr) } else { Err(FormulaError::Syntax) }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn take(&mut self, token: &str) -> bool {
        let before = self.at;
        self.skip_blanks();
        if self.rest().starts_with(token) {
            self.at += token.len();
            return true;
        }
        self.at = before;
        false
    }

    /// Takes characters as long as they are of a kind; nothing where there is none.
    fn take_while(&mut self, is_of_kind: impl Fn(char) -> bool) -> Option<&'t str> {
        let rest = self.rest();
        let length = rest.find(|c| !is_of_kind(c)).unwrap_or(rest.len());
        self.at += length;
        (length > 0).then(|| &rest[..length])
    }

    /// Runs a rule and goes back where it does not fit.
    fn attempt<T>(&mut self, rule: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let before = self.at;
        let found = rule(self);
        if found.is_none() {
            self.at = before;
        }
        found
    }

    fn sign(&mut self) -> Option<Sign> {
        if self.take("+") {
            Some(Sign::Plus)
        } else if self.take("-") {
            Some(Sign::Minus)
        } else {
            None
        }
    }

    fn sum(&mut self) -> Option<Expr> {
        let first = self.sign();
        let mut terms = vec![(first.unwrap_or(Sign::Plus), self.product()?)];
        while let Some(term) = self.attempt(|parser| Some((parser.sign()?, parser.product()?))) {
            terms.push(term);
        }
        if first.is_none() && terms.len() == 1 {
            return terms.pop().map(|(_, term)| term);
        }
        Some(Expr::Sum(terms))
    }

    fn product(&mut self) -> Option<Expr> {
        let mut factors = vec![(Factor::Times, self.parallel()?)];
        while let Some(factor) = self.attempt(|parser| {
            let operator = if parser.take("*") {
                Factor::Times
            } else if parser.take("/") {
                Factor::Over
            } else {
                return None;
            };
            Some((operator, parser.parallel()?))
        }) {
            factors.push(factor);
        }
        if factors.len() == 1 {
            return factors.pop().map(|(_, factor)| factor);
        }
        Some(Expr::Product(factors))
    }

    fn parallel(&mut self) -> Option<Expr> {
        self.list("||", Self::power, Expr::Parallel)
    }

    fn power(&mut self) -> Option<Expr> {
        self.list("^", Self::atom, Expr::Power)
    }

    fn list(
        &mut self,
        operator: &str,
        item: impl Fn(&mut Self) -> Option<Expr>,
        whole: impl FnOnce(Vec<Expr>) -> Expr,
    ) -> Option<Expr> {
        let mut items = vec![item(self)?];
        while let Some(next) = self.attempt(|parser| if parser.take(operator) { item(parser) } else { None })
        {
            items.push(next);
        }
        if items.len() == 1 { items.pop() } else { Some(whole(items)) }
    }

    fn atom(&mut self) -> Option<Expr> {
        self.attempt(Self::number)
            .or_else(|| self.attempt(Self::call))
            .or_else(|| self.attempt(Self::variable))
            .or_else(|| self.attempt(Self::parenthesis))
    }

    fn number(&mut self) -> Option<Expr> {
        let sign = self.sign();
        self.skip_blanks();
        let mantissa = self.mantissa()?;
        let exponent = self.attempt(Self::exponent).unwrap_or_default();
        let is_percent = self.take("%");
        let digits = format!("{}{mantissa}", if sign == Some(Sign::Minus) { "-" } else { "" });
        let number = if exponent.is_empty() && !mantissa.contains('.') {
            Number::Int(digits.parse::<BigInt>().ok()?)
        } else {
            Number::Float(format!("{digits}{exponent}").parse::<f64>().ok()?)
        };
        if !is_percent {
            return Some(Expr::Number(number));
        }
        // The only suffix there is.
        let percent = Expr::Number(Number::Float(0.01));
        Some(Expr::Product(vec![(Factor::Times, Expr::Number(number)), (Factor::Times, percent)]))
    }

    /// Takes `1`, `1.`, `1.5` or `.5`, without blanks inside.
    fn mantissa(&mut self) -> Option<String> {
        let is_digit = |c: char| c.is_ascii_digit();
        if let Some(whole) = self.take_while(is_digit) {
            if !self.rest().starts_with('.') {
                return Some(whole.to_owned());
            }
            self.at += 1;
            return Some(format!("{whole}.{}", self.take_while(is_digit).unwrap_or("0")));
        }
        if self.rest().starts_with('.') {
            self.at += 1;
            return self.take_while(is_digit).map(|fraction| format!("0.{fraction}"));
        }
        None
    }

    fn exponent(&mut self) -> Option<String> {
        if !self.take("E") && !self.take("e") {
            return None;
        }
        let sign = if self.sign() == Some(Sign::Minus) { "-" } else { "" };
        self.skip_blanks();
        Some(format!("e{sign}{}", self.take_while(|c| c.is_ascii_digit())?))
    }

    fn call(&mut self) -> Option<Expr> {
        self.skip_blanks();
        let name = self.name()?;
        Some(Expr::Call(name, Box::new(self.parenthesis()?)))
    }

    fn variable(&mut self) -> Option<Expr> {
        self.skip_blanks();
        self.attempt(Self::tensor).or_else(|| self.attempt(Self::name)).map(Expr::Variable)
    }

    fn parenthesis(&mut self) -> Option<Expr> {
        if self.depth >= MAX_DEPTH || !self.take("(") {
            return None;
        }
        self.depth += 1;
        let inside = self.sum();
        self.depth -= 1;
        let inside = inside?;
        self.take(")").then_some(inside)
    }

    /// Takes a letter, then letters, digits and underscores, then primes.
    fn name(&mut self) -> Option<String> {
        let start = self.at;
        if !self.rest().starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        self.take_while(|c| c == '\'');
        Some(self.text[start..self.at].to_owned())
    }

    /// Takes `T_{ij}^{kl}`, `T^{a}` or `T_{ij}`, then primes.
    fn tensor(&mut self) -> Option<String> {
        let start = self.at;
        if !self.rest().starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        self.take_while(|c| c.is_ascii_alphanumeric());
        let lower = self.attempt(|parser| parser.index("_{"));
        let upper = self.attempt(|parser| parser.index("^{"));
        lower.or(upper)?;
        self.take_while(|c| c == '\'');
        Some(self.text[start..self.at].to_owned())
    }

    fn index(&mut self, open: &str) -> Option<()> {
        if !self.rest().starts_with(open) {
            return None;
        }
        self.at += open.len();
        self.take_while(|c| c.is_ascii_alphanumeric())?;
        if !self.rest().starts_with('}') {
            return None;
        }
        self.at += 1;
        Some(())
    }
}
