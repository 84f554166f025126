//! Keeps what code of authors came to, so that a page shown again does not run it again (capa reference, section 10.5).

use std::sync::Arc;

use chrono::Duration;
use serde::{Deserialize, Serialize};

use crate::fields::Json;
use crate::keys::ContextKey;

use super::cache::CacheService;
use super::sandbox::{Globals, SandboxError, SandboxJob, SandboxLimits, SandboxService};

/// How many bytes of JSON are kept of one job, unless a host says otherwise.
const KEPT_BYTES: usize = 256 << 10;

/// Answers jobs that [may be kept](SandboxJob::may_be_kept) from a cache, and hands all others to an engine.
///
/// The names a job gives and the errors its code raises are kept; that an engine cannot be reached or refuses is not.
/// How many are kept and for how long is the cache's matter.
pub struct CachedSandbox {
    engine: Arc<dyn SandboxService>,
    cache: Arc<dyn CacheService>,
    time_to_live: Option<Duration>,
    largest: usize,
}

/// An outcome as the cache holds it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    Globals(Globals),
    Error(SandboxError),
}

impl CachedSandbox {
    /// Puts a cache before an engine.
    #[must_use]
    pub fn new(engine: Arc<dyn SandboxService>, cache: Arc<dyn CacheService>) -> Self {
        Self { engine, cache, time_to_live: None, largest: KEPT_BYTES }
    }

    /// Sets for how long outcomes are kept; without it, as long as the cache likes.
    #[must_use]
    pub fn with_time_to_live(mut self, time_to_live: Duration) -> Self {
        self.time_to_live = Some(time_to_live);
        self
    }

    /// Sets how many bytes of JSON an outcome may have to be kept.
    #[must_use]
    pub fn with_largest(mut self, bytes: usize) -> Self {
        self.largest = bytes;
        self
    }

    fn keep(&self, key: &str, outcome: &Result<Globals, SandboxError>) {
        let kept = match outcome {
            Ok(globals) => Kept::Globals(globals.clone()),
            Err(error @ (SandboxError::Code { .. } | SandboxError::LimitExceeded { .. })) => {
                Kept::Error(error.clone())
            }
            Err(_) => return,
        };
        let Ok(value) = serde_json::to_value(kept) else { return };
        if value.to_string().len() <= self.largest {
            self.cache.set(key, value, self.time_to_live);
        }
    }
}

/// Reads what the cache holds; anything else than an outcome is as nothing.
fn read(kept: Json) -> Option<Result<Globals, SandboxError>> {
    Some(match serde_json::from_value(kept).ok()? {
        Kept::Globals(globals) => Ok(globals),
        Kept::Error(error) => Err(error),
    })
}

#[deny(clippy::missing_trait_methods)]
impl SandboxService for CachedSandbox {
    fn can_run_unsafely(&self, context: &ContextKey) -> bool {
        self.engine.can_run_unsafely(context)
    }

    fn python_lib_zip(&self, context: &ContextKey) -> Result<Option<Vec<u8>>, SandboxError> {
        self.engine.python_lib_zip(context)
    }

    fn limits(&self, context: &ContextKey) -> SandboxLimits {
        self.engine.limits(context)
    }

    fn run(&self, job: &SandboxJob, context: &ContextKey) -> Result<Globals, SandboxError> {
        if !job.may_be_kept {
            return self.engine.run(job, context);
        }
        let key = job.cache_key();
        if let Some(outcome) = self.cache.get(&key).and_then(read) {
            return outcome;
        }
        let outcome = self.engine.run(job, context);
        self.keep(&key, &outcome);
        outcome
    }
}
