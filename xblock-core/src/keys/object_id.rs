//! The identifiers of MongoDB documents.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::KeyError;

/// A BSON ObjectId: twelve bytes, shown as 24 lower-case hexadecimal digits.
///
/// ```
/// let id: xblock_core::keys::ObjectId = "519665F6223EBD6980884F2B".parse()?;
/// assert_eq!(id.to_string(), "519665f6223ebd6980884f2b");
/// # Ok::<(), xblock_core::keys::KeyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(pub [u8; 12]);

impl ObjectId {
    /// Returns the bytes.
    pub const fn bytes(&self) -> &[u8; 12] {
        &self.0
    }

    /// Reads 24 hexadecimal digits in either case.
    pub fn from_hex(text: &str) -> Option<ObjectId> {
        let digits: &[u8; 24] = text.as_bytes().try_into().ok()?;
        let mut bytes = [0; 12];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = u8::try_from(high << 4 | low).ok()?;
        }
        Some(ObjectId(bytes))
    }

    /// Calls `write` with the 24 digits.
    pub(crate) fn with_hex<R>(&self, write: impl FnOnce(&str) -> R) -> R {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 24];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        write(std::str::from_utf8(&text).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_hex(|text| f.pad(text))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

impl FromStr for ObjectId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<ObjectId, KeyError> {
        ObjectId::from_hex(text).ok_or_else(|| KeyError::invalid("ObjectId", text))
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.with_hex(|text| serializer.serialize_str(text))
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ObjectId, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
