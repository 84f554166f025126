//! The table of course indexes that newer releases of edx-platform read in place of MongoDB's collection (modulestore
//! reference, section 3). What it says counts; the collection follows it, because the platform's pruning tool reads that.
//!
//! - `place`: where it is; `sqlite` and `mysql`: the databases that have it, behind `statements`.
//! - `row`: a row, and the document it stands for.

mod mysql;
mod place;
mod row;
mod sqlite;
mod statements;

use std::time::Duration;

use bson::oid::ObjectId;
use bson::raw::RawDocumentBuf;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::RuntimeError;

use self::row::{COLUMNS, Columns, Entry, reason};
use self::statements::{Cell, Statements};
use super::session::IndexChange;
use crate::documents::IndexKey;
use crate::store::StoreMode;
use crate::twins::folded;

pub(super) use self::place::TAKES;
pub use self::place::{IndexPlace, MysqlIndexPlace};

/// The table's name.
const NAME: &str = "split_modulestore_django_splitmodulestorecourseindex";

/// A table of course indexes, as Django makes it.
pub(super) enum SqlIndex {
    Sqlite(sqlite::File),
    Mysql(mysql::Server),
}

impl SqlIndex {
    /// Opens the table; with [`StoreMode::ReadWrite`] it is made where it is missing, with a row for each index that is
    /// `filed` in the collection: from then on the table counts.
    pub(super) fn open(
        place: &IndexPlace,
        patience: Duration,
        mode: StoreMode,
        filed: &dyn Fn() -> Result<Vec<RawDocumentBuf>, RuntimeError>,
    ) -> Result<Self, RuntimeError> {
        let first = || first_rows(&filed()?);
        Ok(match place {
            IndexPlace::Sqlite(file) => Self::Sqlite(sqlite::File::open(file, patience, mode, &first)?),
            IndexPlace::Mysql(place) => Self::Mysql(mysql::Server::open(place, patience, mode, &first)?),
        })
    }

    fn read<T>(
        &self,
        job: impl FnMut(&mut dyn Statements) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        match self {
            Self::Sqlite(file) => file.read(job),
            Self::Mysql(server) => server.read(job),
        }
    }

    /// Finds the row of a key; a library and a course of the run `library` have rows of their own.
    fn by_key(&self, key: &IndexKey) -> Result<Option<Entry>, RuntimeError> {
        // Servers may compare without case.
        Ok(self.taken_for(key)?.into_iter().find(|entry| entry.key == *key))
    }

    /// Finds a context that the database takes for this one though its key is another: servers compare without case, and
    /// without accents. A row that cannot be read is named where its key differs from this one in case only.
    pub(super) fn twin(&self, key: &IndexKey) -> Result<Option<ContextKey>, RuntimeError> {
        let twin = self.taken_for(key)?.into_iter().find(|entry| entry.key != *key);
        if let Some(twin) = twin {
            return Ok(Some(twin.context));
        }
        let wanted = folded(key);
        let rows = self.every_row()?;
        let damaged =
            rows.iter().filter(|row| Entry::key_of(row).is_some_and(|found| folded(&found) == wanted));
        damaged.filter_map(|row| Entry::read(row).err()).next().map_or(Ok(None), Err)
    }

    /// Lists the keys of the rows that cannot be read.
    pub(super) fn damaged_keys(&self) -> Result<Vec<IndexKey>, RuntimeError> {
        let rows = self.every_row()?;
        Ok(rows.iter().filter(|row| Entry::read(row).is_err()).filter_map(|row| Entry::key_of(row)).collect())
    }

    fn every_row(&self) -> Result<Vec<Vec<Cell>>, RuntimeError> {
        self.read(|table| {
            let sql = format!(
                "SELECT {COLUMNS} FROM split_modulestore_django_splitmodulestorecourseindex ORDER BY id"
            );
            table.rows(&sql, &[])
        })
    }

    /// Finds the rows whose names the database takes for those of a key.
    fn taken_for(&self, key: &IndexKey) -> Result<Vec<Entry>, RuntimeError> {
        let IndexKey { org, course, run } = key;
        let names = [format!("library-v1:{org}+{course}"), format!("course-v1:{org}+{course}+{run}")];
        let wanted = if run == "library" { &names[..] } else { &names[1..] };
        let mut found = Vec::new();
        for name in wanted {
            found.extend(self.read(|table| select(table, "WHERE course_id = ?", name))?);
        }
        Ok(found)
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
        let found = self.read(|table| select(table, "WHERE objectid = ?", &id.to_hex()))?.pop();
        let Some(entry) = found else { return Ok(None) };
        entry.document(present(id)?.as_deref()).map(Some)
    }

