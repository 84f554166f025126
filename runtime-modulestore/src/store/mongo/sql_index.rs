//! The table of course indexes that newer releases of edx-platform read in place of MongoDB's collection (modulestore
//! reference, section 3). What it says counts; the collection follows it, because the platform's pruning tool reads that.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bson::oid::ObjectId;
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document, doc};
use chrono::{DateTime, NaiveDateTime, Utc};
use rusqlite::{
    Connection, OpenFlags, OptionalExtension as _, Row, Transaction, TransactionBehavior, params,
};
use xblock_core::keys::ContextKey;
use xblock_core::runtime::RuntimeError;

use super::session::{IndexChange, value};
use crate::documents::{
    CourseIndex, DRAFT_BRANCH, IndexKey, LIBRARY_BRANCH, PUBLISHED_BRANCH, corrupt, integer_bson,
    to_document, to_time,
};
use crate::store::StoreMode;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS split_modulestore_django_splitmodulestorecourseindex (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    objectid varchar(24) NOT NULL UNIQUE,
    course_id varchar(255) NOT NULL UNIQUE,
    org varchar(255) NOT NULL,
    draft_version varchar(24) NOT NULL,
    published_version varchar(24) NOT NULL,
    library_version varchar(24) NOT NULL,
    wiki_slug varchar(255) NOT NULL,
    base_store varchar(20) NOT NULL,
    edited_on datetime NOT NULL,
    last_update datetime NOT NULL,
    edited_by_id integer NULL
);
CREATE INDEX IF NOT EXISTS split_modulestore_django_org
    ON split_modulestore_django_splitmodulestorecourseindex (org);
CREATE INDEX IF NOT EXISTS split_modulestore_django_wiki_slug
    ON split_modulestore_django_splitmodulestorecourseindex (wiki_slug);";

/// The columns a document is made of, in the order [`Entry::read`] takes them in.
const COLUMNS: &str = "objectid, course_id, draft_version, published_version, library_version, wiki_slug, edited_by_id, \
                       edited_on, last_update";
/// How long another process is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A table of course indexes in an SQLite file, as Django makes it.
pub(super) struct SqlIndex {
    connection: Mutex<Connection>,
}

fn failed(error: rusqlite::Error) -> RuntimeError {
    RuntimeError::storage("reading or writing the table of course indexes", error)
}

/// A row.
struct Entry {
    id: ObjectId,
    key: IndexKey,
    versions: Document,
    wiki_slug: String,
    edited_by: Option<i64>,
    edited_on: DateTime<Utc>,
    last_update: DateTime<Utc>,
}

impl Entry {
    fn read(row: &Row<'_>) -> rusqlite::Result<Result<Self, RuntimeError>> {
        let text = |column| row.get::<_, String>(column);
        let (object_id, course_id) = (text(0)?, text(1)?);
        let versions = [(DRAFT_BRANCH, text(2)?), (PUBLISHED_BRANCH, text(3)?), (LIBRARY_BRANCH, text(4)?)];
        let (wiki_slug, edited_by) = (text(5)?, row.get(6)?);
        let (edited_on, last_update) = (text(7)?, text(8)?);
        let place = || format!("the row of {course_id} in the table of course indexes");
        Ok((|| {
            let id = |hex: &str| ObjectId::parse_str(hex).map_err(|error| corrupt(place(), error));
            let mut found = Document::new();
            for (branch, version) in versions {
                if !version.is_empty() {
                    found.insert(branch, id(&version)?);
                }
            }
            let context: ContextKey = course_id.parse().map_err(|error| corrupt(place(), error))?;
            Ok(Self {
                id: id(&object_id)?,
                key: IndexKey::of(&context).map_err(|reason| corrupt(place(), reason))?,
                versions: found,
                wiki_slug,
                edited_by,
                edited_on: parse_time(&edited_on)
                    .ok_or_else(|| corrupt(place(), "`edited_on` is no time"))?,
                last_update: parse_time(&last_update)
                    .ok_or_else(|| corrupt(place(), "`last_update` is no time"))?,
            })
        })())
    }

