//! What a problem is put together from besides its XML.

use std::fmt;

use serde_json::Value as Json;
use xblock_core::keys::UsageKey;

use super::services::ProblemServices;

/// Reads a file that a problem includes, by the path its author wrote; nothing where there is none.
pub type ReadFile<'f> = dyn Fn(&str) -> Option<Vec<u8>> + 'f;

/// What a problem is put together from besides its XML.
#[derive(Clone)]
pub struct ProblemOptions<'o> {
    /// The usage; its ids begin with its name.
    pub usage: UsageKey,
    /// The number the variant comes from, where the learner's state holds none; 1 where this does not say either.
    pub seed: Option<i64>,
    /// What scripts know the learner by.
    pub anonymous_id: &'o str,
    /// The learner's state in its stored form: an object with `student_answers`, `correct_map` ... (capa reference,
    /// section 6.2).
    pub state: Option<&'o Json>,
    /// Which of several attempts counts: `last_score`, `first_score`, `highest_score`, `average_score`.
    pub grading_method: &'o str,
    /// What the host offers.
    pub services: ProblemServices,
    /// Where included files are.
    pub files: Option<&'o ReadFile<'o>>,
}

impl ProblemOptions<'_> {
    /// Takes a usage and nothing else: no state, no services, no files.
    #[must_use]
    pub fn new(usage: UsageKey) -> Self {
        Self {
            usage,
            seed: None,
            anonymous_id: "",
            state: None,
            grading_method: "last_score",
            services: ProblemServices::default(),
            files: None,
        }
    }
}

impl fmt::Debug for ProblemOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProblemOptions")
            .field("usage", &self.usage)
            .field("seed", &self.seed)
            .field("anonymous_id", &self.anonymous_id)
            .field("state", &self.state)
            .field("grading_method", &self.grading_method)
            .field("services", &self.services)
            .field("files", &self.files.is_some())
            .finish()
    }
}