    /// Returns every index, in the order in which they were made; of a row that cannot be read what is wrong with it.
    pub(super) fn all(
        &self,
        present: &[RawDocumentBuf],
    ) -> Result<Vec<Result<RawDocumentBuf, RuntimeError>>, RuntimeError> {
        let rows = self.every_row()?;
        // Each by itself: one that is damaged keeps nobody from the others.
        let documents = rows.iter().map(|row| {
            let entry = Entry::read(row)?;
            let same =
                |document: &&RawDocumentBuf| document.get_object_id("_id").is_ok_and(|id| id == entry.id);
            entry.document(present.iter().find(same).map(|document| &**document))
        });
        Ok(documents.collect())
    }

    /// Changes a row if it still is what was read; says whether it was.
    pub(super) fn swap(&self, change: &IndexChange) -> Result<bool, RuntimeError> {
        let after = change.after.as_deref().map(Columns::of).transpose()?;
        let after = after.as_ref();
        match self {
            Self::Sqlite(file) => file.write(|table| swap(table, change, after)),
            Self::Mysql(server) => server.write(|table, may_be_done| {
                Ok(may_be_done && is_done(table, change)? || swap(table, change, after)?)
            }),
        }
    }
}

fn by_id(table: &mut dyn Statements, id: ObjectId) -> Result<Option<Entry>, RuntimeError> {
    let condition = format!("WHERE objectid = ?{}", table.for_update());
    Ok(select(table, &condition, &id.to_hex())?.pop())
}

/// Says whether the row is what a change makes of it: versions are new with each change, and no other can make them.
fn is_done(table: &mut dyn Statements, change: &IndexChange) -> Result<bool, RuntimeError> {
    Ok(match (by_id(table, change.id)?, &change.after) {
        (Some(row), Some(after)) => row.is(after),
        (row, after) => row.is_none() && after.is_none(),
    })
}

fn swap(
    table: &mut dyn Statements,
    change: &IndexChange,
    after: Option<&Columns>,
) -> Result<bool, RuntimeError> {
    let row = by_id(table, change.id)?;
    let is_as_it_was = match (&change.before, &row) {
        (Some(before), Some(row)) => row.is(before),
        (None, None) => match after {
            Some(after) => {
                let present = select(table, "WHERE course_id = ?", &after.course_id)?;
                // Trying again does not help where the server takes another name for this one.
                if let Some(twin) = present.iter().find(|entry| entry.key != change.key) {
                    return Err(RuntimeError::ContextExists { key: twin.context.clone() });
                }
                present.is_empty()
            }
            None => true,
        },
        _ => false,
    };
    if !is_as_it_was {
        return Ok(false);
    }
    match (&row, after) {
        (None, Some(after)) => insert(table, NAME, after)?,
        (Some(_), Some(after)) => update(table, after)?,
        (Some(_), None) => {
            let sql = "DELETE FROM split_modulestore_django_splitmodulestorecourseindex WHERE objectid = ?";
            table.execute(sql, &[Cell::Text(change.id.to_hex())])?;
        }
        (None, None) => {}
    }
    let kind = match (&change.before, after) {
        (None, _) => "+",
        (_, Some(_)) => "~",
        (_, None) => "-",
    };
    let before = change.before.as_deref().map(Columns::of).transpose()?;
    if let Some(columns) = after.or(before.as_ref()) {
        tell_history(table, columns, kind, change)?;
    }
    Ok(true)
}

fn select(table: &mut dyn Statements, condition: &str, parameter: &str) -> Result<Vec<Entry>, RuntimeError> {
    let sql =
        format!("SELECT {COLUMNS} FROM split_modulestore_django_splitmodulestorecourseindex {condition}");
    table.rows(&sql, &[parameter.into()])?.iter().map(|row| Entry::read(row)).collect()
}

fn number(number: Option<i64>) -> Cell {
    number.map_or(Cell::Null, Cell::Integer)
}

/// Makes the rows of a new table. What cannot have one stays in the collection only, and a check names it.
fn first_rows(filed: &[RawDocumentBuf]) -> Result<Vec<Columns>, RuntimeError> {
    let rows = filed.iter().map(|document| Columns::of(document));
    rows.filter(|row| !matches!(row, Err(RuntimeError::Corrupt { .. } | RuntimeError::UnsupportedKey { .. })))
        .collect()
}

