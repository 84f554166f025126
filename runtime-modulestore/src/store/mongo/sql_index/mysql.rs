//! The table on a MySQL or MariaDB server, where the platform itself has it.
//!
//! A row that is about to be changed is locked first. Where the connection is lost while the server commits, the change is
//! made again on another: the lock waits for the old transaction's end, and what that one left tells whether it was made.
//! All of it has one time together; what is not known by its end is told as such.

mod line;

use std::error::Error as _;
use std::io::ErrorKind;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bson::oid::ObjectId;
use mysql::prelude::Queryable as _;
use mysql::{Conn, DriverError, Error, Opts, OptsBuilder, Params, SslOpts, Value};
use xblock_core::runtime::RuntimeError;

use self::line::Line;
use super::place::MysqlIndexPlace;
use super::row::Columns;
use super::statements::{Cell, Statements};
use super::{NAME, fill};
use crate::store::StoreMode;
use crate::store::mongo::failure::may_be_made;

const TABLE: &str = "CREATE TABLE IF NOT EXISTS split_modulestore_django_splitmodulestorecourseindex (
    id integer NOT NULL AUTO_INCREMENT PRIMARY KEY,
    objectid varchar(24) NOT NULL UNIQUE,
    course_id varchar(255) NOT NULL UNIQUE,
    org varchar(255) NOT NULL,
    draft_version varchar(24) NOT NULL,
    published_version varchar(24) NOT NULL,
    library_version varchar(24) NOT NULL,
    wiki_slug varchar(255) NOT NULL,
    base_store varchar(20) NOT NULL,
    edited_on datetime(6) NOT NULL,
    last_update datetime(6) NOT NULL,
    edited_by_id integer NULL,
    KEY split_modulestore_django_org (org),
    KEY split_modulestore_django_wiki_slug (wiki_slug)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4";

/// How often something is done anew.
const ATTEMPTS: u32 = 6;
/// How long to wait before the first of them; each later one waits twice as long.
const PAUSE: Duration = Duration::from_millis(20);
/// Connections that are kept for later.
const KEPT: usize = 8;
/// How long the server waits for the lock on a row.
const LOCK_SECONDS: u64 = 30;

/// What an error means for what was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// Another transaction came between; this one is undone.
    Taken,
    /// The connection is gone, and nobody knows what became of the transaction.
    Lost,
}

/// For what the time that is set holds.
#[derive(Debug, Clone, Copy)]
enum Time {
    /// All that is asked, however often it is tried.
    Together { until: Instant },
    /// Each statement: there are as many as the store has courses.
    Each,
}

/// The server, and the connections to it.
pub(in crate::store::mongo) struct Server {
    options: Opts,
    name: String,
    /// How long a connection may take to come about.
    connecting: Duration,
    /// How long a call may take.
    patience: Duration,
    lock_seconds: u64,
    idle: Mutex<Vec<Line>>,
}

/// One connection, and what it stumbled over.
struct Open<'s> {
    line: Line,
    server: &'s Server,
    time: Time,
    trouble: Option<Trouble>,
}

impl Server {
    /// Connects; with [`StoreMode::ReadWrite`] the table is made where it is missing, with its first rows.
    pub(super) fn open(
        place: &MysqlIndexPlace,
        patience: Duration,
        mode: StoreMode,
        first: &dyn Fn() -> Result<Vec<Columns>, RuntimeError>,
    ) -> Result<Self, RuntimeError> {
        // Several makers of TLS may be linked in; then one has to be chosen.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authority = place.authority.as_ref().map(std::path::PathBuf::from);
        let tls = place.is_encrypted.then(|| SslOpts::default().with_root_cert_path(authority));
        let options = OptsBuilder::new()
            .ip_or_hostname(Some(place.host.clone()))
            .tcp_port(place.port)
            .user(place.user.clone())
            .pass(place.password.clone())
            .db_name(Some(place.database.clone()))
            .prefer_socket(false)
            .tcp_connect_timeout(Some(place.connecting.min(patience)))
            .read_timeout(Some(patience))
            .write_timeout(Some(patience))
            .tcp_keepalive_time_ms(Some(60_000))
            .ssl_opts(tls)
            .into();
        let server = Self {
            options,
            name: place.server(),
            connecting: place.connecting.min(patience),
            patience,
            lock_seconds: LOCK_SECONDS.min(patience.as_secs() / 2).max(1),
            idle: Mutex::default(),
        };
        // Where it is there, nobody needs the right to make it.
        if server.read(|table| Ok(mode == StoreMode::ReadOnly || table.has_table(NAME)?))? {
            return Ok(server);
        }
        server.repeat(Time::Each, |table| {
            let rows = first()?;
            if rows.is_empty() {
                return table.execute(TABLE, &[]);
            }
            // Servers undo no making of tables; under its name nobody sees it before it is whole.
            let new = format!("split_modulestore_django_new_{}", ObjectId::new());
            let made = table
                .execute(&TABLE.replace(NAME, &new), &[])
                .and_then(|()| fill(table, &new, &rows))
                .and_then(|()| table.execute(&format!("RENAME TABLE {new} TO {NAME}"), &[]));
            made.or_else(|error| {
                table.execute(&format!("DROP TABLE IF EXISTS {new}"), &[])?;
                // Somebody else may have made it meanwhile.
                if table.has_table(NAME)? { Ok(()) } else { Err(error) }
            })
        })?;
        Ok(server)
    }

