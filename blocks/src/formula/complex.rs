//! The elementary functions of complex numbers with the branch cuts and signs of zero that C99 gives them, after
//! W. Kahan, "Branch cuts for complex elementary functions". Those of `num_complex` lose digits near the cuts.

use std::f64::consts::{FRAC_PI_2, LN_2};

use num_complex::Complex64;

/// Beyond this a square overflows.
const LARGE: f64 = f64::MAX / 4.0;

/// Turns by a quarter against the clock.
fn turned(z: Complex64) -> Complex64 {
    Complex64::new(-z.im, z.re)
}

/// Turns by a quarter with the clock.
fn turned_back(z: Complex64) -> Complex64 {
    Complex64::new(z.im, -z.re)
}

/// Returns `e^x` times a factor, where the power alone may overflow.
fn scaled_exp(x: f64, factor: f64) -> f64 {
    let half = (x / 2.0).exp();
    half * (half * factor)
}

pub(super) fn exp(z: Complex64) -> Complex64 {
    if z.im == 0.0 {
        return Complex64::new(z.re.exp(), z.im);
    }
    if z.re == f64::NEG_INFINITY {
        return Complex64::new(0.0, 0.0_f64.copysign(z.im));
    }
    let (sin, cos) = z.im.sin_cos();
    Complex64::new(scaled_exp(z.re, cos), scaled_exp(z.re, sin))
}

pub(super) fn ln(z: Complex64) -> Complex64 {
    let (large, small) = (z.re.abs().max(z.im.abs()), z.re.abs().min(z.im.abs()));
    let re = if z.re.is_nan() || z.im.is_nan() {
        if large.is_infinite() { f64::INFINITY } else { f64::NAN }
    } else if large > LARGE {
        (large / 2.0).hypot(small / 2.0).ln() + LN_2
    } else if large > 0.5 && large < 2.0 {
        // Near the unit circle the logarithm is small: the square's distance from one is taken without rounding.
        let (square, other) = (large * large, small * small);
        let lost = large.mul_add(large, -square) + small.mul_add(small, -other);
        ((square - 1.0 + other) + lost).ln_1p() / 2.0
    } else {
        large.hypot(small).ln()
    };
    Complex64::new(re, z.im.atan2(z.re))
}

pub(super) fn sqrt(z: Complex64) -> Complex64 {
    if z.im.is_infinite() {
        return Complex64::new(f64::INFINITY, z.im);
    }
    if z.re == f64::INFINITY {
        return Complex64::new(z.re, if z.im.is_nan() { z.im } else { 0.0_f64.copysign(z.im) });
    }
    if z.re == f64::NEG_INFINITY {
        let re = if z.im.is_nan() { z.im } else { 0.0 };
        return Complex64::new(re, f64::INFINITY.copysign(z.im));
    }
    if z.re == 0.0 && z.im == 0.0 {
        return Complex64::new(0.0, z.im);
    }
    let (x, y) = (z.re.abs(), z.im.abs());
    let (long, short) = if x < f64::MIN_POSITIVE && y < f64::MIN_POSITIVE {
        // Subnormal numbers are scaled up by an even power of two, so that no digit is lost.
        let (x, y) = (x * 2_f64.powi(54), y * 2_f64.powi(54));
        let long = ((x + x.hypot(y)) / 2.0).sqrt();
        (long * 2_f64.powi(-27), y / (2.0 * long) * 2_f64.powi(-27))
    } else {
        let long = 2.0 * (x / 8.0 + (x / 8.0).hypot(y / 8.0)).sqrt();
        (long, y / (2.0 * long))
    };
    if z.re >= 0.0 {
        Complex64::new(long, short.copysign(z.im))
    } else {
        Complex64::new(short, long.copysign(z.im))
    }
}

pub(super) fn sinh(z: Complex64) -> Complex64 {
    if z.im == 0.0 {
        return Complex64::new(z.re.sinh(), z.im);
    }
    if z.re == 0.0 && !z.im.is_finite() {
        return Complex64::new(z.re, f64::NAN);
    }
    let (sin, cos) = z.im.sin_cos();
    if z.re.abs() > 700.0 {
        let side = 1_f64.copysign(z.re);
        return Complex64::new(scaled_exp(z.re.abs(), 0.5 * cos * side), scaled_exp(z.re.abs(), 0.5 * sin));
    }
    Complex64::new(z.re.sinh() * cos, z.re.cosh() * sin)
}

pub(super) fn cosh(z: Complex64) -> Complex64 {
    if z.im == 0.0 {
        return Complex64::new(z.re.cosh(), 0_f64.copysign(z.re) * 1_f64.copysign(z.im));
    }
    if z.re == 0.0 && !z.im.is_finite() {
        return Complex64::new(f64::NAN, 0.0);
    }
    let (sin, cos) = z.im.sin_cos();
    if z.re.abs() > 700.0 {
        let side = 1_f64.copysign(z.re);
        return Complex64::new(scaled_exp(z.re.abs(), 0.5 * cos), scaled_exp(z.re.abs(), 0.5 * sin * side));
    }
    Complex64::new(z.re.cosh() * cos, z.re.sinh() * sin)
}

