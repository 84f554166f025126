//! Learner state in one SQLite file.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, params};
use xblock_core::fields::{Json, KeyValueStore, KvsError, StateKey};

/// The version of the table below, kept in the file's `user_version`.
const SCHEMA_VERSION: i64 = 1;

/// An absent user or usage is NULL. In the index it is an empty blob, which equals no text, so that it is unique as well.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS learner_state (
    scope TEXT NOT NULL,
    user_id TEXT,
    block_scope_id TEXT,
    block_family TEXT NOT NULL,
    field_name TEXT NOT NULL,
    value TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS learner_state_key ON learner_state (
    ifnull(block_scope_id, x''), ifnull(user_id, x''), scope, field_name, block_family
);
";

const GET: &str = "SELECT value FROM learner_state WHERE ifnull(block_scope_id, x'') = ifnull(?1, x'') \
    AND ifnull(user_id, x'') = ifnull(?2, x'') AND scope = ?3 AND field_name = ?4 AND block_family = ?5";

const SET: &str = "INSERT INTO learner_state (block_scope_id, user_id, scope, field_name, block_family, value) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
    ON CONFLICT (ifnull(block_scope_id, x''), ifnull(user_id, x''), scope, field_name, block_family) \
    DO UPDATE SET value = excluded.value";

const DELETE: &str = "DELETE FROM learner_state WHERE ifnull(block_scope_id, x'') = ifnull(?1, x'') \
    AND ifnull(user_id, x'') = ifnull(?2, x'') AND scope = ?3 AND field_name = ?4 AND block_family = ?5";

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(10);

/// Keeps learners' values in a SQLite file; several processes may use it at once.
///
/// The file is made by the first write. Reading where there is no file finds nothing and leaves it so.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    connection: Mutex<Option<Connection>>,
}

impl SqliteStore {
    /// Names the file; it is opened when it is needed.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), connection: Mutex::new(None) }
    }

    /// Returns the file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        // A panic between lock and unlock leaves an open connection or none, both of which are fine.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a query, or answers with nothing where there is no file yet.
    fn read<T: Default>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, KvsError> {
        let mut connection = self.lock();
        if connection.is_none() && !self.path.exists() {
            return Ok(T::default());
        }
        self.with(&mut connection, |connection| query(connection))
    }

    fn with<T>(
        &self,
        connection: &mut Option<Connection>,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, KvsError> {
        let open = match connection.take() {
            Some(open) => Ok(open),
            None => open(&self.path),
        };
        let open = open.map_err(|source| KvsError::Backend { source: Box::new(source) })?;
        let outcome = work(connection.insert(open));
        outcome.map_err(|source| KvsError::Backend {
            source: Box::new(StateFileError::failed(&self.path, source)),
        })
    }
}

fn stored(connection: &Connection, key: &StateKey) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(GET)?
        .query_row(
            params![
                key.block_scope_id.as_deref(),
                key.user_id.as_deref(),
                key.scope.name(),
                &*key.field_name,
                &*key.block_family,
            ],
            |row| row.get(0),
        )
        .optional()
}

fn json(text: Option<String>) -> Result<Option<Json>, KvsError> {
    text.map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| KvsError::Backend { source: error.into() })
}

/// The state file could not be used.
#[derive(Debug, thiserror::Error)]
enum StateFileError {
    #[error("learner state in {}: {source}", path.display())]
    Failed { path: PathBuf, source: rusqlite::Error },
    #[error("learner state in {}: made by a newer program (its form is {found}, this one knows {SCHEMA_VERSION})", path.display())]
    Newer { path: PathBuf, found: i64 },
}

impl StateFileError {
    fn failed(path: &Path, source: rusqlite::Error) -> Self {
        Self::Failed { path: path.to_path_buf(), source }
    }
}

fn open(path: &Path) -> Result<Connection, StateFileError> {
    let failed = |source| StateFileError::failed(path, source);
    let mut connection = connect(path).map_err(failed)?;
    match connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)? {
        SCHEMA_VERSION => {}
        found if found > SCHEMA_VERSION => {
            return Err(StateFileError::Newer { path: path.to_path_buf(), found });
        }
        _ => make_table(&mut connection).map_err(failed)?,
    }
    Ok(connection)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY)?;
    keep_log(&connection)?;
    // With a write-ahead log, NORMAL may lose the last commits at a power cut; an answer a learner gave is not to be lost.
    connection.pragma_update(None, "synchronous", "full")?;
    Ok(connection)
}

/// Turns the write-ahead log on. SQLite does not wait by itself for another process that does the same to a new file.
fn keep_log(connection: &Connection) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && start.elapsed() < BUSY =>
            {
                thread::sleep(Duration::from_millis(5));
            }
            outcome => return outcome,
        }
    }
}

fn make_table(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}

impl KeyValueStore for SqliteStore {
    fn get(&self, key: &StateKey) -> Result<Option<Json>, KvsError> {
        json(self.read(|connection| stored(connection, key))?)
    }

    fn set_many(&self, values: &[(StateKey, Json)]) -> Result<(), KvsError> {
        self.set_many_if_unchanged(&[], values)
    }

