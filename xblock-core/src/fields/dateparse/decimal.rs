//! Unsigned decimal numbers as they stand in a date.
use crate::fields::python::text::decimal_digit;

/// How many digits of a fraction count.
const MAX_FRACTION: usize = 28;

/// Holds a number with its fraction in decimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    /// The whole part, at most `i64::MAX`.
    pub(super) whole: i64,
    fraction: String,
}

impl Decimal {
    /// Reads digits with at most one point.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_empty = whole.is_empty() && fraction.is_empty();
        let fraction: Option<String> = fraction
            .chars()
            .map(|digit| decimal_digit(digit).map(|digit| char::from(b'0' + digit)))
            .collect();
        let whole = if whole.is_empty() { 0 } else { integer(whole)? };
        (!is_empty).then_some(Self { whole, fraction: fraction?.chars().take(MAX_FRACTION).collect() })
    }

    /// Tells whether there is anything after the point but zeros.
    pub(super) fn has_fraction(&self) -> bool {
        self.fraction.bytes().any(|digit| digit != b'0')
    }

    /// Returns how many sixtieths the fraction is, cut down.
    pub(super) fn sixtieths(&self) -> i64 {
        let scale = u32::try_from(self.fraction.len()).ok().and_then(|digits| 10_u128.checked_pow(digits));
        let value: Option<u128> = if self.fraction.is_empty() { Some(0) } else { self.fraction.parse().ok() };
        match (value, scale) {
            (Some(value), Some(scale)) => i64::try_from(value * 60 / scale).unwrap_or(0),
            _ => 0,
        }
    }
}

/// Reads decimal digits of any script; numbers too large become the largest.
pub(super) fn integer(text: &str) -> Option<i64> {
    if text.is_empty() {
        return None;
    }
    text.chars().try_fold(0_i64, |sum, digit| {
        let digit = i64::from(decimal_digit(digit)?);
        Some(sum.saturating_mul(10).saturating_add(digit))
    })
}

/// Tells whether a text is digits only.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|digit| decimal_digit(digit).is_some())
}
