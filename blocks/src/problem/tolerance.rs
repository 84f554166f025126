//! When two numbers count as equal (capa reference, section 3.2).

use num_bigint::{BigInt, Sign};
use num_complex::Complex64;
use num_traits::{Signed, Zero};

use super::context::Context;
use super::tree::Node;
use crate::formula::{FormulaError, Number, value_of};

/// The tolerance of answers that name none; written exactly so it is relative to the larger number.
pub(super) const DEFAULT: &str = "0.001%";

/// Returns the tolerance of a question: the first that is given, else the default.
pub(super) fn of(question: &Node, context: &Context) -> String {
    let nodes = question.descendants();
    let mut params = nodes.into_iter().filter(|node| node.name == "responseparam");
    let param = params.find(|param| param.get("type") == Some("tolerance"));
    let text = param.and_then(|param| param.get("default")).unwrap_or(DEFAULT);
    context.substitute(text.trim())
}

/// How far a student's number may be from the staff's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tolerance {
    /// As far as this.
    Absolute(f64),
    /// As far as this part of the staff's number.
    OfStaff(f64),
    /// As far as this part of the larger number.
    OfLarger(f64),
}

impl Tolerance {
    /// Reads `0.01`, `2%` or another formula.
    ///
    /// # Errors
    /// What is no formula.
    pub(super) fn read(text: &str) -> Result<Self, FormulaError> {
        let value = |text: &str| {
            let value = value_of(text)?.float()?;
            if value.is_nan() {
                Err(FormulaError::Domain("the tolerance is not a number"))
            } else {
                Ok(value)
            }
        };
        Ok(match text.strip_suffix('%') {
            Some(percent) if text == DEFAULT => Self::OfLarger(value(percent)? * 0.01),
            Some(percent) => Self::OfStaff(value(percent)? * 0.01),
            None => Self::Absolute(value(text)?),
        })
    }

    /// Tells whether a student's number is within the tolerance of the staff's.
    ///
    /// # Errors
    /// A number beyond the floats, or a tolerance that is not a number.
    pub(super) fn allows(self, student: &Number, staff: &Number) -> Result<bool, FormulaError> {
        let (student, staff) = (student.complex()?, staff.complex()?);
        let tolerance = match self {
            Self::Absolute(tolerance) => tolerance,
            Self::OfStaff(part) => part * modulus(staff),
            Self::OfLarger(part) => part * modulus(student).max(modulus(staff)),
        };
        let is_finite = |value: Complex64| value.re.is_finite() && value.im == 0.0;
        if tolerance.is_nan() && is_finite(student) && is_finite(staff) {
            return Err(FormulaError::Domain("the tolerance is not a number"));
        }
        Ok(compare(student, staff, tolerance))
    }
}

/// Tells whether a student's number is that of a boundary, as near as floats can tell.
pub(super) fn is_at_boundary(student: Complex64, boundary: Complex64) -> bool {
    compare(student, boundary, f64::EPSILON * modulus(student).max(modulus(boundary)))
}

fn modulus(value: Complex64) -> f64 {
    if value.im == 0.0 { value.re.abs() } else { value.re.hypot(value.im) }
}

fn compare(student: Complex64, staff: Complex64, tolerance: f64) -> bool {
    let is_infinite = |value: Complex64| value.re.is_infinite() || value.im.is_infinite();
    if is_infinite(student) || is_infinite(staff) {
        return student == staff;
    }
    if student.im != 0.0 || staff.im != 0.0 {
        return modulus(student - staff) <= tolerance;
    }
    if student.re.is_nan() || staff.re.is_nan() || tolerance.is_nan() {
        return false;
    }
    if tolerance.is_infinite() {
        return tolerance > 0.0;
    }
    // Floats are off by their last bit each; only what is nearer to the tolerance than that needs to be taken exactly.
    let distance = (student.re - staff.re).abs();
    let doubt = 8.0 * f64::EPSILON * (student.re.abs() + staff.re.abs() + tolerance.abs());
    if (distance - tolerance).abs() > doubt {
        return distance < tolerance;
    }
    // In decimal, on the shortest text of each number, so that 10.1 is exactly 0.1 from 10.
    let difference = Decimal::of(student.re).minus(&Decimal::of(staff.re)).rounded().abs();
    !difference.minus(&Decimal::of(tolerance)).is_positive()
}

/// A decimal number: digits times a power of ten.
#[derive(Debug, Clone)]
struct Decimal {
    digits: BigInt,
    exponent: i32,
}

impl Decimal {
    /// Reads the shortest text that stands for a float.
    fn of(value: f64) -> Self {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}").parse().unwrap_or_default();
        let shift = i32::try_from(fraction.len()).unwrap_or_default();
        Self { digits, exponent: exponent.parse::<i32>().unwrap_or_default() - shift }
    }

    fn minus(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        let at = |number: &Self| {
            let shift = u32::try_from(number.exponent - exponent).unwrap_or_default();
            &number.digits * BigInt::from(10).pow(shift)
        };
        Self { digits: at(self) - at(other), exponent }
    }

    /// Rounds to the 28 digits Python's decimals have, halves to even.
    fn rounded(self) -> Self {
        let length = self.digits.magnitude().to_string().len();
        let Some(excess) = length.checked_sub(28).filter(|excess| *excess > 0) else {
            return self;
        };
        let excess = u32::try_from(excess).unwrap_or_default();
        let unit = BigInt::from(10).pow(excess);
        let (mut quotient, rest) = (&self.digits.abs() / &unit, self.digits.abs() % &unit);
        let twice: BigInt = rest * 2;
        if twice > unit || (twice == unit && quotient.bit(0)) {
            quotient += 1;
        }
        let digits = if self.digits.sign() == Sign::Minus { -quotient } else { quotient };
        Self { digits, exponent: self.exponent + i32::try_from(excess).unwrap_or_default() }
    }

    fn abs(self) -> Self {
        Self { digits: self.digits.abs(), ..self }
    }

    fn is_positive(&self) -> bool {
        self.digits.is_positive() && !self.digits.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(student: f64, staff: f64, tolerance: &str) -> bool {
        let tolerance = Tolerance::read(tolerance).expect("the tolerance is a number");
        tolerance.allows(&Number::Float(student), &Number::Float(staff)).expect("the numbers are floats")
    }

    #[test]
    fn decimals_are_compared_as_they_are_written() {
        assert!(within(10.1, 10.0, "1%"));
        assert!(within(10.1, 10.0, "0.1"));
        assert!(!within(0.1 + 0.2, 0.3, "0"));
        assert!(within(0.3, 0.3, "0"));
        assert!(!within(1.0, 1.0, "-1"));
    }

    #[test]
    fn the_default_is_relative_to_the_larger_number() {
        assert!(within(100_000.0, 100_001.0, DEFAULT));
        assert!(!within(1e-9, 0.0, DEFAULT));
        assert!(!within(f64::NAN, f64::NAN, DEFAULT));
        assert!(within(f64::INFINITY, f64::INFINITY, DEFAULT));
    }
}