    fn set_many_if_unchanged(
        &self,
        read: &[(StateKey, Option<Json>)],
        values: &[(StateKey, Json)],
    ) -> Result<(), KvsError> {
        if values.is_empty() {
            return Ok(());
        }
        let mut connection = self.lock();
        let changed = self.with(&mut connection, |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for (key, value) in read {
                // A text that is no JSON any more is not what was read either.
                let is_same = json(stored(&transaction, key)?).is_ok_and(|now| now == *value);
                if !is_same {
                    return Ok(Some(key.field_name.to_string()));
                }
            }
            {
                let mut statement = transaction.prepare_cached(SET)?;
                for (key, value) in values {
                    statement.execute(params![
                        key.block_scope_id.as_deref(),
                        key.user_id.as_deref(),
                        key.scope.name(),
                        &*key.field_name,
                        &*key.block_family,
                        value.to_string(),
                    ])?;
                }
            }
            transaction.commit()?;
            Ok(None)
        })?;
        changed.map_or(Ok(()), |field| Err(KvsError::Changed { field }))
    }

    fn delete(&self, key: &StateKey) -> Result<(), KvsError> {
        self.read(|connection| {
            connection.prepare_cached(DELETE)?.execute(params![
                key.block_scope_id.as_deref(),
                key.user_id.as_deref(),
                key.scope.name(),
                &*key.field_name,
                &*key.block_family,
            ])?;
            Ok(())
        })
    }

    fn default(&self, _: &StateKey) -> Result<Option<Json>, KvsError> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use xblock_core::fields::{Scope, ScopeIds};

    use super::*;

    fn key(user: Option<&str>, scope: Scope, field: &str) -> StateKey {
        let mut ids = ScopeIds::new("problem", "def", "block-v1:O+C+R+type@problem+block@p");
        if let Some(user) = user {
            ids = ids.with_user(user);
        }
        StateKey::new(scope, &ids, field)
    }

    #[test]
    fn two_users_and_all_scopes_are_kept_apart() {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::new(directory.path().join("state.sqlite3"));
        let keys = [
            key(Some("ann"), Scope::UserState, "attempts"),
            key(Some("bob"), Scope::UserState, "attempts"),
            key(None, Scope::UserState, "attempts"),
            key(Some(""), Scope::UserState, "attempts"),
            key(Some("ann"), Scope::Preferences, "attempts"),
            key(Some("ann"), Scope::UserInfo, "attempts"),
            key(None, Scope::UserStateSummary, "attempts"),
            key(Some("ann"), Scope::UserState, "attempts").with_family("xblock_asides.v1"),
        ];
        let values: Vec<_> = keys.iter().cloned().enumerate().map(|(n, key)| (key, json!(n))).collect();
        store.set_many(&values).unwrap();
        let again = SqliteStore::new(store.path());
        for (key, value) in &values {
            assert_eq!(again.get(key).unwrap().as_ref(), Some(value), "{key:?}");
        }
        again.delete(&keys[0]).unwrap();
        assert_eq!(store.get(&keys[0]).unwrap(), None);
        assert_eq!(store.get(&keys[1]).unwrap(), Some(json!(1)));
    }

    #[test]
    fn null_is_a_value_and_a_second_write_replaces_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::new(directory.path().join("state.sqlite3"));
        let at = key(Some("ann"), Scope::UserState, "score");
        store.set_many(&[(at.clone(), json!({"raw": 1}))]).unwrap();
        store.set_many(&[(at.clone(), Json::Null)]).unwrap();
        assert_eq!(store.get(&at).unwrap(), Some(Json::Null));
    }

    #[test]
    fn reading_makes_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.sqlite3");
        let store = SqliteStore::new(&path);
        assert_eq!(store.get(&key(Some("ann"), Scope::UserState, "done")).unwrap(), None);
        store.delete(&key(Some("ann"), Scope::UserState, "done")).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn one_write_is_seen_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::new(directory.path().join("state.sqlite3"));
        let (a, b) = (key(Some("ann"), Scope::UserState, "a"), key(Some("ann"), Scope::UserState, "b"));
        store.set_many(&[(a.clone(), json!(1)), (b.clone(), json!(1))]).unwrap();
        let blocker = Connection::open(store.path()).unwrap();
        blocker
            .execute_batch(
                "CREATE TRIGGER no_b BEFORE UPDATE ON learner_state WHEN NEW.field_name = 'b' \
                 BEGIN SELECT RAISE(ABORT, 'no'); END",
            )
            .unwrap();
        assert!(store.set_many(&[(a.clone(), json!(2)), (b.clone(), json!(2))]).is_err());
        assert_eq!(store.get(&a).unwrap(), Some(json!(1)));
    }

    #[test]
    fn a_file_of_a_newer_program_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.sqlite3");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let error =
            SqliteStore::new(&path).set_many(&[(key(None, Scope::UserState, "a"), json!(1))]).unwrap_err();
        assert!(error.to_string().contains("newer program"), "{error}");
    }

    #[test]
    fn many_may_make_the_file_at_once() {
        for _ in 0..10 {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("state.sqlite3");
            std::thread::scope(|scope| {
                for user in ["ann", "bob", "eve", "joe", "kim", "lee"] {
                    let path = &path;
                    scope.spawn(move || {
                        let at = key(Some(user), Scope::UserState, "attempts");
                        SqliteStore::new(path).set_many(&[(at, json!(user))]).unwrap();
                    });
                }
            });
            let store = SqliteStore::new(&path);
            for user in ["ann", "bob", "eve", "joe", "kim", "lee"] {
                assert_eq!(
                    store.get(&key(Some(user), Scope::UserState, "attempts")).unwrap(),
                    Some(json!(user))
                );
            }
        }
    }
}
