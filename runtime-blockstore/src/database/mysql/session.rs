//! One connection to a server: statements in its words, and what its errors mean.

use std::cell::{Cell as Flag, RefCell};
use std::collections::{HashMap, HashSet};
use std::error::Error as _;
use std::io;
use std::sync::Arc;

use mysql::prelude::Queryable as _;
use mysql::{DriverError, Params};

use super::super::DatabaseError;
use super::super::value::{Cell, to_mysql};
use super::words::Words;

type Result<T> = std::result::Result<T, DatabaseError>;

/// How many rows, and about how many bytes, one statement puts at most; a server takes no longer ones than its
/// `max_allowed_packet`, which is 16 MB at first.
const ROWS_AT_ONCE: usize = 256;
const BYTES_AT_ONCE: usize = 1 << 20;

/// What is said of answers that are none of MySQL's protocol.
const NO_SERVER: &str = "what answers there cannot be understood";

fn size(value: &mysql::Value) -> usize {
    match value {
        mysql::Value::Bytes(bytes) => bytes.len(),
        _ => 8,
    }
}

/// What an error means for the transaction it happened in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The server took the transaction back, or a statement of it; it may go well the next time.
    Taken,
    /// Nobody knows what the server does with this connection any more.
    Lost,
}

/// A connection to a server.
pub(in crate::database) struct Session {
    connection: RefCell<mysql::Conn>,
    server: Arc<str>,
    /// How long the server may take to answer, and by which option.
    limit: Arc<str>,
    /// Statements in the server's words, by how they stand in the code.
    words: RefCell<HashMap<String, Arc<Words>>>,
    /// Tables that were seen; none ever goes.
    tables: RefCell<HashSet<String>>,
    trouble: Flag<Option<Trouble>>,
    has_written: Flag<bool>,
}

impl Session {
    pub(super) fn new(connection: mysql::Conn, server: Arc<str>, limit: Arc<str>) -> Self {
        Self {
            connection: RefCell::new(connection),
            server,
            limit,
            words: RefCell::default(),
            tables: RefCell::default(),
            trouble: Flag::default(),
            has_written: Flag::default(),
        }
    }

    /// Forgets what happened in an earlier transaction.
    pub(super) fn begin_anew(&self) {
        self.trouble.set(None);
        self.has_written.set(false);
    }

