//! Replaced static files that a pruning took out, and putting them back.
//!
//! Everything is copied first and deleted then, and a file's document goes before its chunks: wherever a process dies,
//! nothing is lost, no file is there without its bytes, and doing it again ends it.

use bson::doc;
use bson::raw::{RawDocumentBuf, cstr};
use mongodb::options::FindOptions;
use xblock_core::runtime::RuntimeError;

use super::own;
use super::session::Session;
use crate::documents::{Bucket, FileId, corrupt};
use crate::store::Collection;

const FILES: Collection = Collection::Files(Bucket::Replaced);
const CHUNKS: Collection = Collection::Chunks(Bucket::Replaced);

impl Session<'_> {
    fn copy_chunks(&self, from: &str, to: &str, id: &FileId) -> Result<(), RuntimeError> {
        let filter = doc! { "files_id": id.value() };
        let options = FindOptions::builder().batch_size(16).build();
        self.each(&self.collection(from), filter, options, &mut |chunk| self.add(to, vec![chunk.to_owned()]))
    }

    pub(super) fn take_files(&self, ids: &[FileId], since: bson::DateTime) -> Result<(), RuntimeError> {
        let (files, chunks) = (self.store.name(&FILES), self.store.name(&CHUNKS));
        for id in ids {
            let Some(document) = self.find_one(&self.collection(&files), doc! { "_id": id.value() })? else {
                continue;
            };
            self.copy_chunks(&chunks, own::ASIDE_CHUNKS, id)?;
            let mut kept = RawDocumentBuf::try_from(&doc! { "_id": id.value(), "since": since })
                .map_err(|error| corrupt("a file to be set aside", error))?;
            kept.append(cstr!("document"), &*document);
            self.add(own::ASIDE_FILES, vec![kept])?;
            self.delete(&files, doc! { "_id": id.value() })?;
            self.delete(&chunks, doc! { "files_id": id.value() })?;
        }
        Ok(())
    }

    pub(super) fn return_files(&self, ids: &[FileId]) -> Result<(), RuntimeError> {
        let (files, chunks) = (self.store.name(&FILES), self.store.name(&CHUNKS));
        let aside = self.collection(own::ASIDE_FILES);
        for id in ids {
            let Some(kept) = self.find_one(&aside, doc! { "_id": id.value() })? else { continue };
            let document =
                kept.get_document("document").map_err(|error| corrupt("a file that was set aside", error))?;
            self.copy_chunks(own::ASIDE_CHUNKS, &chunks, id)?;
            self.add(&files, vec![document.to_owned()])?;
            self.forget_file(id)?;
        }
        Ok(())
    }

    pub(super) fn files_aside_before(&self, before: bson::DateTime) -> Result<Vec<FileId>, RuntimeError> {
        let options = FindOptions::builder().projection(doc! { "_id": 1 }).build();
        let filter = doc! { "since": { "$lt": before } };
        let found = self.many(&self.collection(own::ASIDE_FILES), filter, options)?;
        found.iter().map(|kept| FileId::of(kept, "_id")).collect()
    }

    pub(super) fn forget_files(&self, before: bson::DateTime) -> Result<(), RuntimeError> {
        let (files, chunks) = (self.store.name(&FILES), self.store.name(&CHUNKS));
        for id in self.files_aside_before(before)? {
            // Where a process died after it had copied them; but not where it died putting them back.
            if self.find_one(&self.collection(&files), doc! { "_id": id.value() })?.is_none() {
                self.delete(&chunks, doc! { "files_id": id.value() })?;
            }
            self.forget_file(&id)?;
        }
        Ok(())
    }

    fn forget_file(&self, id: &FileId) -> Result<(), RuntimeError> {
        self.delete(own::ASIDE_CHUNKS, doc! { "files_id": id.value() })?;
        self.delete(own::ASIDE_FILES, doc! { "_id": id.value() }).map(drop)
    }
}
