//! Native values of fields, equal to each other when Python calls them equal.
mod compare;
mod dict;
mod json;
mod score;
mod time;

use std::sync::Arc;

use chrono::NaiveDate;
use num_bigint::BigInt;

pub use dict::{Dict, ValueSet};
pub use json::Json;
pub use score::Score;
pub use time::{DateTime, TimeDelta};

/// Holds a native field value.
///
/// Equality is Python's: numbers are compared across types (`1 == True == 1.0`), an aware date-time equals another of
/// the same instant and never a naive one, and a score equals the pair of its numbers. Unlike in Python a not-a-number
/// equals itself, as it does there too inside a list.
#[derive(Debug, Clone, Default)]
pub enum Value {
    /// Nothing.
    #[default]
    None,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer that an `i64` cannot hold; build integers with [`Value::from`] to keep this so.
    BigInt(BigInt),
    /// A floating-point number.
    Float(f64),
    /// A text.
    Str(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list.
    List(Vec<Value>),
    /// A tuple: a list that no list field accepts.
    Tuple(Vec<Value>),
    /// A mapping in insertion order, whose keys need not be texts.
    Dict(Dict),
    /// A set.
    Set(ValueSet),
    /// A date without time, as YAML reads `2030-01-02`.
    Date(NaiveDate),
    /// A date with time, with or without zone.
    DateTime(DateTime),
    /// A duration.
    TimeDelta(TimeDelta),
    /// A score.
    Score(Box<Score>),
}

impl Value {
    /// Returns the name of the Python type.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::BigInt(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Dict(_) => "dict",
            Self::Set(_) => "set",
            Self::Date(_) => "date",
            Self::DateTime(_) => "datetime",
            Self::TimeDelta(_) => "timedelta",
            Self::Score(_) => "Score",
        }
    }

    /// Tells whether the value counts as true where a truth value is asked for.
    #[must_use]
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::BigInt(_) | Self::Date(_) | Self::DateTime(_) | Self::Score(_) => true,
            Self::Float(value) => *value != 0.0,
            Self::Str(value) => !value.is_empty(),
            Self::Bytes(value) => !value.is_empty(),
            Self::List(items) | Self::Tuple(items) => !items.is_empty(),
            Self::Dict(dict) => !dict.is_empty(),
            Self::Set(set) => !set.is_empty(),
            Self::TimeDelta(delta) => !delta.is_zero(),
        }
    }

    /// Tells whether the value is a number; truth values are.
    #[must_use]
    pub const fn is_number(&self) -> bool {
        matches!(self, Self::Bool(_) | Self::Int(_) | Self::BigInt(_) | Self::Float(_))
    }

    /// Tells whether the value can be a mapping key or an element of a set.
    #[must_use]
    pub fn is_hashable(&self) -> bool {
        match self {
            Self::List(_) | Self::Dict(_) | Self::Set(_) => false,
            Self::Tuple(items) => items.iter().all(Self::is_hashable),
            Self::Score(score) => score.raw_earned.is_hashable() && score.raw_possible.is_hashable(),
            _ => true,
        }
    }

    /// Tells whether the value is nothing.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Returns the text, if the value is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the integer, if the value is one an `i64` holds; truth values are integers.
    #[must_use]
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Bool(value) => Some(*value as i64),
            _ => None,
        }
    }

    /// Returns the truth value, if the value is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the number as a float, if the value is a number within the floats.
    #[must_use]
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            #[expect(
                clippy::cast_precision_loss,
                reason = "rounding to the nearest float is what is asked for"
            )]
            Self::Int(value) => Some(*value as f64),
            Self::BigInt(value) => super::python::number::to_float(value),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns the items, if the value is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the mapping, if the value is one.
    #[must_use]
    pub const fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// Prints the value for a message, shortened.
    pub(crate) fn excerpt(&self) -> String {
        let text = match self {
            Self::Str(text) => format!("`{text}`"),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::BigInt(value) => value.to_string(),
            Self::Float(value) => super::python::number::float_repr(*value),
            Self::TimeDelta(value) => value.to_string(),
            Self::DateTime(value) => value.to_string(),
            Self::Date(value) => value.to_string(),
            other => format!("a {}", other.type_name()),
        };
        if text.chars().count() <= 80 { text } else { text.chars().take(77).chain("...".chars()).collect() }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<BigInt> for Value {
    fn from(value: BigInt) -> Self {
        i64::try_from(&value).map_or(Self::BigInt(value), Self::Int)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Str(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Str(value.into())
    }
}

impl From<Vec<Value>> for Value {
    fn from(value: Vec<Value>) -> Self {
        Self::List(value)
    }
}

impl From<Dict> for Value {
    fn from(value: Dict) -> Self {
        Self::Dict(value)
    }
}

impl From<ValueSet> for Value {
    fn from(value: ValueSet) -> Self {
        Self::Set(value)
    }
}

impl From<DateTime> for Value {
    fn from(value: DateTime) -> Self {
        Self::DateTime(value)
    }
}

impl From<TimeDelta> for Value {
    fn from(value: TimeDelta) -> Self {
        Self::TimeDelta(value)
    }
}

impl From<Score> for Value {
    fn from(value: Score) -> Self {
        Self::Score(Box::new(value))
    }
}
