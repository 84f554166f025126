//! Keys that surely name neither branch nor version.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use super::{AssetKey, ContextKey, CourseKey, KeyError, LibraryKey, UsageKey};

/// A key that can be freed of branch and version.
pub trait Versioned: Sized {
    /// Tells whether the key names neither branch nor version.
    fn is_plain(&self) -> bool;

    /// Returns the key without branch and version.
    ///
    /// # Errors
    /// [`KeyError::Incomplete`] when nothing would be left: the key names only a version.
    fn try_plain(&self) -> Result<Self, KeyError>;
}

impl Versioned for CourseKey {
    fn is_plain(&self) -> bool {
        self.branch().is_none() && self.0.version.is_null()
    }

    fn try_plain(&self) -> Result<CourseKey, KeyError> {
        self.for_branch(None)
    }
}

impl Versioned for LibraryKey {
    fn is_plain(&self) -> bool {
        self.branch().is_none() && self.0.version.is_null()
    }

    fn try_plain(&self) -> Result<LibraryKey, KeyError> {
        self.for_branch(None)
    }
}

impl Versioned for ContextKey {
    fn is_plain(&self) -> bool {
        ContextKey::is_plain(self)
    }

    fn try_plain(&self) -> Result<ContextKey, KeyError> {
        self.for_branch(None)
    }
}

impl Versioned for UsageKey {
    fn is_plain(&self) -> bool {
        UsageKey::is_plain(self)
    }

    fn try_plain(&self) -> Result<UsageKey, KeyError> {
        self.for_branch(None)
    }
}

impl Versioned for AssetKey {
    fn is_plain(&self) -> bool {
        self.context_key().is_plain()
    }

    fn try_plain(&self) -> Result<AssetKey, KeyError> {
        self.for_branch(None)
    }
}

/// A key that names neither branch nor version; what learner state, database columns and tables of contexts go by.
///
/// ```
/// use xblock_core::keys::{ContextKey, Plain};
///
/// let draft: ContextKey = "course-v1:OrgX+CS101+2024+branch@draft-branch".parse()?;
/// let plain = Plain::new(&draft)?;
/// assert_eq!(plain.to_string(), "course-v1:OrgX+CS101+2024");
/// assert!(Plain::new(&"course-v1:version@519665f6223ebd6980884f2b".parse::<ContextKey>()?).is_err());
/// # Ok::<(), xblock_core::keys::KeyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Plain<K>(K);

impl<K: Versioned + Clone> Plain<K> {
    /// Drops branch and version from a key.
    ///
    /// # Errors
    /// [`KeyError::Incomplete`] when the key names only a version.
    pub fn new(key: &K) -> Result<Plain<K>, KeyError> {
        if key.is_plain() { Ok(Plain(key.clone())) } else { key.try_plain().map(Plain) }
    }

    /// Returns the key.
    pub fn into_key(self) -> K {
        self.0
    }
}

impl<K> Deref for Plain<K> {
    type Target = K;

    fn deref(&self) -> &K {
        &self.0
    }
}

impl<K> AsRef<K> for Plain<K> {
    fn as_ref(&self) -> &K {
        &self.0
    }
}

impl<K> Borrow<K> for Plain<K> {
    fn borrow(&self) -> &K {
        &self.0
    }
}

impl<K: fmt::Display> fmt::Display for Plain<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<K: Versioned + Clone + FromStr<Err = KeyError>> FromStr for Plain<K> {
    type Err = KeyError;

    /// Reads a key and drops branch and version, as the columns of Open edX databases do.
    fn from_str(text: &str) -> Result<Plain<K>, KeyError> {
        Plain::new(&text.parse()?)
    }
}

impl<'de, K: Versioned + Clone + Deserialize<'de>> Deserialize<'de> for Plain<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Plain<K>, D::Error> {
        Plain::new(&K::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
