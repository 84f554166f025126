//! Powers by the rules of Python and numpy.

use num_bigint::BigInt;
use num_complex::Complex64;
use num_traits::{One, Pow, Signed, ToPrimitive, Zero};

use super::FormulaError;
use super::arithmetic::{MAX_BITS, quotient};
use super::complex;
use super::number::Number;
use crate::words::marked;

use Number::{Complex, Float, NumpyComplex, NumpyFloat, NumpyInt};

impl Number {
    pub(super) fn power(&self, exponent: &Self) -> Result<Self, FormulaError> {
        let is_numpy = self.meets_numpy(exponent);
        if self.is_complex() || exponent.is_complex() {
            let (base, exponent) = (self.complex()?, exponent.complex()?);
            return if is_numpy {
                Ok(NumpyComplex(numpy_complex_power(base, exponent)))
            } else {
                complex_power(base, exponent).map(Complex)
            };
        }
        if is_numpy && self.is_integer() && exponent.is_integer() {
            return numpy_int_power(self.numpy_int()?, exponent.numpy_int()?);
        }
        match (self, exponent) {
            (Self::Int(base), Self::Int(exponent)) if let Some(power) = small_int_power(*base, *exponent) => {
                Ok(Self::Int(power))
            }
            _ if is_numpy => Ok(NumpyFloat(self.float()?.powf(exponent.float()?))),
            _ => match (self.big(), exponent.big()) {
                (Some(base), Some(exponent)) if !exponent.is_negative() => int_power(&base, &exponent),
                _ => float_power(self.float()?, exponent.float()?),
            },
        }
    }
}

fn small_int_power(base: i64, exponent: i64) -> Option<i64> {
    base.checked_pow(u32::try_from(exponent).ok()?)
}

fn numpy_int_power(base: i64, exponent: i64) -> Result<Number, FormulaError> {
    let Ok(mut exponent) = u64::try_from(exponent) else {
        return Err(FormulaError::Domain("Integers to negative integer powers are not allowed."));
    };
    let (mut result, mut square) = (1_i64, base);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result.wrapping_mul(square);
        }
        square = square.wrapping_mul(square);
        exponent >>= 1;
    }
    Ok(NumpyInt(result))
}

fn int_power(base: &BigInt, exponent: &BigInt) -> Result<Number, FormulaError> {
    if exponent.is_zero() || base.is_one() {
        return Ok(Number::Int(1));
    }
    if base.is_zero() {
        return Ok(Number::Int(0));
    }
    if base.magnitude().is_one() {
        return Ok(Number::Int(if (exponent % 2_u32).is_zero() { 1 } else { -1 }));
    }
    let exponent = exponent.to_u64().filter(|exponent| exponent.saturating_mul(base.bits()) <= MAX_BITS);
    let exponent = exponent.ok_or_else(|| {
        FormulaError::too_much(marked("Invalid Input: A number in the formula is too large."), &[])
    })?;
    Ok(Number::from(Pow::pow(base, exponent)))
}

fn float_power(base: f64, exponent: f64) -> Result<Number, FormulaError> {
    if base == 0.0 && exponent < 0.0 {
        return Err(FormulaError::ZeroDivision("zero cannot be raised to a negative power"));
    }
    if base < 0.0 && base.is_finite() && exponent.is_finite() && exponent.fract() != 0.0 {
        return complex_power(Complex64::new(base, 0.0), Complex64::new(exponent, 0.0)).map(Complex);
    }
    let result = base.powf(exponent);
    if result.is_infinite() && base.is_finite() && exponent.is_finite() {
        return Err(FormulaError::Overflow("Numerical result out of range"));
    }
    Ok(Float(result))
}

fn complex_power(base: Complex64, exponent: Complex64) -> Result<Complex64, FormulaError> {
    if exponent.is_zero() {
        return Ok(Complex64::one());
    }
    if base.is_zero() {
        if exponent.im != 0.0 || exponent.re < 0.0 {
            return Err(FormulaError::ZeroDivision("zero to a negative or complex power"));
        }
        return Ok(Complex64::zero());
    }
    let result = match small_power(base, exponent) {
        Some(power) => power,
        None => polar_power(base, exponent)?,
    };
    if result.re.is_infinite() || result.im.is_infinite() {
        return Err(FormulaError::Overflow("complex exponentiation"));
    }
    Ok(result)
}

fn numpy_complex_power(base: Complex64, exponent: Complex64) -> Complex64 {
    if exponent.is_zero() {
        return Complex64::one();
    }
    if base.is_zero() {
        return if exponent.re > 0.0 { Complex64::zero() } else { Complex64::new(f64::NAN, f64::NAN) };
    }
    small_power(base, exponent).unwrap_or_else(|| complex::exp(exponent * complex::ln(base)))
}

/// Raises to a whole number by multiplication, as Python does up to 100.
fn small_power(base: Complex64, exponent: Complex64) -> Option<Complex64> {
    if exponent.im != 0.0 || exponent.re.fract() != 0.0 || exponent.re.abs() > 100.0 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is a whole number up to 100"
    )]
    let mut left = exponent.re.abs() as u32;
    let (mut result, mut square) = (Complex64::one(), base);
    while left > 0 {
        if left & 1 == 1 {
            result *= square;
        }
        square *= square;
        left >>= 1;
    }
    Some(if exponent.re < 0.0 { quotient(Complex64::one(), result) } else { result })
}

fn polar_power(base: Complex64, exponent: Complex64) -> Result<Complex64, FormulaError> {
    let (modulus, argument) = (base.re.hypot(base.im), base.im.atan2(base.re));
    let mut length = modulus.powf(exponent.re);
    let mut phase = argument * exponent.re;
    if exponent.im != 0.0 {
        length *= (-argument * exponent.im).exp();
        phase += exponent.im * modulus.ln();
    }
    // Python takes the angle that is infinite for a mistake in the exponent.
    if phase.is_infinite() {
        return Err(FormulaError::ZeroDivision("zero to a negative or complex power"));
    }
    Ok(Complex64::new(length * phase.cos(), length * phase.sin()))
}
