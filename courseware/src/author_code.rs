//! Where the command runs the code of authors: a cage that the first script starts.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Runtime};
use xblock_core::services::{Globals, SandboxError, SandboxJob, SandboxLimits, SandboxService};

/// How long a failed start counts: a machine may be short of processes for a moment, and starting takes time.
const RETRY: Duration = Duration::from_secs(30);

/// What came of starting the cage.
enum Start {
    Running(Arc<dyn SandboxService>),
    Failed { at: Instant, reason: String },
}

/// Runs the scripts of problems in a cage.
///
/// The cage is built when the first script is to run, so that problems without one need no Python. Where it cannot be
/// built no script runs, and every job says why; half a minute later the next job tries again.
pub struct AuthorCode {
    engine: Mutex<Option<Start>>,
    retry: Duration,
    /// The store whose courses' libraries scripts may import; libraries come with the problems where there is none.
    store: Option<(Arc<dyn Runtime>, Branch)>,
    /// The Python that scripts run in, `python3` in `PATH` where none is named.
    python: Option<PathBuf>,
}

impl Default for AuthorCode {
    fn default() -> Self {
        Self { engine: Mutex::default(), retry: RETRY, store: None, python: None }
    }
}

impl AuthorCode {
    /// Takes the store whose courses' libraries (`python_lib.zip`) scripts may import.
    #[must_use]
    pub fn of(runtime: Arc<dyn Runtime>, branch: Branch) -> Self {
        Self { store: Some((runtime, branch)), ..Self::default() }
    }

    /// Takes the Python that scripts run in, whose packages they import, instead of the first `python3` in `PATH`.
    #[must_use]
    pub fn with_python(mut self, python: PathBuf) -> Self {
        self.python = Some(python);
        self
    }

    fn engine(&self) -> Result<Arc<dyn SandboxService>, SandboxError> {
        let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        if engine
            .as_ref()
            .is_some_and(|start| matches!(start, Start::Failed { at, .. } if at.elapsed() >= self.retry))
        {
            *engine = None;
        }
        let start = engine.get_or_insert_with(|| match start(self.store.clone(), self.python.clone()) {
            Ok(running) => Start::Running(running),
            Err(reason) => Start::Failed { at: Instant::now(), reason },
        });
        match start {
            Start::Running(running) => Ok(running.clone()),
            Start::Failed { reason, .. } => Err(SandboxError::NoCage { reason: reason.clone() }),
        }
    }
}

#[cfg(target_os = "linux")]
fn start(
    store: Option<(Arc<dyn Runtime>, Branch)>,
    python: Option<PathBuf>,
) -> Result<Arc<dyn SandboxService>, String> {
    use cage::{Cage, CageOptions, CageSandbox};
    use xblock_core::runtime::MemoryRuntime;

    let mut options = CageOptions::default();
    if let Some(python) = python {
        options.python = python;
    }
    let cage = Cage::start(options).map_err(|error| error.to_string())?;
    let (runtime, branch) = store.unwrap_or_else(|| {
        // The libraries of courses come with the jobs.
        (Arc::new(MemoryRuntime::new(Arc::new(crate::clock::SystemClock))), Branch::Published)
    });
    Ok(Arc::new(CageSandbox::new(Arc::new(cage), runtime, branch)))
}

#[cfg(not(target_os = "linux"))]
fn start(
    _: Option<(Arc<dyn Runtime>, Branch)>,
    _: Option<PathBuf>,
) -> Result<Arc<dyn SandboxService>, String> {
    Err("a cage needs Linux, with Landlock and seccomp".to_owned())
}

impl SandboxService for AuthorCode {
    fn can_run_unsafely(&self, _: &ContextKey) -> bool {
        false
    }

    fn python_lib_zip(&self, context: &ContextKey) -> Result<Option<Vec<u8>>, SandboxError> {
        if self.store.is_some() { self.engine()?.python_lib_zip(context) } else { Ok(None) }
    }

    fn limits(&self, context: &ContextKey) -> SandboxLimits {
        self.engine().map_or_else(|_| SandboxLimits::default(), |engine| engine.limits(context))
    }

    fn run(&self, job: &SandboxJob, context: &ContextKey) -> Result<Globals, SandboxError> {
        self.engine()?.run(job, context)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_start_that_failed_is_tried_again_when_it_is_due() {
        let directory = tempfile::tempdir().unwrap();
        let python = directory.path().join("python3");
        let mut code = AuthorCode::default().with_python(python.clone());
        let reason = |code: &AuthorCode| match code.engine() {
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        };
        let missing = reason(&code).expect("there is no such Python");
        std::fs::write(&python, "no program").unwrap();
        assert_eq!(reason(&code), Some(missing.clone()), "a failure counts for a while");
        code.retry = Duration::ZERO;
        assert_ne!(reason(&code), Some(missing), "another reason shows that it was tried again");
    }
}
