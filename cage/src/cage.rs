//! The cage: runs that are forked from a confined Python process, one for each.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use xblock_core::services::SandboxResource;

use crate::error::CageError;
use crate::filter::Filters;
use crate::interpreter::Interpreter;
use crate::limits::RunLimits;
use crate::options::CageOptions;
use crate::probe;
use crate::run::{Outcome, Raised, Run};
use crate::zygote::{KernelLimits, Message, Zygote, remaining};

/// How long a run that was told to end may take to be gone.
const GRACE: Duration = Duration::from_secs(10);

/// Runs Python code of authors where it can do no harm: no network, no files but Python's own, no other processes, and
/// only so much time, memory and output.
///
/// The code runs in a process of its own, forked from one that has Python and its modules loaded. Nothing is left of
/// one run when the next begins.
#[derive(Debug)]
pub struct Cage {
    interpreter: Interpreter,
    filters: Filters,
    options: CageOptions,
    zygote: Mutex<Arc<Zygote>>,
    next: AtomicU64,
    places: Places,
}

impl Cage {
    /// Builds a cage and tries it: code that attempts what it must not do runs in it first.
    ///
    /// # Errors
    /// [`CageError::Missing`] names what the system lacks, [`CageError::Interpreter`] and [`CageError::Start`] what is
    /// wrong with Python, [`CageError::Open`] what the code could do. There is no way to run code then.
    pub fn start(options: CageOptions) -> Result<Self, CageError> {
        let interpreter = Interpreter::ask(&options.python)?;
        let filters = Filters::new()?;
        let zygote = Zygote::start(&interpreter, &filters, &options)?;
        let cage = Self {
            places: Places::new(options.parallel),
            interpreter,
            filters,
            options,
            zygote: Mutex::new(Arc::new(zygote)),
            next: AtomicU64::new(0),
        };
        probe::try_out(&cage)?;
        Ok(cage)
    }

    /// Returns the version of Python inside.
    #[must_use]
    pub fn python_version(&self) -> &str {
        &self.interpreter.version
    }

    /// Lists the modules that were loaded before any run.
    #[must_use]
    pub fn loaded_modules(&self) -> Vec<String> {
        self.zygote().loaded.clone()
    }

    fn zygote(&self) -> Arc<Zygote> {
        self.zygote.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts the caged process anew where it is gone.
    fn revive(&self, gone: &Arc<Zygote>) -> Result<Arc<Zygote>, CageError> {
        let mut zygote = self.zygote.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&zygote, gone) {
            *zygote = Arc::new(Zygote::start(&self.interpreter, &self.filters, &self.options)?);
        }
        Ok(zygote.clone())
    }

    /// Runs a piece of code.
    ///
    /// # Errors
    /// [`CageError`] where the cage fails. What the code does, to raise, to end or to use too much, is an [`Outcome`].
    pub fn run(&self, run: &Run<'_>, limits: &RunLimits) -> Result<Outcome, CageError> {
        let _place = self.places.take();
        let zygote = self.zygote();
        match self.run_in(&zygote, run, limits) {
            Err(CageError::Gone) => self.run_in(&*self.revive(&zygote)?, run, limits),
            outcome => outcome,
        }
    }

    fn run_in(&self, zygote: &Zygote, run: &Run<'_>, limits: &RunLimits) -> Result<Outcome, CageError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (mut data, their_data) = UnixStream::pair().map_err(CageError::io("making a socket"))?;
        let (mut status, their_status) = UnixStream::pair().map_err(CageError::io("making a socket"))?;
        let kernel = KernelLimits {
            cpu: limits.cpu.as_secs() + u64::from(limits.cpu.subsec_nanos() > 0),
            memory: zygote.size.saturating_add(limits.memory),
        };
        zygote.send(&Message::Run { id, limits: kernel }, &[their_data.as_fd(), their_status.as_fd()])?;
        drop((their_data, their_status));
        let deadline = Instant::now() + limits.real_time;
        let talk = converse(&mut data, run, limits, deadline);
        if let Talk::Answered(bytes) = &talk {
            return Ok(answered(bytes));
        }
        // If the caged process is gone already, so is the run.
        let _ = zygote.send(&Message::Kill { id }, &[]);
        drop(data);
        let ending = ending(&mut status)?;
        Ok(match talk {
            Talk::TooLate => Outcome::TooMuch { what: SandboxResource::RealTime },
            Talk::TooLong => Outcome::TooMuch { what: SandboxResource::Output },
            Talk::Answered(_) | Talk::Silent => ending.outcome(),
        })
    }
}