    /// Makes the document the row stands for, on that of the collection, which has fields no column is for.
    fn document(&self, present: Option<&RawDocument>) -> Result<RawDocumentBuf, RuntimeError> {
        let place = || format!("course index {}", self.id);
        let mut document = match present {
            Some(present) => to_document(present).map_err(|error| corrupt(place(), error))?,
            None => doc! { "_id": self.id },
        };
        document.extend(doc! {
            "org": &self.key.org,
            "course": &self.key.course,
            "run": &self.key.run,
            "edited_by": self.edited_by.map_or(Bson::Null, integer_bson),
            "edited_on": to_time(self.edited_on),
            "versions": self.versions.clone(),
            "schema_version": 1,
            "last_update": to_time(self.last_update),
        });
        if !self.wiki_slug.is_empty() || !document.contains_key("search_targets") {
            document.insert("search_targets", doc! { "wiki_slug": &self.wiki_slug });
        }
        RawDocumentBuf::try_from(&document).map_err(|error| corrupt(place(), error))
    }

    /// Says whether the row still is what a document was made of.
    fn is(&self, before: &RawDocument) -> bool {
        value(before, "last_update") == Some(Bson::DateTime(to_time(self.last_update)))
            && value(before, "versions").and_then(|versions| versions.as_document().cloned())
                == Some(self.versions.clone())
    }
}

fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let time = NaiveDateTime::parse_from_str(text.trim_end_matches("+00:00"), "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Some(time.and_utc())
}

/// Writes a time as Django does.
fn time_text(time: Option<bson::DateTime>) -> String {
    let time = time.and_then(|time| DateTime::<Utc>::from_timestamp_millis(time.timestamp_millis()));
    let time = time.unwrap_or_default();
    let format =
        if time.timestamp_subsec_micros() == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.6f" };
    time.format(format).to_string()
}

/// What the columns are to be.
struct Columns {
    object_id: String,
    course_id: String,
    org: String,
    versions: [String; 3],
    wiki_slug: String,
    edited_by: Option<i64>,
    edited_on: String,
    last_update: String,
}

impl Columns {
    fn of(document: &RawDocument) -> Result<Self, RuntimeError> {
        let index = CourseIndex::read(document)?;
        let context = index.context()?;
        if context.is_deprecated() {
            return Err(RuntimeError::UnsupportedKey {
                key: context.to_string(),
                store: "modulestore",
                reason: "the table of course indexes takes no keys of the old form",
            });
        }
        let version = |branch| index.version(branch).map(|id| id.to_hex()).unwrap_or_default();
        let slug = document.get_document("search_targets").ok();
        let edited_by = crate::documents::integer(document, "edited_by", "a course index")?;
        Ok(Self {
            object_id: index.id().to_hex(),
            course_id: context.to_string(),
            org: index.key().org.clone(),
            versions: [version(DRAFT_BRANCH), version(PUBLISHED_BRANCH), version(LIBRARY_BRANCH)],
            wiki_slug: slug.and_then(|slug| slug.get_str("wiki_slug").ok()).unwrap_or_default().to_owned(),
            edited_by,
            edited_on: time_text(document.get_datetime("edited_on").ok()),
            last_update: time_text(index.last_update()),
        })
    }
}

impl SqlIndex {
    pub(super) fn open(file: &str, mode: StoreMode) -> Result<Self, RuntimeError> {
        let open =
            |error| RuntimeError::storage(format!("opening the table of course indexes in {file}"), error);
        let connection = match mode {
            StoreMode::ReadWrite => Connection::open(Path::new(file)).map_err(open)?,
            StoreMode::ReadOnly => {
                Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(open)?
            }
        };
        connection.busy_timeout(PATIENCE).map_err(open)?;
        if mode == StoreMode::ReadWrite {
            connection.execute_batch(TABLES).map_err(open)?;
        }
        Ok(Self { connection: Mutex::new(connection) })
    }

