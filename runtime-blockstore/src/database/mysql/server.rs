//! A server: its connections, transactions, and what became of a commit that nobody acknowledged.
//!
//! Writers of all processes stand in one line, as with SQLite: each locks the row of `xblock_lock` before anything else.
//! So a job sees what the job before it has left, the change feed has the order of the commits, and only the app, which
//! takes no such lock, can come between. Whatever it takes from a job is tried again a few times.
//!
//! Each transaction that changes something leaves its name in `xblock_commit`. Where the connection is lost while the
//! server commits, the next connection waits for the lock, which the old transaction held to its end, and looks for the
//! name: it is there, or the change was never made.

mod connecting;
mod temporary;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use mysql::consts::CapabilityFlags;
use mysql::{Opts, OptsBuilder, SslOpts};
use uuid::Uuid;

use self::temporary::Temporary;
use super::session::{Session, Trouble};
use crate::database::{BadValue, Connection, DatabaseError, Row};
use crate::error::BlockstoreError;
use crate::place::{MysqlPlace, Tls};
use crate::rows::uuid_text;
use crate::schema;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// How often a job begins anew.
const ATTEMPTS: u32 = 8;

/// How long to wait before the first of them; each later one waits twice as long.
const PAUSE: Duration = Duration::from_millis(20);

/// Names of transactions that are kept, so that their makers can ask for them.
const NAMES_KEPT: i64 = 10_000;

/// Statements each connection keeps prepared.
const STATEMENTS: usize = 128;

/// A server and the connections to it.
pub(in crate::database) struct Server {
    options: Opts,
    name: Arc<str>,
    /// How long a connection and a statement may take, and by which option, as messages say it.
    connect_limit: Arc<str>,
    read_limit: Arc<str>,
    place: MysqlPlace,
    readers: Mutex<Readers>,
    reader_came_back: Condvar,
    writer: Mutex<Writer>,
    writer_is_done: Condvar,
    /// The connection that has the temporary tables of a read-only store, once there are any.
    temporary: Mutex<Option<Temporary>>,
}

#[derive(Default)]
struct Readers {
    idle: Vec<Connection>,
    in_use: usize,
}

/// One thread of this process writes at a time; the others wait here and not on the server.
#[derive(Default)]
struct Writer {
    is_busy: bool,
    connection: Option<Connection>,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Reading,
    Writing,
}

fn enter<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic interrupted was on a connection that is dropped with it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says how long something may take, and where that is said.
fn limit(timeout: Duration, option: &str) -> Arc<str> {
    format!("{} seconds ({option})", timeout.as_secs()).into()
}

fn session(connection: &Connection) -> &Session {
    connection.session().expect("connections of this server are sessions with it")
}

/// Gives the writers' turn back, also where a job panics.
struct Turn<'s>(&'s Server);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        enter(&self.0.writer).is_busy = false;
        self.0.writer_is_done.notify_one();
    }
}

/// Gives a reader's place back, also where a job panics.
struct Seat<'s>(&'s Server);

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        enter(&self.0.readers).in_use -= 1;
        self.0.reader_came_back.notify_one();
    }
}

/// What a transaction came to.
enum Outcome<T, E> {
    Done(std::result::Result<T, E>),
    /// Nothing of it was kept, and it may go well the next time.
    Again(E),
}

