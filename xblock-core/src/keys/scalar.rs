//! The values that the parts of keys may have.
//!
//! The Python constructors leave some parts unchecked: a block type may be null, a CCX number an integer. Keys compare by
//! these values and not by their text, so they are kept as they are.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use smol_str::{SmolStr, ToSmolStr as _};
use uuid::Uuid;

use super::ObjectId;

/// An integer of any size, kept as its decimal digits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Integer(SmolStr);

impl Integer {
    /// Reads a canonical decimal integer: an optional `-`, then digits without leading zeros.
    pub fn parse(text: &str) -> Option<Integer> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let canonical = match digits.as_bytes() {
            [b'0'] => digits.len() == text.len(),
            [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
            _ => false,
        };
        canonical.then(|| Integer(text.into()))
    }

    /// Returns the decimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether the integer is below zero.
    pub fn is_negative(&self) -> bool {
        self.0.starts_with('-')
    }
}

impl From<i64> for Integer {
    fn from(value: i64) -> Integer {
        Integer(value.to_smolstr())
    }
}

impl Ord for Integer {
    fn cmp(&self, other: &Integer) -> Ordering {
        let size = |integer: &Integer| integer.0.len();
        match (self.is_negative(), other.is_negative()) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => size(self).cmp(&size(other)).then_with(|| self.0.cmp(&other.0)),
            (true, true) => size(other).cmp(&size(self)).then_with(|| other.0.cmp(&self.0)),
        }
    }
}

impl PartialOrd for Integer {
    fn partial_cmp(&self, other: &Integer) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The placeholder id of a block that has not been saved yet (`LocalId`), written `localid_<id>`.
///
/// Two of them are equal when they are the same one, not when they show the same text.
#[derive(Clone)]
pub struct LocalId(Arc<str>);

impl LocalId {
    /// Makes a new placeholder, different from every other one.
    pub fn new(id: &str) -> LocalId {
        LocalId(format!("localid_{id}").into())
    }

    /// Returns the id it was made with.
    pub fn id(&self) -> &str {
        self.0.strip_prefix("localid_").unwrap_or(&self.0)
    }

    /// Returns its text, `localid_<id>`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn address(&self) -> usize {
        Arc::as_ptr(&self.0).cast::<u8>() as usize
    }
}

impl fmt::Debug for LocalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for LocalId {
    fn eq(&self, other: &LocalId) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for LocalId {}

impl Hash for LocalId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

impl Ord for LocalId {
    fn cmp(&self, other: &LocalId) -> Ordering {
        self.0.cmp(&other.0).then_with(|| self.address().cmp(&other.address()))
    }
}

impl PartialOrd for LocalId {
    fn partial_cmp(&self, other: &LocalId) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A value of a part of a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Scalar {
    /// Nothing (`None`).
    Null,
    /// An integer.
    Int(Integer),
    /// Text.
    Text(SmolStr),
    /// The id of a MongoDB document.
    ObjectId(ObjectId),
    /// A UUID.
    Uuid(Uuid),
    /// The id of a block not yet saved.
    Local(LocalId),
}

impl Scalar {
    /// Makes a text value.
    pub fn text(text: &str) -> Scalar {
        Scalar::Text(text.into())
    }

    /// Returns the text when the value is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Scalar::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Tells whether this is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self, Scalar::Null)
    }

    /// Tells whether Python takes the value for false: nothing, zero or empty text.
    pub(crate) fn is_falsy(&self) -> bool {
        match self {
            Scalar::Null => true,
            Scalar::Int(integer) => integer.as_str() == "0",
            Scalar::Text(text) => text.is_empty(),
            _ => false,
        }
    }

    /// Returns the text written for the value, `None` for nothing; empty for values kept as bytes, which no part has that is
    /// read through this.
    pub(crate) fn shown(&self) -> &str {
        match self {
            Scalar::Null => "None",
            Scalar::Int(integer) => integer.as_str(),
            Scalar::Text(text) => text,
            Scalar::Local(local) => local.as_str(),
            Scalar::ObjectId(_) | Scalar::Uuid(_) => "",
        }
    }

    /// Appends what Python's `str()` gives.
    pub(crate) fn write_to(&self, out: &mut String) {
        match self {
            Scalar::ObjectId(id) => id.with_hex(|text| out.push_str(text)),
            Scalar::Uuid(uuid) => {
                out.push_str(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
            }
            _ => out.push_str(self.shown()),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write_to(&mut text);
        f.write_str(&text)
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Scalar {
        Scalar::text(text)
    }
}

impl From<Option<&str>> for Scalar {
    fn from(text: Option<&str>) -> Scalar {
        text.map_or(Scalar::Null, Scalar::text)
    }
}

impl From<&Option<SmolStr>> for Scalar {
    fn from(text: &Option<SmolStr>) -> Scalar {
        text.clone().map_or(Scalar::Null, Scalar::Text)
    }
}

impl From<ObjectId> for Scalar {
    fn from(id: ObjectId) -> Scalar {
        Scalar::ObjectId(id)
    }
}
