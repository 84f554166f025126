//! What a problem uses of its host.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use xblock_core::services::{CacheService, ExternalGraderService, I18nService, SandboxService};

use super::queue::GraderQueue;
use crate::words::Words;

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
    /// The language of what problems say themselves; English without one.
    pub i18n: Option<Arc<dyn I18nService>>,
    /// The present moment.
    pub now: DateTime<Utc>,
    /// Whether authors look at their work: faults are told in detail, nothing is sent to graders.
    pub is_author_mode: bool,
}

impl ProblemServices {
    /// Returns what problems say themselves, in the learner's language.
    pub(super) fn words(&self) -> Words {
        Words::new(self.i18n.clone())
    }
}

impl fmt::Debug for ProblemServices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProblemServices")
            .field("sandbox", &self.sandbox.is_some())
            .field("cache", &self.cache.is_some())
            .field("queue", &self.queue)
            .field("external_grader", &self.external_grader.is_some())
            .field("python_lib", &self.python_lib.as_ref().map(|bytes| bytes.len()))
            .field("i18n", &self.i18n.as_ref().map(|i18n| i18n.language()))
            .field("now", &self.now)
            .field("is_author_mode", &self.is_author_mode)
            .finish()
    }
}