/// How the exchange with a run went.
enum Talk {
    /// It said all it had to say.
    Answered(Vec<u8>),
    /// Its time was over.
    TooLate,
    /// It said too much.
    TooLong,
    /// It ended without an answer.
    Silent,
}

fn converse(data: &mut UnixStream, run: &Run<'_>, limits: &RunLimits, deadline: Instant) -> Talk {
    let head = json!({
        "code": run.code,
        "globals": run.globals,
        "seed": run.seed.map(|seed| seed.to_string()),
        "python_path": run.python_path,
        "files": run.files.iter().map(|(name, bytes)| json!([name, bytes.len()])).collect::<Vec<_>>(),
    })
    .to_string();
    let length = (head.len() as u64).to_le_bytes();
    let parts = [&length[..], head.as_bytes()].into_iter().chain(run.files.iter().map(|(_, bytes)| &**bytes));
    for part in parts {
        let sent = data.set_write_timeout(Some(remaining(deadline))).and_then(|()| data.write_all(part));
        match sent {
            Ok(()) => {}
            Err(error) if is_timeout(&error) => return Talk::TooLate,
            Err(_) => return Talk::Silent,
        }
    }
    let mut length = [0; 8];
    if let Err(talk) = read_exactly(data, &mut length, deadline) {
        return talk;
    }
    let Some(length) =
        usize::try_from(u64::from_le_bytes(length)).ok().filter(|length| *length <= limits.output)
    else {
        return Talk::TooLong;
    };
    let mut answer = vec![0; length];
    read_exactly(data, &mut answer, deadline).err().unwrap_or(Talk::Answered(answer))
}

fn read_exactly(data: &mut UnixStream, mut buffer: &mut [u8], deadline: Instant) -> Result<(), Talk> {
    while !buffer.is_empty() {
        if Instant::now() >= deadline || data.set_read_timeout(Some(remaining(deadline))).is_err() {
            return Err(Talk::TooLate);
        }
        match data.read(buffer) {
            Ok(0) => return Err(Talk::Silent),
            Ok(count) => buffer = &mut buffer[count..],
            Err(error) if is_timeout(&error) => return Err(Talk::TooLate),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Err(Talk::Silent),
        }
    }
    Ok(())
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// How a run's process ended, as the process that forked it says.
#[derive(Debug, Deserialize)]
struct Ending {
    code: Option<i32>,
    signal: Option<i32>,
}

fn ending(status: &mut UnixStream) -> Result<Ending, CageError> {
    let mut said = Vec::new();
    status.set_read_timeout(Some(GRACE)).map_err(CageError::io("waiting for a run to end"))?;
    status.read_to_end(&mut said).map_err(|_| CageError::Gone)?;
    serde_json::from_slice(&said).map_err(|_| CageError::Gone)
}

/// What a run gives back.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Answer {
    Globals { globals: Map<String, Json> },
    Raised(Raised),
    Exit { exit: Option<i32> },
}

fn answered(answer: &[u8]) -> Outcome {
    match serde_json::from_slice::<Answer>(answer) {
        Ok(Answer::Globals { globals }) => Outcome::Done { globals },
        Ok(Answer::Raised(raised)) if raised.error == "MemoryError" => {
            Outcome::TooMuch { what: SandboxResource::Memory }
        }
        Ok(Answer::Raised(raised)) => Outcome::Raised(raised),
        Ok(Answer::Exit { exit }) => Outcome::Ended { code: exit.unwrap_or(0) },
        // Only code that answers in place of the runner says anything else.
        Err(_) => Outcome::Ended { code: 1 },
    }
}

impl Ending {
    /// Says what became of a run that gave no answer.
    fn outcome(&self) -> Outcome {
        match (self.signal, self.code) {
            (Some(libc::SIGXCPU | libc::SIGKILL), _) => Outcome::TooMuch { what: SandboxResource::Cpu },
            (Some(libc::SIGXFSZ), _) => Outcome::TooMuch { what: SandboxResource::FileSize },
            (Some(signal), _) => Outcome::Killed { signal },
            (None, Some(4)) => Outcome::TooMuch { what: SandboxResource::Memory },
            (None, code) => Outcome::Ended { code: code.unwrap_or(0) },
        }
    }
}

/// How many runs may go on at once.
#[derive(Debug)]
struct Places {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Places {
    fn new(count: usize) -> Self {
        Self { free: Mutex::new(count.max(1)), freed: Condvar::new() }
    }

    /// Waits for a place and takes it.
    fn take(&self) -> Place<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Place(self)
    }
}

/// A place that is taken.
struct Place<'a>(&'a Places);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
