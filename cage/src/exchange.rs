//! One run's exchange with its process: the request, the answer, and how it ended.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use xblock_core::services::SandboxResource;

use crate::error::CageError;
use crate::limits::RunLimits;
use crate::run::{Outcome, Raised, Run};
use crate::zygote::{KernelLimits, Message, Zygote, remaining};

/// How long a run that was told to end may take to be gone.
const GRACE: Duration = Duration::from_secs(10);

/// Runs a piece of code in a process forked from a caged one.
///
/// # Errors
/// [`CageError::Gone`] where the caged process is dead, [`CageError::Io`] where there are no sockets left.
pub(crate) fn run_in(zygote: &Zygote, run: &Run<'_>, limits: &RunLimits) -> Result<Outcome, CageError> {
    let id = zygote.next_run();
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
    // It may go on after its answer, or in place of one. If the caged process is gone already, so is the run.
    let _ = zygote.send(&Message::Kill { id }, &[]);
    if let Talk::Answered(bytes) = &talk {
        return Ok(answered(bytes));
    }
    drop(data);
    let ending = ending(&mut status)?;
    Ok(match talk {
        Talk::TooLate => Outcome::TooMuch { what: SandboxResource::RealTime },
        Talk::TooLong => Outcome::TooMuch { what: SandboxResource::Output },
        Talk::Answered(_) | Talk::Silent => ending.outcome(),
    })
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
        Ok(Answer::Raised(raised)) => Outcome::Raised(raised.shortened()),
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
