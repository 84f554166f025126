//! Sums, differences, products and quotients by the rules of Python and numpy.

use num_bigint::{BigInt, Sign};
use num_complex::Complex64;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::FormulaError;
use super::number::{Number, TOO_LARGE};
use crate::words::marked;

use Number::{Complex, Float, Int, NumpyComplex, NumpyFloat, NumpyInt};

/// The most bits a product or power of integers may have; a learner's formula must not fill the memory.
pub(super) const MAX_BITS: u64 = 1 << 20;

const BY_ZERO: FormulaError = FormulaError::ZeroDivision("division by zero");

impl Number {
    pub(super) fn plus(&self, other: &Self) -> Result<Self, FormulaError> {
        match (self, other) {
            (Float(a), Float(b)) => Ok(Float(a + b)),
            (Int(a), Int(b)) if let Some(sum) = a.checked_add(*b) => Ok(Int(sum)),
            _ => self.combined(other, |a, b| a + b, i64::wrapping_add, |a, b| a + b, |a, b| a + b),
        }
    }

    pub(super) fn minus(&self, other: &Self) -> Result<Self, FormulaError> {
        match (self, other) {
            (Float(a), Float(b)) => Ok(Float(a - b)),
            (Int(a), Int(b)) if let Some(difference) = a.checked_sub(*b) => Ok(Int(difference)),
            _ => self.combined(other, |a, b| a - b, i64::wrapping_sub, |a, b| a - b, |a, b| a - b),
        }
    }

    pub(super) fn times(&self, other: &Self) -> Result<Self, FormulaError> {
        match (self, other) {
            (Float(a), Float(b)) => Ok(Float(a * b)),
            (Int(a), Int(b)) if let Some(product) = a.checked_mul(*b) => Ok(Int(product)),
            (Self::BigInt(a), Self::BigInt(b)) if a.bits() + b.bits() > MAX_BITS => Err(
                FormulaError::too_much(marked("Invalid Input: A number in the formula is too large."), &[]),
            ),
            _ => self.combined(other, |a, b| a * b, i64::wrapping_mul, |a, b| a * b, |a, b| a * b),
        }
    }

    /// Combines two numbers of whatever kind.
    fn combined(
        &self,
        other: &Self,
        ints: impl Fn(&BigInt, &BigInt) -> BigInt,
        numpy_ints: impl Fn(i64, i64) -> i64,
        floats: impl Fn(f64, f64) -> f64,
        complexes: impl Fn(Complex64, Complex64) -> Complex64,
    ) -> Result<Self, FormulaError> {
        let is_numpy = self.meets_numpy(other);
        if self.is_complex() || other.is_complex() {
            let result = complexes(self.complex()?, other.complex()?);
            return Ok(if is_numpy { NumpyComplex(result) } else { Complex(result) });
        }
        if let (Some(a), Some(b)) = (self.big(), other.big()) {
            return Ok(ints(&a, &b).into());
        }
        if self.is_integer() && other.is_integer() {
            return Ok(NumpyInt(numpy_ints(self.numpy_int()?, other.numpy_int()?)));
        }
        let result = floats(self.float()?, other.float()?);
        Ok(if is_numpy { NumpyFloat(result) } else { Float(result) })
    }

    pub(super) fn is_integer(&self) -> bool {
        matches!(self, Int(_) | Self::BigInt(_) | NumpyInt(_))
    }

    /// Returns an integer as numpy's 64 bits hold it.
    pub(super) fn numpy_int(&self) -> Result<i64, FormulaError> {
        match self {
            Int(value) | NumpyInt(value) => Ok(*value),
            Self::BigInt(_) => Err(FormulaError::Overflow("Python int too large to convert to C long")),
            _ => Err(FormulaError::Kind("not an integer")),
        }
    }

    /// Divides the number, as the operator `/` does.
    ///
    /// # Errors
    /// [`FormulaError::ZeroDivision`] among Python's numbers, [`FormulaError::Overflow`] beyond the floats.
    pub fn divided_by(&self, other: &Self) -> Result<Self, FormulaError> {
        self.over(other)
    }

