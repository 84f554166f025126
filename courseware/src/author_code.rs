//! Where the command runs the code of authors: in a cage that the first script starts, by a codejail service, or nowhere.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use cage::{RemoteError, RemoteOptions, RemoteSandbox};

use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, MemoryRuntime, Runtime};
use xblock_core::services::{Globals, NoSandbox, SandboxError, SandboxJob, SandboxLimits, SandboxService};

use crate::clock::SystemClock;

/// Where the code of authors runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ScriptEngine {
    /// In a cage on this machine.
    #[default]
    Cage,
    /// By a codejail service at this address, such as `http://127.0.0.1:8550`.
    Codejail(String),
    /// Nowhere: problems with scripts are not shown.
    None,
}

impl FromStr for ScriptEngine {
    type Err = RemoteError;

    /// Reads `cage`, `none` or the address of a codejail service.
    fn from_str(text: &str) -> Result<Self, RemoteError> {
        match text {
            "cage" => Ok(Self::Cage),
            "none" => Ok(Self::None),
            host => {
                codejail(host, nowhere())?;
                Ok(Self::Codejail(host.to_owned()))
            }
        }
    }
}

/// Runs the scripts of problems, in a cage where nothing else is said.
///
/// The cage is built when the first script is to run, so that problems without one need no Python. Where it cannot be
/// built no script runs, and every job says why; half a minute later the next job tries again. Who asks for code to run
/// meanwhile waits, but not for ever.
#[derive(Default)]
pub struct AuthorCode {
    engine: OnceLock<Box<dyn SandboxService>>,
    /// The store whose courses' libraries scripts may import; libraries come with the problems where there is none.
    store: Option<(Arc<dyn Runtime>, Branch)>,
    place: ScriptEngine,
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

    /// Says where scripts run.
    #[must_use]
    pub fn in_engine(mut self, place: ScriptEngine) -> Self {
        self.place = place;
        self
    }

    fn engine(&self) -> &dyn SandboxService {
        &**self.engine.get_or_init(|| {
            // Where there is no store, the libraries of courses come with the jobs.
            let store = self.store.clone().unwrap_or_else(nowhere);
            match &self.place {
                ScriptEngine::Cage => caged(store, self.python.clone()),
                ScriptEngine::Codejail(host) => match codejail(host, store) {
                    Ok(service) => Box::new(service),
                    Err(error) => Box::new(NoSandbox { reason: error.to_string() }),
                },
                ScriptEngine::None => {
                    Box::new(NoSandbox { reason: "scripts are told not to run (--scripts none)".to_owned() })
                }
            }
        })
    }
}

type Store = (Arc<dyn Runtime>, Branch);

/// Makes a store without courses.
fn nowhere() -> Store {
    (Arc::new(MemoryRuntime::new(Arc::new(SystemClock))), Branch::Published)
}

fn codejail(host: &str, (runtime, branch): Store) -> Result<RemoteSandbox, RemoteError> {
    RemoteSandbox::new(RemoteOptions { host: host.to_owned(), ..RemoteOptions::default() }, runtime, branch)
}

#[cfg(target_os = "linux")]
fn caged((runtime, branch): Store, python: Option<PathBuf>) -> Box<dyn SandboxService> {
    use cage::{Cage, CageOptions, CageSandbox};

    let mut options = CageOptions::default();
    if let Some(python) = python {
        options.python = python;
    }
    Box::new(CageSandbox::new(Arc::new(Cage::when_needed(options)), runtime, branch))
}

#[cfg(not(target_os = "linux"))]
fn caged(_: Store, _: Option<PathBuf>) -> Box<dyn SandboxService> {
    Box::new(NoSandbox { reason: "a cage needs Linux, with Landlock and seccomp".to_owned() })
}

#[deny(clippy::missing_trait_methods)]
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
