//! Where the command runs the code of authors: a cage that the first script starts.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Runtime};
use xblock_core::services::{Globals, SandboxError, SandboxJob, SandboxLimits, SandboxService};

/// Runs the scripts of problems in a cage.
///
/// The cage is built when the first script is to run, so that problems without one need no Python. Where it cannot be
/// built no script runs, and every job says why.
#[derive(Default)]
pub struct AuthorCode {
    engine: OnceLock<Result<Box<dyn SandboxService>, String>>,
    /// The store whose courses' libraries scripts may import; libraries come with the problems where there is none.
    store: Option<(Arc<dyn Runtime>, Branch)>,
    /// The Python that scripts run in, `python3` in `PATH` where none is named.
    python: Option<PathBuf>,
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

    fn engine(&self) -> Result<&dyn SandboxService, SandboxError> {
        match self.engine.get_or_init(|| start(self.store.clone(), self.python.clone())) {
            Ok(engine) => Ok(&**engine),
            Err(reason) => Err(SandboxError::NoCage { reason: reason.clone() }),
        }
    }
}

#[cfg(target_os = "linux")]
fn start(
    store: Option<(Arc<dyn Runtime>, Branch)>,
    python: Option<PathBuf>,
) -> Result<Box<dyn SandboxService>, String> {
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
    Ok(Box::new(CageSandbox::new(Arc::new(cage), runtime, branch)))
}

#[cfg(not(target_os = "linux"))]
fn start(
    _: Option<(Arc<dyn Runtime>, Branch)>,
    _: Option<PathBuf>,
) -> Result<Box<dyn SandboxService>, String> {
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
