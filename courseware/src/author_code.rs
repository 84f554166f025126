//! Where the command runs the code of authors: a cage that the first script starts.

use std::sync::OnceLock;

use xblock_core::keys::ContextKey;
use xblock_core::services::{Globals, SandboxError, SandboxJob, SandboxLimits, SandboxService};

/// Runs the scripts of problems in a cage. Libraries of modules come with the problems.
///
/// The cage is built when the first script is to run, so that problems without one need no Python.
#[derive(Default)]
pub struct AuthorCode {
    engine: OnceLock<Result<Box<dyn SandboxService>, String>>,
}

impl AuthorCode {
    fn engine(&self) -> Result<&dyn SandboxService, SandboxError> {
        match self.engine.get_or_init(start) {
            Ok(engine) => Ok(&**engine),
            Err(reason) => Err(SandboxError::NoCage { reason: reason.clone() }),
        }
    }
}

#[cfg(target_os = "linux")]
fn start() -> Result<Box<dyn SandboxService>, String> {
    use std::sync::Arc;

    use cage::{Cage, CageOptions, CageSandbox};
    use xblock_core::runtime::{Branch, MemoryRuntime};

    let cage = Cage::start(CageOptions::default()).map_err(|error| error.to_string())?;
    // The libraries of courses come with the jobs.
    let no_courses = Arc::new(MemoryRuntime::new(Arc::new(crate::clock::SystemClock)));
    Ok(Box::new(CageSandbox::new(Arc::new(cage), no_courses, Branch::Published)))
}

#[cfg(not(target_os = "linux"))]
fn start() -> Result<Box<dyn SandboxService>, String> {
    Err("a cage needs Linux, with Landlock and seccomp".to_owned())
}

impl SandboxService for AuthorCode {
    fn can_run_unsafely(&self, _: &ContextKey) -> bool {
        false
    }

    fn python_lib_zip(&self, _: &ContextKey) -> Result<Option<Vec<u8>>, SandboxError> {
        Ok(None)
    }

    fn limits(&self, context: &ContextKey) -> SandboxLimits {
        self.engine().map_or_else(|_| SandboxLimits::default(), |engine| engine.limits(context))
    }

    fn run(&self, job: &SandboxJob, context: &ContextKey) -> Result<Globals, SandboxError> {
        self.engine()?.run(job, context)
    }
}
