//! The cage: runs that are forked from confined Python processes, one for each.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::error::CageError;
use crate::exchange::run_in;
use crate::filter::Filters;
use crate::interpreter::Interpreter;
use crate::limits::RunLimits;
use crate::options::CageOptions;
use crate::places::Places;
use crate::probe;
use crate::run::{Outcome, Run};
use crate::slot::Slot;
use crate::zygote::{Zygote, remaining};

/// Runs Python code of authors where it can do no harm: no network, no files but Python's own, no other processes, and
/// only so much time, memory and output.
///
/// The code runs in a process of its own, forked from one that has Python and its modules loaded. Nothing is left of
/// one run when the next begins. There are two to fork from: the larger a process, the longer a fork takes, so code that
/// does not name one of the large modules is spared them.
///
/// Whoever runs code waits for a free place, in the order in which they come, and for a process that is being started, but
/// never longer than [`CageOptions::wait_time`].
#[derive(Debug)]
pub struct Cage {
    base: Arc<Base>,
    small: Kind,
    large: Kind,
    places: Places,
}

/// What all caged processes are started with.
#[derive(Debug)]
struct Base {
    options: CageOptions,
    /// Known when the first process starts.
    interpreter: OnceLock<Interpreter>,
}

/// One of the processes: none before it is needed, another when it is gone.
#[derive(Debug)]
struct Kind {
    preload: Vec<String>,
    slot: Arc<Slot<Zygote>>,
}

impl Base {
    /// Starts a process and tries it.
    fn start(&self, preload: &[String]) -> Result<Zygote, CageError> {
        let deadline = Instant::now() + self.options.start_time;
        let interpreter = match self.interpreter.get() {
            Some(known) => known,
            None => {
                let asked = Interpreter::ask(&self.options.python, deadline)?;
                self.interpreter.get_or_init(|| asked)
            }
        };
        let zygote = Zygote::start(interpreter, &Filters::new()?, &self.options, preload, deadline)?;
        probe::try_out(&zygote)?;
        Ok(zygote)
    }
}

impl Cage {
    /// Builds a cage and tries it: code that attempts what it must not do runs in it first.
    ///
    /// # Errors
    /// [`CageError::Missing`] names what the system lacks, [`CageError::Interpreter`] and [`CageError::Start`] what is
    /// wrong with Python, [`CageError::Open`] what the code could do. There is no way to run code then.
    pub fn start(options: CageOptions) -> Result<Self, CageError> {
        let cage = Self::when_needed(options);
        // Starting has a limit of its own.
        cage.zygote(&cage.small, None, Instant::now() + cage.base.options.start_time * 2)?;
        Ok(cage)
    }

    /// Makes a cage that is built and tried when the first code is to run. Where it cannot be built that code is not
    /// run, nor any other, and the error says why; after [`CageOptions::retry_time`] the next code tries again.
    #[must_use]
    pub fn when_needed(options: CageOptions) -> Self {
        let kind = |preload: Vec<String>| Kind { preload, slot: Slot::new(options.retry_time) };
        let all = options.preload.iter().chain(&options.preload_large).cloned().collect();
        Self {
            small: kind(options.preload.clone()),
            large: kind(all),
            places: Places::new(options.parallel),
            base: Arc::new(Base { options, interpreter: OnceLock::new() }),
        }
    }

    /// Starts at once what would start when the first code asks for a large module.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_large(&self) -> Result<(), CageError> {
        self.zygote(&self.large, None, Instant::now() + self.base.options.start_time * 2).map(drop)
    }

    /// Returns the version of Python inside, once a process was started.
    #[must_use]
    pub fn python_version(&self) -> Option<&str> {
        self.base.interpreter.get().map(|interpreter| interpreter.version.as_str())
    }

    /// Lists the modules that are loaded before runs, the large ones included where they can be.
    #[must_use]
    pub fn loaded_modules(&self) -> Vec<String> {
        let deadline = Instant::now() + self.base.options.start_time * 2;
        let large = self.zygote(&self.large, None, deadline);
        let any = large.or_else(|_| self.zygote(&self.small, None, deadline));
        any.map(|zygote| zygote.loaded.clone()).unwrap_or_default()
    }

    /// Returns a process; starts one where there is none, or only the one that is gone.
    fn zygote(
        &self,
        kind: &Kind,
        gone: Option<&Arc<Zygote>>,
        deadline: Instant,
    ) -> Result<Arc<Zygote>, CageError> {
        let (base, preload) = (self.base.clone(), kind.preload.clone());
        kind.slot.get(gone, remaining(deadline), move || base.start(&preload))
    }

    /// Tells whether code is likely to want a large module. If it does and this says no, it only waits longer.
    fn wants_large(&self, run: &Run<'_>) -> bool {
        let names = self.base.options.preload_large.iter().map(|name| name.split('.').next().unwrap_or(name));
        !run.files.is_empty() || names.into_iter().any(|name| run.code.contains(name))
    }

    /// Runs a piece of code.
    ///
    /// # Errors
    /// [`CageError`] where the cage fails. What the code does, to raise, to end or to use too much, is an [`Outcome`].
    pub fn run(&self, run: &Run<'_>, limits: &RunLimits) -> Result<Outcome, CageError> {
        let deadline = Instant::now() + self.base.options.wait_time;
        let kind = if self.wants_large(run) { &self.large } else { &self.small };
        // Who waits for a process to start takes no place from those whose process runs.
        let zygote = self.zygote(kind, None, deadline)?;
        let _place = self.places.take(remaining(deadline))?;
        match run_in(&zygote, run, limits) {
            Err(CageError::Gone) => run_in(&*self.zygote(kind, Some(&zygote), deadline)?, run, limits),
            outcome => outcome,
        }
    }
}