    fn select(&self, condition: &str, parameter: &str) -> Result<Vec<Entry>, RuntimeError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        select(&connection, condition, parameter)
    }

    /// Finds the row of a key; a library and a course of the run `library` have rows of their own.
    fn by_key(&self, key: &IndexKey) -> Result<Option<Entry>, RuntimeError> {
        let IndexKey { org, course, run } = key;
        let names = [format!("library-v1:{org}+{course}"), format!("course-v1:{org}+{course}+{run}")];
        let wanted = if run == "library" { &names[..] } else { &names[1..] };
        for name in wanted {
            if let Some(entry) = self.select("WHERE course_id = ?", name)?.pop() {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Finds an index; `present` gives the document of the collection.
    pub(super) fn find(
        &self,
        key: &IndexKey,
        present: impl FnOnce(ObjectId) -> Result<Option<RawDocumentBuf>, RuntimeError>,
    ) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        let Some(entry) = self.by_key(key)? else { return Ok(None) };
        entry.document(present(entry.id)?.as_deref()).map(Some)
    }

    pub(super) fn find_by_id(
        &self,
        id: ObjectId,
        present: impl FnOnce(ObjectId) -> Result<Option<RawDocumentBuf>, RuntimeError>,
    ) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        let Some(entry) = self.select("WHERE objectid = ?", &id.to_hex())?.pop() else { return Ok(None) };
        entry.document(present(id)?.as_deref()).map(Some)
    }

    /// Returns every index, in the order in which they were made; of a row that cannot be read what is wrong with it.
    pub(super) fn all(
        &self,
        present: &[RawDocumentBuf],
    ) -> Result<Vec<Result<RawDocumentBuf, RuntimeError>>, RuntimeError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = select_each(&connection, "WHERE '' = ? ORDER BY id", "")?;
        let documents = entries.into_iter().map(|entry| {
            let entry = entry?;
            let same =
                |document: &&RawDocumentBuf| document.get_object_id("_id").is_ok_and(|id| id == entry.id);
            entry.document(present.iter().find(same).map(|document| &**document))
        });
        Ok(documents.collect())
    }

    /// Changes a row if it still is what was read; says whether it was.
    pub(super) fn swap(&self, change: &IndexChange) -> Result<bool, RuntimeError> {
        let after = change.after.as_deref().map(Columns::of).transpose()?;
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let row = select(&transaction, "WHERE objectid = ?", &change.id.to_hex())?.pop();
        let is_as_it_was = match (&change.before, &row) {
            (Some(before), Some(row)) => row.is(before),
            (None, None) => match &after {
                Some(after) => select(&transaction, "WHERE course_id = ?", &after.course_id)?.is_empty(),
                None => true,
            },
            _ => false,
        };
        if !is_as_it_was {
            return Ok(false);
        }
        match (&row, &after) {
            (None, Some(after)) => insert(&transaction, after)?,
            (Some(_), Some(after)) => update(&transaction, after)?,
            (Some(_), None) => {
                let sql =
                    "DELETE FROM split_modulestore_django_splitmodulestorecourseindex WHERE objectid = ?";
                transaction.execute(sql, [change.id.to_hex()]).map_err(failed)?;
            }
            (None, None) => {}
        }
        let kind = match (&change.before, &after) {
            (None, _) => "+",
            (_, Some(_)) => "~",
            (_, None) => "-",
        };
        if let Some(columns) = after.or(change.before.as_deref().map(Columns::of).transpose()?) {
            tell_history(&transaction, &columns, kind, change)?;
        }
        transaction.commit().map_err(failed)?;
        Ok(true)
    }
}

fn select(connection: &Connection, condition: &str, parameter: &str) -> Result<Vec<Entry>, RuntimeError> {
    select_each(connection, condition, parameter)?.into_iter().collect()
}

/// Reads rows, each by itself: one that is damaged keeps nobody from the others.
fn select_each(
    connection: &Connection,
    condition: &str,
    parameter: &str,
) -> Result<Vec<Result<Entry, RuntimeError>>, RuntimeError> {
    use rusqlite::Error::{FromSqlConversionFailure, InvalidColumnType};
    let sql =
        format!("SELECT {COLUMNS} FROM split_modulestore_django_splitmodulestorecourseindex {condition}");
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = statement.query_map([parameter], Entry::read).map_err(failed)?;
    rows.map(|row| match row {
        Ok(entry) => Ok(entry),
        Err(error @ (InvalidColumnType(..) | FromSqlConversionFailure(..))) => {
            Ok(Err(corrupt("a row of the table of course indexes", error)))
        }
        Err(error) => Err(failed(error)),
    })
    .collect()
}

fn insert(transaction: &Transaction<'_>, columns: &Columns) -> Result<(), RuntimeError> {
    let sql = "INSERT INTO split_modulestore_django_splitmodulestorecourseindex
        (objectid, course_id, org, draft_version, published_version, library_version, wiki_slug, base_store,
         edited_on, last_update, edited_by_id) VALUES (?, ?, ?, ?, ?, ?, ?, 'mongodb', ?, ?, ?)";
    let Columns { object_id, course_id, org, versions, wiki_slug, edited_by, edited_on, last_update } =
        columns;
    let [draft, published, library] = versions;
    let values = params![
        object_id,
        course_id,
        org,
        draft,
        published,
        library,
        wiki_slug,
        edited_on,
        last_update,
        edited_by
    ];
    transaction.execute(sql, values).map(drop).map_err(failed)
}

