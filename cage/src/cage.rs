//! The cage: runs that are forked from confined Python processes, one for each.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::CageError;
use crate::exchange::run_in;
use crate::filter::Filters;
use crate::interpreter::Interpreter;
use crate::limits::RunLimits;
use crate::options::CageOptions;
use crate::places::Places;
use crate::probe;
use crate::run::{Outcome, Run};
use crate::zygote::Zygote;

/// Runs Python code of authors where it can do no harm: no network, no files but Python's own, no other processes, and
/// only so much time, memory and output.
///
/// The code runs in a process of its own, forked from one that has Python and its modules loaded. Nothing is left of
/// one run when the next begins. There are two to fork from: the larger a process, the longer a fork takes, so code that
/// does not name one of the large modules is spared them.
#[derive(Debug)]
pub struct Cage {
    interpreter: Interpreter,
    filters: Filters,
    options: CageOptions,
    small: Slot,
    large: Slot,
    places: Places,
}

/// Where a caged process stands: none before it is needed, another when it is gone.
#[derive(Debug)]
struct Slot {
    preload: Vec<String>,
    zygote: Mutex<Option<Arc<Zygote>>>,
}

impl Cage {
    /// Builds a cage and tries it: code that attempts what it must not do runs in it first.
    ///
    /// # Errors
    /// [`CageError::Missing`] names what the system lacks, [`CageError::Interpreter`] and [`CageError::Start`] what is
    /// wrong with Python, [`CageError::Open`] what the code could do. There is no way to run code then.
    pub fn start(options: CageOptions) -> Result<Self, CageError> {
        let slot = |preload: Vec<String>| Slot { preload, zygote: Mutex::default() };
        let all = options.preload.iter().chain(&options.preload_large).cloned().collect();
        let cage = Self {
            interpreter: Interpreter::ask(&options.python)?,
            filters: Filters::new()?,
            small: slot(options.preload.clone()),
            large: slot(all),
            places: Places::new(options.parallel),
            options,
        };
        cage.zygote(&cage.small, None)?;
        Ok(cage)
    }

    /// Starts at once what would start when the first code asks for a large module.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_large(&self) -> Result<(), CageError> {
        self.zygote(&self.large, None).map(drop)
    }

    /// Returns the version of Python inside.
    #[must_use]
    pub fn python_version(&self) -> &str {
        &self.interpreter.version
    }

    /// Lists the modules that are loaded before runs, the large ones included where they can be.
    #[must_use]
    pub fn loaded_modules(&self) -> Vec<String> {
        let large = self.zygote(&self.large, None).or_else(|_| self.zygote(&self.small, None));
        large.map(|zygote| zygote.loaded.clone()).unwrap_or_default()
    }

    /// Returns the process of a slot; starts and tries one where there is none, or only the one that is gone.
    fn zygote(&self, slot: &Slot, gone: Option<&Arc<Zygote>>) -> Result<Arc<Zygote>, CageError> {
        let mut place = slot.zygote.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(zygote) = &*place
            && gone.is_none_or(|gone| !Arc::ptr_eq(zygote, gone))
        {
            return Ok(zygote.clone());
        }
        *place = None;
        let zygote = Zygote::start(&self.interpreter, &self.filters, &self.options, &slot.preload)?;
        probe::try_out(&zygote)?;
        Ok(place.insert(Arc::new(zygote)).clone())
    }

    /// Tells whether code is likely to want a large module. If it does and this says no, it only waits longer.
    fn wants_large(&self, run: &Run<'_>) -> bool {
        let names = self.options.preload_large.iter().map(|name| name.split('.').next().unwrap_or(name));
        !run.files.is_empty() || names.into_iter().any(|name| run.code.contains(name))
    }

    /// Runs a piece of code.
    ///
    /// # Errors
    /// [`CageError`] where the cage fails. What the code does, to raise, to end or to use too much, is an [`Outcome`].
    pub fn run(&self, run: &Run<'_>, limits: &RunLimits) -> Result<Outcome, CageError> {
        let _place = self.places.take();
        let slot = if self.wants_large(run) { &self.large } else { &self.small };
        let zygote = self.zygote(slot, None)?;
        match run_in(&zygote, run, limits) {
            Err(CageError::Gone) => run_in(&*self.zygote(slot, Some(&zygote))?, run, limits),
            outcome => outcome,
        }
    }
}
