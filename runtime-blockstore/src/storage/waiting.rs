//! Work that waits for the network, done for callers that know nothing of it.
//!
//! The work runs on threads of its own, and the caller blocks on a channel. So it may be called from a plain thread, from
//! one that runs another program's asynchronous tasks, and from Python, whose processes may fork.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use tokio::runtime::{Builder, Runtime};

/// Threads that wait for all object stores of a process; they only move bytes.
const THREADS: usize = 2;

/// The threads of this process, with its id: a fork has the memory but not the threads.
static RUNNING: Mutex<Option<(u32, Arc<Runtime>)>> = Mutex::new(None);

fn running() -> io::Result<Arc<Runtime>> {
    let process = std::process::id();
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((of, runtime)) = &*running
        && *of == process
    {
        return Ok(runtime.clone());
    }
    let mut builder = Builder::new_multi_thread();
    let runtime =
        Arc::new(builder.worker_threads(THREADS).thread_name("blockstore-assets").enable_all().build()?);
    // That of the process before the fork cannot be ended here: its threads are not.
    if let Some(foreign) = running.replace((process, runtime.clone())) {
        std::mem::forget(foreign);
    }
    Ok(runtime)
}

/// Work that has begun.
#[derive(Debug)]
pub(super) struct Begun<T> {
    answer: mpsc::Receiver<T>,
}

impl<T> Begun<T> {
    /// Waits for its result.
    pub(super) fn wait(self) -> io::Result<T> {
        // There is no answer only where the work panicked.
        self.answer.recv().map_err(|_| io::Error::other("the work for an object store was broken off"))
    }
}

/// Begins work.
pub(super) fn begin<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> io::Result<Begun<T>> {
    let (done, answer) = mpsc::sync_channel(1);
    running()?.spawn(async move {
        // Nobody waits any more where this fails.
        let _ = done.send(work.await);
    });
    Ok(Begun { answer })
}

/// Does work and waits for its result.
pub(super) fn wait<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> io::Result<T> {
    begin(work)?.wait()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_inside_other_runtimes_may_wait() {
        for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
            let outer = builder.enable_all().build().unwrap();
            let answer = outer.block_on(async { wait(async { 6 * 7 }).unwrap() });
            assert_eq!(answer, 42);
            let blocking = outer.block_on(async {
                tokio::task::spawn_blocking(|| wait(async { 6 * 7 }).unwrap()).await.unwrap()
            });
            assert_eq!(blocking, 42);
        }
    }

    #[test]
    fn work_that_panics_is_an_error_for_who_waits() {
        assert!(wait(async { assert!(std::process::id() == 0, "on purpose") }).is_err());
        assert_eq!(wait(async { 1 }).unwrap(), 1);
    }
}
