//! Parsed definitions, kept by what they were parsed from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;
use xblock_core::runtime::BlockData;

use crate::digest::Digest;

/// Definitions of one generation; twice as many are kept at most.
const GENERATION: usize = 16_384;

/// What a parsed definition depends on: the bundle (hence the context), the block type and the bytes.
type Key = (Uuid, Arc<str>, Digest);

/// A bounded cache: when the young generation is full the old one is forgotten and the young becomes old.
#[derive(Default)]
pub(super) struct DefinitionCache(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<Key, Arc<BlockData>>,
    old: HashMap<Key, Arc<BlockData>>,
}

impl Generations {
    fn put(&mut self, key: Key, data: Arc<BlockData>) {
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
        key: (Uuid, &str, Digest),
        parse: impl FnOnce() -> Result<BlockData, E>,
    ) -> Result<Arc<BlockData>, E> {
        let key: Key = (key.0, key.1.into(), key.2);
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
        let data = Arc::new(parse()?);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(key, data.clone());
        Ok(data)
    }
}
