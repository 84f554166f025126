//! Whether expressions and equations are the same, or one more of the same than the other.

use std::cmp::Ordering;

use num_bigint::BigInt;

use super::ChemistryError;
use super::parse::{Molecule, Part, parse, split_on_arrow};
use crate::formula::Number;

/// Whether phases are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phases {
    /// `H2O(s)` and `H2O(l)` are two things.
    Compared,
    /// They are the same.
    Ignored,
}

/// By how much one expression is more of the same than another, as a quotient of floats.
pub type Ratio = f64;

/// Returns by how much the first expression is more of the same than the second, nothing where it is something else.
///
/// Molecules are compared as they are written: `OH2` is not `H2O`, nor are two `H2O` one `2H2O`.
///
/// # Errors
/// [`ChemistryError::Syntax`] where one is no expression, [`ChemistryError::Count`] for a zero that is divided by.
pub fn divide_chemical_expression(
    first: &str,
    second: &str,
    phases: Phases,
) -> Result<Option<Ratio>, ChemistryError> {
    let (first, second) = (sorted(parse(first)?, phases)?, sorted(parse(second)?, phases)?);
    let is_same = first.len() == second.len()
        && first.iter().zip(&second).all(|(a, b)| a.parts == b.parts && a.phase == b.phase);
    if !is_same {
        return Ok(None);
    }
    let ratios =
        first.iter().zip(&second).map(|(a, b)| quotient(&a.amount, &b.amount)?.float().map_err(count));
    let ratios = ratios.collect::<Result<Vec<_>, _>>()?;
    let ratio = ratios.first().copied().filter(|first| ratios.iter().all(|ratio| ratio == first));
    Ok(ratio)
}

/// Tells whether two expressions are as much of the same.
///
/// # Errors
/// Like [`divide_chemical_expression`].
pub fn compare_chemical_expression(
    first: &str,
    second: &str,
    phases: Phases,
) -> Result<bool, ChemistryError> {
    Ok(divide_chemical_expression(first, second, phases)? == Some(1.0))
}

/// Tells whether two equations tell the same reaction: with the same counts if `exact`, else with proportional ones.
#[must_use]
pub fn chemical_equations_equal(first: &str, second: &str, exact: bool) -> bool {
    let (first_left, first_right) = split_on_arrow(first);
    let (second_left, second_right) = split_on_arrow(second);
    let (Some((first_arrow, first_right)), Some((second_arrow, second_right))) = (first_right, second_right)
    else {
        return false;
    };
    let divide = |a, b| divide_chemical_expression(a, b, Phases::Compared).ok().flatten();
    let (left, right) = (divide(first_left, second_left), divide(first_right, second_right));
    first_arrow == second_arrow
        && left == right
        && left.is_some_and(|ratio| ratio != 0.0 && (!exact || ratio == 1.0))
}

/// A molecule and how much there is of it.
struct Amount<'t> {
    parts: Vec<Part>,
    phase: Option<&'t str>,
    amount: Number,
    /// The amount as a float, to sort by.
    size: f64,
}

fn sorted(molecules: Vec<Molecule<'_>>, phases: Phases) -> Result<Vec<Amount<'_>>, ChemistryError> {
    let amounts = molecules.into_iter().map(|molecule| {
        let amount = match &molecule.count {
            None => Number::Int(1),
            Some((above, None)) => number(above)?,
            Some((above, Some(below))) => quotient(&number(above)?, &number(below)?)?,
        };
        let size = amount.float().unwrap_or(f64::INFINITY);
        let phase = molecule.phase.filter(|_| phases == Phases::Compared);
        Ok(Amount { parts: molecule.parts, phase, amount, size })
    });
    let mut amounts = amounts.collect::<Result<Vec<_>, ChemistryError>>()?;
    amounts.sort_by(|a, b| {
        let by_size = a.size.partial_cmp(&b.size).unwrap_or(Ordering::Equal);
        a.parts.cmp(&b.parts).then(a.phase.cmp(&b.phase)).then(by_size)
    });
    Ok(amounts)
}

/// The longest count in digits (Python reads no longer ones).
const MAX_DIGITS: usize = 4300;

fn number(digits: &str) -> Result<Number, ChemistryError> {
    if digits.len() > MAX_DIGITS {
        return Err(ChemistryError::Count);
    }
    digits.parse::<BigInt>().map(Number::from).map_err(count)
}

fn quotient(above: &Number, below: &Number) -> Result<Number, ChemistryError> {
    above.divided_by(below).map_err(count)
}

fn count<E>(_: E) -> ChemistryError {
    ChemistryError::Count
}