    /// Turns a failure into the runtime's; the client's messages have no passwords.
    fn failed(&self, error: &Error) -> RuntimeError {
        let action = format!("using the table of course indexes on {}", self.name);
        if let Some(broken) = broken_line(error) {
            return RuntimeError::storage(action, broken);
        }
        let what = match error {
            Error::MySqlError(refusal) => match refusal.code {
                1044 | 1045 | 1698 | 1820 | 3118 => "the server refused the credentials: ",
                1142 | 1143 | 1227 | 1370 => "the server does not allow it to this user: ",
                1049 => "the server has no such database: ",
                1146 => "the database has no such table: ",
                1205 => "somebody else keeps the row locked: ",
                1209 | 1290 | 1792 | 1836 => "the server takes no changes: ",
                _ => "",
            },
            Error::DriverError(DriverError::CouldNotConnect(_) | DriverError::ConnectTimeout) => {
                "no server answers: "
            }
            _ => "",
        };
        RuntimeError::storage(action, format!("{what}{error}"))
    }

    fn connect(&self, time: Time) -> Result<Open<'_>, RuntimeError> {
        let idle = self.idle().pop();
        let line = match idle {
            Some(line) => line,
            None => {
                let by = Instant::now() + self.connecting;
                let by = match time {
                    Time::Together { until } => by.min(until),
                    Time::Each => by,
                };
                let settings = format!(
                    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
                     transaction_isolation = 'READ-COMMITTED', innodb_lock_wait_timeout = {}",
                    self.lock_seconds
                );
                let prepare = move |connection: &mut Conn| {
                    // MariaDB before 11 calls it otherwise.
                    let older = settings.replace("transaction_isolation", "tx_isolation");
                    connection.query_drop(settings).or_else(|_| connection.query_drop(older))
                };
                Line::connect(self.options.clone(), prepare, by).map_err(|error| self.failed(&error))?
            }
        };
        Ok(Open { line, server: self, time, trouble: None })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Line>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, open: Open<'_>) {
        let mut idle = self.idle();
        if open.trouble == Some(Trouble::Lost) {
            // What lies there since before is no better.
            idle.clear();
        } else if idle.len() < KEPT {
            idle.push(open.line);
        }
    }

    fn together(&self) -> (Time, Instant) {
        let until = Instant::now() + self.patience;
        (Time::Together { until }, until)
    }

    /// Runs a job that changes nothing, and again where the connection was lost.
    pub(super) fn read<T>(
        &self,
        job: impl FnMut(&mut dyn Statements) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        self.repeat(self.together().0, job)
    }

    /// Runs a job that bears being done twice, again where the connection was lost.
    fn repeat<T>(
        &self,
        time: Time,
        mut job: impl FnMut(&mut dyn Statements) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        // What does not answer is not asked again: that would take as long each time.
        let (_, until) = self.together();
        let mut attempt = 1;
        loop {
            let mut open = self.connect(time)?;
            let done = job(&mut open);
            let trouble = open.trouble;
            self.keep(open);
            if trouble.is_none() || attempt == ATTEMPTS || done.is_ok() || Instant::now() >= until {
                return done;
            }
            attempt += 1;
        }
    }

    /// Runs a job in a transaction of its own, and again where another came between or the connection was lost; it is told
    /// whether it may have been done already.
    pub(super) fn write<T>(
        &self,
        mut job: impl FnMut(&mut dyn Statements, bool) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        let (time, until) = self.together();
        let pause = |attempt: u32| {
            let left = until.saturating_duration_since(Instant::now());
            thread::sleep(left.min(PAUSE * (1 << attempt)));
        };
        let (mut attempt, mut may_be_done) = (1, false);
        loop {
            let told = |error, may_be_done| if may_be_done { may_be_made(error) } else { error };
            let mut open = match self.connect(time) {
                // What was done may have been kept; it is asked for until the server is back.
                Err(_) if may_be_done && attempt < ATTEMPTS && Instant::now() < until => {
                    pause(attempt);
                    attempt += 1;
                    continue;
                }
                open => open.map_err(|error| told(error, may_be_done))?,
            };
            let result = open.run("START TRANSACTION").and_then(|()| job(&mut open, may_be_done));
            let is_ready = result.is_ok();
            let done = result.and_then(|done| open.run("COMMIT").map(|()| done));
            let Err(error) = done else {
                self.keep(open);
                return done;
            };
            let trouble = open.trouble;
            // Without its connection the server undoes what it was not told to keep.
            may_be_done |= is_ready && trouble == Some(Trouble::Lost);
            if trouble == Some(Trouble::Lost) || open.run("ROLLBACK").is_ok() {
                self.keep(open);
            }
            if trouble.is_none() || attempt == ATTEMPTS || Instant::now() >= until {
                return Err(told(error, may_be_done));
            }
            pause(attempt);
            attempt += 1;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        std::mem::take(&mut *self.idle()).into_iter().for_each(Line::close);
    }
}

