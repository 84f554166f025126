//! One request at a time for each learner and block, so that of two clicks on "Submit" none is forgotten.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use xblock_core::keys::UsageKey;

/// How many requests can be handled at once; learners who share a place wait for each other.
const PLACES: usize = 64;

/// Whose turn it is at which block.
pub(super) struct Turns([Mutex<()>; PLACES]);

impl Default for Turns {
    fn default() -> Self {
        Self([const { Mutex::new(()) }; PLACES])
    }
}

impl Turns {
    /// Waits until nobody else answers for this learner and block; the turn ends when the guard is dropped.
    pub(super) fn wait(&self, user: &str, usage: &UsageKey) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        (user, usage).hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % PLACES as u64).unwrap_or_default();
        // Nothing is kept behind the lock that a panic could have left half done.
        self.0[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
