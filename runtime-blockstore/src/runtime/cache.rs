//! Parsed definitions, kept by what they were parsed from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::definitions::Parsed;
use crate::digest::Digest;

/// Definitions of one generation; twice as many are kept at most.
const GENERATION: usize = 16_384;

/// What a parsed definition depends on: the bundle of the context it is read for, the block type, the bytes, and the id of
/// the usage where children are called after it.
type Key = (Uuid, Arc<str>, Digest, Option<Arc<str>>);

/// A bounded cache: when the young generation is full the old one is forgotten and the young becomes old.
#[derive(Default)]
pub(super) struct DefinitionCache(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<Key, Parsed>,
    old: HashMap<Key, Parsed>,
}

impl Generations {
    fn put(&mut self, key: Key, data: Parsed) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, data);
    }
}

impl DefinitionCache {
    /// Returns what was parsed before, or parses and keeps it; failures are not kept.
    pub(super) fn get_or_parse<E>(
        &self,
        key: (Uuid, &str, Digest, Option<&str>),
        parse: impl FnOnce() -> Result<Parsed, E>,
    ) -> Result<Parsed, E> {
        let key: Key = (key.0, key.1.into(), key.2, key.3.map(Into::into));
        {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(found) = kept.young.get(&key) {
                return Ok(found.clone());
            }
            if let Some(found) = kept.old.remove(&key) {
                kept.put(key, found.clone());
                return Ok(found);
            }
        }
        let data = parse()?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key, data.clone());
        Ok(data)
    }

    /// Forgets everything; what a bundle is has changed.
    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Generations::default();
    }
}