impl Open<'_> {
    fn ask<T: Send + 'static>(
        &mut self,
        task: impl FnOnce(&mut Conn) -> mysql::Result<T> + Send + 'static,
    ) -> Result<T, RuntimeError> {
        let until = match self.time {
            Time::Together { until } => until,
            Time::Each => Instant::now() + self.server.patience,
        };
        self.line.ask(task, until).map_err(|error| {
            self.trouble = meaning(&error).or(self.trouble);
            self.server.failed(&error)
        })
    }

    fn run(&mut self, sql: &'static str) -> Result<(), RuntimeError> {
        self.ask(move |connection| connection.query_drop(sql))
    }
}

/// Says what became of the line to a server, where the client tells it in its own words.
fn broken_line(error: &Error) -> Option<String> {
    let line = match error {
        Error::IoError(line) => Some(line),
        Error::CodecError(error) => error.source().and_then(|cause| cause.downcast_ref()),
        Error::DriverError(
            DriverError::UnsupportedProtocol(_)
            | DriverError::PacketOutOfSync
            | DriverError::UnexpectedPacket
            | DriverError::Protocol41NotSet
            | DriverError::CouldNotParseVersion,
        ) => None,
        _ => return None,
    };
    Some(match (line.map(std::io::Error::kind), line) {
        (Some(ErrorKind::TimedOut | ErrorKind::WouldBlock), _) => {
            "the server did not answer in time".to_owned()
        }
        (
            Some(
                ErrorKind::UnexpectedEof
                | ErrorKind::BrokenPipe
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted,
            ),
            _,
        ) => "the server broke the connection off".to_owned(),
        (_, Some(line)) => format!("the connection to the server is broken: {line}"),
        (_, None) => {
            let why = match error {
                Error::CodecError(error) => error.to_string(),
                _ => "it does not speak MySQL's protocol".to_owned(),
            };
            format!("what answers there cannot be understood: {why}")
        }
    })
}

fn meaning(error: &Error) -> Option<Trouble> {
    match error {
        Error::MySqlError(error) => match error.code {
            // Duplicate keys: somebody made the row meanwhile; reading again shows it.
            1020 | 1062 | 1213 => Some(Trouble::Taken),
            1053 | 1152 | 1158..=1161 | 1184 | 1317 | 1927 | 3168 | 3169 | 4031 => Some(Trouble::Lost),
            _ => None,
        },
        Error::IoError(_) | Error::CodecError(_) | Error::TlsError(_) | Error::DriverError(_) => {
            Some(Trouble::Lost)
        }
        _ => None,
    }
}

fn params(values: &[Cell]) -> Params {
    if values.is_empty() {
        return Params::Empty;
    }
    let value = |cell: &Cell| match cell {
        Cell::Null | Cell::Other => Value::NULL,
        Cell::Integer(number) => Value::Int(*number),
        Cell::Text(text) => Value::Bytes(text.as_bytes().to_vec()),
    };
    Params::Positional(values.iter().map(value).collect())
}

fn cell(value: Value) -> Cell {
    match value {
        Value::NULL => Cell::Null,
        Value::Int(number) => Cell::Integer(number),
        Value::UInt(number) => i64::try_from(number).map_or(Cell::Other, Cell::Integer),
        Value::Bytes(bytes) => String::from_utf8(bytes).map_or(Cell::Other, Cell::Text),
        Value::Date(year, month, day, hour, minute, second, micros) => {
            Cell::Text(format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}"))
        }
        Value::Float(_) | Value::Double(_) | Value::Time(..) => Cell::Other,
    }
}

impl Statements for Open<'_> {
    fn for_update(&self) -> &'static str {
        " FOR UPDATE"
    }

    fn rows(&mut self, sql: &str, values: &[Cell]) -> Result<Vec<Vec<Cell>>, RuntimeError> {
        let (sql, values) = (sql.to_owned(), params(values));
        let rows = self.ask(move |connection| connection.exec::<mysql::Row, _, _>(sql, values))?;
        Ok(rows.into_iter().map(|row| row.unwrap().into_iter().map(cell).collect()).collect())
    }

    fn execute(&mut self, sql: &str, values: &[Cell]) -> Result<(), RuntimeError> {
        let (sql, values) = (sql.to_owned(), params(values));
        self.ask(move |connection| connection.exec_drop(sql, values))
    }

    fn has_table(&mut self, name: &str) -> Result<bool, RuntimeError> {
        let sql =
            "SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name = ?";
        Ok(!self.rows(sql, &[name.into()])?.is_empty())
    }
}