/// The id and the key never change.
fn update(transaction: &Transaction<'_>, columns: &Columns) -> Result<(), RuntimeError> {
    let sql = "UPDATE split_modulestore_django_splitmodulestorecourseindex SET draft_version = ?,
        published_version = ?, library_version = ?, wiki_slug = ?, last_update = ? WHERE objectid = ?";
    let [draft, published, library] = &columns.versions;
    let values =
        params![draft, published, library, columns.wiki_slug, columns.last_update, columns.object_id];
    transaction.execute(sql, values).map(drop).map_err(failed)
}

/// Adds to the platform's history of this table, where there is one.
fn tell_history(
    transaction: &Transaction<'_>,
    columns: &Columns,
    kind: &str,
    change: &IndexChange,
) -> Result<(), RuntimeError> {
    let table = "split_modulestore_django_historicalsplitmodulestorecourseindex";
    let sql = "SELECT 1 FROM sqlite_schema WHERE name = ?";
    if transaction.query_row(sql, [table], |_| Ok(())).optional().map_err(failed)?.is_none() {
        return Ok(());
    }
    let row = "SELECT id FROM split_modulestore_django_splitmodulestorecourseindex WHERE objectid = ?";
    let row: Option<i64> =
        transaction.query_row(row, [&columns.object_id], |row| row.get(0)).optional().map_err(failed)?;
    let sql = format!(
        "INSERT INTO {table} (id, objectid, course_id, org, draft_version, published_version, library_version,
            wiki_slug, base_store, edited_on, last_update, edited_by_id, history_date, history_change_reason,
            history_type) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'mongodb', ?, ?, ?, ?, ?, ?)"
    );
    let [draft, published, library] = &columns.versions;
    let values = params![
        row.unwrap_or(0),
        columns.object_id,
        columns.course_id,
        columns.org,
        draft,
        published,
        library,
        columns.wiki_slug,
        columns.edited_on,
        columns.last_update,
        columns.edited_by,
        columns.last_update,
        reason(change),
        kind,
    ];
    transaction.execute(&sql, values).map(drop).map_err(failed)
}

/// Names the branches that changed, in the platform's words.
fn reason(change: &IndexChange) -> Option<String> {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return None };
    let version = |document: &RawDocument, branch: &str| {
        document.get_document("versions").ok().and_then(|versions| versions.get_object_id(branch).ok())
    };
    let names = [("draft", DRAFT_BRANCH), ("published", PUBLISHED_BRANCH), ("library", LIBRARY_BRANCH)];
    let changed: Vec<_> = names
        .into_iter()
        .filter(|(_, branch)| version(before, branch) != version(after, branch))
        .map(|(name, _)| name)
        .collect();
    (!changed.is_empty()).then(|| format!("Updated {} branch", changed.join(" and ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_row_hides_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("index.db");
        let table = SqlIndex::open(&file.to_string_lossy(), StoreMode::ReadWrite).expect("the table");
        let id = "0123456789abcdef01234567";
        let (other, time) = ("0123456789abcdef01234568", "2031-01-01 00:00:00");
        let insert = "INSERT INTO split_modulestore_django_splitmodulestorecourseindex
            (objectid, course_id, org, draft_version, published_version, library_version, wiki_slug, base_store,
             edited_on, last_update) VALUES (?, ?, 'A', ?, '', '', '', 'mongodb', ?, ?)";
        let spoilt = [
            (other, "course-v1:A+B+2", "not an id", time),
            (other, "no key", id, time),
            ("no id", "course-v1:A+B+2", id, time),
            (other, "course-v1:A+B+2", id, "some day"),
        ];
        for (object_id, course, draft, on) in spoilt {
            {
                let db = table.connection.lock().expect("nobody panicked");
                let delete = "DELETE FROM split_modulestore_django_splitmodulestorecourseindex";
                db.execute(delete, []).expect("deleted");
                db.execute(insert, params![object_id, course, draft, on, time]).expect("a row");
                db.execute(insert, params![id, "course-v1:A+B+1", id, time, time]).expect("a row");
            }
            let all = table.all(&[]).expect("the rows");
            let [Err(RuntimeError::Corrupt { .. }), Ok(sound)] = &all[..] else { panic!("{all:?}") };
            assert_eq!(CourseIndex::read(sound).expect("an index").key().run, "1");
        }
    }
}
