//! Changing documents.

use bson::oid::ObjectId;
use bson::raw::{RawBsonRef, RawDocument};
use chrono::{DateTime, Utc};
use rusqlite::{Params, params};
use xblock_core::runtime::{EditInfo, RuntimeError};

use super::chunks::chunk_document;
use super::connection::{Session, failed};
use super::schema::{OTHERS, SET_ASIDE};
use crate::documents::{Bucket, FileId, FileView, IndexKey, Structure, corrupt};
use crate::store::{Collection, ContentKind, DocumentWrites, FileHandle, Leftover, OLD_MONGO, Outcome};

/// Returns a kind's name in the table of what was set aside, its own table, and where that has messages.
fn aside_names(kind: ContentKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        ContentKind::Structure => ("structure", r#""modulestore.structures""#, "message"),
        ContentKind::Definition => ("definition", r#""modulestore.definitions""#, "''"),
    }
}

/// The bucket in which replaced files lie that were set aside; no reader looks there.
const PRUNED: &str = "pruned_fs";

impl Session<'_> {
    /// Moves a file with its bytes; what lies there under its id already gives way.
    fn change_bucket(&self, from: &str, to: &str, id: &FileId) -> Result<usize, RuntimeError> {
        let found = "SELECT 1 FROM files WHERE bucket = ? AND _id = ?";
        if self.one(found, params![from, id.as_bytes()], |_| Ok(()))?.is_none() {
            return Ok(0);
        }
        let there = "(SELECT number FROM files WHERE bucket = ? AND _id = ?)";
        self.run(&format!("DELETE FROM chunks WHERE file IN {there}"), params![to, id.as_bytes()])?;
        self.run("DELETE FROM files WHERE bucket = ? AND _id = ?", params![to, id.as_bytes()])?;
        self.run("UPDATE files SET bucket = ? WHERE bucket = ? AND _id = ?", params![to, from, id.as_bytes()])
    }

    fn run(&self, sql: &str, params: impl Params) -> Result<usize, RuntimeError> {
        self.connection()
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(params))
            .map_err(failed("writing to the store"))
    }

    fn is_index_at(&self, id: ObjectId, last_update: Option<bson::DateTime>) -> Result<bool, RuntimeError> {
        let sql = r#"SELECT document FROM "modulestore.active_versions" WHERE _id = ?"#;
        let Some(bytes) = self.one(sql, [id.bytes()], |row| row.get::<_, Vec<u8>>(0))? else {
            return Ok(false);
        };
        let place = || format!("course index {id}");
        let present = RawDocument::from_bytes(&bytes).map_err(|error| corrupt(place(), error))?;
        Ok(present.get_datetime("last_update").ok() == last_update)
    }

    fn file_number(&self, bucket: Bucket, id: &FileId) -> Result<FileHandle, RuntimeError> {
        let sql = "SELECT number FROM files WHERE bucket = ? AND _id = ?";
        self.one(sql, params![bucket.name(), id.as_bytes()], |row| row.get(0).map(FileHandle))?
            .ok_or_else(|| corrupt(format!("file {}", id.value()), "it is gone from its bucket"))
    }
}

