//! Service `completion`: how far learners are (the platform's `CompletionService`).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::keys::UsageKey;

use super::{Service, ServiceError};

/// Keeps how far the learner of the block completed what.
pub trait CompletionService: Send + Sync {
    /// Says whether completion is tracked at all, for this learner in this context.
    fn is_enabled(&self) -> bool;

    /// Returns how far each of these blocks is completed, from 0 to 1; blocks nobody began are left out.
    ///
    /// # Errors
    /// [`ServiceError::Failed`] where it cannot be read.
    fn completions(&self, usages: &[UsageKey]) -> Result<BTreeMap<UsageKey, f64>, ServiceError>;

    /// Keeps how far a block is completed; it may go down.
    ///
    /// # Errors
    /// [`ServiceError::Failed`] where completion is not tracked or cannot be kept.
    fn submit_completion(&self, usage: &UsageKey, completion: f64) -> Result<(), ServiceError>;

    /// Returns for how long a block that completes on view must be seen, none where the host does not say.
    fn view_delay(&self) -> Option<Duration> {
        None
    }
}

impl Service for dyn CompletionService {
    const NAME: &'static str = "completion";
}

/// Completion in memory.
#[derive(Debug, Default)]
pub struct MemoryCompletion {
    kept: Mutex<BTreeMap<UsageKey, f64>>,
}

impl CompletionService for MemoryCompletion {
    fn is_enabled(&self) -> bool {
        true
    }

    fn completions(&self, usages: &[UsageKey]) -> Result<BTreeMap<UsageKey, f64>, ServiceError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(usages.iter().filter_map(|usage| Some((usage.clone(), *kept.get(usage)?))).collect())
    }

    fn submit_completion(&self, usage: &UsageKey, completion: f64) -> Result<(), ServiceError> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(usage.clone(), completion);
        Ok(())
    }
}
