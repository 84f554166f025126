//! The formula that says which plural form a number takes: an expression of C over `n`.

use super::CatalogueError;

/// How deep parentheses and conditions may be nested; no language comes near it.
const MAX_DEPTH: usize = 32;

/// How long a formula may be; no language comes near it.
const MAX_LENGTH: usize = 1000;

#[derive(Debug, Clone)]
pub(super) struct PluralRule {
    forms: usize,
    formula: Expression,
}

impl Default for PluralRule {
    /// The rule of Germanic languages, which gettext uses where a catalogue has none.
    fn default() -> Self {
        let one = Box::new(Expression::Number(1));
        Self { forms: 2, formula: Expression::Binary(Operator::NotEqual, Box::new(Expression::N), one) }
    }
}

impl PluralRule {
    /// Reads the rule from a catalogue's header.
    pub(super) fn from_header(header: &str) -> Result<Self, CatalogueError> {
        let line = header.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case("plural-forms").then_some(value)
        });
        let Some(line) = line else { return Ok(Self::default()) };
        let part = |name: &str| {
            line.split(';').find_map(|part| {
                let (key, value) = part.split_once('=')?;
                (key.trim() == name).then(|| value.trim())
            })
        };
        let (Some(forms), Some(formula)) = (part("nplurals"), part("plural")) else {
            return Err(CatalogueError::PluralFormula { formula: line.trim().to_owned() });
        };
        let wrong = || CatalogueError::PluralFormula { formula: formula.to_owned() };
        Ok(Self {
            forms: forms.parse().ok().filter(|forms| *forms > 0).ok_or_else(wrong)?,
            formula: Parser::read(formula).ok_or_else(wrong)?,
        })
    }

    /// Returns the form of a number; a formula that gives another than there are gives the first.
    pub(super) fn form(&self, number: u64) -> usize {
        let form = usize::try_from(self.formula.value(number)).unwrap_or(usize::MAX);
        if form < self.forms { form } else { 0 }
    }
}

#[derive(Debug, Clone)]
enum Expression {
    N,
    Number(u64),
    Not(Box<Self>),
    Binary(Operator, Box<Self>, Box<Self>),
    If(Box<Self>, Box<Self>, Box<Self>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    LessOrEqual,
    GreaterOrEqual,
    Less,
    Greater,
    Plus,
    Minus,
    Times,
    Divide,
    Modulo,
}

/// Operators by binding, the loosest first; of those that begin alike the longer first.
const LEVELS: [&[(&str, Operator)]; 6] = [
    &[("||", Operator::Or)],
    &[("&&", Operator::And)],
    &[("==", Operator::Equal), ("!=", Operator::NotEqual)],
    &[
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("+", Operator::Plus), ("-", Operator::Minus)],
    &[("*", Operator::Times), ("/", Operator::Divide), ("%", Operator::Modulo)],
];

impl Expression {
    /// Returns the value for a number; what C does not define, such as a division by zero, is zero.
    fn value(&self, n: u64) -> u64 {
        match self {
            Self::N => n,
            Self::Number(number) => *number,
            Self::Not(inner) => u64::from(inner.value(n) == 0),
            Self::If(condition, then, otherwise) => {
                if condition.value(n) != 0 {
                    then.value(n)
                } else {
                    otherwise.value(n)
                }
            }
            Self::Binary(operator, left, right) => {
                let (left, right) = (left.value(n), right.value(n));
                match operator {
                    Operator::Or => u64::from(left != 0 || right != 0),
                    Operator::And => u64::from(left != 0 && right != 0),
                    Operator::Equal => u64::from(left == right),
                    Operator::NotEqual => u64::from(left != right),
                    Operator::LessOrEqual => u64::from(left <= right),
                    Operator::GreaterOrEqual => u64::from(left >= right),
                    Operator::Less => u64::from(left < right),
                    Operator::Greater => u64::from(left > right),
                    Operator::Plus => left.wrapping_add(right),
                    Operator::Minus => left.wrapping_sub(right),
                    Operator::Times => left.wrapping_mul(right),
                    Operator::Divide => left.checked_div(right).unwrap_or_default(),
                    Operator::Modulo => left.checked_rem(right).unwrap_or_default(),
                }
            }
        }
    }
}

struct Parser<'t> {
    rest: &'t str,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn read(text: &'t str) -> Option<Expression> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let mut parser = Self { rest: text, depth: 0 };
        let expression = parser.condition()?;
        parser.rest.trim().is_empty().then_some(expression)
    }

    fn take(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn condition(&mut self) -> Option<Expression> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let condition = self.binary(0)?;
        let expression = if self.take("?") {
            let then = self.condition()?;
            if !self.take(":") {
                return None;
            }
            Expression::If(Box::new(condition), Box::new(then), Box::new(self.condition()?))
        } else {
            condition
        };
        self.depth -= 1;
        Some(expression)
    }

    fn binary(&mut self, level: usize) -> Option<Expression> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.binary(level + 1)?;
        while let Some((_, operator)) = operators.iter().find(|(token, _)| self.take(token)) {
            left = Expression::Binary(*operator, Box::new(left), Box::new(self.binary(level + 1)?));
        }
        Some(left)
    }

    fn unary(&mut self) -> Option<Expression> {
        let mut negations = 0;
        while self.take("!") {
            negations += 1;
        }
        let mut expression = if self.take("(") {
            let inner = self.condition()?;
            if !self.take(")") {
                return None;
            }
            inner
        } else if self.take("n") {
            Expression::N
        } else {
            let rest = self.rest.trim_start();
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            self.rest = &rest[end..];
            Expression::Number(rest[..end].parse().ok()?)
        };
        // Only whether there is an even or odd number of them matters, and that there is one at all.
        for _ in 0..if negations > 2 { 2 + negations % 2 } else { negations } {
            expression = Expression::Not(Box::new(expression));
        }
        Some(expression)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(rule: &str, numbers: &[u64]) -> Vec<usize> {
        let rule = PluralRule::from_header(&format!("X: y\nPlural-Forms: {rule}\n")).expect("a rule");
        numbers.iter().map(|number| rule.form(*number)).collect()
    }

    #[test]
    fn rules_of_languages_hold() {
        assert_eq!(forms("nplurals=1; plural=0;", &[0, 1, 2]), [0, 0, 0]);
        assert_eq!(forms("nplurals=2; plural=n>1", &[0, 1, 2]), [0, 0, 1]);
        let arabic = "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5;";
        assert_eq!(forms(arabic, &[0, 1, 2, 3, 11, 100, 103]), [0, 1, 2, 3, 4, 5, 3]);
        assert_eq!(forms("nplurals=2; plural=!(n==1)", &[1, 2]), [0, 1]);
        assert_eq!(forms("nplurals=2; plural=n-3*2/6%5;", &[1, 2, 9]), [0, 1, 0]);
    }

    #[test]
    fn formulas_that_are_none_are_refused() {
        let deep = "(".repeat(40_000);
        for rule in [
            "nplurals=2; plural=n +",
            "nplurals=2",
            "nplurals=0; plural=0",
            "nplurals=2; plural=system",
            &format!("nplurals=2; plural={deep}"),
        ] {
            assert!(PluralRule::from_header(&format!("Plural-Forms: {rule}")).is_err(), "{rule:.60}");
        }
        assert_eq!(forms("nplurals=2; plural=n/0", &[5]), [0]);
    }
}
