//! Service `publish`: what blocks tell the world (xblock reference, section 8).

use std::sync::{Mutex, PoisonError};

use crate::block::Event;
use crate::keys::UsageKey;

use super::Service;

/// Takes what blocks publish: grades, completion and events for the log.
///
/// A host calls it after the state that goes with the event was saved, so that nobody hears of what did not happen.
pub trait PublishService: Send + Sync {
    /// Takes an event of a block, for the user it worked for.
    fn publish(&self, usage: &UsageKey, user_id: Option<&str>, event: &Event);
}

impl Service for dyn PublishService {
    const NAME: &'static str = "publish";
}

/// Keeps what was published, in memory.
#[derive(Debug, Default)]
pub struct MemoryEvents {
    published: Mutex<Vec<(UsageKey, Option<String>, Event)>>,
}

impl MemoryEvents {
    /// Returns what was published: block, user and event, in order.
    #[must_use]
    pub fn published(&self) -> Vec<(UsageKey, Option<String>, Event)> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl PublishService for MemoryEvents {
    fn publish(&self, usage: &UsageKey, user_id: Option<&str>, event: &Event) {
        let entry = (usage.clone(), user_id.map(str::to_owned), event.clone());
        self.published.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }
}
