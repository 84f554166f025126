//! The numbers of Python and numpy: integers without bound, floats and complex numbers, each with the rules of where
//! it came from. Functions give numpy numbers, everything typed is a Python number, and numpy wins where they meet.

use num_bigint::{BigInt, Sign};
use num_complex::Complex64;
use num_traits::{One, Pow, Signed, ToPrimitive, Zero};

use super::FormulaError;

/// The most bits a power of integers may have; a learner's formula must not fill the memory.
const MAX_BITS: u64 = 1 << 20;

/// A number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Number {
    /// Python's `int`.
    Int(BigInt),
    /// Python's `float`.
    Float(f64),
    /// Python's `complex`.
    Complex(Complex64),
    /// numpy's `int64`.
    NumpyInt(i64),
    /// numpy's `float64`.
    NumpyFloat(f64),
    /// numpy's `complex128`.
    NumpyComplex(Complex64),
}

use Number::{Complex, Float, Int, NumpyComplex, NumpyFloat, NumpyInt};

const TOO_LARGE: FormulaError = FormulaError::Arithmetic("int too large to convert to float");
const OUT_OF_RANGE: FormulaError = FormulaError::Arithmetic("Numerical result out of range");
const BY_ZERO: FormulaError = FormulaError::Arithmetic("division by zero");

impl Number {
    /// Tells whether numpy's rules hold.
    fn is_numpy(&self) -> bool {
        matches!(self, NumpyInt(_) | NumpyFloat(_) | NumpyComplex(_))
    }

    /// Tells whether the number has an imaginary part, be it zero.
    pub(crate) fn is_complex(&self) -> bool {
        matches!(self, Complex(_) | NumpyComplex(_))
    }

    /// Tells whether the number equals zero.
    pub(super) fn is_zero(&self) -> bool {
        match self {
            Int(value) => value.is_zero(),
            NumpyInt(value) => *value == 0,
            Float(value) | NumpyFloat(value) => *value == 0.0,
            Complex(value) | NumpyComplex(value) => value.is_zero(),
        }
    }

    /// Returns the number as a float.
    ///
    /// # Errors
    /// An integer beyond the floats, or a complex number.
    fn float(&self) -> Result<f64, FormulaError> {
        match self {
            Int(value) => value.to_f64().filter(|float| float.is_finite()).ok_or(TOO_LARGE),
            #[expect(
                clippy::cast_precision_loss,
                reason = "rounding to the nearest float is what is asked for"
            )]
            NumpyInt(value) => Ok(*value as f64),
            Float(value) | NumpyFloat(value) => Ok(*value),
            Complex(_) | NumpyComplex(_) => Err(FormulaError::Arithmetic("a complex number has no order")),
        }
    }

    /// Returns the number as a complex one.
    ///
    /// # Errors
    /// An integer beyond the floats.
    pub(crate) fn complex(&self) -> Result<Complex64, FormulaError> {
        match self {
            Complex(value) | NumpyComplex(value) => Ok(*value),
            real => real.float().map(|re| Complex64::new(re, 0.0)),
        }
    }

    /// Returns the number with its sign changed.
    pub(super) fn negated(self) -> Self {
        match self {
            Int(value) => Int(-value),
            NumpyInt(value) => NumpyInt(value.wrapping_neg()),
            Float(value) => Float(-value),
            NumpyFloat(value) => NumpyFloat(-value),
            Complex(value) => Complex(-value),
            NumpyComplex(value) => NumpyComplex(-value),
        }
    }

    pub(super) fn plus(&self, other: &Self) -> Result<Self, FormulaError> {
        self.combined(other, |a, b| a + b, i64::wrapping_add, |a, b| a + b, |a, b| a + b)
    }

    pub(super) fn minus(&self, other: &Self) -> Result<Self, FormulaError> {
        self.combined(other, |a, b| a - b, i64::wrapping_sub, |a, b| a - b, |a, b| a - b)
    }

    pub(super) fn times(&self, other: &Self) -> Result<Self, FormulaError> {
        let (bits, more) = match (self, other) {
            (Int(a), Int(b)) => (a.bits(), b.bits()),
            _ => (0, 0),
        };
        if bits + more > MAX_BITS {
            return Err(OUT_OF_RANGE);
        }
        self.combined(other, |a, b| a * b, i64::wrapping_mul, |a, b| a * b, |a, b| a * b)
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
        let is_numpy = self.is_numpy() || other.is_numpy();
        if self.is_complex() || other.is_complex() {
            let result = complexes(self.complex()?, other.complex()?);
            return Ok(if is_numpy { NumpyComplex(result) } else { Complex(result) });
        }
        match (self, other) {
            (Int(a), Int(b)) => Ok(Int(ints(a, b))),
            (Int(_) | NumpyInt(_), Int(_) | NumpyInt(_)) => {
                Ok(NumpyInt(numpy_ints(self.numpy_int()?, other.numpy_int()?)))
            }
            _ => {
                let result = floats(self.float()?, other.float()?);
                Ok(if is_numpy { NumpyFloat(result) } else { Float(result) })
            }
        }
    }

    fn numpy_int(&self) -> Result<i64, FormulaError> {
        match self {
            NumpyInt(value) => Ok(*value),
            Int(value) => {
                value.to_i64().ok_or(FormulaError::Arithmetic("Python int too large to convert to C long"))
            }
            _ => Err(FormulaError::Arithmetic("not an integer")),
        }
    }

    pub(super) fn over(&self, other: &Self) -> Result<Self, FormulaError> {
        let is_numpy = self.is_numpy() || other.is_numpy();
        if !is_numpy && other.is_zero() {
            return Err(BY_ZERO);
        }
        if self.is_complex() || other.is_complex() {
            let (a, b) = (self.complex()?, other.complex()?);
            return Ok(if is_numpy { NumpyComplex(numpy_quotient(a, b)) } else { Complex(quotient(a, b)) });
        }
        if let (Int(a), Int(b)) = (self, other) {
            return int_quotient(a, b).map(Float);
        }
        let result = self.float()? / other.float()?;
        Ok(if is_numpy { NumpyFloat(result) } else { Float(result) })
    }

    pub(super) fn power(&self, exponent: &Self) -> Result<Self, FormulaError> {
        let is_numpy = self.is_numpy() || exponent.is_numpy();
        if self.is_complex() || exponent.is_complex() {
            let (base, exponent) = (self.complex()?, exponent.complex()?);
            return if is_numpy {
                Ok(NumpyComplex(numpy_complex_power(base, exponent)))
            } else {
                complex_power(base, exponent).map(Complex)
            };
        }
        match (self, exponent) {
            (Int(base), Int(exponent)) if !exponent.is_negative() => int_power(base, exponent).map(Int),
            (Int(_) | NumpyInt(_), Int(_) | NumpyInt(_)) if is_numpy => {
                let (base, exponent) = (self.numpy_int()?, exponent.numpy_int()?);
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
            _ if is_numpy => Ok(NumpyFloat(self.float()?.powf(exponent.float()?))),
            _ => float_power(self.float()?, exponent.float()?),
        }
    }
}

