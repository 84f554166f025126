//! Where the scripts of problems run: in the cage, or in an engine of the host's own (service `sandbox`).

use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use courseware::AuthorCode;
use pyo3::prelude::*;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Runtime};
use xblock_core::services::{Globals, SandboxError, SandboxJob, SandboxLimits, SandboxService};

use crate::safe_exec::SafeExec;

/// A cage that is started with the first script, and anew in every process that was forked since.
#[derive(Default)]
pub(crate) struct ProcessCage {
    /// The store whose courses' libraries scripts may import.
    store: Option<(Arc<dyn Runtime>, Branch)>,
    /// The process that began the cage, and the cage.
    begun: Mutex<Option<(u32, Arc<AuthorCode>)>>,
}

impl ProcessCage {
    /// Returns the cage that all problems without a store share.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: LazyLock<Arc<ProcessCage>> = LazyLock::new(Arc::default);
        SHARED.clone()
    }

    /// Takes the store whose courses' libraries scripts may import.
    pub(crate) fn of(runtime: Arc<dyn Runtime>, branch: Branch) -> Self {
        Self { store: Some((runtime, branch)), begun: Mutex::default() }
    }

    fn here(&self) -> Arc<AuthorCode> {
        let process = std::process::id();
        let known = |begun: &Option<(u32, Arc<AuthorCode>)>| {
            begun.as_ref().filter(|(owner, _)| *owner == process).map(|(_, cage)| cage.clone())
        };
        let found = known(&self.begun.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(cage) = found {
            return cage;
        }
        // Python is asked without the lock: others may have their turn meanwhile, and want it.
        let cage = self.store.clone().map(|(runtime, branch)| AuthorCode::of(runtime, branch));
        let cage = cage.unwrap_or_default();
        let cage = Arc::new(match Python::attach(own_python) {
            Some(python) => cage.with_python(python),
            None => cage,
        });
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cage) = known(&begun) {
            return cage;
        }
        // The one that came along belongs to the parent, which ends it.
        std::mem::forget(begun.replace((process, cage.clone())));
        cage
    }
}

/// Finds the Python this process runs in, whose packages scripts then have, too: the program may be another one, such as
/// a server that has Python in it, and `PATH` may name another Python.
fn own_python(py: Python<'_>) -> Option<PathBuf> {
    let prefix: PathBuf = py.import("sys").ok()?.getattr("prefix").ok()?.extract().ok()?;
    Some(prefix.join("bin/python3")).filter(|path| path.is_file())
}

impl Drop for ProcessCage {
    fn drop(&mut self) {
        let begun = self.begun.get_mut().unwrap_or_else(PoisonError::into_inner);
        if begun.as_ref().is_some_and(|(owner, _)| *owner != std::process::id()) {
            std::mem::forget(begun.take());
        }
    }
}

/// Waits for what takes its time, while Python does other things.
fn waiting<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    Python::attach(|py| py.detach(work))
}

#[deny(clippy::missing_trait_methods)]
impl SandboxService for ProcessCage {
    fn can_run_unsafely(&self, _: &ContextKey) -> bool {
        false
    }

    fn python_lib_zip(&self, context: &ContextKey) -> Result<Option<Vec<u8>>, SandboxError> {
        waiting(|| self.here().python_lib_zip(context))
    }

    fn limits(&self, context: &ContextKey) -> SandboxLimits {
        waiting(|| self.here().limits(context))
    }

    fn run(&self, job: &SandboxJob, context: &ContextKey) -> Result<Globals, SandboxError> {
        waiting(|| self.here().run(job, context))
    }
}

/// The host's service: its `safe_exec` where it has one, else the cage; with the host's libraries and trust.
pub(crate) struct HostSandbox {
    /// A Python `Calls` object.
    calls: Py<PyAny>,
    engine: Arc<dyn SandboxService>,
    /// Whether the engine is the host's.
    is_own: bool,
}

impl HostSandbox {
    /// Takes the service, in the form of a Python `Calls` object.
    ///
    /// # Errors
    /// What Python raises.
    pub(crate) fn new(calls: Py<PyAny>) -> PyResult<Self> {
        Python::attach(|py| {
            let is_own: bool = calls.call_method0(py, "has_safe_exec")?.extract(py)?;
            let engine: Arc<dyn SandboxService> =
                if is_own { Arc::new(SafeExec::new(calls.clone_ref(py))) } else { ProcessCage::shared() };
            Ok(Self { calls, engine, is_own })
        })
    }
}

#[deny(clippy::missing_trait_methods)]
impl SandboxService for HostSandbox {
    fn can_run_unsafely(&self, _: &ContextKey) -> bool {
        Python::attach(|py| {
            let said = self.calls.call_method0(py, "can_run_unsafely").and_then(|said| said.extract(py));
            // Who cannot say that a course is trusted does not trust it.
            said.unwrap_or(false)
        })
    }

    fn python_lib_zip(&self, context: &ContextKey) -> Result<Option<Vec<u8>>, SandboxError> {
        Python::attach(|py| {
            let found = self.calls.call_method1(py, "python_lib_zip", (context.to_string(),));
            let bytes = found.and_then(|found| found.extract(py));
            bytes.map_err(|error| SandboxError::Engine { message: error.to_string() })
        })
    }

    fn limits(&self, context: &ContextKey) -> SandboxLimits {
        self.engine.limits(context)
    }

    fn run(&self, job: &SandboxJob, context: &ContextKey) -> Result<Globals, SandboxError> {
        // The platform's own engine is asked to run code of trusted courses without a cage; ours never does.
        if self.is_own && self.can_run_unsafely(context) {
            return self.engine.run(&SandboxJob { unsafely: true, ..job.clone() }, context);
        }
        self.engine.run(job, context)
    }
}
