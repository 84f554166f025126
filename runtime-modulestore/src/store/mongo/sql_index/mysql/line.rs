//! A connection to a server, on a thread of its own.
//!
//! The client bounds each read from the line, for which a server that sends byte after byte is never late. So whoever asks
//! waits for the thread, to a point in time and no longer, and leaves it to itself where the answer is not there by then.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use mysql::{Conn, Opts, Result};

type Task = Box<dyn FnOnce(&mut Conn) + Send>;

/// A connection that stands.
pub(super) struct Line {
    tasks: Sender<Task>,
    thread: JoinHandle<()>,
}

impl Line {
    /// Connects by a point in time, with all that is said before anything can be asked, and what `prepare` asks.
    pub(super) fn connect(
        options: Opts,
        prepare: impl FnOnce(&mut Conn) -> Result<()> + Send + 'static,
        until: Instant,
    ) -> Result<Self> {
        let (tasks, waiting) = mpsc::channel::<Task>();
        let (told, outcome) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().name("modulestore-index".to_owned()).spawn(move || {
            let connected = Conn::new(options).and_then(|mut connection| {
                prepare(&mut connection)?;
                Ok(connection)
            });
            match connected {
                Ok(mut connection) => {
                    // Where nobody waits any more there are no tasks either.
                    let _ = told.send(Ok(()));
                    waiting.into_iter().for_each(|task| task(&mut connection));
                }
                Err(error) => drop(told.send(Err(error))),
            }
        })?;
        answer(&outcome, until)?;
        Ok(Self { tasks, thread })
    }

    /// Does something with the connection by a point in time. Where it takes longer the line is of no more use.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
        until: Instant,
    ) -> Result<T> {
        let (told, outcome) = mpsc::sync_channel(1);
        let task: Task = Box::new(move |connection| drop(told.send(task(connection))));
        // A thread that is gone answers nothing.
        let _ = self.tasks.send(task);
        answer(&outcome, until)
    }

    /// Says goodbye to the server; for lines on which nothing is being asked.
    pub(super) fn close(self) {
        drop(self.tasks);
        let _ = self.thread.join();
    }
}

fn answer<T>(outcome: &Receiver<Result<T>>, until: Instant) -> Result<T> {
    match outcome.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Ok(outcome) => outcome,
        Err(RecvTimeoutError::Timeout) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
        Err(RecvTimeoutError::Disconnected) => Err(io::Error::from(io::ErrorKind::BrokenPipe).into()),
    }
}