/// Divides integers to the nearest float, as Python does however large they are.
fn int_quotient(a: &BigInt, b: &BigInt) -> Result<f64, FormulaError> {
    if let (Some(a), Some(b)) = (exact(a), exact(b)) {
        return Ok(a / b);
    }
    let negative = (a.sign() == Sign::Minus) != (b.sign() == Sign::Minus);
    let (a, b) = (a.abs(), b.abs());
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
        return Err(FormulaError::Arithmetic("integer division result too large for a float"));
    }
    Ok(if negative { -result } else { result })
}

/// Returns an integer that a float holds exactly.
fn exact(value: &BigInt) -> Option<f64> {
    value.to_i64().filter(|value| value.unsigned_abs() <= 1 << 53).map(|value| {
        #[expect(clippy::cast_precision_loss, reason = "the bound keeps it exact")]
        let float = value as f64;
        float
    })
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

fn int_power(base: &BigInt, exponent: &BigInt) -> Result<BigInt, FormulaError> {
    if exponent.is_zero() || base.is_one() {
        return Ok(BigInt::one());
    }
    if base.is_zero() {
        return Ok(BigInt::zero());
    }
    let is_unit = base.magnitude().is_one();
    if is_unit {
        return Ok(if (exponent % 2_u32).is_zero() { BigInt::one() } else { base.clone() });
    }
    let exponent = exponent.to_u64().ok_or(OUT_OF_RANGE)?;
    if exponent.saturating_mul(base.bits()) > MAX_BITS {
        return Err(OUT_OF_RANGE);
    }
    Ok(Pow::pow(base, exponent))
}

fn float_power(base: f64, exponent: f64) -> Result<Number, FormulaError> {
    if base == 0.0 && exponent < 0.0 {
        return Err(FormulaError::Arithmetic("zero cannot be raised to a negative power"));
    }
    if base < 0.0 && base.is_finite() && exponent.is_finite() && exponent.fract() != 0.0 {
        return complex_power(Complex64::new(base, 0.0), Complex64::new(exponent, 0.0)).map(Complex);
    }
    let result = base.powf(exponent);
    if result.is_infinite() && base.is_finite() && exponent.is_finite() {
        return Err(OUT_OF_RANGE);
    }
    Ok(Float(result))
}

/// Divides as Python does (Smith's method).
fn quotient(a: Complex64, b: Complex64) -> Complex64 {
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

fn numpy_quotient(a: Complex64, b: Complex64) -> Complex64 {
    if b.is_zero() {
        return Complex64::new(a.re / b.re.abs(), a.im / b.re.abs());
    }
    quotient(a, b)
}

fn complex_power(base: Complex64, exponent: Complex64) -> Result<Complex64, FormulaError> {
    if exponent.is_zero() {
        return Ok(Complex64::one());
    }
    if base.is_zero() {
        if exponent.im != 0.0 || exponent.re < 0.0 {
            return Err(FormulaError::Arithmetic("zero to a negative or complex power"));
        }
        return Ok(Complex64::zero());
    }
    let result = small_power(base, exponent).unwrap_or_else(|| polar_power(base, exponent));
    let finite = |value: Complex64| value.re.is_finite() && value.im.is_finite();
    if !finite(result) && finite(base) && finite(exponent) {
        return Err(FormulaError::Arithmetic("complex exponentiation"));
    }
    Ok(result)
}

fn numpy_complex_power(base: Complex64, exponent: Complex64) -> Complex64 {
    if exponent.is_zero() {
        return Complex64::one();
    }
    if base.is_zero() {
        let positive = exponent.re > 0.0 && exponent.im == 0.0;
        return if positive { Complex64::zero() } else { Complex64::new(f64::NAN, f64::NAN) };
    }
    small_power(base, exponent).unwrap_or_else(|| polar_power(base, exponent))
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

fn polar_power(base: Complex64, exponent: Complex64) -> Complex64 {
    let (modulus, argument) = (base.re.hypot(base.im), base.im.atan2(base.re));
    let mut length = modulus.powf(exponent.re);
    let mut phase = argument * exponent.re;
    if exponent.im != 0.0 {
        length *= (-argument * exponent.im).exp();
        phase += exponent.im * modulus.ln();
    }
    Complex64::new(length * phase.cos(), length * phase.sin())
}
