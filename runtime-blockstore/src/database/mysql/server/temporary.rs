//! Temporary tables of a read-only store, which one connection has.

use super::{Outcome, Server, Use, begin_reading, enter, read_in, session};
use crate::database::{Connection, MakeTables};
use crate::error::BlockstoreError;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// The connection, and how its tables are made.
pub(super) struct Temporary {
    connection: Option<Connection>,
    make: MakeTables,
}

impl Server {
    /// Makes temporary tables on the one connection that reads from now on, and again wherever that is made anew.
    pub(in crate::database) fn make_temporary(&self, make: MakeTables) -> Result<()> {
        let connection = self.connect(Use::Reading)?;
        make(&connection)?;
        *enter(&self.temporary) = Some(Temporary { connection: Some(connection), make });
        Ok(())
    }

    pub(super) fn with_temporary(&self, kept: &mut Temporary) -> Result<Connection> {
        if let Some(connection) = kept.connection.take()
            && session(&connection).define("DO 0").is_ok()
        {
            return Ok(connection);
        }
        let connection = self.connect(Use::Reading)?;
        (kept.make)(&connection)?;
        Ok(connection)
    }

    pub(super) fn read_temporary<T, E: From<BlockstoreError>>(
        &self,
        kept: &mut Temporary,
        end: &str,
        job: impl FnOnce(&Connection) -> std::result::Result<T, E>,
    ) -> Outcome<T, E> {
        let connection = match self.with_temporary(kept) {
            Ok(connection) => connection,
            Err(error) => return Outcome::Done(Err(error.into())),
        };
        if let Err(error) = begin_reading(&connection) {
            return Outcome::Again(error.into());
        }
        let (outcome, is_sound) = read_in(&connection, end, job);
        if is_sound {
            kept.connection = Some(connection);
        }
        outcome
    }

    /// Runs a job that fills temporary tables.
    pub(in crate::database) fn write_temporary<T, E: From<BlockstoreError>>(
        &self,
        job: impl FnOnce(&Connection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let mut temporary = enter(&self.temporary);
        let Some(kept) = &mut *temporary else { return Err(BlockstoreError::ReadOnly.into()) };
        match self.read_temporary(kept, "COMMIT", job) {
            Outcome::Done(result) => result,
            Outcome::Again(error) => Err(error),
        }
    }
}