    pub(super) fn over(&self, other: &Self) -> Result<Self, FormulaError> {
        let is_numpy = self.meets_numpy(other);
        if !is_numpy && other.is_zero() {
            return Err(BY_ZERO);
        }
        if self.is_complex() || other.is_complex() {
            let (a, b) = (self.complex()?, other.complex()?);
            return Ok(if is_numpy { NumpyComplex(numpy_quotient(a, b)) } else { Complex(quotient(a, b)) });
        }
        if let (Some(a), Some(b)) = (self.exact(), other.exact()) {
            return Ok(Float(a / b));
        }
        if let (Some(a), Some(b)) = (self.big(), other.big()) {
            return int_quotient(&a, &b).map(Float);
        }
        let result = self.float()? / other.float()?;
        Ok(if is_numpy { NumpyFloat(result) } else { Float(result) })
    }

    /// Returns a Python integer that a float holds exactly.
    fn exact(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "the bound keeps it exact")]
            Int(value) if value.unsigned_abs() <= 1 << 53 => Some(*value as f64),
            _ => None,
        }
    }
}

/// Divides integers to the nearest float, as Python does however large they are.
fn int_quotient(a: &BigInt, b: &BigInt) -> Result<f64, FormulaError> {
    let negative = (a.sign() == Sign::Minus) != (b.sign() == Sign::Minus);
    let (a, b) = (a.abs(), b.abs());
    // Far beyond the floats, nothing needs to be divided.
    if a.bits() > b.bits() + 1100 {
        return Err(FormulaError::Overflow("integer division result too large for a float"));
    }
    if b.bits() > a.bits() + 1200 {
        return Ok(if negative { -0.0 } else { 0.0 });
    }
    // The quotient gets 66 bits at least, the last of which says whether anything is left: enough to round once.
    let shift = (b.bits() + 66).saturating_sub(a.bits());
    let shifted = a << shift;
    let (quotient, rest) = (&shifted / &b, &shifted % &b);
    let quotient = (quotient << 1_u32) + if rest.is_zero() { BigInt::zero() } else { BigInt::one() };
    let excess = quotient.bits().saturating_sub(128);
    let top = (&quotient >> excess) | if excess > 0 { BigInt::one() } else { BigInt::zero() };
    let mantissa = top.to_f64().ok_or(TOO_LARGE)?;
    let exponent = i64::try_from(excess).unwrap_or(i64::MAX) - i64::try_from(shift).unwrap_or(i64::MAX) - 1;
    let result = scaled(mantissa, exponent);
    if result.is_infinite() {
        return Err(FormulaError::Overflow("integer division result too large for a float"));
    }
    Ok(if negative { -result } else { result })
}

/// Multiplies by a power of two, in steps that neither overflow nor vanish on the way.
fn scaled(mut value: f64, mut exponent: i64) -> f64 {
    while exponent > 500 && value.is_finite() {
        value *= 2_f64.powi(500);
        exponent -= 500;
    }
    while exponent < -500 && value != 0.0 {
        value *= 2_f64.powi(-500);
        exponent += 500;
    }
    value * 2_f64.powi(i32::try_from(exponent.clamp(-500, 500)).unwrap_or_default())
}

/// Divides complex numbers as Python does (Smith's method).
pub(super) fn quotient(a: Complex64, b: Complex64) -> Complex64 {
    if b.re.abs() >= b.im.abs() {
        let ratio = b.im / b.re;
        let denominator = b.re + b.im * ratio;
        Complex64::new((a.re + a.im * ratio) / denominator, (a.im - a.re * ratio) / denominator)
    } else {
        let ratio = b.re / b.im;
        let denominator = b.re * ratio + b.im;
        Complex64::new((a.re * ratio + a.im) / denominator, (a.im * ratio - a.re) / denominator)
    }
}

/// Divides complex numbers as numpy does, which has an answer for zero, too.
pub(super) fn numpy_quotient(a: Complex64, b: Complex64) -> Complex64 {
    if b.is_zero() {
        return Complex64::new(a.re / b.re.abs(), a.im / b.re.abs());
    }
    quotient(a, b)
}
