//! How a formula is shown beside where it is typed: as LaTeX.

use super::FormulaError;
use super::evaluate::{Formula, is_blank};
use super::parse::{Literal, Operator, Sign, Step, parse, without_blanks};

/// Returns a formula in LaTeX, nothing for a blank one. Names need not be known.
///
/// # Errors
/// [`FormulaError::Syntax`] or [`FormulaError::TooMuch`].
pub fn latex(text: &str) -> Result<String, FormulaError> {
    if is_blank(text) {
        return Ok(String::new());
    }
    let formula = Formula { text: text.to_owned(), parsed: parse(text)? };
    let mut shown: Vec<Shown> = Vec::new();
    for step in &formula.parsed.steps {
        let next = match step {
            Step::Number { literal, .. } => number(text, literal),
            Step::Variable(place) => Shown::flat(variable(formula.name(&formula.parsed.variables, *place))),
            Step::Call(place) => {
                let operand = shown.pop().ok_or(FormulaError::Syntax)?;
                call(formula.name(&formula.parsed.functions, *place), &operand)
            }
            Step::Parentheses => shown.pop().ok_or(FormulaError::Syntax)?.in_parentheses(),
            Step::Power(count) => power(&tail(&mut shown, *count)),
            Step::Parallel(count) => joined(r"\|", &tail(&mut shown, *count)),
            Step::Product { count: 1, .. } | Step::Sum { sign: None, count: 1, .. } => continue,
            Step::Product { first, count } => {
                product(&tail(&mut shown, *count), formula.operators(*first, *count))
            }
            Step::Sum { sign, first, count } => {
                sum(*sign, &tail(&mut shown, *count), formula.operators(*first, *count))
            }
        };
        shown.push(next);
    }
    Ok(shown.pop().map(|whole| whole.latex).unwrap_or_default())
}

impl Formula {
    fn name(&self, places: &[(usize, usize)], place: usize) -> &str {
        places.get(place).map(|(start, end)| &self.text[*start..*end]).unwrap_or_default()
    }
}

/// A part of a formula in LaTeX.
#[derive(Debug, Clone)]
struct Shown {
    latex: String,
    /// Whether it is higher than a line.
    is_tall: bool,
    /// What it is without its parentheses, if it has any.
    inside: Option<String>,
}

impl Shown {
    fn flat(latex: String) -> Self {
        Self { latex, is_tall: false, inside: None }
    }

    fn tall(latex: String) -> Self {
        Self { latex, is_tall: true, inside: None }
    }

    fn in_parentheses(self) -> Self {
        let latex = parentheses(&self);
        Self { latex, is_tall: self.is_tall, inside: Some(self.latex) }
    }

    fn without_parentheses(&self) -> &str {
        self.inside.as_ref().unwrap_or(&self.latex)
    }
}

fn tail(shown: &mut Vec<Shown>, count: usize) -> Vec<Shown> {
    shown.split_off(shown.len().saturating_sub(count))
}

fn parentheses(inside: &Shown) -> String {
    if inside.is_tall { format!(r"\left({}\right)", inside.latex) } else { format!("({})", inside.latex) }
}

fn number(text: &str, literal: &Literal) -> Shown {
    let mut latex = without_blanks(&text[literal.mantissa.0..literal.mantissa.1]);
    if let Some((start, end)) = literal.exponent {
        latex.push_str(r"\!\times\!10^{");
        latex.push_str(&without_blanks(&text[start..end]));
        latex.push('}');
    }
    if literal.is_percent {
        latex.push_str(r"\text{%}");
    }
    Shown { latex, is_tall: literal.exponent.is_some(), inside: None }
}

/// The Greek letters that LaTeX has a sign for.
const LETTERS: [&str; 26] = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "varepsilon",
    "zeta",
    "eta",
    "theta",
    "vartheta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "pi",
    "rho",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "varphi",
    "chi",
    "psi",
    "omega",
];

