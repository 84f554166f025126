//! Service `sandbox`: where code of authors runs (capa reference, section 10; the platform's `SandboxService`).

use std::fmt;
use std::time::Duration;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::fields::Json;
use crate::fields::python::repr::{number_repr, str_repr};
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
    /// Whether a [`CachedSandbox`](super::CachedSandbox) may answer it with what it came to before. The platform does so
    /// for a problem's scripts and for code inside a response, but not for check and hint functions.
    pub may_be_kept: bool,
}

impl SandboxJob {
    /// Returns a key under which the outcome may be kept: equal for jobs that must come out equal.
    ///
    /// For a job without files it is the platform's own key (capa reference, section 10.5). The platform leaves files
    /// and the search path out, so that a course's new library does not change results that are kept; here a digest of
    /// them follows.
    ///
    /// ```
    /// use xblock_core::services::SandboxJob;
    ///
    /// let job = SandboxJob { code: "a = 1".into(), random_seed: Some(1), ..SandboxJob::default() };
    /// assert_eq!(job.cache_key(), "safe_exec.1.50d654508e1ef80f15cebe01e0072cee");
    /// let named = SandboxJob { slug: Some("a problem".into()), ..job.clone() };
    /// assert_eq!(job.cache_key(), named.cache_key());
    /// ```
    #[must_use]
    pub fn cache_key(&self) -> String {
        let mut digest = Md5::new();
        digest.update(str_repr(&self.code));
        walk_object(&self.globals, &mut digest);
        let seed = self.random_seed.map_or_else(|| "None".to_owned(), |seed| seed.to_string());
        let key = format!("safe_exec.{seed}.{}", hex::encode(digest.finalize()));
        if self.python_path.is_empty() && self.extra_files.is_empty() && !self.unsafely {
            return key;
        }
        let mut digest = Md5::new();
        // Lengths before contents keep `ab`, `c` and `a`, `bc` apart.
        let mut part = |bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        };
        part(&self.python_path.len().to_le_bytes());
        self.python_path.iter().for_each(|path| part(path.as_bytes()));
        for (name, bytes) in &self.extra_files {
            part(name.as_bytes());
            part(bytes);
        }
        part(&[u8::from(self.unsafely)]);
        format!("{key}.{}", hex::encode(digest.finalize()))
    }
}

/// Digests a value as the platform does: the class of each node, members by name, and what `repr()` prints of leaves.
fn walk(value: &Json, digest: &mut Md5) {
    let (class, printed) = match value {
        Json::Null => ("NoneType", "None".to_owned()),
        Json::Bool(true) => ("bool", "True".to_owned()),
        Json::Bool(false) => ("bool", "False".to_owned()),
        Json::Number(number) => (if number.is_f64() { "float" } else { "int" }, number_repr(number)),
        Json::String(text) => return walk_text(text, digest),
        Json::Array(items) => {
            digest.update("<class 'list'>");
            return items.iter().for_each(|item| walk(item, digest));
        }
        Json::Object(members) => match big_integer(members) {
            Some(digits) => ("int", digits.to_owned()),
            None => return walk_object(members, digest),
        },
    };
    digest.update(format!("<class '{class}'>{printed}"));
}

fn walk_object(members: &Globals, digest: &mut Md5) {
    digest.update("<class 'dict'>");
    let mut members: Vec<_> = members.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    for (name, member) in members {
        walk_text(name, digest);
        walk(member, digest);
    }
}

fn walk_text(text: &str, digest: &mut Md5) {
    digest.update("<class 'str'>");
    digest.update(str_repr(text));
}

fn big_integer(members: &Globals) -> Option<&str> {
    if members.len() == 1 { members.get("__int__")?.as_str() } else { None }
}

/// What a run can use too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SandboxResource {
    /// Time on a processor.
    Cpu,
    /// Time on the wall.
    RealTime,
    /// Memory.
    Memory,
    /// What it gives back.
    Output,
    /// What it writes to files.
    FileSize,
}

impl fmt::Display for SandboxResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "processor time",
            Self::RealTime => "time",
            Self::Memory => "memory",
            Self::Output => "output",
            Self::FileSize => "space on disk",
        })
    }
}

/// Why a run gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
        /// What it used too much of.
        resource: SandboxResource,
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

impl SandboxError {
    /// Reads what a code jail says of code that failed: Python's words with their traceback, as it writes bytes, so that
    /// lines end in a backslash and an `n`. `before` is how many lines it runs before the author's, where that is known.
    #[must_use]
    pub fn from_jail(message: String, before: Option<u32>) -> Self {
        let last_line = message.rsplit("\\n").nth(1).map(str::to_owned);
        let line = before.and_then(|before| {
            let (_, after) = message.rsplit_once("File \"<string>\", line ")?;
            let end = after.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(after.len());
            after[..end].parse::<u32>().ok()?.checked_sub(before).filter(|line| *line > 0)
        });
        Self::Code { message, last_line, line }
    }
}

/// Runs code of authors where it can do no harm.
///
/// What is left out is answered safely: no course is trusted, none has a library, and the limits are the code jail's. A
/// sandbox around another one answers everything itself; let its impl deny `clippy::missing_trait_methods`.
pub trait SandboxService: Send + Sync {
    /// Says whether the operator trusts a course so much that its code may run without a cage.
    fn can_run_unsafely(&self, context: &ContextKey) -> bool {
        let _ = context;
        false
    }

    /// Returns the course's `python_lib.zip`, none where it has none.
    ///
    /// # Errors
    /// [`SandboxError::Engine`] where it cannot be read.
    fn python_lib_zip(&self, context: &ContextKey) -> Result<Option<Vec<u8>>, SandboxError> {
        let _ = context;
        Ok(None)
    }

    /// Returns how much code of a course may use.
    fn limits(&self, context: &ContextKey) -> SandboxLimits {
        let _ = context;
        SandboxLimits::default()
    }

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

/// Runs nothing, and says why: for hosts that have no place to run code of authors, or want none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSandbox {
    /// What to say.
    pub reason: String,
}

impl SandboxService for NoSandbox {
    fn run(&self, _: &SandboxJob, _: &ContextKey) -> Result<Globals, SandboxError> {
        Err(SandboxError::NoCage { reason: self.reason.clone() })
    }
}
