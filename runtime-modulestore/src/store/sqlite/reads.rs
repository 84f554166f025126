//! Finding documents.

use std::collections::HashSet;
use std::ops::Range;

use bson::oid::ObjectId;
use bson::raw::{RawDocument, RawDocumentBuf};
use chrono::{DateTime, Utc};
use rusqlite::{ErrorCode, OptionalExtension, Params, Row, params};
use xblock_core::runtime::{EditInfo, RuntimeError};

use super::connection::{Session, failed};
use crate::documents::{Bucket, FileId, FileOwner, IndexKey, StructureHeader, corrupt};
use crate::dump::kept_index;
use crate::store::{Collection, ContentKind, DocumentReads, FeedEntry, Leftover, OLD_MONGO, SetAside};

/// How much of a structure is read at once: what a processor's own cache holds.
const PIECE: usize = 256 * 1024;

fn document(bytes: Vec<u8>, place: &str) -> Result<RawDocumentBuf, RuntimeError> {
    RawDocumentBuf::from_bytes(bytes).map_err(|error| corrupt(place, error))
}

fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<ObjectId> {
    row.get::<_, [u8; 12]>(column).map(ObjectId::from_bytes)
}

fn optional_id(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<ObjectId>> {
    row.get::<_, Option<[u8; 12]>>(column).map(|id| id.map(ObjectId::from_bytes))
}

fn edit_info(row: &Row<'_>, column: usize) -> rusqlite::Result<EditInfo> {
    let edited_on = row.get::<_, Option<i64>>(column)?.and_then(DateTime::<Utc>::from_timestamp_millis);
    Ok(EditInfo { edited_on, edited_by: row.get(column + 1)? })
}

impl Session<'_> {
    pub(super) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, RuntimeError> {
        self.connection()
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(params, row).optional())
            .map_err(failed("reading the store"))
    }

    fn each(
        &self,
        sql: &str,
        params: impl Params,
        collection: &str,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let fail = || failed("reading the store");
        let mut statement = self.connection().prepare_cached(sql).map_err(fail())?;
        let mut rows = statement.query(params).map_err(fail())?;
        while let Some(row) = rows.next().map_err(fail())? {
            let place = || format!("a document of {collection}");
            let bytes = row.get_ref(0).map_err(fail())?.as_blob().map_err(|error| corrupt(place(), error))?;
            receive(RawDocument::from_bytes(bytes).map_err(|error| corrupt(place(), error))?)?;
        }
        Ok(())
    }

    /// Hands rows over one at a time, so that a large table takes no memory.
    fn each_row<T>(
        &self,
        sql: &str,
        read: &mut dyn FnMut(&Row<'_>) -> rusqlite::Result<T>,
        receive: &mut dyn FnMut(T) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let fail = || failed("reading the store");
        let mut statement = self.connection().prepare_cached(sql).map_err(fail())?;
        let mut rows = statement.query([]).map_err(fail())?;
        while let Some(row) = rows.next().map_err(fail())? {
            receive(read(row).map_err(fail())?)?;
        }
        Ok(())
    }

    fn has_others(&self) -> Result<bool, RuntimeError> {
        // Stores no dump was loaded into have no such table.
        let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'other_documents'";
        Ok(self.one(sql, [], |_| Ok(()))?.is_some())
    }

    pub(super) fn has_set_aside(&self) -> Result<bool, RuntimeError> {
        // Stores nothing was set aside in have no such table.
        let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'set_aside'";
        Ok(self.one(sql, [], |_| Ok(()))?.is_some())
    }

    fn many<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, RuntimeError> {
        self.connection()
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_map(params, row)?.collect())
            .map_err(failed("reading the store"))
    }
}

fn feed_entry(row: &Row<'_>) -> rusqlite::Result<FeedEntry> {
    Ok(FeedEntry {
        cursor: row.get::<_, i64>(0)?.unsigned_abs(),
        context: row.get(1)?,
        branch: row.get(2)?,
        version: id(row, 3)?,
        edit_info: edit_info(row, 4)?,
    })
}