fn symbol(name: &str) -> String {
    let (first, rest) = name.split_at(name.len().min(1));
    let is_letter = |name: &str| LETTERS.contains(&name);
    // Capitals have the same names, beginning with one.
    let is_capital =
        || first != first.to_ascii_lowercase() && is_letter(&(first.to_ascii_lowercase() + rest));
    if is_letter(name) || matches!(name, "hbar" | "infty") || is_capital() {
        format!("\\{name}")
    } else {
        name.to_owned()
    }
}

/// Shows what follows the first underscore below the line.
fn variable(name: &str) -> String {
    match name.split_once('_') {
        Some((head, below)) if !below.is_empty() => {
            format!("{}_{{{}}}", symbol(head), symbol(below).replace('_', r"\_"))
        }
        _ => symbol(name).replace('_', r"\_"),
    }
}

fn call(name: &str, operand: &Shown) -> Shown {
    let latex = match name {
        "sqrt" => format!(r"\sqrt{{{}}}", operand.latex),
        "log10" => format!(r"\log_{{10}}{}", parentheses(operand)),
        "log2" => format!(r"\log_2{}", parentheses(operand)),
        _ => format!(r"\text{{{name}}}{}", parentheses(operand)),
    };
    Shown { latex, is_tall: operand.is_tall, inside: None }
}

/// Shows powers; the last exponent needs no parentheses.
fn power(parts: &[Shown]) -> Shown {
    let mut latex = String::new();
    for (at, part) in parts.iter().enumerate() {
        let is_last = at + 1 == parts.len();
        latex.push_str(if is_last { part.without_parentheses() } else { &part.latex });
        latex.push_str(if is_last { "" } else { "^{" });
    }
    latex.push_str(&"}".repeat(parts.len().saturating_sub(1)));
    Shown::tall(latex)
}

fn joined(between: &str, parts: &[Shown]) -> Shown {
    let latex: Vec<&str> = parts.iter().map(|part| part.latex.as_str()).collect();
    Shown { latex: latex.join(between), is_tall: parts.iter().any(|part| part.is_tall), inside: None }
}

const TIMES: &str = r"\cdot ";

/// Shows factors; those divided by one after another stand together below one line.
fn product(factors: &[Shown], operators: &[Operator]) -> Shown {
    let mut groups = Vec::new();
    let mut start = 0;
    while start < factors.len() {
        // Factors multiplied, then factors divided by.
        let mut line = start + 1;
        while operators.get(line - 1) == Some(&Operator::Times) {
            line += 1;
        }
        let mut end = line;
        while operators.get(end - 1) == Some(&Operator::Over) {
            end += 1;
        }
        let (above, below) = (&factors[start..line.min(factors.len())], &factors[line.min(end)..end]);
        groups.push(if below.is_empty() { joined(TIMES, above) } else { fraction(above, below) });
        start = end;
    }
    joined(TIMES, &groups)
}

/// Shows a fraction; a factor alone needs no parentheses there.
fn fraction(above: &[Shown], below: &[Shown]) -> Shown {
    let side = |factors: &[Shown]| match factors {
        [alone] => alone.without_parentheses().to_owned(),
        several => joined(TIMES, several).latex,
    };
    Shown::tall(format!(r"\frac{{{}}}{{{}}}", side(above), side(below)))
}

fn sum(sign: Option<Sign>, terms: &[Shown], operators: &[Operator]) -> Shown {
    let mut latex = match sign {
        Some(Sign::Plus) => "+".to_owned(),
        Some(Sign::Minus) => "-".to_owned(),
        None => String::new(),
    };
    for (at, term) in terms.iter().enumerate() {
        if at > 0 {
            latex.push(if operators.get(at - 1) == Some(&Operator::Minus) { '-' } else { '+' });
        }
        latex.push_str(&term.latex);
    }
    Shown { latex, is_tall: terms.iter().any(|term| term.is_tall), inside: None }
}
