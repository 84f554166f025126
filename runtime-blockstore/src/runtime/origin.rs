//! The packages that contexts were imported from, deflated, a row for each.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Origin, Runtime as _, RuntimeError};

use super::BlockstoreRuntime;
use crate::error::BlockstoreError;

/// More than any origin may have.
const MAX_BYTES: u64 = 128 << 20;

impl BlockstoreRuntime {
    /// Reads the origin of a context. It always lies in the store's own tables, which another program may not have made.
    pub(super) fn read_origin(&self, context: &ContextKey) -> Result<Option<Origin>, RuntimeError> {
        self.context(context)?;
        let packed: Option<Vec<u8>> = self.store.db.read(|db| {
            let action = "reading where a context came from";
            if !db.has_table("xblock_origin")? {
                return Ok::<_, BlockstoreError>(None);
            }
            let sql = "SELECT files FROM main.xblock_origin WHERE context_key = ?1";
            db.one(action, sql, [context.to_string()], |row| row.get(0))
        })?;
        let Some(packed) = packed else { return Ok(None) };
        let mut bytes = Vec::new();
        let corrupt =
            |reason: String| RuntimeError::Corrupt { place: format!("origin of {context}"), reason };
        ZlibDecoder::new(&*packed)
            .take(MAX_BYTES)
            .read_to_end(&mut bytes)
            .map_err(|error| corrupt(error.to_string()))?;
        Origin::from_bytes(&bytes).map(Some).ok_or_else(|| corrupt("it is no list of files".into()))
    }

    /// Keeps the origin of a context.
    pub(super) fn write_origin(
        &self,
        context: &ContextKey,
        origin: Option<&Origin>,
    ) -> Result<(), RuntimeError> {
        self.context(context)?;
        let failed = |error| RuntimeError::storage("packing the files of an import", error);
        let packed = match origin {
            Some(origin) => {
                let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
                packer.write_all(&origin.to_bytes()).map_err(failed)?;
                Some(packer.finish().map_err(failed)?)
            }
            None => None,
        };
        self.store.db.write(|db| {
            let action = "keeping where a context came from";
            let key = context.to_string();
            match &packed {
                Some(packed) => db.run(
                    action,
                    "REPLACE INTO main.xblock_origin (context_key, files) VALUES (?1, ?2)",
                    (key, packed),
                ),
                None => db.run(action, "DELETE FROM main.xblock_origin WHERE context_key = ?1", [key]),
            }
        })?;
        Ok(())
    }
}
