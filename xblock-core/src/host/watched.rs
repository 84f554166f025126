//! Learner state as one request sees it: what was read must still be so when something is written.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::fields::{Json, KeyValueStore, KvsError, StateKey};

/// Remembers what was read and writes only where none of it has changed since.
pub(super) struct WatchedState {
    store: Arc<dyn KeyValueStore>,
    read: Mutex<BTreeMap<StateKey, Option<Json>>>,
    was_changed: AtomicBool,
}

impl WatchedState {
    pub(super) fn new(store: Arc<dyn KeyValueStore>) -> Self {
        Self { store, read: Mutex::default(), was_changed: AtomicBool::new(false) }
    }

    /// Says whether a write was refused because somebody else had written meanwhile.
    pub(super) fn was_changed(&self) -> bool {
        self.was_changed.load(Ordering::Relaxed)
    }

    fn read(&self) -> MutexGuard<'_, BTreeMap<StateKey, Option<Json>>> {
        // Nothing between lock and unlock leaves the map half changed.
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyValueStore for WatchedState {
    fn get(&self, key: &StateKey) -> Result<Option<Json>, KvsError> {
        let value = self.store.get(key)?;
        self.read().entry(key.clone()).or_insert_with(|| value.clone());
        Ok(value)
    }

    fn set_many(&self, values: &[(StateKey, Json)]) -> Result<(), KvsError> {
        let read: Vec<_> = self.read().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        self.set_many_if_unchanged(&read, values)
    }

    fn set_many_if_unchanged(
        &self,
        read: &[(StateKey, Option<Json>)],
        values: &[(StateKey, Json)],
    ) -> Result<(), KvsError> {
        let outcome = self.store.set_many_if_unchanged(read, values);
        match &outcome {
            Ok(()) => {
                self.read().extend(values.iter().map(|(key, value)| (key.clone(), Some(value.clone()))))
            }
            Err(KvsError::Changed { .. }) => self.was_changed.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
        outcome
    }

    fn delete(&self, key: &StateKey) -> Result<(), KvsError> {
        self.store.delete(key)?;
        self.read().insert(key.clone(), None);
        Ok(())
    }

    fn default(&self, key: &StateKey) -> Result<Option<Json>, KvsError> {
        self.store.default(key)
    }
}
