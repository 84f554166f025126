//! The functions and constants of formulas, with numpy's values and types.

use std::f64::consts::{E, FRAC_PI_2, LOG2_E, LOG10_E, PI};

use num_bigint::BigInt;
use num_complex::Complex64;
use num_traits::{One, Signed, ToPrimitive};

use super::FormulaError;
use super::arithmetic::numpy_quotient;
use super::complex;
use super::number::Number;
use crate::words::marked;

/// The largest number whose factorial is taken; a learner's formula must not fill the memory.
const MAX_FACTORIAL: u64 = 50_000;

/// The names of the constants.
pub const CONSTANT_NAMES: [&str; 4] = ["i", "j", "e", "pi"];

/// Returns the constant of a name: the imaginary unit as `i` and `j`, `e` and `pi`.
pub(super) fn constant(name: &str) -> Option<Number> {
    Some(match name {
        "i" | "j" => Number::Complex(Complex64::I),
        "e" => Number::Float(E),
        "pi" => Number::Float(PI),
        _ => return None,
    })
}

/// The names of the functions.
pub const FUNCTION_NAMES: [&str; 32] = [
    "sin",
    "cos",
    "tan",
    "sec",
    "csc",
    "cot",
    "sqrt",
    "log10",
    "log2",
    "ln",
    "exp",
    "arccos",
    "arcsin",
    "arctan",
    "arcsec",
    "arccsc",
    "arccot",
    "abs",
    "fact",
    "factorial",
    "sinh",
    "cosh",
    "tanh",
    "sech",
    "csch",
    "coth",
    "arcsinh",
    "arccosh",
    "arctanh",
    "arcsech",
    "arccsch",
    "arccoth",
];

/// A function of one number that every formula has.
pub(super) type Native = fn(&Number) -> Result<Number, FormulaError>;

/// Returns the function of a name.
pub(super) fn native(name: &str) -> Option<Native> {
    Some(match name {
        "sin" => |x| by(x, f64::sin, complex::sin),
        "cos" => |x| by(x, f64::cos, complex::cos),
        "tan" => |x| by(x, f64::tan, complex::tan),
        "sec" => |x| by(x, |x| 1.0 / x.cos(), |x| inverse(complex::cos(x))),
        "csc" => |x| by(x, |x| 1.0 / x.sin(), |x| inverse(complex::sin(x))),
        "cot" => |x| by(x, |x| 1.0 / x.tan(), |x| inverse(complex::tan(x))),
        "sqrt" => |x| beyond(x, is_not_negative, f64::sqrt, complex::sqrt),
        "log10" => |x| beyond(x, is_not_negative, f64::log10, |x| complex::ln(x) * LOG10_E),
        "log2" => |x| beyond(x, is_not_negative, f64::log2, |x| complex::ln(x) * LOG2_E),
        "ln" => |x| beyond(x, is_not_negative, f64::ln, complex::ln),
        "exp" => |x| by(x, f64::exp, complex::exp),
        "arccos" => |x| beyond(x, is_up_to_one, f64::acos, complex::arccos),
        "arcsin" => |x| beyond(x, is_up_to_one, f64::asin, complex::arcsin),
        "arctan" => |x| by(x, f64::atan, complex::arctan),
        "arcsec" => |x| by(&reciprocal(x)?, f64::acos, complex::arccos),
        "arccsc" => |x| by(&reciprocal(x)?, f64::asin, complex::arcsin),
        "arccot" => |x| by(x, real_arccot, complex_arccot),
        "abs" => absolute,
        "fact" | "factorial" => factorial,
        "sinh" => |x| by(x, f64::sinh, complex::sinh),
        "cosh" => |x| by(x, f64::cosh, complex::cosh),
        "tanh" => |x| by(x, f64::tanh, complex::tanh),
        "sech" => |x| by(x, |x| 1.0 / x.cosh(), |x| inverse(complex::cosh(x))),
        "csch" => |x| by(x, |x| 1.0 / x.sinh(), |x| inverse(complex::sinh(x))),
        "coth" => |x| by(x, |x| 1.0 / x.tanh(), |x| inverse(complex::tanh(x))),
        "arcsinh" => |x| by(x, complex::real_arcsinh, complex::arcsinh),
        "arccosh" => |x| by(x, complex::real_arccosh, complex::arccosh),
        "arctanh" => |x| beyond(x, is_up_to_one, complex::real_arctanh, complex::arctanh),
        "arcsech" => |x| by(&reciprocal(x)?, complex::real_arccosh, complex::arccosh),
        "arccsch" => |x| by(&reciprocal(x)?, complex::real_arcsinh, complex::arcsinh),
        "arccoth" => |x| by(&reciprocal(x)?, complex::real_arctanh, complex::arctanh),
        _ => return None,
    })
}

