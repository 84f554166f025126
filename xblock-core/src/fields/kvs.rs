//! Stores of single values by key.
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use super::ids::StateKey;
use super::value::Json;

/// Reports what a store could not do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KvsError {
    /// The store keeps no values of this scope.
    #[error("no values of scope {scope} are kept here (field `{field}`)")]
    InvalidScope {
        /// The field that was asked for.
        field: String,
        /// Its scope.
        scope: super::scope::Scope,
    },
    /// Some values of one write were saved and others not.
    #[error("saved only {saved:?}: {source}")]
    PartialWrite {
        /// The names of the fields that were saved.
        saved: Vec<String>,
        /// Why the others were not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Somebody else wrote a value after it was read here; nothing was written.
    #[error("field `{field}` was changed by somebody else meanwhile")]
    Changed {
        /// The first field that is no longer what it was read as.
        field: String,
    },
    /// The store failed.
    #[error("the store failed: {source}")]
    Backend {
        /// The store's own error.
        #[from]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Keeps values by key.
pub trait KeyValueStore: Send + Sync {
    /// Returns the value, or nothing when none is set; a set null is a value.
    ///
    /// # Errors
    /// A [`KvsError`] when the store cannot tell.
    fn get(&self, key: &StateKey) -> Result<Option<Json>, KvsError>;

    /// Writes all values at once, so far as the store can.
    ///
    /// # Errors
    /// [`KvsError::PartialWrite`] when some were written and others not; any other error means that none were.
    fn set_many(&self, values: &[(StateKey, Json)]) -> Result<(), KvsError>;

    /// Writes all values at once, if these others still are what they were read as; `None` is a value that was not set.
    ///
    /// # Errors
    /// [`KvsError::Changed`] when one of them is not, and as [`set_many`](Self::set_many).
    fn set_many_if_unchanged(
        &self,
        read: &[(StateKey, Option<Json>)],
        values: &[(StateKey, Json)],
    ) -> Result<(), KvsError>;

    /// Removes the value; none being set is fine.
    ///
    /// # Errors
    /// A [`KvsError`] when the store failed.
    fn delete(&self, key: &StateKey) -> Result<(), KvsError>;

    /// Returns the value the store has for a key that is not set, if it has an opinion.
    ///
    /// # Errors
    /// A [`KvsError`] when the store cannot tell.
    fn default(&self, key: &StateKey) -> Result<Option<Json>, KvsError>;
}

/// Keeps values in memory, copied in and out.
#[derive(Debug, Default)]
pub struct MemoryStore {
    values: Mutex<BTreeMap<StateKey, Json>>,
}

impl MemoryStore {
    /// Makes an empty store.
    #[must_use]
    pub fn new() -> Self {
        <Self as Default>::default()
    }

    /// Returns all values in the order of their keys.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(StateKey, Json)> {
        self.values().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn values(&self) -> MutexGuard<'_, BTreeMap<StateKey, Json>> {
        // No code between lock and unlock panics with the map half changed.
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyValueStore for MemoryStore {
    fn get(&self, key: &StateKey) -> Result<Option<Json>, KvsError> {
        Ok(self.values().get(key).cloned())
    }

    fn set_many(&self, values: &[(StateKey, Json)]) -> Result<(), KvsError> {
        self.set_many_if_unchanged(&[], values)
    }

    fn set_many_if_unchanged(
        &self,
        read: &[(StateKey, Option<Json>)],
        values: &[(StateKey, Json)],
    ) -> Result<(), KvsError> {
        let mut stored = self.values();
        if let Some((key, _)) = read.iter().find(|(key, value)| stored.get(key) != value.as_ref()) {
            return Err(KvsError::Changed { field: key.field_name.to_string() });
        }
        stored.extend(values.iter().cloned());
        Ok(())
    }

    fn delete(&self, key: &StateKey) -> Result<(), KvsError> {
        self.values().remove(key);
        Ok(())
    }

    fn default(&self, _key: &StateKey) -> Result<Option<Json>, KvsError> {
        Ok(None)
    }
}