impl Server {
    /// Prepares to connect; the first connection is made when it is needed.
    pub(in crate::database) fn new(place: &MysqlPlace) -> Self {
        // Several makers of TLS may be linked in; then one has to be chosen.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = match &place.tls {
            Tls::Off => None,
            Tls::On => Some(SslOpts::default()),
            Tls::Authority(file) => Some(SslOpts::default().with_root_cert_path(Some(file.clone()))),
        };
        let options = OptsBuilder::new()
            .ip_or_hostname(Some(place.host.clone()))
            .tcp_port(place.port)
            .user(place.user.clone())
            .pass(place.password().map(str::to_owned))
            .db_name(Some(place.database.clone()))
            .prefer_socket(false)
            .tcp_connect_timeout(Some(place.connect_timeout))
            .read_timeout(Some(place.read_timeout))
            .write_timeout(Some(place.read_timeout))
            .tcp_keepalive_time_ms(Some(60_000))
            .stmt_cache_size(STATEMENTS)
            .ssl_opts(tls)
            // An update says how many rows it found, as on SQLite, and not how many of them were other before.
            .additional_capabilities(CapabilityFlags::CLIENT_FOUND_ROWS)
            .into();
        Self {
            options,
            name: place.server().into(),
            connect_limit: limit(place.connect_timeout, "connect-timeout"),
            read_limit: limit(place.read_timeout, "read-timeout"),
            place: place.clone(),
            readers: Mutex::default(),
            reader_came_back: Condvar::new(),
            writer: Mutex::default(),
            writer_is_done: Condvar::new(),
            temporary: Mutex::default(),
        }
    }

    /// Runs a job that bears being done twice on a connection of its own, again where that was lost.
    fn repeat<T>(&self, what_for: Use, mut job: impl FnMut(&Connection) -> Result<T>) -> Result<T> {
        // What does not answer is not asked again: that would take as long each time.
        let deadline = Instant::now() + self.place.read_timeout;
        let mut attempt = 1;
        loop {
            let connection = self.connect(what_for)?;
            match job(&connection) {
                Err(_)
                    if session(&connection).trouble().is_some()
                        && attempt < ATTEMPTS
                        && Instant::now() < deadline =>
                {
                    thread::sleep(PAUSE * (1 << attempt));
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    // Reading

    /// Runs a job on one consistent state; with `may_repeat`, again where the connection was lost.
    pub(in crate::database) fn read<T, E: From<BlockstoreError>>(
        &self,
        mut job: impl FnMut(&Connection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let mut attempt = 1;
        loop {
            match self.read_attempt(&mut job) {
                Outcome::Done(result) => return result,
                Outcome::Again(error) if attempt >= ATTEMPTS => return Err(error),
                Outcome::Again(_) => {}
            }
            attempt += 1;
        }
    }

    /// Runs a job on one consistent state, once.
    pub(in crate::database) fn read_once<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnOnce(&Connection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        match self.read_attempt(job) {
            Outcome::Done(result) => result,
            Outcome::Again(error) => Err(error),
        }
    }

    fn read_attempt<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnOnce(&Connection) -> std::result::Result<T, E>,
    ) -> Outcome<T, E> {
        let mut temporary = enter(&self.temporary);
        if let Some(kept) = &mut *temporary {
            return self.read_temporary(kept, "ROLLBACK", job);
        }
        drop(temporary);
        let (seat, mut idle) = match self.sit() {
            Ok(found) => found,
            Err(error) => return Outcome::Done(Err(error.into())),
        };
        let connection = loop {
            let (connection, was_idle) = match idle.take() {
                Some(connection) => (connection, true),
                None => match self.connect(Use::Reading) {
                    Ok(connection) => (connection, false),
                    Err(error) => return Outcome::Done(Err(error.into())),
                },
            };
            match begin_reading(&connection) {
                Ok(()) => break connection,
                // The server may have closed what lay idle; others that did are no better.
                Err(_) if was_idle => idle = enter(&self.readers).idle.pop(),
                Err(error) => return Outcome::Again(error.into()),
            }
        };
        let (outcome, is_sound) = read_in(&connection, "ROLLBACK", job);
        if is_sound {
            enter(&self.readers).idle.push(connection);
        }
        drop(seat);
        outcome
    }

    /// Waits for one of the places readers have; returns an idle connection where there is one.
    fn sit(&self) -> Result<(Seat<'_>, Option<Connection>)> {
        let deadline = Instant::now() + self.place.connect_timeout;
        let mut readers = enter(&self.readers);
        while readers.in_use >= self.place.connections {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let reason = format!("all {} connections are in use", self.place.connections);
                let source = DatabaseError::Busy { server: self.name.to_string(), reason };
                return Err(BlockstoreError::Database { action: "waiting for a connection", source });
            }
            readers =
                self.reader_came_back.wait_timeout(readers, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        readers.in_use += 1;
        let idle = readers.idle.pop();
        Ok((Seat(self), idle))
    }

    // Writing

    /// Runs a job that alone may write, and again where the server took back what it did.
    pub(in crate::database) fn write<T, E: From<BlockstoreError>>(
        &self,
        mut job: impl FnMut(&Connection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let deadline = Instant::now() + self.place.lock_timeout;
        let turn = self.take_turn(deadline)?;
        let mut attempt = 1;
        loop {
            match self.write_attempt(deadline, &mut job) {
                Outcome::Done(result) => return result,
                Outcome::Again(error) if attempt >= ATTEMPTS => return Err(error),
                Outcome::Again(_) => thread::sleep(PAUSE * (1 << attempt)),
            }
            attempt += 1;
            let _ = &turn;
        }
    }

    /// Runs a job that alone may write, once; only what comes before it is tried again.
    pub(in crate::database) fn write_once<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnOnce(&Connection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let deadline = Instant::now() + self.place.lock_timeout;
        let _turn = self.take_turn(deadline)?;
        match self.write_attempt(deadline, job) {
            Outcome::Done(result) => result,
            Outcome::Again(error) => Err(error),
        }
    }

    fn take_turn(&self, deadline: Instant) -> Result<Turn<'_>> {
        let mut writer = enter(&self.writer);
        while writer.is_busy {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.busy("another thread of this process keeps writing"));
            }
            writer = self.writer_is_done.wait_timeout(writer, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        writer.is_busy = true;
        Ok(Turn(self))
    }

    fn busy(&self, reason: &str) -> BlockstoreError {
        let source = DatabaseError::Busy { server: self.name.to_string(), reason: reason.to_owned() };
        BlockstoreError::Database { action: "waiting for the database", source }
    }

    fn write_attempt<T, E: From<BlockstoreError>>(
        &self,
        deadline: Instant,
        job: impl FnOnce(&Connection) -> std::result::Result<T, E>,
    ) -> Outcome<T, E> {
        let connection = match self.begin_writing(deadline) {
            Ok(connection) => connection,
            Err(error) => return Outcome::Done(Err(error.into())),
        };
        let session = session(&connection);
        let value = match job(&connection) {
            Ok(value) => value,
            Err(error) => {
                let trouble = session.trouble();
                if trouble != Some(Trouble::Lost) && session.define("ROLLBACK").is_ok() {
                    enter(&self.writer).connection = Some(connection);
                }
                return if trouble.is_some() { Outcome::Again(error) } else { Outcome::Done(Err(error)) };
            }
        };
        if !session.has_written() {
            if session.define("ROLLBACK").is_ok() {
                enter(&self.writer).connection = Some(connection);
            }
            return Outcome::Done(Ok(value));
        }
        let name = uuid_text(Uuid::new_v4());
        const ACTION: &str = "committing to the database";
        if let Err(error) = leave_name(&connection, &name) {
            let trouble = session.trouble();
            if trouble != Some(Trouble::Lost) && session.define("ROLLBACK").is_ok() {
                enter(&self.writer).connection = Some(connection);
            }
            return if trouble.is_some() {
                Outcome::Again(error.into())
            } else {
                Outcome::Done(Err(error.into()))
            };
        }
        match session.define("COMMIT") {
            Ok(()) => {
                enter(&self.writer).connection = Some(connection);
                Outcome::Done(Ok(value))
            }
            Err(source) if session.trouble() == Some(Trouble::Lost) => {
                drop(connection);
                match self.was_committed(&name) {
                    Ok(true) => Outcome::Done(Ok(value)),
                    Ok(false) => Outcome::Again(BlockstoreError::Database { action: ACTION, source }.into()),
                    Err(error) => {
                        let server = self.name.to_string();
                        let source = DatabaseError::Unresolved { server, reason: error.to_string() };
                        Outcome::Done(Err(BlockstoreError::Database { action: ACTION, source }.into()))
                    }
                }
            }
            // The server itself says that it did not commit.
            Err(source) => {
                let trouble = session.trouble();
                let error = BlockstoreError::Database { action: ACTION, source }.into();
                if trouble.is_some() { Outcome::Again(error) } else { Outcome::Done(Err(error)) }
            }
        }
    }

    /// Begins a transaction and takes the writers' lock; until it is there, nothing has been done that could not be repeated.
    fn begin_writing(&self, deadline: Instant) -> Result<Connection> {
        let mut kept = enter(&self.writer).connection.take();
        let mut attempt = 1;
        loop {
            let was_kept = kept.is_some();
            let connection = match kept.take() {
                Some(connection) => connection,
                None => self.connect(Use::Writing)?,
            };
            let on_server = session(&connection);
            on_server.begin_anew();
            let began = on_server
                .define("START TRANSACTION")
                .map_err(BlockstoreError::database("waiting for the database"))
                .and_then(|()| {
                    let sql = "SELECT id FROM xblock_lock WHERE id = 1 FOR UPDATE";
                    connection.exists("waiting for the database", sql, ())
                });
            match began {
                Ok(true) => return Ok(connection),
                Ok(false) => {
                    return Err(BlockstoreError::corrupt(
                        &self.name,
                        "the row that writers lock is not there",
                    ));
                }
                Err(error) => match on_server.trouble() {
                    Some(Trouble::Taken) if Instant::now() < deadline => {
                        on_server
                            .define("ROLLBACK")
                            .map_err(BlockstoreError::database("waiting for the database"))?;
                        kept = Some(connection);
                    }
                    // What was kept from before may have been closed by the server meanwhile.
                    Some(Trouble::Lost) if was_kept => {}
                    Some(Trouble::Lost) if attempt < ATTEMPTS && Instant::now() < deadline => attempt += 1,
                    _ => return Err(error),
                },
            }
        }
    }

    /// Finds out whether a transaction of a name was committed.
    fn was_committed(&self, name: &str) -> Result<bool> {
        let deadline = Instant::now() + self.place.lock_timeout;
        // Whoever has the lock knows that the transaction has come to its end.
        let connection = loop {
            match self.begin_writing(deadline) {
                Ok(connection) => break connection,
                Err(BlockstoreError::Database {
                    source: DatabaseError::Unreachable { .. } | DatabaseError::Lost { .. },
                    ..
                }) if Instant::now() < deadline => thread::sleep(PAUSE * 5),
                Err(error) => return Err(error),
            }
        };
        let sql = "SELECT 1 FROM xblock_commit WHERE name = ?1";
        let found = connection.exists("looking for a commit", sql, [name])?;
        if session(&connection).define("ROLLBACK").is_ok() {
            enter(&self.writer).connection = Some(connection);
        }
        Ok(found)
    }

    /// Runs queries outside of any transaction.
    pub(in crate::database) fn look<T>(&self, job: impl FnMut(&Connection) -> Result<T>) -> Result<T> {
        self.repeat(Use::Reading, job)
    }

    /// Runs a job outside of any transaction, which makes tables where they are missing.
    pub(in crate::database) fn define<T>(&self, mut job: impl FnMut(&Connection) -> Result<T>) -> Result<T> {
        self.repeat(Use::Writing, |connection| self.define_on(connection, &mut job))
    }

    fn define_on<T>(&self, connection: &Connection, job: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        const ACTION: &str = "waiting to make tables";
        // Statements that make tables are no part of a transaction, so others wait for this name; it goes with the connection.
        let (name, seconds) = (format!("xblock {}", self.place.database), self.place.lock_timeout.as_secs());
        let patience = i64::try_from(seconds.min(self.place.read_timeout.as_secs().saturating_sub(1)).max(1));
        let taken = connection.one(
            ACTION,
            "SELECT get_lock(left(?1, 64), ?2)",
            (name, patience.unwrap_or(1)),
            |row| row.get::<Option<i64>>(0),
        )?;
        match taken.flatten() {
            Some(1) => job(connection),
            _ => Err(self.busy("another process keeps making tables")),
        }
    }

    /// Says what is wrong with the tables: kinds of damage and what is said of each.
    pub(in crate::database) fn check(&self, db: &Connection) -> Result<Vec<(&'static str, String)>> {
        const ACTION: &str = "checking the database";
        let mut found = Vec::new();
        // It ends transactions, so it takes connections of its own.
        for table in schema::APP {
            let told = self.look(|other| {
                let told = session(other).ask(&format!("CHECK TABLE {table} QUICK"));
                told.map_err(BlockstoreError::database(ACTION))
            })?;
            for row in &told {
                let row = Row::Mysql(row);
                let read = || Ok((row.get::<String>(2)?, row.get::<String>(3)?));
                let (kind, text) =
                    read().map_err(|error: BadValue| BlockstoreError::corrupt(table, error))?;
                if !(kind == "status" && text == "OK" || kind == "note") {
                    found.push(("database", format!("{table}: {text}")));
                }
            }
        }
        for (table, column, target) in schema::REFERENCES {
            let sql = format!(
                "SELECT count(*) FROM {table} a LEFT JOIN {target} b ON b.id = a.{column} WHERE b.id IS NULL"
            );
            let lost = db.one(ACTION, &sql, (), |row| row.get::<i64>(0))?.unwrap_or_default();
            if lost > 0 {
                found.push((
                    "foreign_key",
                    format!("{lost} rows of {table} refer to rows of {target} that are not there"),
                ));
            }
        }
        Ok(found)
    }
}

fn begin_reading(connection: &Connection) -> Result<()> {
    let session = session(connection);
    session.begin_anew();
    session
        .define("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        .map_err(BlockstoreError::database("beginning to read"))
}

/// Runs a job in a transaction that has begun; says whether the connection can be used again.
///
/// Where the job succeeds the transaction ends as is said; temporary tables keep what it wrote only after a `COMMIT`.
fn read_in<T, E>(
    connection: &Connection,
    end: &str,
    job: impl FnOnce(&Connection) -> std::result::Result<T, E>,
) -> (Outcome<T, E>, bool) {
    let result = job(connection);
    let session = session(connection);
    let trouble = session.trouble();
    let is_sound = trouble != Some(Trouble::Lost)
        && session.define(if result.is_ok() { end } else { "ROLLBACK" }).is_ok();
    match result {
        Err(error) if trouble.is_some() => (Outcome::Again(error), is_sound),
        result => (Outcome::Done(result), is_sound),
    }
}

/// Leaves the name of a transaction where it can be found, and removes those nobody can still ask for.
fn leave_name(connection: &Connection, name: &str) -> Result<()> {
    const ACTION: &str = "committing to the database";
    let number = connection.insert(ACTION, "INSERT INTO xblock_commit (name) VALUES (?1)", [name])?;
    if number % (NAMES_KEPT / 10) == 0 {
        connection.run(ACTION, "DELETE FROM xblock_commit WHERE number < ?1", [number - NAMES_KEPT])?;
    }
    Ok(())
}
