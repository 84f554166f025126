//! Connections made, by a point in time, and what each is told before anything is asked.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use super::{ATTEMPTS, PAUSE, Server, Use};
use crate::database::mysql::session::{Session, Trouble, is_broken, meaning};
use crate::database::{Connection, DatabaseError};
use crate::error::BlockstoreError;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// How long the server lets a client be silent, also inside a transaction, before it takes it for gone.
const SILENCE_SECONDS: u32 = 1800;

/// How long the server waits for a lock at a time; the client asks again until its own time is over.
const LOCK_SECONDS: u64 = 5;

/// Whether a server was there to whom no connection could be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// It was not, or it refused, or said nothing in the time there is.
    No,
    /// The connection broke while it was made.
    Broken,
}

impl Server {
    /// Makes a connection, again where it broke while it was made, for as long as one may take.
    pub(super) fn connect(&self, what_for: Use) -> Result<Connection> {
        let deadline = Instant::now() + self.place.connect_timeout;
        let mut attempt = 1;
        loop {
            match self.connect_once(what_for, deadline) {
                Err((_, Reached::Broken)) if attempt < ATTEMPTS && Instant::now() < deadline => {
                    thread::sleep(PAUSE * attempt);
                    attempt += 1;
                }
                Err((error, _)) => return Err(error),
                Ok(connection) => return Ok(connection),
            }
        }
    }

    fn connect_once(
        &self,
        what_for: Use,
        deadline: Instant,
    ) -> std::result::Result<Connection, (BlockstoreError, Reached)> {
        const ACTION: &str = "connecting to the database";
        let failed = |error| {
            let reached = if is_broken(&error) { Reached::Broken } else { Reached::No };
            let (source, _) = meaning(&self.name, &self.connect_limit, error);
            let source = match source {
                // Before anything was asked, a lost connection is a server that is not there.
                DatabaseError::Lost { server, reason } => DatabaseError::Unreachable { server, reason },
                source => source,
            };
            (BlockstoreError::Database { action: ACTION, source }, reached)
        };
        let connection = self.connect_by(deadline).map_err(failed)?;
        let session = Session::new(connection, self.name.clone(), self.read_limit.clone());
        let lock_seconds = LOCK_SECONDS.min(self.place.read_timeout.as_secs() / 2).max(1);
        let isolation = match what_for {
            Use::Reading => "REPEATABLE READ",
            Use::Writing => "READ COMMITTED",
        };
        let settings = [
            format!(
                "SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,NO_ENGINE_SUBSTITUTION', \
                 innodb_lock_wait_timeout = {lock_seconds}, wait_timeout = {SILENCE_SECONDS} \
                 /*M!100300 , idle_transaction_timeout = {SILENCE_SECONDS} */"
            ),
            format!("SET SESSION TRANSACTION ISOLATION LEVEL {isolation}"),
        ];
        for setting in settings {
            session.define(&setting).map_err(|error| {
                let is_lost = session.trouble() == Some(Trouble::Lost);
                let reached = if is_lost { Reached::Broken } else { Reached::No };
                (BlockstoreError::database(ACTION)(error), reached)
            })?;
        }
        Ok(Connection::mysql(session))
    }

    /// Makes a connection that stands, with all that is said before anything can be asked, by a point in time.
    fn connect_by(&self, deadline: Instant) -> mysql::Result<mysql::Conn> {
        let (done, answer) = mpsc::sync_channel(1);
        let options = self.options.clone();
        // Each thing a server says there may take it as long as an answer later on, so somebody else waits for it.
        thread::Builder::new().name("blockstore-connect".to_owned()).spawn(move || {
            // Nobody waits any more where this fails.
            let _ = done.send(mysql::Conn::new(options));
        })?;
        let left = deadline.saturating_duration_since(Instant::now());
        answer.recv_timeout(left).unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
    }
}
