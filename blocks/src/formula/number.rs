//! The numbers of Python and numpy: integers without bound, floats and complex numbers. Functions give numpy numbers,
//! everything typed is a Python number, and numpy wins where they meet.

use num_bigint::BigInt;
use num_complex::Complex64;
use num_traits::{ToPrimitive, Zero};

use super::FormulaError;

/// A number, with the kind that says by whose rules it is computed with.
///
/// Kinds matter: `1/0` is an error among Python's numbers and infinite among numpy's.
#[derive(Debug, Clone, PartialEq)]
pub enum Number {
    /// Python's `int`, where 64 bits hold it.
    Int(i64),
    /// Python's `int`, where 64 bits do not hold it.
    BigInt(BigInt),
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

pub(super) const TOO_LARGE: FormulaError = FormulaError::Overflow("int too large to convert to float");

impl Number {
    /// Tells whether numpy's rules hold.
    #[must_use]
    pub const fn is_numpy(&self) -> bool {
        matches!(self, NumpyInt(_) | NumpyFloat(_) | NumpyComplex(_))
    }

    /// Tells whether numpy's rules hold between this number and one to its right: Python's `complex` takes numpy's
    /// `float64`, which is a `float`, for its own.
    pub(super) const fn meets_numpy(&self, right: &Self) -> bool {
        match (self, right) {
            (Complex(_), NumpyFloat(_)) => false,
            _ => self.is_numpy() || right.is_numpy(),
        }
    }

    /// Tells whether the number has an imaginary part, be it zero.
    #[must_use]
    pub const fn is_complex(&self) -> bool {
        matches!(self, Complex(_) | NumpyComplex(_))
    }

    /// Tells whether the number equals zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        match self {
            Int(value) | NumpyInt(value) => *value == 0,
            Self::BigInt(value) => value.is_zero(),
            Float(value) | NumpyFloat(value) => *value == 0.0,
            Complex(value) | NumpyComplex(value) => value.is_zero(),
        }
    }

    /// Returns the number as a float.
    ///
    /// # Errors
    /// An integer beyond the floats, or a complex number.
    pub fn float(&self) -> Result<f64, FormulaError> {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "rounding to the nearest float is what is asked for"
            )]
            Int(value) | NumpyInt(value) => Ok(*value as f64),
            Self::BigInt(value) => value.to_f64().filter(|float| float.is_finite()).ok_or(TOO_LARGE),
            Float(value) | NumpyFloat(value) => Ok(*value),
            Complex(_) | NumpyComplex(_) => {
                Err(FormulaError::Kind("can't convert a complex number to float"))
            }
        }
    }

    /// Returns the number as a complex one.
    ///
    /// # Errors
    /// An integer beyond the floats.
    pub fn complex(&self) -> Result<Complex64, FormulaError> {
        match self {
            Complex(value) | NumpyComplex(value) => Ok(*value),
            real => real.float().map(|re| Complex64::new(re, 0.0)),
        }
    }

    /// Returns a Python integer as one of any size.
    pub(super) fn big(&self) -> Option<BigInt> {
        match self {
            Int(value) => Some(BigInt::from(*value)),
            Self::BigInt(value) => Some(value.clone()),
            _ => None,
        }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Int(value)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Float(value)
    }
}

impl From<Complex64> for Number {
    fn from(value: Complex64) -> Self {
        Complex(value)
    }
}

impl From<BigInt> for Number {
    /// Keeps small integers small, as every [`Number`] does.
    fn from(value: BigInt) -> Self {
        value.to_i64().map_or(Self::BigInt(value), Int)
    }
}
