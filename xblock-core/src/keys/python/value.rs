//! Values of attributes and arguments.

use std::fmt;

use smol_str::SmolStr;

use crate::keys::{AnyKey, ContextKey, KeyError, Scalar};

/// A value of an attribute or argument of a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyValue {
    /// Nothing, a number, a text or an id.
    Scalar(Scalar),
    /// A truth value.
    Bool(bool),
    /// A key.
    Key(AnyKey),
}

impl KeyValue {
    /// Nothing (`None`).
    pub const NULL: KeyValue = KeyValue::Scalar(Scalar::Null);

    /// Returns the scalar, for an argument that cannot be a key.
    pub(crate) fn into_scalar(self, class: &'static str, field: &str) -> Result<Scalar, KeyError> {
        match self {
            KeyValue::Scalar(scalar) => Ok(scalar),
            other => Err(KeyError::wrong_type(class, field, other)),
        }
    }

    /// Returns the learning context, for the argument that must be one.
    pub(crate) fn into_context(self) -> Result<ContextKey, KeyError> {
        match self {
            KeyValue::Key(AnyKey::Context(key)) => Ok(key),
            KeyValue::Key(other) => Err(KeyError::no_attribute(other.class_name(), "course")),
            other => Err(KeyError::NoAttribute { class: "value", name: format!("deprecated of {other}") }),
        }
    }

    /// Tells whether Python takes the value for true.
    pub(crate) fn is_truthy(&self) -> bool {
        match self {
            KeyValue::Scalar(scalar) => !scalar.is_falsy(),
            KeyValue::Bool(value) => *value,
            KeyValue::Key(_) => true,
        }
    }

    /// Writes what Python's `str()` gives.
    pub(crate) fn to_python_text(&self) -> Result<String, KeyError> {
        match self {
            KeyValue::Key(key) => key.to_text(),
            other => Ok(other.to_string()),
        }
    }
}

impl fmt::Display for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyValue::Scalar(scalar) => scalar.fmt(f),
            KeyValue::Bool(true) => f.write_str("True"),
            KeyValue::Bool(false) => f.write_str("False"),
            KeyValue::Key(key) => key.fmt(f),
        }
    }
}

impl From<Scalar> for KeyValue {
    fn from(scalar: Scalar) -> KeyValue {
        KeyValue::Scalar(scalar)
    }
}

impl From<&str> for KeyValue {
    fn from(text: &str) -> KeyValue {
        KeyValue::Scalar(text.into())
    }
}

impl From<&SmolStr> for KeyValue {
    fn from(text: &SmolStr) -> KeyValue {
        KeyValue::Scalar(Scalar::Text(text.clone()))
    }
}

impl From<&Option<SmolStr>> for KeyValue {
    fn from(text: &Option<SmolStr>) -> KeyValue {
        KeyValue::Scalar(text.into())
    }
}

impl From<bool> for KeyValue {
    fn from(value: bool) -> KeyValue {
        KeyValue::Bool(value)
    }
}

impl<K: Into<AnyKey>> From<K> for KeyValue {
    fn from(key: K) -> KeyValue {
        KeyValue::Key(key.into())
    }
}
