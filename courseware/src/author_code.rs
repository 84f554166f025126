//! Where the command runs the code of authors: a cage that the first script starts.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Runtime};
use xblock_core::services::{Globals, SandboxError, SandboxJob, SandboxLimits, SandboxService};

/// Runs the scripts of problems in a cage.
///
/// The cage is built when the first script is to run, so that problems without one need no Python. Where it cannot be
/// built no script runs, and every job says why; half a minute later the next job tries again. Who asks for code to run
/// meanwhile waits, but not for ever.
#[derive(Default)]
pub struct AuthorCode {
    engine: OnceLock<Box<dyn SandboxService>>,
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

    fn engine(&self) -> &dyn SandboxService {
        &**self.engine.get_or_init(|| engine(self.store.clone(), self.python.clone()))
    }
}

#[cfg(target_os = "linux")]
fn engine(store: Option<(Arc<dyn Runtime>, Branch)>, python: Option<PathBuf>) -> Box<dyn SandboxService> {
    use cage::{Cage, CageOptions, CageSandbox};
    use xblock_core::runtime::MemoryRuntime;

    let mut options = CageOptions::default();
    if let Some(python) = python {
        options.python = python;
    }
    let (runtime, branch) = store.unwrap_or_else(|| {
        // The libraries of courses come with the jobs.
        (Arc::new(MemoryRuntime::new(Arc::new(crate::clock::SystemClock))), Branch::Published)
    });
    Box::new(CageSandbox::new(Arc::new(Cage::when_needed(options)), runtime, branch))
}

#[cfg(not(target_os = "linux"))]
fn engine(_: Option<(Arc<dyn Runtime>, Branch)>, _: Option<PathBuf>) -> Box<dyn SandboxService> {
    let reason = "a cage needs Linux, with Landlock and seccomp".to_owned();
    Box::new(xblock_core::services::NoSandbox { reason })
}

impl SandboxService for AuthorCode {
    fn can_run_unsafely(&self, _: &ContextKey) -> bool {
        false
    }

    fn python_lib_zip(&self, context: &ContextKey) -> Result<Option<Vec<u8>>, SandboxError> {
        self.engine().python_lib_zip(context)
    }

    fn limits(&self, context: &ContextKey) -> SandboxLimits {
        self.engine().limits(context)
    }

    fn run(&self, job: &SandboxJob, context: &ContextKey) -> Result<Globals, SandboxError> {
        self.engine().run(job, context)
    }
}