/// Adds the rows of a new table, of those the database takes for one the first.
fn fill(table: &mut dyn Statements, name: &str, rows: &[Columns]) -> Result<(), RuntimeError> {
    let sql = format!("SELECT course_id FROM {name} WHERE course_id = ?");
    for row in rows {
        if table.rows(&sql, &[Cell::from(&row.course_id)])?.is_empty() {
            insert(table, name, row)?;
        }
    }
    Ok(())
}

fn insert(table: &mut dyn Statements, name: &str, columns: &Columns) -> Result<(), RuntimeError> {
    let sql = format!(
        "INSERT INTO {name}
        (objectid, course_id, org, draft_version, published_version, library_version, wiki_slug, base_store,
         edited_on, last_update, edited_by_id) VALUES (?, ?, ?, ?, ?, ?, ?, 'mongodb', ?, ?, ?)"
    );
    let [draft, published, library] = &columns.versions;
    let values = [&columns.object_id, &columns.course_id, &columns.org, draft, published, library]
        .into_iter()
        .chain([&columns.wiki_slug, &columns.edited_on, &columns.last_update])
        .map(Cell::from)
        .chain([number(columns.edited_by)]);
    table.execute(&sql, &values.collect::<Vec<_>>())
}

/// The id and the key never change.
fn update(table: &mut dyn Statements, columns: &Columns) -> Result<(), RuntimeError> {
    let sql = "UPDATE split_modulestore_django_splitmodulestorecourseindex SET draft_version = ?,
        published_version = ?, library_version = ?, wiki_slug = ?, last_update = ? WHERE objectid = ?";
    let [draft, published, library] = &columns.versions;
    let values = [draft, published, library, &columns.wiki_slug, &columns.last_update, &columns.object_id]
        .map(Cell::from);
    table.execute(sql, &values)
}

/// Adds to the platform's history of this table, where there is one.
fn tell_history(
    table: &mut dyn Statements,
    columns: &Columns,
    kind: &str,
    change: &IndexChange,
) -> Result<(), RuntimeError> {
    let history = "split_modulestore_django_historicalsplitmodulestorecourseindex";
    if !table.has_table(history)? {
        return Ok(());
    }
    let row = "SELECT id FROM split_modulestore_django_splitmodulestorecourseindex WHERE objectid = ?";
    let row = table.rows(row, &[Cell::from(&columns.object_id)])?.pop().and_then(|mut row| row.pop());
    let sql = format!(
        "INSERT INTO {history} (id, objectid, course_id, org, draft_version, published_version, library_version,
            wiki_slug, base_store, edited_on, last_update, edited_by_id, history_date, history_change_reason,
            history_type) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'mongodb', ?, ?, ?, ?, ?, ?)"
    );
    let [draft, published, library] = &columns.versions;
    let texts = [&columns.object_id, &columns.course_id, &columns.org, draft, published, library]
        .into_iter()
        .chain([&columns.wiki_slug, &columns.edited_on, &columns.last_update])
        .map(Cell::from);
    let values = [row.unwrap_or(Cell::Integer(0))].into_iter().chain(texts).chain([
        number(columns.edited_by),
        Cell::from(&columns.last_update),
        reason(change).map_or(Cell::Null, Cell::Text),
        Cell::from(kind),
    ]);
    table.execute(&sql, &values.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::CourseIndex;

    #[test]
    fn a_damaged_row_hides_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("index.db");
        let place = IndexPlace::Sqlite(file.display().to_string());
        let table = SqlIndex::open(&place, Duration::from_secs(1), StoreMode::ReadWrite, &|| Ok(Vec::new()))
            .expect("the table");
        let db = rusqlite::Connection::open(&file).expect("the file");
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
            let delete = "DELETE FROM split_modulestore_django_splitmodulestorecourseindex";
            db.execute(delete, []).expect("deleted");
            db.execute(insert, [object_id, course, draft, on, time]).expect("a row");
            db.execute(insert, [id, "course-v1:A+B+1", id, time, time]).expect("a row");
            let all = table.all(&[]).expect("the rows");
            let [Err(RuntimeError::Corrupt { .. }), Ok(sound)] = &all[..] else { panic!("{all:?}") };
            assert_eq!(CourseIndex::read(sound).expect("an index").key().run, "1");
        }
    }
}
