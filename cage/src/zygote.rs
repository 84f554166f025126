//! The caged process from which runs are forked, and the socket by which it is told of them.

use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, sendmsg,
    socketpair,
};
use serde::{Deserialize, Serialize};

use crate::confine;
use crate::error::CageError;
use crate::filter::{Filters, to_hex};
use crate::interpreter::Interpreter;
use crate::options::CageOptions;
use crate::sources::{BOOT, SOURCES};

/// A message on the control socket.
#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Message {
    /// Take the sources and load modules.
    Setup,
    /// Fork a child for a run.
    Run {
        /// The run's number.
        id: u64,
        /// What the kernel watches over.
        limits: KernelLimits,
    },
    /// End a run.
    Kill {
        /// The run's number.
        id: u64,
    },
}

/// Limits as `setrlimit` takes them.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct KernelLimits {
    /// Seconds on a processor.
    pub(crate) cpu: u64,
    /// Bytes of address space.
    pub(crate) memory: u64,
}

/// What the process says when it is ready.
#[derive(Debug, Deserialize)]
struct Ready {
    loaded: Vec<String>,
    size: u64,
}

#[derive(Serialize)]
struct Setup<'a> {
    sources: serde_json::Map<String, serde_json::Value>,
    preload: &'a [String],
    spares: usize,
    run_filter: String,
}

/// The process from which runs are forked.
#[derive(Debug)]
pub(crate) struct Zygote {
    control: OwnedFd,
    child: Mutex<Child>,
    runs: AtomicU64,
    /// Its address space before any run, in bytes.
    pub(crate) size: u64,
    /// The modules it loaded.
    pub(crate) loaded: Vec<String>,
}

impl Zygote {
    /// Starts the process, with some modules loaded, and waits until it is ready.
    pub(crate) fn start(
        interpreter: &Interpreter,
        filters: &Filters,
        options: &CageOptions,
        preload: &[String],
        deadline: Instant,
    ) -> Result<Self, CageError> {
        let (control, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .map_err(|error| CageError::io("making a socket")(confine::os_error(error)))?;
        let mut command = Command::new(&interpreter.executable);
        command
            .args(["-I", "-B", "-c", BOOT])
            .env_clear()
            .envs([("LC_ALL", "C.UTF-8"), ("OPENBLAS_NUM_THREADS", "1"), ("OMP_NUM_THREADS", "1")])
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let child = confine::spawn(command, interpreter, filters)?;
        let mut zygote =
            Self { control, child: Mutex::new(child), runs: AtomicU64::new(0), size: 0, loaded: Vec::new() };
        match zygote.set_up(filters, preload, options.spares, deadline) {
            Ok(ready) => {
                (zygote.loaded, zygote.size) = (ready.loaded, ready.size);
                Ok(zygote)
            }
            Err(error) => Err(zygote.explain(error)),
        }
    }

    fn set_up(
        &self,
        filters: &Filters,
        preload: &[String],
        spares: usize,
        deadline: Instant,
    ) -> Result<Ready, CageError> {
        let (mut sources, their_sources) = UnixStream::pair().map_err(CageError::io("making a socket"))?;
        let (mut ready, their_ready) = UnixStream::pair().map_err(CageError::io("making a socket"))?;
        self.send(&Message::Setup, &[their_sources.as_fd(), their_ready.as_fd()])?;
        drop((their_sources, their_ready));
        let texts = SOURCES.iter().map(|(path, text)| ((*path).to_owned(), (*text).into())).collect();
        let setup = Setup { sources: texts, preload, spares, run_filter: to_hex(&filters.run) };
        let setup =
            serde_json::to_vec(&setup).map_err(|error| CageError::Start { reason: error.to_string() })?;
        let start = |reason: String| CageError::Start { reason };
        sources
            .set_write_timeout(Some(remaining(deadline)))
            .and_then(|()| sources.write_all(&setup))
            .map_err(|error| start(error.to_string()))?;
        drop(sources);
        let mut said = Vec::new();
        ready
            .set_read_timeout(Some(remaining(deadline)))
            .and_then(|()| ready.read_to_end(&mut said))
            .map_err(|error| start(error.to_string()))?;
        serde_json::from_slice(&said).map_err(|_| start("it ended before it was ready".into()))
    }

    /// Returns a number no other run of this process has.
    pub(crate) fn next_run(&self) -> u64 {
        self.runs.fetch_add(1, Ordering::Relaxed)
    }

    /// Adds what the process printed before it ended.
    fn explain(&self, error: CageError) -> CageError {
        let CageError::Start { reason } = error else { return error };
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // It is dead already or of no use; what it printed says why.
        let _ = child.kill();
        let _ = child.wait();
        let mut printed = String::new();
        if let Some(stderr) = child.stderr.as_mut() {
            let _ = stderr.take(1 << 16).read_to_string(&mut printed);
        }
        let last = printed.lines().rev().find(|line| !line.trim().is_empty());
        match last.map(|line| (line, line.strip_prefix("missing: "))) {
            Some((_, Some(feature))) => CageError::missing(feature),
            Some((line, None)) => CageError::Start { reason: line.to_owned() },
            None => CageError::Start { reason },
        }
    }

    /// Sends a message with the ends of sockets the other side is to have.
    pub(crate) fn send(&self, message: &Message, ends: &[BorrowedFd<'_>]) -> Result<(), CageError> {
        let bytes = serde_json::to_vec(message).map_err(|_| CageError::Gone)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !ends.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(ends)) {
            return Err(CageError::Gone);
        }
        sendmsg(&self.control, &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL)
            .map_err(|_| CageError::Gone)?;
        Ok(())
    }
}

impl Drop for Zygote {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Runs die with it.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Returns how long there is to wait, at least a moment: sockets take no time-out of nothing.
pub(crate) fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}
