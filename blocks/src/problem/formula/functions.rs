//! The functions and constants of formulas, with numpy's values and types.

use num_bigint::BigInt;
use num_complex::Complex64;
use num_traits::{One, Signed, ToPrimitive};

use super::FormulaError;
use super::number::Number;

/// The largest number whose factorial is taken; a learner's formula must not fill the memory.
const MAX_FACTORIAL: u64 = 20_000;

/// Returns the constant of a name: the imaginary unit as `i` and `j`, `e` and `pi`.
pub(super) fn constant(name: &str) -> Option<Number> {
    Some(match name {
        "i" | "j" => Number::Complex(Complex64::I),
        "e" => Number::Float(std::f64::consts::E),
        "pi" => Number::Float(std::f64::consts::PI),
        _ => return None,
    })
}

/// The constants' names.
pub(super) const CONSTANTS: [&str; 4] = ["i", "j", "e", "pi"];

/// A function of one number.
pub(super) type Function = fn(&Number) -> Result<Number, FormulaError>;

/// Every function by its name.
pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("sin", |x| by(x, f64::sin, Complex64::sin)),
    ("cos", |x| by(x, f64::cos, Complex64::cos)),
    ("tan", |x| by(x, f64::tan, Complex64::tan)),
    ("sec", |x| by(x, |x| 1.0 / x.cos(), |x| x.cos().inv())),
    ("csc", |x| by(x, |x| 1.0 / x.sin(), |x| x.sin().inv())),
    ("cot", |x| by(x, |x| 1.0 / x.tan(), |x| x.tan().inv())),
    ("sqrt", |x| beyond(x, |x| x >= 0.0, f64::sqrt, Complex64::sqrt)),
    ("log10", |x| beyond(x, |x| x >= 0.0, f64::log10, |x| x.log(10.0))),
    ("log2", |x| beyond(x, |x| x >= 0.0, f64::log2, |x| x.log(2.0))),
    ("ln", |x| beyond(x, |x| x >= 0.0, f64::ln, Complex64::ln)),
    ("exp", |x| by(x, f64::exp, Complex64::exp)),
    ("arccos", |x| beyond(x, |x| x.abs() <= 1.0, f64::acos, arccos)),
    ("arcsin", |x| beyond(x, |x| x.abs() <= 1.0, f64::asin, arcsin)),
    ("arctan", |x| by(x, f64::atan, arctan)),
    ("arcsec", |x| by(x, |x| (1.0 / x).acos(), |x| arccos(x.inv()))),
    ("arccsc", |x| by(x, |x| (1.0 / x).asin(), |x| arcsin(x.inv()))),
    ("arccot", |x| by(x, real_arccot, complex_arccot)),
    ("abs", absolute),
    ("fact", factorial),
    ("factorial", factorial),
    ("sinh", |x| by(x, f64::sinh, Complex64::sinh)),
    ("cosh", |x| by(x, f64::cosh, Complex64::cosh)),
    ("tanh", |x| by(x, f64::tanh, Complex64::tanh)),
    ("sech", |x| by(x, |x| 1.0 / x.cosh(), |x| x.cosh().inv())),
    ("csch", |x| by(x, |x| 1.0 / x.sinh(), |x| x.sinh().inv())),
    ("coth", |x| by(x, |x| 1.0 / x.tanh(), |x| x.tanh().inv())),
    ("arcsinh", |x| by(x, f64::asinh, Complex64::asinh)),
    ("arccosh", |x| by(x, f64::acosh, Complex64::acosh)),
    ("arctanh", |x| beyond(x, |x| x.abs() <= 1.0, f64::atanh, arctanh)),
    ("arcsech", |x| by(x, |x| (1.0 / x).acosh(), |x| x.inv().acosh())),
    ("arccsch", |x| by(x, |x| (1.0 / x).asinh(), |x| x.inv().asinh())),
    ("arccoth", |x| by(x, |x| (1.0 / x).atanh(), |x| arctanh(x.inv()))),
];

/// Applies the real or the complex form, whichever the number is.
fn by(
    x: &Number,
    real: impl Fn(f64) -> f64,
    complex: impl Fn(Complex64) -> Complex64,
) -> Result<Number, FormulaError> {
    beyond(x, |_| true, real, complex)
}

/// Applies the real form within its domain and the complex one beyond it.
fn beyond(
    x: &Number,
    is_inside: impl Fn(f64) -> bool,
    real: impl Fn(f64) -> f64,
    complex: impl Fn(Complex64) -> Complex64,
) -> Result<Number, FormulaError> {
    let value = argument(x)?;
    if !x.is_complex() && (is_inside(value.re) || value.re.is_nan()) {
        return Ok(Number::NumpyFloat(real(value.re)));
    }
    Ok(Number::NumpyComplex(complex(value)))
}

/// Returns the argument as numpy takes it, which knows no integers beyond 64 bits.
fn argument(x: &Number) -> Result<Complex64, FormulaError> {
    if let Number::Int(value) = x
        && value.to_i64().is_none()
        && value.to_u64().is_none()
    {
        return Err(FormulaError::Arithmetic("loop of ufunc does not support argument 0 of type int"));
    }
    x.complex()
}

// On the branch cuts C99, and numpy with it, takes the side that the sign of the imaginary part shows, zeros included.

fn arccos(x: Complex64) -> Complex64 {
    let value = x.acos();
    Complex64::new(value.re, value.im.copysign(-x.im))
}

fn arcsin(x: Complex64) -> Complex64 {
    let value = x.asin();
    Complex64::new(value.re, value.im.copysign(x.im))
}

fn arctanh(x: Complex64) -> Complex64 {
    let value = x.atanh();
    Complex64::new(value.re, value.im.copysign(x.im))
}

fn arctan(x: Complex64) -> Complex64 {
    if x.re == 0.0 && x.im.abs() == 1.0 {
        return Complex64::new(f64::NAN, f64::INFINITY.copysign(x.im));
    }
    x.atan()
}

fn real_arccot(x: f64) -> f64 {
    let half = std::f64::consts::FRAC_PI_2;
    if x < 0.0 { -half - x.atan() } else { half - x.atan() }
}

fn complex_arccot(x: Complex64) -> Complex64 {
    let half = std::f64::consts::FRAC_PI_2;
    if x.re < 0.0 { -half - x.atan() } else { half - x.atan() }
}

fn absolute(x: &Number) -> Result<Number, FormulaError> {
    Ok(match x {
        Number::Int(value) => match value.to_i64() {
            Some(small) => Number::NumpyInt(small.wrapping_abs()),
            None => Number::Int(value.abs()),
        },
        Number::NumpyInt(value) => Number::NumpyInt(value.wrapping_abs()),
        Number::Float(value) | Number::NumpyFloat(value) => Number::NumpyFloat(value.abs()),
        Number::Complex(value) | Number::NumpyComplex(value) => Number::NumpyFloat(value.re.hypot(value.im)),
    })
}

fn factorial(x: &Number) -> Result<Number, FormulaError> {
    let n = match x {
        Number::Int(value) => value.clone(),
        Number::NumpyInt(value) => BigInt::from(*value),
        _ => return Err(FormulaError::Arithmetic("the factorial of what is no integer")),
    };
    if n.is_negative() {
        return Err(FormulaError::Factorial);
    }
    let n = n
        .to_u64()
        .filter(|n| *n <= MAX_FACTORIAL)
        .ok_or(FormulaError::Arithmetic("the factorial is too large"))?;
    Ok(Number::Int((2..=n).fold(BigInt::one(), |product, factor| product * factor)))
}