    /// Returns what the last transaction stumbled over.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.trouble.get()
    }

    /// Says whether the transaction has changed anything.
    pub(super) fn has_written(&self) -> bool {
        self.has_written.get()
    }

    fn words(&self, sql: &str) -> Arc<Words> {
        let mut known = self.words.borrow_mut();
        if let Some(words) = known.get(sql) {
            return words.clone();
        }
        let words = Arc::new(Words::of(sql));
        known.insert(sql.to_owned(), words.clone());
        words
    }

    fn on_server<T>(
        &self,
        sql: &str,
        cells: &[Cell<'_>],
        job: impl FnOnce(&mut mysql::Conn, &str, Params) -> mysql::Result<T>,
    ) -> Result<T> {
        let words = self.words(sql);
        let values =
            words.parameters.iter().map(|at| cells.get(*at).copied().map_or(mysql::Value::NULL, to_mysql));
        let values: Vec<_> = values.collect();
        let params = if values.is_empty() { Params::Empty } else { Params::Positional(values) };
        self.has_written.set(self.has_written.get() || words.writes);
        self.note(job(&mut self.connection.borrow_mut(), &words.text, params))
    }

    fn note<T>(&self, outcome: mysql::Result<T>) -> Result<T> {
        outcome.map_err(|error| {
            let (error, trouble) = meaning(&self.server, &self.limit, error);
            if trouble.is_some() {
                self.trouble.set(trouble);
            }
            error
        })
    }

    pub(in crate::database) fn run(&self, sql: &str, cells: &[Cell<'_>]) -> Result<usize> {
        self.on_server(sql, cells, |connection, text, params| {
            connection.exec_drop(text, params)?;
            Ok(usize::try_from(connection.affected_rows()).unwrap_or(usize::MAX))
        })
    }

    pub(in crate::database) fn last_insert_id(&self) -> i64 {
        i64::try_from(self.connection.borrow().last_insert_id()).unwrap_or(i64::MAX)
    }

    pub(in crate::database) fn first(&self, sql: &str, cells: &[Cell<'_>]) -> Result<Option<mysql::Row>> {
        self.on_server(sql, cells, |connection, text, params| connection.exec_first(text, params))
    }

    pub(in crate::database) fn all(&self, sql: &str, cells: &[Cell<'_>]) -> Result<Vec<mysql::Row>> {
        self.on_server(sql, cells, |connection, text, params| connection.exec(text, params))
    }

    /// Looks at all rows of an answer while they come; the inner result is that of the looking.
    pub(in crate::database) fn each<E>(
        &self,
        sql: &str,
        mut look: impl FnMut(&mysql::Row) -> std::result::Result<(), E>,
    ) -> Result<std::result::Result<(), E>> {
        self.on_server(sql, &[], |connection, text, params| {
            for row in connection.exec_iter(text, params)? {
                if let Err(error) = look(&row?) {
                    return Ok(Err(error));
                }
            }
            Ok(Ok(()))
        })
    }

    /// Puts rows with as few statements as there may be.
    pub(in crate::database) fn insert_rows<P: super::super::Params>(
        &self,
        into: &str,
        rows: impl Iterator<Item = P>,
    ) -> Result<()> {
        let mut rows =
            rows.map(|row| row.with(|cells| cells.iter().copied().map(to_mysql).collect::<Vec<_>>()));
        loop {
            let (mut batch, mut bytes) = (Vec::new(), 0);
            while batch.len() < ROWS_AT_ONCE && bytes < BYTES_AT_ONCE {
                let Some(row) = rows.next() else { break };
                bytes += row.iter().map(size).sum::<usize>();
                batch.push(row);
            }
            let mut rest = &mut batch[..];
            while !rest.is_empty() {
                // Few lengths, so that few statements are prepared.
                let many = [ROWS_AT_ONCE, 16, 1].into_iter().find(|many| *many <= rest.len()).unwrap_or(1);
                let (now, later) = rest.split_at_mut(many);
                let marks = format!("({})", vec!["?"; now[0].len()].join(", "));
                let sql = Words::of(into).text + " VALUES " + &vec![&*marks; many].join(", ");
                let values = now.iter_mut().flat_map(|row| row.drain(..)).collect();
                self.has_written.set(true);
                let outcome = self.connection.borrow_mut().exec_drop(sql, Params::Positional(values));
                self.note(outcome)?;
                rest = later;
            }
            if batch.is_empty() {
                return Ok(());
            }
        }
    }

    /// Makes a table unless it is there; whoever may not make tables can work with those there are.
    pub(in crate::database) fn make_table(&self, sql: &str) -> Result<()> {
        let name = sql.split("IF NOT EXISTS ").nth(1).and_then(|rest| rest.split_whitespace().next());
        match name {
            Some(name) if !sql.contains(" TEMPORARY ") && self.has_table(name)? => Ok(()),
            _ => self.define(sql),
        }
    }

    /// Runs a statement in the server's own words, which is not one of a transaction.
    pub(in crate::database) fn define(&self, sql: &str) -> Result<()> {
        let outcome = self.connection.borrow_mut().query_drop(sql);
        self.note(outcome)
    }

    /// Asks without preparing the statement, which MySQL does not do for all of them.
    pub(in crate::database) fn ask(&self, sql: &str) -> Result<Vec<mysql::Row>> {
        let outcome = self.connection.borrow_mut().query(sql);
        self.note(outcome)
    }

    pub(in crate::database) fn has_table(&self, table: &str) -> Result<bool> {
        if self.tables.borrow().contains(table) {
            return Ok(true);
        }
        let sql =
            "SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name = ?1";
        let found = self.first(sql, &[Cell::Text(table.as_bytes())])?.is_some();
        if found {
            self.tables.borrow_mut().insert(table.to_owned());
        }
        Ok(found)
    }
}

/// Says what became of the line to a server.
fn broken_line(error: &io::Error, limit: &str) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => format!("it did not answer within {limit}"),
        kind if is_break(kind) => "it broke the connection off".to_owned(),
        _ => format!("the connection is broken: {error}"),
    }
}

fn is_break(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
    )
}

