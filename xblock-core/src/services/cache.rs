//! Service `cache`: values that may be lost at any time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};

use crate::clock::Clock;
use crate::fields::Json;

use super::Service;

/// Keeps values for a while. A cache that fails behaves as an empty one.
pub trait CacheService: Send + Sync {
    /// Returns what is kept under a key.
    fn get(&self, key: &str) -> Option<Json>;

    /// Keeps a value under a key, for as long as the time to live says; without one, as long as the host likes.
    fn set(&self, key: &str, value: Json, time_to_live: Option<Duration>);

    /// Forgets what is kept under a key.
    fn delete(&self, key: &str);
}

impl Service for dyn CacheService {
    const NAME: &'static str = "cache";
}

/// A cache in memory, of a bounded number of values.
pub struct MemoryCache {
    clock: Arc<dyn Clock>,
    capacity: usize,
    kept: Mutex<HashMap<String, Kept>>,
}

struct Kept {
    value: Json,
    expires: Option<DateTime<Utc>>,
    set_as: u64,
}

impl MemoryCache {
    /// Makes a cache that forgets the oldest values beyond a number.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, capacity: usize) -> Self {
        Self { clock, capacity, kept: Mutex::default() }
    }
}

impl CacheService for MemoryCache {
    fn get(&self, key: &str) -> Option<Json> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(key)?;
        found.expires.is_none_or(|expires| self.clock.now() < expires).then(|| found.value.clone())
    }

    fn set(&self, key: &str, value: Json, time_to_live: Option<Duration>) {
        let now = self.clock.now();
        // A time beyond the calendar is no end.
        let expires = time_to_live.and_then(|time| now.checked_add_signed(time));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let set_as = kept.values().map(|kept| kept.set_as + 1).max().unwrap_or_default();
        kept.remove(key);
        if kept.len() >= self.capacity {
            kept.retain(|_, kept| kept.expires.is_none_or(|expires| now < expires));
        }
        while kept.len() >= self.capacity.max(1) {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.set_as).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { break };
            kept.remove(&oldest);
        }
        kept.insert(key.to_owned(), Kept { value, expires, set_as });
    }

    fn delete(&self, key: &str) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FixedClock;
    use serde_json::json;

    #[test]
    fn what_is_old_or_too_much_is_forgotten() {
        let now = DateTime::from_timestamp(1_930_000_000, 0).expect("a moment");
        let cache = MemoryCache::new(Arc::new(FixedClock(now)), 2);
        cache.set("gone", json!(1), Some(Duration::zero()));
        assert_eq!(cache.get("gone"), None);
        cache.set("a", json!(1), Some(Duration::seconds(1)));
        cache.set("b", json!(2), None);
        cache.set("c", json!(3), None);
        assert_eq!((cache.get("a"), cache.get("b"), cache.get("c")), (None, Some(json!(2)), Some(json!(3))));
        cache.delete("b");
        assert_eq!(cache.get("b"), None);
    }
}