impl DocumentReads for Session<'_> {
    fn leftovers(&self) -> Result<Vec<Leftover>, RuntimeError> {
        // The file itself takes back what is half done.
        Ok(Vec::new())
    }

    fn indexes(&self) -> Result<Vec<Result<RawDocumentBuf, RuntimeError>>, RuntimeError> {
        let sql = r#"SELECT document FROM "modulestore.active_versions""#;
        let found = self.many(sql, [], |row| row.get::<_, Vec<u8>>(0))?;
        let mut found: Vec<_> = found.into_iter().map(|bytes| document(bytes, "a course index")).collect();
        // Those that nothing can be filed under.
        self.each_document(&Collection::Other(Collection::Indexes.name()), &mut |damaged| {
            found.push(kept_index(damaged));
            Ok(())
        })?;
        Ok(found)
    }

    fn index(&self, key: &IndexKey) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        let sql = r#"SELECT document FROM "modulestore.active_versions"
                     WHERE org = ? AND course = ? AND run = ?"#;
        let IndexKey { org, course, run } = key;
        let found = self.one(sql, params![org, course, run], |row| row.get(0))?;
        found.map(|bytes| document(bytes, &format!("the course index of {org}, {course}, {run}"))).transpose()
    }

    fn structure(&self, id: ObjectId) -> Result<Option<Vec<u8>>, RuntimeError> {
        self.structure_as_it_comes(id, &mut |_| {})
    }

    fn structure_as_it_comes(
        &self,
        id: ObjectId,
        seen: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<Vec<u8>>, RuntimeError> {
        let sql = r#"SELECT rowid FROM "modulestore.structures" WHERE _id = ?"#;
        let Some(row) = self.one(sql, [id.bytes()], |row| row.get(0))? else { return Ok(None) };
        // A value of a row would be put together in one place and copied to another; this way it is read to where it stays.
        let blob = self.connection().blob_open("main", "modulestore.structures", "document", row, true);
        let blob = blob.map_err(|error| match error.sqlite_error_code() {
            // The index of ids has a row that the table has not.
            Some(ErrorCode::Unknown) => corrupt("the store file", error),
            _ => failed("reading the store")(error),
        })?;
        let mut document = vec![0; blob.len()];
        for start in (0..document.len()).step_by(PIECE) {
            let end = document.len().min(start + PIECE);
            blob.read_at_exact(&mut document[start..end], start).map_err(failed("reading the store"))?;
            seen(&document[..end]);
        }
        Ok(Some(document))
    }

    fn header(&self, id: ObjectId) -> Result<Option<StructureHeader>, RuntimeError> {
        let sql = r#"SELECT previous_version, original_version, edited_on, edited_by
                     FROM "modulestore.structures" WHERE _id = ?"#;
        self.one(sql, [id.bytes()], |row| {
            Ok(StructureHeader {
                id,
                previous_version: optional_id(row, 0)?,
                original_version: optional_id(row, 1)?,
                edit_info: edit_info(row, 2)?,
            })
        })
    }

    fn each_header(
        &self,
        receive: &mut dyn FnMut(StructureHeader, u64) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let sql = r#"SELECT previous_version, original_version, edited_on, edited_by, _id, length(document)
                     FROM "modulestore.structures" ORDER BY rowid"#;
        self.each_row(
            sql,
            &mut |row| {
                Ok((
                    StructureHeader {
                        id: id(row, 4)?,
                        previous_version: optional_id(row, 0)?,
                        original_version: optional_id(row, 1)?,
                        edit_info: edit_info(row, 2)?,
                    },
                    row.get::<_, i64>(5)?.unsigned_abs(),
                ))
            },
            &mut |(header, bytes)| receive(header, bytes),
        )
    }

    fn each_definition(
        &self,
        receive: &mut dyn FnMut(ObjectId, u64) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let sql = r#"SELECT _id, length(document) FROM "modulestore.definitions" ORDER BY rowid"#;
        self.each_row(
            sql,
            &mut |row| Ok((id(row, 0)?, row.get::<_, i64>(1)?.unsigned_abs())),
            &mut |(id, bytes)| receive(id, bytes),
        )
    }

    fn set_aside_content(&self) -> Result<Vec<SetAside>, RuntimeError> {
        if !self.has_set_aside()? {
            return Ok(Vec::new());
        }
        let sql =
            "SELECT kind = 'structure', _id, since, length(document) FROM set_aside WHERE kind <> 'file'
             ORDER BY kind DESC, _id";
        self.many(sql, [], |row| {
            let kind = if row.get(0)? { ContentKind::Structure } else { ContentKind::Definition };
            Ok(SetAside {
                kind,
                id: id(row, 1)?,
                since: DateTime::from_timestamp_millis(row.get(2)?).unwrap_or_default(),
                bytes: row.get::<_, i64>(3)?.unsigned_abs(),
            })
        })
    }

    fn files_set_aside(&self) -> Result<Vec<FileId>, RuntimeError> {
        if !self.has_set_aside()? {
            return Ok(Vec::new());
        }
        let sql = "SELECT document FROM set_aside WHERE kind = 'file' ORDER BY _id";
        let found = self.many(sql, [], |row| row.get::<_, Vec<u8>>(0))?;
        let read = |bytes| FileId::of(&document(bytes, "a file that was set aside")?, "_id");
        found.into_iter().map(read).collect()
    }

    fn definition(&self, id: ObjectId) -> Result<Option<Vec<u8>>, RuntimeError> {
        let sql = r#"SELECT document FROM "modulestore.definitions" WHERE _id = ?"#;
        self.one(sql, [id.bytes()], |row| row.get(0))
    }

    fn message(&self, id: ObjectId) -> Result<Option<String>, RuntimeError> {
        let sql = r#"SELECT message FROM "modulestore.structures" WHERE _id = ?"#;
        self.one(sql, [id.bytes()], |row| row.get(0))
    }

    fn files(&self, bucket: Bucket, owner: &FileOwner) -> Result<Vec<RawDocumentBuf>, RuntimeError> {
        let sql = "SELECT document FROM files WHERE bucket = ? AND org = ? AND course = ? AND run IS ?";
        let FileOwner { org, course, run } = owner;
        let found =
            self.many(sql, params![bucket.name(), org, course, run], |row| row.get::<_, Vec<u8>>(0))?;
        found.into_iter().map(|bytes| document(bytes, "a file of the contentstore")).collect()
    }

    fn file(&self, bucket: Bucket, id: &FileId) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        let sql = "SELECT document FROM files WHERE bucket = ? AND _id = ?";
        let found = self.one(sql, params![bucket.name(), id.as_bytes()], |row| row.get(0))?;
        found.map(|bytes| document(bytes, &format!("file {}", id.value()))).transpose()
    }

    fn chunks(
        &self,
        bucket: Bucket,
        id: &FileId,
        receive: &mut dyn FnMut(&[u8]) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let fail = || failed("reading a file");
        let sql = "SELECT data FROM chunks JOIN files ON files.number = chunks.file
                   WHERE bucket = ? AND _id = ? AND n >= 0 ORDER BY n";
        let mut statement = self.connection().prepare_cached(sql).map_err(fail())?;
        let mut rows = statement.query(params![bucket.name(), id.as_bytes()]).map_err(fail())?;
        while let Some(row) = rows.next().map_err(fail())? {
            let data = row.get_ref(0).map_err(fail())?;
            receive(data.as_blob().map_err(|error| corrupt(format!("file {}", id.value()), error))?)?;
        }
        Ok(())
    }

    fn some_chunks(
        &self,
        bucket: Bucket,
        id: &FileId,
        numbers: Range<i32>,
        receive: &mut dyn FnMut(&[u8]) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let fail = || failed("reading a part of a file");
        let sql = "SELECT data FROM chunks JOIN files ON files.number = chunks.file
                   WHERE bucket = ? AND _id = ? AND n >= ? AND n < ? ORDER BY n";
        let mut statement = self.connection().prepare_cached(sql).map_err(fail())?;
        let wanted = params![bucket.name(), id.as_bytes(), numbers.start, numbers.end];
        let mut rows = statement.query(wanted).map_err(fail())?;
        while let Some(row) = rows.next().map_err(fail())? {
            let data = row.get_ref(0).map_err(fail())?;
            receive(data.as_blob().map_err(|error| corrupt(format!("file {}", id.value()), error))?)?;
        }
        Ok(())
    }

    fn feed(&self, after: u64, limit: usize) -> Result<Vec<FeedEntry>, RuntimeError> {
        let sql = "SELECT cursor, context, branch, version, edited_on, edited_by FROM feed
                   WHERE cursor > ? ORDER BY cursor LIMIT ?";
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.many(sql, [after, limit], feed_entry)
    }

    fn feed_of(&self, versions: &[ObjectId]) -> Result<Vec<FeedEntry>, RuntimeError> {
        let wanted: HashSet<_> = versions.iter().copied().collect();
        let mut found = Vec::new();
        // In a file nobody else writes the rows are few enough to go through them once.
        let sql = "SELECT cursor, context, branch, version, edited_on, edited_by FROM feed";
        self.each_row(
            sql,
            &mut |row| Ok(if wanted.contains(&id(row, 3)?) { Some(feed_entry(row)?) } else { None }),
            &mut |entry| {
                found.extend(entry);
                Ok(())
            },
        )?;
        Ok(found)
    }

    fn feed_end(&self) -> Result<u64, RuntimeError> {
        let end = self.one("SELECT max(cursor) FROM feed", [], |row| row.get::<_, Option<i64>>(0))?;
        Ok(end.flatten().unwrap_or(0).unsigned_abs())
    }

    fn origin(&self, context: &str) -> Result<Option<Vec<u8>>, RuntimeError> {
        // Stores of earlier days have no such table.
        let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'origins'";
        if self.one(sql, [], |_| Ok(()))?.is_none() {
            return Ok(None);
        }
        self.one("SELECT packed FROM origins WHERE context = ?", [context], |row| row.get(0))
    }

    fn other_collections(&self) -> Result<Vec<String>, RuntimeError> {
        if !self.has_others()? {
            return Ok(Vec::new());
        }
        let sql = "SELECT DISTINCT collection FROM other_documents ORDER BY collection";
        self.many(sql, [], |row| row.get(0))
    }

    fn other(&self, collection: &str, id: &FileId) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        if !self.has_others()? {
            return Ok(None);
        }
        let sql = "SELECT document FROM other_documents WHERE collection = ? AND _id = ?";
        let found = self.one(sql, params![collection, id.as_bytes()], |row| row.get(0))?;
        found.map(|bytes| document(bytes, &format!("{} of {collection}", id.value()))).transpose()
    }

    fn damaged(&self, collection: &str, key: &FileId) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        self.other(collection, key)
    }

    fn each_document(
        &self,
        collection: &Collection,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let table = match collection {
            Collection::Indexes => r#"SELECT document FROM "modulestore.active_versions" ORDER BY rowid"#,
            Collection::Structures => r#"SELECT document FROM "modulestore.structures" ORDER BY rowid"#,
            Collection::Definitions => r#"SELECT document FROM "modulestore.definitions" ORDER BY rowid"#,
            Collection::Files(_) => "SELECT document FROM files WHERE bucket = ? ORDER BY number",
            Collection::Chunks(bucket) => return self.each_chunk(*bucket, receive),
            Collection::Other(_) if !self.has_others()? => return Ok(()),
            Collection::Other(_) => {
                "SELECT document FROM other_documents WHERE collection = ? ORDER BY rowid"
            }
        };
        let name = collection.name();
        match collection {
            Collection::Files(bucket) => self.each(table, [bucket.name()], &name, receive),
            Collection::Other(other) => self.each(table, [other], &name, receive),
            _ => self.each(table, [], &name, receive),
        }
    }

    fn other_end(&self) -> Result<i64, RuntimeError> {
        if !self.has_others()? {
            return Ok(0);
        }
        let end =
            self.one("SELECT max(rowid) FROM other_documents", [], |row| row.get::<_, Option<i64>>(0))?;
        Ok(end.flatten().unwrap_or(0))
    }

    fn each_old_course(
        &self,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        if !self.has_others()? {
            return Ok(());
        }
        let sql = "SELECT document FROM other_documents WHERE category = 'course' ORDER BY _id";
        self.each(sql, [], OLD_MONGO, receive)
    }

    fn each_old_block(
        &self,
        org: &str,
        course: &str,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        if !self.has_others()? {
            return Ok(());
        }
        let sql = "SELECT document FROM other_documents WHERE org = ? AND course = ? ORDER BY _id";
        self.each(sql, [org, course], OLD_MONGO, receive)
    }
}
