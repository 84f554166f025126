//! What a branch has and no list of it can name or describe.

use std::fmt;

use serde::Serialize;

use super::error::RuntimeError;
use crate::keys::AssetKey;

/// Something damaged that the lists of a branch leave out; all the others are in them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Unlisted {
    /// A block, or a child of one, whose type and id make no key.
    Block {
        /// Where it is.
        place: String,
        /// What is wrong there.
        reason: String,
    },
    /// A static file whose attributes cannot be read.
    Asset {
        /// The file, where it still says which.
        key: Option<AssetKey>,
        /// Where it is.
        place: String,
        /// What is wrong there.
        reason: String,
    },
}

impl Unlisted {
    /// Takes an error for a block that cannot be named; gives back what is no damage.
    ///
    /// # Errors
    /// Every error but [`RuntimeError::Corrupt`].
    pub fn block(error: RuntimeError) -> Result<Self, RuntimeError> {
        match error {
            RuntimeError::Corrupt { place, reason } => Ok(Self::Block { place, reason }),
            other => Err(other),
        }
    }

    /// Takes an error for a file that cannot be read; gives back what is no damage.
    ///
    /// # Errors
    /// Every error but [`RuntimeError::Corrupt`].
    pub fn asset(key: Option<AssetKey>, error: RuntimeError) -> Result<Self, RuntimeError> {
        match error {
            RuntimeError::Corrupt { place, reason } => Ok(Self::Asset { key, place, reason }),
            other => Err(other),
        }
    }
}

impl fmt::Display for Unlisted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block { place, reason } => write!(f, "a block cannot be named: {place}: {reason}"),
            Self::Asset { key: Some(key), place, reason } => {
                write!(f, "{key} cannot be read: {place}: {reason}")
            }
            Self::Asset { key: None, place, reason } => {
                write!(f, "a static file cannot be read: {place}: {reason}")
            }
        }
    }
}
