//! What the accessors that `#[derive(XBlock)]` writes stand on: typed reading and setting, and joining field lists.

use std::sync::Arc;

use crate::fields::{
    BlockFields, BlockFieldsError, DateTime, Dict, FieldError, FieldSpec, Score, TimeDelta, Value, ValueSet,
};

/// A group of fields that several classes have, declared once with `#[derive(FieldGroup)]`.
pub trait FieldGroup {
    /// The fields in the order in which XBlock lists them.
    const FIELDS: &'static [FieldSpec];
}

/// A Rust type that values of fields are read as.
pub trait FieldValue: Sized {
    /// What the type holds, with its article.
    const EXPECTED: &'static str;

    /// Reads a native value; gives it back where it is none of this type.
    ///
    /// # Errors
    /// The value itself.
    fn from_value(value: Value) -> Result<Self, Value>;

    /// Returns the native value.
    fn into_value(self) -> Value;
}

macro_rules! field_value {
    ($type:ty, $expected:literal, $pattern:pat => $read:expr, $write:expr) => {
        impl FieldValue for $type {
            const EXPECTED: &'static str = $expected;

            fn from_value(value: Value) -> Result<Self, Value> {
                match value {
                    $pattern => Ok($read),
                    other => Err(other),
                }
            }

            fn into_value(self) -> Value {
                $write(self)
            }
        }
    };
}

field_value!(Arc<str>, "a text", Value::Str(text) => text, Value::Str);
field_value!(DateTime, "a date", Value::DateTime(time) => time, Value::DateTime);
field_value!(TimeDelta, "a duration", Value::TimeDelta(delta) => delta, Value::TimeDelta);
field_value!(Vec<Value>, "a list", Value::List(items) => items, Value::List);
field_value!(Dict, "a mapping", Value::Dict(dict) => dict, Value::Dict);
field_value!(ValueSet, "a set", Value::Set(set) => set, Value::Set);
field_value!(Score, "a score", Value::Score(score) => *score, Value::from);

impl FieldValue for Value {
    const EXPECTED: &'static str = "a value";

    fn from_value(value: Value) -> Result<Self, Value> {
        Ok(value)
    }

    fn into_value(self) -> Value {
        self
    }
}

impl FieldValue for i64 {
    const EXPECTED: &'static str = "an integer of 64 bits";

    fn from_value(value: Value) -> Result<Self, Value> {
        value.as_int().ok_or(value)
    }

    fn into_value(self) -> Value {
        Value::Int(self)
    }
}

impl FieldValue for f64 {
    const EXPECTED: &'static str = "a number";

    fn from_value(value: Value) -> Result<Self, Value> {
        value.as_float().ok_or(value)
    }

    fn into_value(self) -> Value {
        Value::Float(self)
    }
}

impl FieldValue for bool {
    const EXPECTED: &'static str = "a truth value";

    fn from_value(value: Value) -> Result<Self, Value> {
        Ok(value.is_truthy())
    }

    fn into_value(self) -> Value {
        Value::Bool(self)
    }
}

impl<T: FieldValue> FieldValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;

    fn from_value(value: Value) -> Result<Self, Value> {
        if value.is_none() { Ok(None) } else { T::from_value(value).map(Some) }
    }

    fn into_value(self) -> Value {
        self.map_or(Value::None, T::into_value)
    }
}

/// Reads a field that may hold nothing.
///
/// # Errors
/// A [`BlockFieldsError`] when what is stored is none of the field.
pub fn optional<T: FieldValue>(fields: &BlockFields, name: &str) -> Result<Option<T>, BlockFieldsError> {
    typed(name, fields.get(name)?)
}

/// Reads a field that always holds something; a stored null reads as the field's default.
///
/// # Errors
/// A [`BlockFieldsError`] when what is stored is none of the field.
pub fn required<T: FieldValue>(fields: &BlockFields, name: &str) -> Result<T, BlockFieldsError> {
    match fields.get(name)? {
        Value::None => typed(name, fields.default_value(name)?),
        value => typed(name, value),
    }
}

/// Sets a field.
///
/// # Errors
/// A [`BlockFieldsError`] when the field enforces its type and the value is none of it.
pub fn set<T: FieldValue>(fields: &BlockFields, name: &str, value: T) -> Result<(), BlockFieldsError> {
    fields.set(name, value.into_value())
}

fn typed<T: FieldValue>(name: &str, value: Value) -> Result<T, BlockFieldsError> {
    T::from_value(value).map_err(|found| BlockFieldsError::Conversion {
        field: name.to_owned(),
        source: FieldError::WrongType { expected: T::EXPECTED, found: found.type_name() },
    })
}

/// Counts the fields of several lists; a name that comes again counts once.
#[must_use]
pub const fn count(parts: &[&[FieldSpec]]) -> usize {
    let mut count = 0;
    let mut part = 0;
    while part < parts.len() {
        let mut index = 0;
        while index < parts[part].len() {
            if !is_in(parts[part][index].name, parts, part) {
                count += 1;
            }
            index += 1;
        }
        part += 1;
    }
    count
}

/// Joins several lists of fields into one of the length that [`count`] gives.
///
/// A later declaration of a name replaces an earlier one, in the earlier one's place, as in Python classes.
///
/// # Panics
/// At compile time, where `N` is another number than that.
#[must_use]
pub const fn join<const N: usize>(parts: &[&[FieldSpec]]) -> [FieldSpec; N] {
    assert!(N == count(parts), "the joined list has the length of its parts");
    let filler = FieldSpec::new("", crate::fields::FieldType::Any, crate::fields::Scope::Content);
    let mut joined = [filler; N];
    let (mut length, mut part) = (0, 0);
    while part < parts.len() {
        let mut index = 0;
        while index < parts[part].len() {
            let spec = parts[part][index];
            let mut at = 0;
            while at < length && !same(joined[at].name, spec.name) {
                at += 1;
            }
            joined[at] = spec;
            if at == length {
                length += 1;
            }
            index += 1;
        }
        part += 1;
    }
    joined
}

/// Tells whether one of the first `end` lists has a field of this name.
const fn is_in(name: &str, parts: &[&[FieldSpec]], end: usize) -> bool {
    let mut part = 0;
    while part < end {
        let mut index = 0;
        while index < parts[part].len() {
            if same(parts[part][index].name, name) {
                return true;
            }
            index += 1;
        }
        part += 1;
    }
    false
}

/// Compares texts at compile time.
const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut index = 0;
    while index < a.len() {
        if a[index] != b[index] {
            return false;
        }
        index += 1;
    }
    true
}