impl DocumentWrites for Session<'_> {
    fn mend(&self, _: &Leftover) -> Result<bool, RuntimeError> {
        Ok(false)
    }

    fn insert_index(&self, key: &IndexKey, id: ObjectId, document: &RawDocument) -> Result<(), RuntimeError> {
        let sql = r#"INSERT INTO "modulestore.active_versions" (_id, org, course, run, document)
                     VALUES (?, ?, ?, ?, ?)"#;
        let IndexKey { org, course, run } = key;
        self.run(sql, params![id.bytes(), org, course, run, document.as_bytes()]).map(drop)
    }

    fn replace_index(
        &self,
        id: ObjectId,
        last_update: Option<bson::DateTime>,
        document: &RawDocument,
    ) -> Result<bool, RuntimeError> {
        if !self.is_index_at(id, last_update)? {
            return Ok(false);
        }
        let sql = r#"UPDATE "modulestore.active_versions" SET document = ? WHERE _id = ?"#;
        self.run(sql, params![document.as_bytes(), id.bytes()]).map(|rows| rows == 1)
    }

    fn delete_index(&self, id: ObjectId, last_update: Option<bson::DateTime>) -> Result<bool, RuntimeError> {
        if !self.is_index_at(id, last_update)? {
            return Ok(false);
        }
        let sql = r#"DELETE FROM "modulestore.active_versions" WHERE _id = ?"#;
        self.run(sql, [id.bytes()]).map(|rows| rows == 1)
    }

    fn insert_structure(&self, structure: &Structure, message: &str) -> Result<(), RuntimeError> {
        let sql = r#"INSERT INTO "modulestore.structures"
            (_id, previous_version, original_version, edited_on, edited_by, message, document)
            VALUES (?, ?, ?, ?, ?, ?, ?)"#;
        let header = structure.header();
        self.run(
            sql,
            params![
                header.id.bytes(),
                header.previous_version.map(|id| id.bytes()),
                header.original_version.map(|id| id.bytes()),
                header.edit_info.edited_on.map(|time| time.timestamp_millis()),
                header.edit_info.edited_by,
                message,
                structure.raw().as_bytes(),
            ],
        )
        .map(drop)
    }

    fn insert_definition(&self, id: ObjectId, document: &RawDocument) -> Result<(), RuntimeError> {
        let sql = r#"INSERT INTO "modulestore.definitions" (_id, document) VALUES (?, ?)"#;
        self.run(sql, params![id.bytes(), document.as_bytes()]).map(drop)
    }

    fn set_aside(
        &self,
        kind: ContentKind,
        ids: &[ObjectId],
        now: DateTime<Utc>,
    ) -> Result<usize, RuntimeError> {
        // It is made when it is needed, for stores of earlier days.
        self.connection().execute_batch(SET_ASIDE).map_err(failed("writing to the store"))?;
        let (name, table, message) = aside_names(kind);
        let copy = format!(
            "INSERT OR REPLACE INTO set_aside (kind, _id, since, message, document)
             SELECT '{name}', _id, ?, {message}, document FROM {table} WHERE _id = ?"
        );
        let delete = format!("DELETE FROM {table} WHERE _id = ?");
        let mut count = 0;
        for id in ids {
            self.run(&copy, params![now.timestamp_millis(), id.bytes()])?;
            count += self.run(&delete, [id.bytes()])?;
        }
        Ok(count)
    }

    fn put_back(&self, kind: ContentKind, ids: &[ObjectId]) -> Result<usize, RuntimeError> {
        if !self.has_set_aside()? {
            return Ok(0);
        }
        let (name, ..) = aside_names(kind);
        let mut count = 0;
        for id in ids {
            let sql = "SELECT message, document FROM set_aside WHERE kind = ? AND _id = ?";
            let found = self.one(sql, params![name, id.bytes()], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
            })?;
            let Some((message, bytes)) = found else { continue };
            match kind {
                ContentKind::Structure => self.insert_structure(&Structure::read(*id, bytes)?, &message)?,
                ContentKind::Definition => {
                    let place = || format!("definition {id}");
                    let document =
                        RawDocument::from_bytes(&bytes).map_err(|error| corrupt(place(), error))?;
                    self.insert_definition(*id, document)?;
                }
            }
            self.run("DELETE FROM set_aside WHERE kind = ? AND _id = ?", params![name, id.bytes()])?;
            count += 1;
        }
        Ok(count)
    }

    fn set_aside_files(&self, ids: &[FileId], now: DateTime<Utc>) -> Result<usize, RuntimeError> {
        self.connection().execute_batch(SET_ASIDE).map_err(failed("writing to the store"))?;
        let copy = "INSERT OR REPLACE INTO set_aside (kind, _id, since, message, document)
                    SELECT 'file', _id, ?, '', document FROM files WHERE bucket = ? AND _id = ?";
        let mut count = 0;
        for id in ids {
            self.run(copy, params![now.timestamp_millis(), Bucket::Replaced.name(), id.as_bytes()])?;
            count += self.change_bucket(Bucket::Replaced.name(), PRUNED, id)?;
        }
        Ok(count)
    }

    fn put_back_files(&self, ids: &[FileId]) -> Result<usize, RuntimeError> {
        if !self.has_set_aside()? {
            return Ok(0);
        }
        let mut count = 0;
        for id in ids {
            count += self.change_bucket(PRUNED, Bucket::Replaced.name(), id)?;
            self.run("DELETE FROM set_aside WHERE kind = 'file' AND _id = ?", [id.as_bytes()])?;
        }
        Ok(count)
    }

    fn forget_set_aside(&self, before: DateTime<Utc>) -> Result<usize, RuntimeError> {
        if !self.has_set_aside()? {
            return Ok(0);
        }
        let time = before.timestamp_millis();
        let old = "bucket = ? AND _id IN (SELECT _id FROM set_aside WHERE kind = 'file' AND since < ?)";
        let chunks = format!("DELETE FROM chunks WHERE file IN (SELECT number FROM files WHERE {old})");
        self.run(&chunks, params![PRUNED, time])?;
        self.run(&format!("DELETE FROM files WHERE {old}"), params![PRUNED, time])?;
        self.run("DELETE FROM set_aside WHERE since < ?", [before.timestamp_millis()])
    }

    fn begin_file(&self, bucket: Bucket, id: &FileId) -> Result<FileHandle, RuntimeError> {
        self.delete_file(bucket, id)?;
        let sql = "INSERT INTO files (bucket, _id, document) VALUES (?, ?, x'')";
        self.run(sql, params![bucket.name(), id.as_bytes()])?;
        Ok(FileHandle(self.connection().last_insert_rowid()))
    }

    fn append_chunk(&self, file: FileHandle, number: i32, data: &[u8]) -> Result<(), RuntimeError> {
        self.run("INSERT INTO chunks (file, n, data) VALUES (?, ?, ?)", params![file.0, number, data])
            .map(drop)
    }

    fn append_chunk_document(
        &self,
        file: FileHandle,
        number: i32,
        document: &RawDocument,
    ) -> Result<(), RuntimeError> {
        if !self.has_chunk_documents()? {
            self.run("ALTER TABLE chunks ADD COLUMN document BLOB", [])?;
        }
        let data = match document.get("data") {
            Ok(Some(RawBsonRef::Binary(data))) => data.bytes,
            _ => return Err(corrupt(format!("chunk {number} of a file"), "it has no data")),
        };
        let sql = "INSERT INTO chunks (file, n, data, document) VALUES (?, ?, ?, ?)";
        let rest = chunk_document(document, &[], None)?;
        self.run(sql, params![file.0, number, data, rest.as_bytes()]).map(drop)
    }

    fn is_undone_when_dropped(&self) -> bool {
        true
    }

    fn takes_malformed(&self) -> bool {
        true
    }

    fn keep_damaged(
        &self,
        collection: &str,
        key: &FileId,
        document: &RawDocument,
    ) -> Result<(), RuntimeError> {
        // It is made when it is needed, for stores of earlier days.
        self.connection().execute_batch(OTHERS).map_err(failed("writing to the store"))?;
        let sql = "INSERT INTO other_documents (collection, _id, document) VALUES (?, ?, ?)";
        self.run(sql, params![collection, key.as_bytes(), document.as_bytes()]).map(drop)
    }

    fn displaced(&self) -> Result<Vec<(Collection, FileId)>, RuntimeError> {
        // Chunks that have a file lie with it, others may lie anywhere.
        Ok(Vec::new())
    }

    fn insert_other(&self, collection: &str, document: &RawDocument) -> Result<(), RuntimeError> {
        // It is made when it is needed, for stores of earlier days.
        self.connection().execute_batch(OTHERS).map_err(failed("writing to the store"))?;
        let id = FileId::of(document, "_id")
            .map_err(|_| corrupt(format!("a document of {collection}"), "it has no `_id`"))?;
        let old = document.get_document("_id").ok().filter(|_| collection == OLD_MONGO);
        let part = |name| old.and_then(|id| id.get_str(name).ok());
        let sql = "INSERT INTO other_documents (collection, _id, org, course, category, document)
                   VALUES (?, ?, ?, ?, ?, ?)";
        let (org, course, category) = (part("org"), part("course"), part("category"));
        self.run(sql, params![collection, id.as_bytes(), org, course, category, document.as_bytes()])
            .map(drop)
    }

    fn finish_file(&self, file: FileHandle, document: &RawDocument) -> Result<(), RuntimeError> {
        let owner = FileView::new(document).owner();
        let (org, course, run) = match owner {
            Some(owner) => (Some(owner.org), Some(owner.course), owner.run),
            None => (None, None, None),
        };
        let sql = "UPDATE files SET org = ?, course = ?, run = ?, document = ? WHERE number = ?";
        self.run(sql, params![org, course, run, document.as_bytes(), file.0]).map(drop)
    }

    fn copy_file(
        &self,
        from: (Bucket, &FileId),
        to: (Bucket, &FileId),
        document: &RawDocument,
    ) -> Result<(), RuntimeError> {
        let source = self.file_number(from.0, from.1)?;
        let copy = self.begin_file(to.0, to.1)?;
        let sql = "INSERT INTO chunks (file, n, data) SELECT ?, n, data FROM chunks WHERE file = ?";
        self.run(sql, [copy.0, source.0])?;
        self.finish_file(copy, document)
    }

    fn move_file(
        &self,
        from: (Bucket, &FileId),
        to: (Bucket, &FileId),
        document: &RawDocument,
    ) -> Result<(), RuntimeError> {
        let file = self.file_number(from.0, from.1)?;
        self.delete_file(to.0, to.1)?;
        let sql = "UPDATE files SET bucket = ?, _id = ? WHERE number = ?";
        self.run(sql, params![to.0.name(), to.1.as_bytes(), file.0])?;
        self.finish_file(file, document)
    }

    fn delete_file(&self, bucket: Bucket, id: &FileId) -> Result<(), RuntimeError> {
        let found = "(SELECT number FROM files WHERE bucket = ? AND _id = ?)";
        let params = params![bucket.name(), id.as_bytes()];
        self.run(&format!("DELETE FROM chunks WHERE file IN {found}"), params)?;
        self.run("DELETE FROM files WHERE bucket = ? AND _id = ?", params).map(drop)
    }

    fn append_feed(
        &self,
        context: &str,
        branch: &str,
        version: ObjectId,
        edit_info: &EditInfo,
    ) -> Result<(), RuntimeError> {
        let sql = "INSERT INTO feed (context, branch, version, edited_on, edited_by) VALUES (?, ?, ?, ?, ?)";
        let edited_on = edit_info.edited_on.map(|time| time.timestamp_millis());
        self.run(sql, params![context, branch, version.bytes(), edited_on, edit_info.edited_by]).map(drop)
    }

    fn put_origin(&self, context: &str, packed: Option<&[u8]>) -> Result<(), RuntimeError> {
        // It is made when it is needed, for stores of earlier days.
        self.run(
            "CREATE TABLE IF NOT EXISTS origins (context TEXT NOT NULL PRIMARY KEY, packed BLOB NOT NULL)",
            [],
        )?;
        match packed {
            Some(packed) => self.run(
                "INSERT OR REPLACE INTO origins (context, packed) VALUES (?, ?)",
                params![context, packed],
            ),
            None => self.run("DELETE FROM origins WHERE context = ?", [context]),
        }
        .map(drop)
    }

    fn commit(self: Box<Self>) -> Result<Outcome, RuntimeError> {
        self.finish()?;
        Ok(Outcome::Kept)
    }
}
