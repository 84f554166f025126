//! Python equality, a hash that agrees with it, and the order of numbers and texts.
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use num_bigint::BigInt;
use num_traits::FromPrimitive;

use super::Value;
use crate::fields::python::number::to_float;

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Str(left), Self::Str(right)) => left == right,
            (Self::Bytes(left), Self::Bytes(right)) => left == right,
            (Self::List(left), Self::List(right)) | (Self::Tuple(left), Self::Tuple(right)) => left == right,
            (Self::Dict(left), Self::Dict(right)) => left == right,
            (Self::Set(left), Self::Set(right)) => left == right,
            (Self::Date(left), Self::Date(right)) => left == right,
            (Self::DateTime(left), Self::DateTime(right)) => left == right,
            (Self::TimeDelta(left), Self::TimeDelta(right)) => left == right,
            (Self::Score(left), Self::Score(right)) => left == right,
            (Self::Score(score), Self::Tuple(items)) | (Self::Tuple(items), Self::Score(score)) => {
                matches!(items.as_slice(), [earned, possible] if *earned == score.raw_earned
                    && *possible == score.raw_possible)
            }
            (Self::Float(left), Self::Float(right)) if left.is_nan() && right.is_nan() => true,
            _ => self.order_numbers(other) == Some(Ordering::Equal),
        }
    }
}

// A not-a-number equals itself here, so equality is total.
impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::None => 0u8.hash(state),
            Self::Bool(value) => hash_int(i64::from(*value), state),
            Self::Int(value) => hash_int(*value, state),
            Self::BigInt(value) => hash_float(to_float(value).unwrap_or(f64::INFINITY), state),
            Self::Float(value) => match exact_int(*value) {
                Some(integer) => hash_int(integer, state),
                None => hash_float(*value, state),
            },
            Self::Str(text) => (2u8, text).hash(state),
            Self::Bytes(bytes) => (3u8, bytes).hash(state),
            Self::List(items) => (4u8, items).hash(state),
            Self::Tuple(items) => (5u8, items).hash(state),
            Self::Score(score) => (5u8, 2usize, &score.raw_earned, &score.raw_possible).hash(state),
            // Order must not matter, so only the size is hashed; neither is ever a key.
            Self::Dict(dict) => (6u8, dict.len()).hash(state),
            Self::Set(set) => (7u8, set.len()).hash(state),
            Self::Date(date) => (8u8, date).hash(state),
            Self::DateTime(datetime) => (9u8, datetime).hash(state),
            Self::TimeDelta(delta) => (10u8, delta).hash(state),
        }
    }
}

impl Value {
    /// Compares two numbers or two texts; nothing else has an order here.
    pub(crate) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Str(left), Self::Str(right)) => Some(left.cmp(right)),
            _ => self.order_numbers(other),
        }
    }

    fn order_numbers(&self, other: &Self) -> Option<Ordering> {
        match (self.numeric()?, other.numeric()?) {
            (Numeric::Small(left), Numeric::Small(right)) => Some(left.cmp(&right)),
            (Numeric::Float(left), Numeric::Float(right)) => left.partial_cmp(&right),
            (Numeric::Float(left), right) => order_float(left, &right.to_big()?),
            (left, Numeric::Float(right)) => order_float(right, &left.to_big()?).map(Ordering::reverse),
            (left, right) => Some(left.to_big()?.cmp(&right.to_big()?)),
        }
    }

    fn numeric(&self) -> Option<Numeric<'_>> {
        match self {
            Self::Bool(value) => Some(Numeric::Small(i64::from(*value))),
            Self::Int(value) => Some(Numeric::Small(*value)),
            Self::BigInt(value) => Some(Numeric::Big(value)),
            Self::Float(value) => Some(Numeric::Float(*value)),
            _ => None,
        }
    }
}

enum Numeric<'a> {
    Small(i64),
    Big(&'a BigInt),
    Float(f64),
}

impl Numeric<'_> {
    fn to_big(&self) -> Option<BigInt> {
        match self {
            Self::Small(value) => Some(BigInt::from(*value)),
            Self::Big(value) => Some((*value).clone()),
            Self::Float(_) => None,
        }
    }
}

/// Compares a float with an integer exactly.
fn order_float(float: f64, integer: &BigInt) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if float.is_infinite() {
        return Some(if float > 0.0 { Ordering::Greater } else { Ordering::Less });
    }
    let whole = BigInt::from_f64(float.trunc())?;
    let rest = float - float.trunc();
    Some(whole.cmp(integer).then_with(|| rest.partial_cmp(&0.0).unwrap_or(Ordering::Equal)))
}

/// Returns the integer a float is equal to, if an `i64` holds it.
fn exact_int(value: f64) -> Option<i64> {
    // The bounds are powers of two, so both are floats; the upper one is just outside.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "the value is whole and within the bounds")]
    (value.fract() == 0.0 && (-LIMIT..LIMIT).contains(&value)).then_some(value as i64)
}

fn hash_int<H: Hasher>(value: i64, state: &mut H) {
    (1u8, value).hash(state);
}

fn hash_float<H: Hasher>(value: f64, state: &mut H) {
    let bits = if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
    (11u8, bits).hash(state);
}