/// Says whether a connection broke that had been there.
pub(super) fn is_broken(error: &mysql::Error) -> bool {
    match error {
        mysql::Error::IoError(error) => is_break(error.kind()),
        mysql::Error::CodecError(error) => error
            .source()
            .and_then(|cause| cause.downcast_ref::<io::Error>())
            .is_some_and(|cause| is_break(cause.kind())),
        _ => false,
    }
}

/// Says what an error is, and what it means for a transaction that was open.
pub(super) fn meaning(
    server: &Arc<str>,
    limit: &str,
    error: mysql::Error,
) -> (DatabaseError, Option<Trouble>) {
    let server = server.to_string();
    match error {
        mysql::Error::MySqlError(error) => {
            let (code, reason) = (error.code, error.message);
            match code {
                // Another program may have made the row meanwhile; reading again shows it.
                1062 => (DatabaseError::Duplicate { server, reason }, Some(Trouble::Taken)),
                1020 | 1205 | 1213 => (DatabaseError::Busy { server, reason }, Some(Trouble::Taken)),
                1053 | 1152 | 1158..=1161 | 1184 | 1317 | 1927 | 3168 | 3169 | 4031 => {
                    (DatabaseError::Lost { server, reason }, Some(Trouble::Lost))
                }
                1049 => (DatabaseError::NoDatabase { server, reason }, None),
                1044 | 1045 | 1130 | 1142 | 1143 | 1227 | 1251 | 1370 | 1698 | 1820 | 3118 => {
                    (DatabaseError::Refused { server, reason }, None)
                }
                1040 | 1129 | 1203 | 1226 => (DatabaseError::Unreachable { server, reason }, None),
                1209 | 1290 | 1792 | 1836 | 3100 => (DatabaseError::ReadOnlyServer { server, reason }, None),
                code => (DatabaseError::Server { server, code, reason }, None),
            }
        }
        mysql::Error::IoError(error) => {
            (DatabaseError::Lost { server, reason: broken_line(&error, limit) }, Some(Trouble::Lost))
        }
        mysql::Error::DriverError(error) => match error {
            DriverError::CouldNotConnect(_) | DriverError::ConnectTimeout | DriverError::TlsNotSupported => {
                (DatabaseError::Unreachable { server, reason: error.to_string() }, Some(Trouble::Lost))
            }
            DriverError::UnsupportedProtocol(_)
            | DriverError::PacketOutOfSync
            | DriverError::UnexpectedPacket
            | DriverError::Protocol41NotSet
            | DriverError::CouldNotParseVersion => {
                let reason = format!("{NO_SERVER}: it does not speak MySQL's protocol");
                (DatabaseError::Lost { server, reason }, Some(Trouble::Lost))
            }
            error => (DatabaseError::Lost { server, reason: error.to_string() }, Some(Trouble::Lost)),
        },
        mysql::Error::TlsError(error) => {
            let reason = format!("TLS: {error}");
            (DatabaseError::Unreachable { server, reason }, Some(Trouble::Lost))
        }
        mysql::Error::CodecError(error) => {
            let line = error.source().and_then(|cause| cause.downcast_ref());
            let reason =
                line.map_or_else(|| format!("{NO_SERVER}: {error}"), |line| broken_line(line, limit));
            (DatabaseError::Lost { server, reason }, Some(Trouble::Lost))
        }
        // The rest are values that do not fit, and addresses; they name no secrets.
        error => (DatabaseError::Client { server, reason: error.to_string() }, Some(Trouble::Lost)),
    }
}