pub(super) fn tanh(z: Complex64) -> Complex64 {
    if z.im == 0.0 {
        return Complex64::new(z.re.tanh(), z.im);
    }
    if z.re.abs() > 22.0 {
        let (sin, cos) = z.im.sin_cos();
        let im = if z.im.is_finite() { 4.0 * sin * cos * (-2.0 * z.re.abs()).exp() } else { 0.0 };
        return Complex64::new(1_f64.copysign(z.re), im);
    }
    if z.re == 0.0 {
        return Complex64::new(z.re, z.im.tan());
    }
    let (tan, sinh) = (z.im.tan(), z.re.sinh());
    let slope = 1.0 + tan * tan;
    let denominator = 1.0 + slope * sinh * sinh;
    Complex64::new(slope * z.re.cosh() * sinh / denominator, tan / denominator)
}

pub(super) fn sin(z: Complex64) -> Complex64 {
    turned_back(sinh(turned(z)))
}

pub(super) fn cos(z: Complex64) -> Complex64 {
    cosh(turned(z))
}

pub(super) fn tan(z: Complex64) -> Complex64 {
    turned_back(tanh(turned(z)))
}

/// Returns the logarithm of twice the modulus of what is too large to be squared.
fn ln_of_twice(z: Complex64) -> f64 {
    (z.re / 2.0).hypot(z.im / 2.0).ln() + 2.0 * LN_2
}

fn is_large(z: Complex64) -> bool {
    z.re.abs() > LARGE || z.im.abs() > LARGE
}

pub(super) fn arccos(z: Complex64) -> Complex64 {
    if is_large(z) {
        return Complex64::new(z.im.abs().atan2(z.re), -ln_of_twice(z).copysign(z.im));
    }
    let minus = sqrt(Complex64::new(1.0 - z.re, -z.im));
    let plus = sqrt(Complex64::new(1.0 + z.re, z.im));
    Complex64::new(2.0 * minus.re.atan2(plus.re), real_arcsinh(plus.re * minus.im - plus.im * minus.re))
}

pub(super) fn arcsinh(z: Complex64) -> Complex64 {
    if is_large(z) {
        return Complex64::new(ln_of_twice(z).copysign(z.re), z.im.atan2(z.re.abs()));
    }
    let plus = sqrt(Complex64::new(1.0 + z.im, -z.re));
    let minus = sqrt(Complex64::new(1.0 - z.im, z.re));
    Complex64::new(
        real_arcsinh(plus.re * minus.im - minus.re * plus.im),
        z.im.atan2(plus.re * minus.re - plus.im * minus.im),
    )
}

pub(super) fn arcsin(z: Complex64) -> Complex64 {
    turned_back(arcsinh(turned(z)))
}

pub(super) fn arccosh(z: Complex64) -> Complex64 {
    let angle = arccos(z);
    if z.im.is_sign_negative() { turned_back(angle) } else { turned(angle) }
}

pub(super) fn arctanh(z: Complex64) -> Complex64 {
    if z.re.is_sign_negative() {
        return -arctanh(-z);
    }
    let (x, y) = (z.re, z.im.abs());
    if x.is_nan() || y.is_nan() {
        let re = if x.is_infinite() || x == 0.0 || y.is_infinite() { 0.0 } else { f64::NAN };
        let im = if y.is_infinite() { FRAC_PI_2.copysign(z.im) } else { f64::NAN };
        return Complex64::new(re, im);
    }
    let root = LARGE.sqrt();
    if x > root || y > root {
        // The real part is x over the square of the modulus, which may overflow.
        let half = (x / 2.0).hypot(y / 2.0);
        let re = if half.is_finite() { x / 4.0 / half / half } else { 0.0 };
        return Complex64::new(re, FRAC_PI_2.copysign(z.im));
    }
    if x == 1.0 && y < f64::MIN_POSITIVE.sqrt() {
        if y == 0.0 {
            return Complex64::new(f64::INFINITY, z.im);
        }
        let re = -(y.sqrt() / y.hypot(2.0).sqrt()).ln();
        return Complex64::new(re, (2_f64.atan2(-y) / 2.0).copysign(z.im));
    }
    let re = (4.0 * x / ((1.0 - x) * (1.0 - x) + y * y)).ln_1p() / 4.0;
    let im = (2.0 * z.im).atan2((1.0 - x) * (1.0 + x) - y * y) / 2.0;
    Complex64::new(re, im)
}

pub(super) fn arctan(z: Complex64) -> Complex64 {
    turned_back(arctanh(turned(z)))
}

/// Returns the inverse hyperbolic sine of a real number.
pub(super) fn real_arcsinh(x: f64) -> f64 {
    let size = x.abs();
    if size < 1e-8 || !size.is_finite() {
        return x;
    }
    let inverse = 1.0 / size;
    (size + size / (1_f64.hypot(inverse) + inverse)).ln_1p().copysign(x)
}

/// Returns the inverse hyperbolic cosine of a real number, not a number below one.
pub(super) fn real_arccosh(x: f64) -> f64 {
    if x < 1.0 {
        return f64::NAN;
    }
    if x > LARGE.sqrt() {
        return x.ln() + LN_2;
    }
    let above = x - 1.0;
    (above + (2.0 * above + above * above).sqrt()).ln_1p()
}

/// Returns the inverse hyperbolic tangent of a real number, not a number beyond one.
pub(super) fn real_arctanh(x: f64) -> f64 {
    let size = x.abs();
    ((2.0 * size / (1.0 - size)).ln_1p() / 2.0).copysign(x)
}
