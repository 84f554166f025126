//! Changing documents.

use bson::doc;
use bson::oid::ObjectId;
use bson::raw::{RawBinaryRef, RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use bson::spec::BinarySubtype;
use chrono::{DateTime, Utc};
use mongodb::options::FindOptions;
use xblock_core::runtime::{EditInfo, RuntimeError};

use super::damaged;
use super::own;
use super::pending::Pending;
use super::session::{Announcement, AsideChange, IndexChange, Session, Staged};
use crate::documents::{Bucket, FileId, IndexKey, Structure, corrupt, to_document, to_time};
use crate::store::{Collection, ContentKind, DocumentWrites, FileHandle, Leftover, OLD_MONGO, Outcome};

/// How long a piece of an origin is.
const PIECE: usize = 4 << 20;

/// Returns a kind's name, its collection, and the one it is set aside in.
fn aside_names(kind: ContentKind) -> (&'static str, Collection, &'static str) {
    match kind {
        ContentKind::Structure => ("structure", Collection::Structures, own::ASIDE_STRUCTURES),
        ContentKind::Definition => ("definition", Collection::Definitions, own::ASIDE_DEFINITIONS),
    }
}

impl Session<'_> {
    fn handle(&self, file: FileHandle) -> Result<(Bucket, FileId), RuntimeError> {
        let staged = self.staged.borrow();
        let at = usize::try_from(file.0).ok().and_then(|at| staged.handles.get(at));
        at.cloned().ok_or_else(|| corrupt("a file of the contentstore", "it was not begun"))
    }

    /// Finds the index to change, if its time still is what was read.
    fn index_at(
        &self,
        id: ObjectId,
        last_update: Option<bson::DateTime>,
    ) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        let known = self
            .indexes
            .borrow()
            .values()
            .flatten()
            .find(|index| index.get_object_id("_id").is_ok_and(|found| found == id))
            .cloned();
        let index = match known {
            Some(index) => Some(index),
            None => self.find_index_by_id(id)?,
        };
        Ok(index.filter(|index| index.get_datetime("last_update").ok() == last_update))
    }

    fn change_index(
        &self,
        id: ObjectId,
        last_update: Option<bson::DateTime>,
        after: Option<RawDocumentBuf>,
    ) -> Result<bool, RuntimeError> {
        let Some(before) = self.index_at(id, last_update)? else { return Ok(false) };
        let part = |name| {
            before
                .get_str(name)
                .map(str::to_owned)
                .map_err(|error| corrupt(format!("course index {id}"), error))
        };
        let key = IndexKey { org: part("org")?, course: part("course")?, run: part("run")? };
        self.staged.borrow_mut().indexes.push(IndexChange { id, key, before: Some(before), after });
        Ok(true)
    }

    /// Counts which of these there are.
    fn count(&self, collection: &str, ids: &[ObjectId]) -> Result<usize, RuntimeError> {
        let options = FindOptions::builder().projection(doc! { "_id": 1 }).build();
        let found = self.many(&self.collection(collection), doc! { "_id": { "$in": ids } }, options)?;
        Ok(found.len())
    }

    fn copy_all(
        &self,
        from: &str,
        to: &str,
        ids: &[ObjectId],
    ) -> Result<Vec<(ObjectId, usize)>, RuntimeError> {
        let mut copied = Vec::new();
        for id in ids {
            if let Some(document) = self.find_one(&self.collection(from), doc! { "_id": id })? {
                copied.push((*id, document.as_bytes().len()));
                self.add(to, vec![document])?;
            }
        }
        Ok(copied)
    }

    /// Copies first and deletes then, so that nothing is lost wherever a process dies.
    fn change_aside(&self, change: &AsideChange) -> Result<(), RuntimeError> {
        match change {
            AsideChange::Take { kind, ids, since } => {
                let (name, collection, aside) = aside_names(*kind);
                let collection = self.store.name(&collection);
                let copied = self.copy_all(&collection, aside, ids)?;
                let marks = copied.iter().map(|(id, bytes)| {
                    let mut mark = RawDocumentBuf::new();
                    mark.append(cstr!("_id"), *id);
                    mark.append(cstr!("kind"), name);
                    mark.append(cstr!("since"), *since);
                    mark.append(cstr!("bytes"), i64::try_from(*bytes).unwrap_or(i64::MAX));
                    mark
                });
                self.add(own::ASIDE, marks.collect())?;
                let ids: Vec<_> = copied.into_iter().map(|(id, _)| id).collect();
                self.delete(&collection, doc! { "_id": { "$in": ids } }).map(drop)
            }
            AsideChange::Return { kind, ids } => {
                let (_, collection, aside) = aside_names(*kind);
                let copied = self.copy_all(aside, &self.store.name(&collection), ids)?;
                let ids: Vec<_> = copied.into_iter().map(|(id, _)| id).collect();
                self.delete(own::ASIDE, doc! { "_id": { "$in": &ids } })?;
                self.delete(aside, doc! { "_id": { "$in": ids } }).map(drop)
            }
            AsideChange::TakeFiles { ids, since } => self.take_files(ids, *since),
            AsideChange::ReturnFiles { ids } => self.return_files(ids),
            AsideChange::Forget { before } => {
                self.forget_files(*before)?;
                for kind in [ContentKind::Structure, ContentKind::Definition] {
                    let (name, _, aside) = aside_names(kind);
                    let ids = self.set_aside_before(name, *before)?;
                    self.delete(aside, doc! { "_id": { "$in": &ids } })?;
                    self.delete(own::MESSAGES, doc! { "_id": { "$in": &ids } })?;
                    self.delete(own::ASIDE, doc! { "_id": { "$in": ids } })?;
                }
                Ok(())
            }
        }
    }

    fn set_aside_before(&self, kind: &str, before: bson::DateTime) -> Result<Vec<ObjectId>, RuntimeError> {
        let filter = doc! { "kind": kind, "since": { "$lt": before } };
        let marks = self.many(&self.collection(own::ASIDE), filter, FindOptions::default())?;
        Ok(marks.iter().filter_map(|mark| mark.get_object_id("_id").ok()).collect())
    }

    fn write_origin(&self, context: &str, packed: Option<&[u8]>) -> Result<(), RuntimeError> {
        let origin = ObjectId::new();
        let mut pieces: Vec<_> = packed.unwrap_or_default().chunks(PIECE).collect();
        if pieces.is_empty() {
            pieces.push(&[]);
        }
        let documents = pieces.iter().enumerate().map(|(n, bytes)| {
            let mut piece = RawDocumentBuf::new();
            piece.append(cstr!("_id"), ObjectId::new());
            piece.append(cstr!("context"), context);
            piece.append(cstr!("origin"), origin);
            piece.append(cstr!("n"), i32::try_from(n).unwrap_or(i32::MAX));
            piece.append(cstr!("kept"), packed.is_some());
            let data = RawBinaryRef { subtype: BinarySubtype::Generic, bytes };
            piece.append(cstr!("data"), RawBsonRef::Binary(data));
            piece
        });
        // From the last piece to the first, which makes it whole.
        for document in documents.rev() {
            self.add(own::ORIGINS, vec![document])?;
        }
        self.delete(own::ORIGINS, doc! { "context": context, "origin": { "$ne": origin } }).map(drop)
    }

    /// Loads what a dump brought: files in their places, then the indexes, which make the rest seen.
    fn commit_many(&self, staged: Staged) -> Result<Outcome, RuntimeError> {
        self.send_content()?;
        self.keep_displaced()?;
        for ((bucket, id), file) in staged.files {
            self.put_file_in_place_of_dump(bucket, &id, file)?;
        }
        let mut made: Vec<(Pending, IndexChange, Option<RawDocumentBuf>)> = Vec::new();
        for change in staged.indexes {
            let feed: Vec<Announcement> = staged
                .feed
                .iter()
                .filter(|(index, _)| *index == Some(change.id))
                .map(|(_, entry)| entry.clone())
                .collect();
            let commit = self.prepare(&change, &feed, &[])?;
            let filed = match self.store.sql_index {
                Some(_) => self.filed_index(change.id)?,
                None => None,
            };
            let refused = match self.swap_index(&change) {
                Ok(true) => {
                    made.push((commit, change, filed));
                    continue;
                }
                Ok(false) => None,
                Err(error @ RuntimeError::ContextExists { .. }) => Some(error),
                Err(error) => return Err(error),
            };
            self.forget(&commit)?;
            for (commit, change, filed) in made.into_iter().rev() {
                self.forget(&commit)?;
                let back = IndexChange { before: change.after, after: change.before, ..change };
                self.swap_index(&back)?;
                // The table had no row for it.
                self.add(&self.store.name(&Collection::Indexes), filed.into_iter().collect())?;
            }
            return refused.map_or(Ok(Outcome::Overtaken), Err);
        }
        for (commit, _, _) in made {
            // The commit stands; what is left is done by the next who comes by.
            let _ = self.follow_up(&commit);
        }
        let others: Vec<_> = staged.feed.into_iter().filter(|(index, _)| index.is_none()).collect();
        let others: Vec<_> = others.into_iter().map(|(_, entry)| entry).collect();
        self.announce_others(&others)?;
        Ok(Outcome::Kept)
    }

    fn put_file_in_place_of_dump(
        &self,
        bucket: Bucket,
        id: &FileId,
        file: super::session::StagedFile,
    ) -> Result<(), RuntimeError> {
        match file.document {
            Some(document) if file.in_place => {
                self.add(&self.store.name(&Collection::Files(bucket)), vec![document])
            }
            document => self.put_file_in_place(bucket, &id.value(), document, &file.chunks),
        }
    }

    /// Makes one edit: what follows it is written down, the index changed, and then the rest done.
    fn commit_one(&self, mut staged: Staged) -> Result<Outcome, RuntimeError> {
        let Some(change) = staged.indexes.pop() else { return Ok(Outcome::Kept) };
        let feed: Vec<_> = staged.feed.into_iter().map(|(_, entry)| entry).collect();
        let files: Vec<_> = staged.files.into_iter().collect();
        if feed.is_empty() && files.is_empty() {
            self.send_content()?;
            return Ok(if self.swap_index(&change)? { Outcome::Kept } else { Outcome::Overtaken });
        }
        let commit = self.prepare(&change, &feed, &files)?;
        match self.swap_index(&change) {
            Ok(true) => {}
            Ok(false) => {
                self.forget(&commit)?;
                return Ok(Outcome::Overtaken);
            }
            Err(error) => {
                // Of other errors nobody knows yet what they left.
                if matches!(error, RuntimeError::ContextExists { .. }) {
                    self.forget(&commit)?;
                }
                return Err(error);
            }
        }
        // The commit stands; what is left is done by the next who comes by.
        let _ = self.follow_up(&commit);
        Ok(Outcome::Kept)
    }
}

