//! Service `sandbox`: where code of authors runs (capa reference, section 10; the platform's `SandboxService`).

use std::time::Duration;

use blake2::digest::consts::U20;
use blake2::{Blake2b, Digest};
use serde_json::Map;

use crate::fields::Json;
use crate::keys::ContextKey;

use super::Service;

/// Values by name that go into a run and come out of it; only what JSON holds survives. Integers beyond 64 bits are
/// written `{"__int__": "..."}`.
pub type Globals = Map<String, Json>;

/// How much a run may use. The defaults are the code jail's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxLimits {
    /// Time on a processor.
    pub cpu: Duration,
    /// Time on the wall.
    pub real_time: Duration,
    /// Bytes of memory, none without a limit.
    pub memory: Option<u64>,
    /// Bytes of a file it writes.
    pub file_size: u64,
    /// Processes and threads.
    pub processes: u32,
}

impl Default for SandboxLimits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(1),
            real_time: Duration::from_secs(1),
            memory: None,
            file_size: 0,
            processes: 15,
        }
    }
}

/// A piece of code to run, with all it needs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SandboxJob {
    /// What the author wrote.
    pub code: String,
    /// The names it begins with.
    pub globals: Globals,
    /// The seed of its random numbers, as Python writes it.
    pub random_seed: Option<i64>,
    /// Where it looks for modules: names of extra files and folders.
    pub python_path: Vec<String>,
    /// Files beside the code, by name; the course's `python_lib.zip` among them.
    pub extra_files: Vec<(String, Vec<u8>)>,
    /// What to say of it in logs.
    pub slug: Option<String>,
    /// Whether it may run without a cage, which only [`SandboxService::can_run_unsafely`] may grant.
    pub unsafely: bool,
}

impl SandboxJob {
    /// Returns a key under which the outcome may be cached: equal for jobs that must come out equal.
    ///
    /// ```
    /// use xblock_core::services::SandboxJob;
    ///
    /// let job = SandboxJob { code: "x = 1".into(), ..SandboxJob::default() };
    /// let named = SandboxJob { slug: Some("a problem".into()), ..job.clone() };
    /// assert_eq!(job.cache_key(), named.cache_key());
    /// assert_ne!(job.cache_key(), SandboxJob { random_seed: Some(1), ..job.clone() }.cache_key());
    /// ```
    #[must_use]
    pub fn cache_key(&self) -> String {
        let mut digest = Blake2b::<U20>::new();
        // Lengths before contents keep `ab`, `c` and `a`, `bc` apart.
        let mut part = |bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        };
        part(self.code.as_bytes());
        let mut globals: Vec<_> = self.globals.iter().collect();
        globals.sort_unstable_by_key(|(name, _)| *name);
        part(&globals.len().to_le_bytes());
        for (name, value) in globals {
            part(name.as_bytes());
            part(sorted(value).to_string().as_bytes());
        }
        part(self.random_seed.map_or_else(String::new, |seed| seed.to_string()).as_bytes());
        part(&self.python_path.len().to_le_bytes());
        for path in &self.python_path {
            part(path.as_bytes());
        }
        for (name, bytes) in &self.extra_files {
            part(name.as_bytes());
            part(bytes);
        }
        part(&[u8::from(self.unsafely)]);
        format!("safe_exec.{}.{}", self.random_seed.unwrap_or_default(), hex::encode(digest.finalize()))
    }
}

/// Sorts the names of all mappings inside a value.
fn sorted(value: &Json) -> Json {
    match value {
        Json::Array(items) => Json::Array(items.iter().map(sorted).collect()),
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            Json::Object(members.into_iter().map(|(name, member)| (name.clone(), sorted(member))).collect())
        }
        other => other.clone(),
    }
}

/// Why a run gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The code raised an error, or ended with one.
    #[error("{message}")]
    Code {
        /// What the code jail would say: Python's words with their traceback, as it writes bytes.
        message: String,
        /// The last line of Python's words, class and message of the error; none where the code ended itself.
        last_line: Option<String>,
        /// The line of the author's code, from 1, where it is known.
        line: Option<u32>,
    },
    /// The code used more than it may.
    #[error("the code used more {resource} than it may")]
    LimitExceeded {
        /// What it used too much of: `time`, `memory` ...
        resource: &'static str,
    },
    /// The cage cannot be built here, so nothing was run.
    #[error("author code is not run: {reason}")]
    NoCage {
        /// Why not.
        reason: String,
    },
    /// The job may not run as it asked to.
    #[error("the course may not run code without a cage")]
    Forbidden,
    /// The engine could not be reached or spoke nonsense.
    #[error("the sandbox failed: {message}")]
    Engine {
        /// What went wrong.
        message: String,
    },
}

/// Runs code of authors where it can do no harm.
pub trait SandboxService: Send + Sync {
    /// Says whether the operator trusts a course so much that its code may run without a cage.
    fn can_run_unsafely(&self, context: &ContextKey) -> bool;

    /// Returns the course's `python_lib.zip`, none where it has none.
    ///
    /// # Errors
    /// [`SandboxError::Engine`] where it cannot be read.
    fn python_lib_zip(&self, context: &ContextKey) -> Result<Option<Vec<u8>>, SandboxError>;

    /// Returns how much code of a course may use.
    fn limits(&self, context: &ContextKey) -> SandboxLimits;

    /// Runs a job and returns its names as they are afterwards, those that JSON can hold.
    ///
    /// # Errors
    /// [`SandboxError`]; only [`Code`](SandboxError::Code) and [`LimitExceeded`](SandboxError::LimitExceeded) say
    /// something of the code and may be cached.
    fn run(&self, job: &SandboxJob, context: &ContextKey) -> Result<Globals, SandboxError>;
}

impl Service for dyn SandboxService {
    const NAME: &'static str = "sandbox";
}
