//! What a problem uses of its host.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use xblock_core::services::{CacheService, ExternalGraderService, SandboxService};

use super::queue::GraderQueue;

/// What a problem uses of its host. What is absent makes only those questions unanswerable that need it.
#[derive(Clone, Default)]
pub struct ProblemServices {
    /// Where code of authors runs.
    pub sandbox: Option<Arc<dyn SandboxService>>,
    /// Where the results of code are kept.
    pub cache: Option<Arc<dyn CacheService>>,
    /// Where answers go that an external grader looks at.
    pub queue: Option<GraderQueue>,
    /// Asks external graders that answer at once.
    pub external_grader: Option<Arc<dyn ExternalGraderService>>,
    /// The modules of authors (`python_lib.zip`), where they do not come from the course by way of the sandbox.
    pub python_lib: Option<Arc<[u8]>>,
    /// The present moment.
    pub now: DateTime<Utc>,
    /// Whether authors look at their work: faults are told in detail, nothing is sent to graders.
    pub is_author_mode: bool,
}

impl fmt::Debug for ProblemServices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProblemServices")
            .field("sandbox", &self.sandbox.is_some())
            .field("cache", &self.cache.is_some())
            .field("queue", &self.queue)
            .field("external_grader", &self.external_grader.is_some())
            .field("python_lib", &self.python_lib.as_ref().map(|bytes| bytes.len()))
            .field("now", &self.now)
            .field("is_author_mode", &self.is_author_mode)
            .finish()
    }
}