fn is_not_negative(x: f64) -> bool {
    x >= 0.0
}

fn is_up_to_one(x: f64) -> bool {
    x.abs() <= 1.0
}

const NO_LOOP: FormulaError = FormulaError::Kind("numpy has no such function of integers beyond 64 bits");

/// Applies the real or the complex form, whichever the number is.
fn by(x: &Number, real: fn(f64) -> f64, complex: fn(Complex64) -> Complex64) -> Result<Number, FormulaError> {
    match x {
        Number::Float(x) | Number::NumpyFloat(x) => Ok(Number::NumpyFloat(real(*x))),
        Number::Complex(x) | Number::NumpyComplex(x) => Ok(Number::NumpyComplex(complex(*x))),
        Number::BigInt(value) if value.to_u64().is_none() => Err(NO_LOOP),
        whole => Ok(Number::NumpyFloat(real(whole.float()?))),
    }
}

/// Applies the real form within its domain and the complex one beyond it.
fn beyond(
    x: &Number,
    is_inside: fn(f64) -> bool,
    real: fn(f64) -> f64,
    complex: fn(Complex64) -> Complex64,
) -> Result<Number, FormulaError> {
    if x.is_complex() {
        return by(x, real, complex);
    }
    // An integer beyond the floats counts as infinite here.
    let place = match x {
        Number::BigInt(value) => value.to_f64().unwrap_or(f64::NAN),
        other => other.float()?,
    };
    if is_inside(place) || place.is_nan() {
        return by(x, real, complex);
    }
    let value = x.float()?;
    Ok(Number::NumpyComplex(complex(Complex64::new(value, 0.0))))
}

/// Divides one by a number, by the rules of the number's kind.
fn reciprocal(x: &Number) -> Result<Number, FormulaError> {
    Number::Float(1.0).over(x)
}

fn inverse(x: Complex64) -> Complex64 {
    numpy_quotient(Complex64::one(), x)
}

fn real_arccot(x: f64) -> f64 {
    if x < 0.0 { -FRAC_PI_2 - x.atan() } else { FRAC_PI_2 - x.atan() }
}

fn complex_arccot(x: Complex64) -> Complex64 {
    let angle = complex::arctan(x);
    if x.re < 0.0 { -FRAC_PI_2 - angle } else { FRAC_PI_2 - angle }
}

fn absolute(x: &Number) -> Result<Number, FormulaError> {
    Ok(match x {
        Number::Int(value) | Number::NumpyInt(value) => Number::NumpyInt(value.wrapping_abs()),
        Number::BigInt(value) => Number::from(value.abs()),
        Number::Float(value) | Number::NumpyFloat(value) => Number::NumpyFloat(value.abs()),
        Number::Complex(value) | Number::NumpyComplex(value) => Number::NumpyFloat(value.re.hypot(value.im)),
    })
}

fn factorial(x: &Number) -> Result<Number, FormulaError> {
    let n = match x {
        Number::Int(value) | Number::NumpyInt(value) => *value,
        Number::BigInt(value) if value.is_negative() => return Err(FormulaError::Factorial),
        Number::BigInt(_) => {
            return Err(FormulaError::Overflow("factorial() argument should not exceed 9223372036854775807"));
        }
        _ => return Err(FormulaError::Kind("the factorial of what is no integer")),
    };
    let n = u64::try_from(n).map_err(|_| FormulaError::Factorial)?;
    if n > MAX_FACTORIAL {
        return Err(FormulaError::too_much(
            marked("Invalid Input: A factorial in the formula is too large."),
            &[],
        ));
    }
    Ok(Number::from(product(2, n)))
}

/// Multiplies the numbers of a range by halves, so that most factors stay small.
fn product(first: u64, last: u64) -> BigInt {
    if last < first + 16 {
        return (first..=last).fold(BigInt::one(), |product, factor| product * factor);
    }
    let middle = first.midpoint(last);
    product(first, middle) * product(middle + 1, last)
}