impl DocumentWrites for Session<'_> {
    fn mend(&self, leftover: &Leftover) -> Result<bool, RuntimeError> {
        self.store.ensure_indexes()?;
        self.mend_leftover(leftover)
    }

    fn insert_index(&self, key: &IndexKey, id: ObjectId, document: &RawDocument) -> Result<(), RuntimeError> {
        let (mut id, mut document) = (id, document.to_owned());
        // The row gets the id of what the collection has, so that this follows the table from now on.
        if let Some(filed) = self.filed_id(key)?.filter(|filed| *filed != id) {
            let place = || format!("course index {id}");
            let mut renamed = to_document(&document).map_err(|error| corrupt(place(), error))?;
            renamed.insert("_id", filed);
            document = RawDocumentBuf::try_from(&renamed).map_err(|error| corrupt(place(), error))?;
            id = filed;
        }
        let change = IndexChange { id, key: key.clone(), before: None, after: Some(document) };
        self.staged.borrow_mut().indexes.push(change);
        Ok(())
    }

    fn replace_index(
        &self,
        id: ObjectId,
        last_update: Option<bson::DateTime>,
        document: &RawDocument,
    ) -> Result<bool, RuntimeError> {
        self.change_index(id, last_update, Some(document.to_owned()))
    }

    fn delete_index(&self, id: ObjectId, last_update: Option<bson::DateTime>) -> Result<bool, RuntimeError> {
        self.change_index(id, last_update, None)
    }

    fn insert_structure(&self, structure: &Structure, message: &str) -> Result<(), RuntimeError> {
        let document = structure.raw().to_owned();
        let bytes = document.as_bytes().len();
        {
            let mut staged = self.staged.borrow_mut();
            staged.structures.insert(structure.id(), document);
            if !message.is_empty() {
                staged.messages.push((structure.id(), message.to_owned()));
            }
        }
        self.gathered(bytes)
    }

    fn insert_definition(&self, id: ObjectId, document: &RawDocument) -> Result<(), RuntimeError> {
        self.staged.borrow_mut().definitions.insert(id, document.to_owned());
        self.gathered(document.as_bytes().len())
    }

    fn set_aside(
        &self,
        kind: ContentKind,
        ids: &[ObjectId],
        now: DateTime<Utc>,
    ) -> Result<usize, RuntimeError> {
        let (_, collection, _) = aside_names(kind);
        let count = self.count(&self.store.name(&collection), ids)?;
        let change = AsideChange::Take { kind, ids: ids.to_vec(), since: to_time(now) };
        self.staged.borrow_mut().aside.push(change);
        Ok(count)
    }

    fn put_back(&self, kind: ContentKind, ids: &[ObjectId]) -> Result<usize, RuntimeError> {
        let (_, _, aside) = aside_names(kind);
        let count = self.count(aside, ids)?;
        self.staged.borrow_mut().aside.push(AsideChange::Return { kind, ids: ids.to_vec() });
        Ok(count)
    }

    fn set_aside_files(&self, ids: &[FileId], now: DateTime<Utc>) -> Result<usize, RuntimeError> {
        let change = AsideChange::TakeFiles { ids: ids.to_vec(), since: to_time(now) };
        self.staged.borrow_mut().aside.push(change);
        Ok(ids.len())
    }

    fn put_back_files(&self, ids: &[FileId]) -> Result<usize, RuntimeError> {
        self.staged.borrow_mut().aside.push(AsideChange::ReturnFiles { ids: ids.to_vec() });
        Ok(ids.len())
    }

    fn forget_set_aside(&self, before: DateTime<Utc>) -> Result<usize, RuntimeError> {
        let before = to_time(before);
        let mut count = self.files_aside_before(before)?.len();
        for kind in [ContentKind::Structure, ContentKind::Definition] {
            count += self.set_aside_before(aside_names(kind).0, before)?.len();
        }
        self.staged.borrow_mut().aside.push(AsideChange::Forget { before });
        Ok(count)
    }

    fn begin_file(&self, bucket: Bucket, id: &FileId) -> Result<FileHandle, RuntimeError> {
        self.stage_file(bucket, id);
        let mut staged = self.staged.borrow_mut();
        staged.handles.push((bucket, id.clone()));
        Ok(FileHandle(i64::try_from(staged.handles.len() - 1).unwrap_or(i64::MAX)))
    }

    fn append_chunk(&self, file: FileHandle, number: i32, data: &[u8]) -> Result<(), RuntimeError> {
        self.stage_chunk(&self.handle(file)?, number, data)
    }

    fn append_chunk_document(
        &self,
        file: FileHandle,
        _: i32,
        document: &RawDocument,
    ) -> Result<(), RuntimeError> {
        self.place_chunk(&self.handle(file)?, document)
    }

    fn is_undone_when_dropped(&self) -> bool {
        // What is gathered is sent when it is much; nothing leads to it then.
        false
    }

    fn takes_malformed(&self) -> bool {
        false
    }

    fn keep_damaged(
        &self,
        collection: &str,
        key: &FileId,
        document: &RawDocument,
    ) -> Result<(), RuntimeError> {
        for (id, piece) in damaged::rest(collection, key, document)? {
            self.staged.borrow_mut().others.insert((own::DAMAGE_BYTES.to_owned(), id), piece);
        }
        let (id, outer) = damaged::wrapped(collection, key, document)?;
        self.staged.borrow_mut().others.insert((own::DAMAGED.to_owned(), id), outer);
        self.gathered(document.as_bytes().len())
    }

    fn displaced(&self) -> Result<Vec<(Collection, FileId)>, RuntimeError> {
        let keys: Vec<_> = self.staged.borrow().files.keys().cloned().collect();
        for key in &keys {
            self.send_chunks(key)?;
        }
        self.send_content()?;
        let displaced = self.displaced.borrow();
        displaced
            .iter()
            .map(|(collection, document)| Ok((collection.clone(), FileId::of(document, "_id")?)))
            .collect()
    }

    fn insert_other(&self, collection: &str, document: &RawDocument) -> Result<(), RuntimeError> {
        let id = FileId::of(document, "_id")
            .map_err(|_| corrupt(format!("a document of {collection}"), "it has no `_id`"))?;
        let is_root = collection == OLD_MONGO
            && document
                .get_document("_id")
                .is_ok_and(|id| id.get_str("category").is_ok_and(|category| category == "course"));
        {
            let mut staged = self.staged.borrow_mut();
            if is_root {
                staged.old_roots.insert(id, document.to_owned());
                return Ok(());
            }
            staged.others.insert((collection.to_owned(), id), document.to_owned());
        }
        self.gathered(document.as_bytes().len())
    }

    fn finish_file(&self, file: FileHandle, document: &RawDocument) -> Result<(), RuntimeError> {
        let key = self.handle(file)?;
        let mut staged = self.staged.borrow_mut();
        match staged.files.get_mut(&key) {
            Some(file) => {
                file.document = Some(document.to_owned());
                Ok(())
            }
            None => Err(corrupt("a file of the contentstore", "it was not begun")),
        }
    }

    fn copy_file(
        &self,
        from: (Bucket, &FileId),
        to: (Bucket, &FileId),
        document: &RawDocument,
    ) -> Result<(), RuntimeError> {
        self.stage_copy(from, to)?;
        if let Some(file) = self.staged.borrow_mut().files.get_mut(&(to.0, to.1.clone())) {
            file.document = Some(document.to_owned());
        }
        Ok(())
    }

    fn move_file(
        &self,
        from: (Bucket, &FileId),
        to: (Bucket, &FileId),
        document: &RawDocument,
    ) -> Result<(), RuntimeError> {
        self.copy_file(from, to, document)?;
        if from == to { Ok(()) } else { self.delete_file(from.0, from.1) }
    }

    fn delete_file(&self, bucket: Bucket, id: &FileId) -> Result<(), RuntimeError> {
        let key = (bucket, id.clone());
        let replaced = self.staged.borrow_mut().files.insert(key, Default::default());
        if let Some(staged_as) = replaced.and_then(|file| file.staged_as) {
            self.delete(&self.store.name(&Collection::Chunks(bucket)), doc! { "files_id": staged_as })?;
        }
        Ok(())
    }

    fn append_feed(
        &self,
        context: &str,
        branch: &str,
        version: ObjectId,
        edit_info: &EditInfo,
    ) -> Result<(), RuntimeError> {
        let mut staged = self.staged.borrow_mut();
        // Entries tell of the index that was changed last.
        let index = staged.indexes.last().map(|change| change.id);
        let entry = Announcement {
            context: context.to_owned(),
            branch: branch.to_owned(),
            version,
            edit_info: edit_info.clone(),
        };
        staged.feed.push((index, entry));
        Ok(())
    }

    fn put_origin(&self, context: &str, packed: Option<&[u8]>) -> Result<(), RuntimeError> {
        self.staged.borrow_mut().origins.push((context.to_owned(), packed.map(<[u8]>::to_vec)));
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<Outcome, RuntimeError> {
        self.store.ensure_indexes()?;
        let keys: Vec<_> = self.staged.borrow().files.keys().cloned().collect();
        for key in &keys {
            self.send_chunks(key)?;
        }
        let mut staged = self.staged.take();
        self.staged.replace(staged.take_content());
        for change in std::mem::take(&mut staged.aside) {
            self.change_aside(&change)?;
        }
        let origins = std::mem::take(&mut staged.origins);
        let old_roots = std::mem::take(&mut staged.old_roots);
        let is_dump = staged.indexes.len() != 1 || staged.files.values().any(|file| file.in_place);
        let outcome = if is_dump { self.commit_many(staged)? } else { self.commit_one(staged)? };
        if outcome == Outcome::Kept {
            let roots = old_roots.into_values().collect();
            self.add(&self.store.name(&Collection::Other(OLD_MONGO.to_owned())), roots)?;
            for (context, packed) in origins {
                self.write_origin(&context, packed.as_deref())?;
            }
        }
        Ok(outcome)
    }
}
