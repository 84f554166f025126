//! Static files: where their documents and chunks lie while a commit is being made.
//!
//! Chunks of a new file first lie under an id of their own, marked as staged, in the collection they belong to. When the
//! commit is made they take the file's id, and the file's document comes last, as edx-platform writes it: readers of its
//! kind find the old file, or for a moment none, or the new one. Readers of this program know what a commit that was made
//! has not done yet, and read the new file from where its chunks lie.

use std::collections::BTreeMap;
use std::ops::Range;

use bson::oid::ObjectId;
use bson::raw::{RawBinaryRef, RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use bson::spec::BinarySubtype;
use bson::{Bson, Document, doc};
use mongodb::options::FindOptions;
use xblock_core::runtime::RuntimeError;

use super::failure::{failed, is_duplicate};
use super::own;
use super::session::{Session, StagedFile};
use crate::documents::{Bucket, FileId, FileOwner, FileView, corrupt};
use crate::store::Collection;

/// How many bytes of chunks are gathered before they are sent.
const BATCH_BYTES: usize = 8 << 20;
/// How many ids stand in one question.
pub(super) const IDS: usize = 1_000;

/// Files as commits that were made leave them, where that is not done yet.
#[derive(Default)]
pub(super) struct Overlay {
    pub(super) files: BTreeMap<(Bucket, FileId), OverlaidFile>,
}

/// What a file is by a commit; without a document it is gone.
pub(super) struct OverlaidFile {
    pub(super) document: Option<RawDocumentBuf>,
    pub(super) chunks: Vec<ObjectId>,
}

impl Session<'_> {
    fn overlay(&self) -> Result<&Overlay, RuntimeError> {
        if let Some(overlay) = self.overlay.get() {
            return Ok(overlay);
        }
        let overlay = self.read_overlay()?;
        Ok(self.overlay.get_or_init(|| overlay))
    }

    /// Returns what this transaction, or a commit that is not done yet, makes of a file.
    pub(super) fn changed_file(
        &self,
        bucket: Bucket,
        id: &FileId,
    ) -> Result<Option<Option<RawDocumentBuf>>, RuntimeError> {
        let key = (bucket, id.clone());
        if let Some(staged) = self.staged.borrow().files.get(&key) {
            return Ok(Some(staged.document.clone()));
        }
        Ok(self.overlay()?.files.get(&key).map(|file| file.document.clone()))
    }

    pub(super) fn files_of(
        &self,
        bucket: Bucket,
        owner: &FileOwner,
    ) -> Result<Vec<RawDocumentBuf>, RuntimeError> {
        let FileOwner { org, course, run } = owner;
        let filter = match run {
            Some(run) => {
                doc! { "content_son.org": org, "content_son.course": course, "content_son.run": run }
            }
            // What publishes of courses with old keys replaced lies under ids of another form.
            None if bucket == Bucket::Replaced => {
                doc! { "content_son.org": org, "content_son.course": course, "content_son.run": { "$exists": false } }
            }
            None => doc! { "_id.org": org, "_id.course": course, "_id.run": { "$exists": false } },
        };
        let mut found = BTreeMap::new();
        self.each(&self.of(&Collection::Files(bucket)), filter, FindOptions::default(), &mut |document| {
            if FileView::new(document).owner().as_ref() == Some(owner) {
                found.insert(FileId::of(document, "_id")?, document.to_owned());
            }
            Ok(())
        })?;
        let mut change = |id: &FileId, document: &Option<RawDocumentBuf>| match document {
            Some(document) if FileView::new(document).owner().as_ref() == Some(owner) => {
                found.insert(id.clone(), document.clone());
            }
            _ => {
                found.remove(id);
            }
        };
        for ((at, id), file) in &self.overlay()?.files {
            if *at == bucket {
                change(id, &file.document);
            }
        }
        for ((at, id), file) in &self.staged.borrow().files {
            if *at == bucket {
                change(id, &file.document);
            }
        }
        Ok(found.into_values().collect())
    }

    /// Hands those of a file's chunks that have one of the numbers over, in their order.
    pub(super) fn each_chunk_of(
        &self,
        bucket: Bucket,
        id: &FileId,
        numbers: Range<i32>,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let key = (bucket, id.clone());
        let staged = self.staged.borrow().files.get(&key).map(|file| (file.staged_as, file.in_place));
        let collection = self.of(&Collection::Chunks(bucket));
        let in_order = || FindOptions::builder().sort(doc! { "n": 1 }).batch_size(16).build();
        let mut filter = match staged {
            Some((staged_as, in_place)) => {
                self.send_chunks(&key)?;
                match staged_as {
                    Some(staged_as) if !in_place => doc! { "files_id": staged_as },
                    _ => doc! { "files_id": id.value() },
                }
            }
            None => match self.overlay()?.files.get(&key) {
                // They may take their place while they are read; their own ids stay.
                Some(file) => {
                    // They were numbered in the order they came in.
                    let place = |number: i32| usize::try_from(number).unwrap_or(0).min(file.chunks.len());
                    let wanted = &file.chunks[place(numbers.start)..place(numbers.end)];
                    for ids in wanted.chunks(IDS) {
                        self.each(&collection, doc! { "_id": { "$in": ids } }, in_order(), receive)?;
                    }
                    return Ok(());
                }
                None => doc! { "files_id": id.value() },
            },
        };
        if numbers != (0..i32::MAX) {
            filter.insert("n", doc! { "$gte": numbers.start, "$lt": numbers.end });
        }
        self.each(&collection, filter, in_order(), receive)
    }

    /// Begins a file whose chunks are staged.
    pub(super) fn stage_file(&self, bucket: Bucket, id: &FileId) {
        let mut staged = self.staged.borrow_mut();
        let file = StagedFile { staged_as: Some(ObjectId::new()), ..StagedFile::default() };
        staged.files.insert((bucket, id.clone()), file);
    }

    pub(super) fn stage_chunk(
        &self,
        key: &(Bucket, FileId),
        number: i32,
        data: &[u8],
    ) -> Result<(), RuntimeError> {
        let is_full = {
            let mut staged = self.staged.borrow_mut();
            let file = open_file(&mut staged.files, key)?;
            let own_id = ObjectId::new();
            let mut chunk = RawDocumentBuf::new();
            chunk.append(cstr!("_id"), own_id);
            chunk.append(cstr!("files_id"), file.staged_as.unwrap_or(own_id));
            chunk.append(cstr!("n"), number);
            chunk.append(
                cstr!("data"),
                RawBsonRef::Binary(RawBinaryRef { subtype: BinarySubtype::Generic, bytes: data }),
            );
            chunk.append(cstr!("xblock_runtime"), bson::DateTime::now());
            file.chunks.push(own_id);
            file.unsent.push(chunk);
            file.unsent.iter().map(|chunk| chunk.as_bytes().len()).sum::<usize>() >= BATCH_BYTES
        };
        if is_full { self.send_chunks(key) } else { Ok(()) }
    }

    /// Adds a chunk as a dump has it, in its place: a dump's files become no part of one commit.
    pub(super) fn place_chunk(
        &self,
        key: &(Bucket, FileId),
        document: &RawDocument,
    ) -> Result<(), RuntimeError> {
        let is_full = {
            let mut staged = self.staged.borrow_mut();
            let file = open_file(&mut staged.files, key)?;
            file.in_place = true;
            file.unsent.push(document.to_owned());
            file.unsent.iter().map(|chunk| chunk.as_bytes().len()).sum::<usize>() >= BATCH_BYTES
        };
        if is_full { self.send_chunks(key) } else { Ok(()) }
    }

    pub(super) fn send_chunks(&self, key: &(Bucket, FileId)) -> Result<(), RuntimeError> {
        let unsent = match self.staged.borrow_mut().files.get_mut(key) {
            Some(file) => std::mem::take(&mut file.unsent),
            None => return Ok(()),
        };
        self.add_of_dump(&Collection::Chunks(key.0), unsent)
    }

    /// Copies a file's chunks to where another file's are staged.
    pub(super) fn stage_copy(
        &self,
        from: (Bucket, &FileId),
        to: (Bucket, &FileId),
    ) -> Result<(), RuntimeError> {
        use crate::store::DocumentReads as _;
        if self.file(from.0, from.1)?.is_none() {
            return Err(corrupt(format!("file {}", from.1.value()), "it is gone from its bucket"));
        }
        let key = (to.0, to.1.clone());
        // In place of itself it is read first.
        let mut numbers = Vec::new();
        let mut copy = StagedFile { staged_as: Some(ObjectId::new()), ..StagedFile::default() };
        let staged_as = copy.staged_as.unwrap_or_default();
        let target = self.store.name(&Collection::Chunks(to.0));
        let mut size = 0;
        let mut batch = Vec::new();
        self.each_chunk_of(from.0, from.1, 0..i32::MAX, &mut |chunk| {
            let own_id = ObjectId::new();
            let (Ok(Some(data)), Ok(Some(number))) = (chunk.get("data"), chunk.get("n")) else {
                return Err(corrupt(format!("file {}", from.1.value()), "one of its chunks has no data"));
            };
            let mut document = RawDocumentBuf::new();
            document.append(cstr!("_id"), own_id);
            document.append(cstr!("files_id"), staged_as);
            document.append(cstr!("n"), number);
            document.append(cstr!("data"), data);
            document.append(cstr!("xblock_runtime"), bson::DateTime::now());
            numbers.push(own_id);
            size += document.as_bytes().len();
            batch.push(document);
            if size >= BATCH_BYTES {
                size = 0;
                return self.add(&target, std::mem::take(&mut batch));
            }
            Ok(())
        })?;
        self.add(&target, batch)?;
        copy.chunks = numbers;
        self.staged.borrow_mut().files.insert(key, copy);
        Ok(())
    }

    /// Puts a file of a commit that was made in its place, or takes it away. Done again, it changes nothing.
    pub(super) fn put_file_in_place(
        &self,
        bucket: Bucket,
        id: &Bson,
        document: Option<RawDocumentBuf>,
        chunks: &[ObjectId],
    ) -> Result<(), RuntimeError> {
        let action = "putting a static file in its place";
        let files = self.of(&Collection::Files(bucket));
        let name = self.store.name(&Collection::Chunks(bucket));
        let handle = self.of(&Collection::Chunks(bucket));
        self.store.run(action, async { files.delete_one(doc! { "_id": id }).await })?;
        self.delete(&name, doc! { "files_id": id, "_id": { "$nin": chunks } })?;
        let Some(document) = document else { return Ok(()) };
        for ids in chunks.chunks(IDS) {
            let filter: Document = doc! { "_id": { "$in": ids }, own::STAGED: { "$exists": true } };
            let update = doc! { "$set": { "files_id": id }, "$unset": { own::STAGED: "" } };
            self.store.run(action, async { handle.update_many(filter, update).await })?;
        }
        let replaced = async { files.replace_one(doc! { "_id": id }, &document).upsert(true).await };
        match self.store.attempt(action, replaced)? {
            Ok(_) => Ok(()),
            // Who did it before, or does it at the same time, wrote the same.
            Err(error) if is_duplicate(&error) && self.is_there(bucket, &document)? => Ok(()),
            Err(error) => Err(failed(action, error)),
        }
    }

    /// Says whether a file's document is there as it is, also where the server does not find it by its `_id`.
    fn is_there(&self, bucket: Bucket, document: &RawDocument) -> Result<bool, RuntimeError> {
        let mut is_there = false;
        let owner = |field: &str| {
            super::session::value(document, "content_son")
                .and_then(|son| son.as_document()?.get(field).cloned())
        };
        let mut filter = Document::new();
        for field in ["org", "course"] {
            if let Some(part) = owner(field) {
                filter.insert(format!("content_son.{field}"), part);
            }
        }
        self.each(&self.of(&Collection::Files(bucket)), filter, FindOptions::default(), &mut |found| {
            is_there |= found.as_bytes() == document.as_bytes();
            Ok(())
        })?;
        Ok(is_there)
    }
}

fn open_file<'f>(
    files: &'f mut BTreeMap<(Bucket, FileId), StagedFile>,
    key: &(Bucket, FileId),
) -> Result<&'f mut StagedFile, RuntimeError> {
    files.get_mut(key).ok_or_else(|| corrupt(format!("file {}", key.1.value()), "it was not begun"))
}
