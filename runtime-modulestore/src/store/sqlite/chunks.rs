//! Chunks of files as the documents of a dump.
//!
//! A chunk's bytes lie in a column of their own; what else its document held stays beside them, with empty data, so that
//! the document comes back as it was.

use bson::oid::ObjectId;
use bson::raw::{CStr, RawBinaryRef, RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use bson::spec::BinarySubtype;
use md5::{Digest, Md5};
use rusqlite::params;
use xblock_core::runtime::RuntimeError;

use super::connection::{Session, failed};
use crate::documents::{Bucket, FileId, corrupt, integer};

/// Where a chunk belongs now.
pub(super) type ChunkPlace<'a> = (RawBsonRef<'a>, i32);

/// Returns a chunk's document with other bytes, and with another place where the file has moved.
pub(super) fn chunk_document(
    document: &RawDocument,
    data: &[u8],
    place: Option<ChunkPlace<'_>>,
) -> Result<RawDocumentBuf, RuntimeError> {
    let mut copy = RawDocumentBuf::new();
    let told = integer(document, "n", "a chunk of a file").ok().flatten();
    for element in document {
        let (name, value) = element.map_err(|error| corrupt("a chunk of a file", error))?;
        let value = match (name.as_str(), value, place) {
            ("data", RawBsonRef::Binary(old), _) => {
                RawBsonRef::Binary(RawBinaryRef { subtype: old.subtype, bytes: data })
            }
            ("files_id", _, Some((file, _))) => file,
            // A number that is right already keeps its type.
            ("n", _, Some((_, number))) if told != Some(i64::from(number)) => RawBsonRef::Int32(number),
            (_, value, _) => value,
        };
        let name: &CStr = name;
        copy.append(name, value);
    }
    Ok(copy)
}

/// Makes the document of a chunk that no dump had; each call makes the same one.
fn new_document(bucket: Bucket, id: &FileId, (file, number): ChunkPlace<'_>, data: &[u8]) -> RawDocumentBuf {
    let digest = Md5::new()
        .chain_update(bucket.name())
        .chain_update(id.as_bytes())
        .chain_update(number.to_le_bytes())
        .finalize();
    let mut own_id = [0; 12];
    own_id.copy_from_slice(&digest[..12]);
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("_id"), ObjectId::from_bytes(own_id));
    document.append(cstr!("files_id"), file);
    document.append(cstr!("n"), number);
    document.append(
        cstr!("data"),
        RawBsonRef::Binary(RawBinaryRef { subtype: BinarySubtype::Generic, bytes: data }),
    );
    document
}

impl Session<'_> {
    /// Says whether the table has a column for the rest of the documents; stores of earlier days have none.
    pub(super) fn has_chunk_documents(&self) -> Result<bool, RuntimeError> {
        let sql = "SELECT 1 FROM pragma_table_info('chunks') WHERE name = 'document'";
        Ok(self.one(sql, [], |_| Ok(()))?.is_some())
    }

    pub(super) fn each_chunk(
        &self,
        bucket: Bucket,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let fail = || failed("reading a file");
        let rest = if self.has_chunk_documents()? { "chunks.document" } else { "NULL" };
        let sql = format!(
            "SELECT files._id, n, data, {rest} FROM files CROSS JOIN chunks ON chunks.file = files.number
             WHERE bucket = ? ORDER BY files.number, n"
        );
        let mut statement = self.connection().prepare(&sql).map_err(fail())?;
        let mut rows = statement.query(params![bucket.name()]).map_err(fail())?;
        while let Some(row) = rows.next().map_err(fail())? {
            let place = || format!("a chunk of {}", bucket.name());
            let wrapped: Vec<u8> = row.get(0).map_err(fail())?;
            let wrapped = RawDocumentBuf::from_bytes(wrapped).map_err(|error| corrupt(place(), error))?;
            let file = wrapped
                .get("_id")
                .map_err(|error| corrupt(place(), error))?
                .ok_or_else(|| corrupt(place(), "its file has no id"))?;
            let at = (file, row.get(1).map_err(fail())?);
            let data = row.get_ref(2).map_err(fail())?.as_blob().map_err(|error| corrupt(place(), error))?;
            let document = match row.get::<_, Option<Vec<u8>>>(3).map_err(fail())? {
                Some(rest) => {
                    let rest = RawDocument::from_bytes(&rest).map_err(|error| corrupt(place(), error))?;
                    chunk_document(rest, data, Some(at))?
                }
                None => new_document(bucket, &FileId::of(&wrapped, "_id")?, at, data),
            };
            receive(&document)?;
        }
        Ok(())
    }
}
