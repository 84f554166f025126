//! Damaged documents of dumps, kept where no reader takes them for what they were.
//!
//! Their bytes stand in ours as bytes: a server takes no message that has anything malformed in it.

use std::collections::BTreeSet;

use bson::raw::{RawBinaryRef, RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use bson::spec::BinarySubtype;
use bson::{Document, doc};
use xblock_core::runtime::RuntimeError;

use super::own;
use super::reads::{big, plain};
use super::session::{Session, insert_new};
use crate::documents::{FileId, corrupt, to_document};
use crate::store::Collection;

/// Our field in which such a document stands: its bytes, or, in databases of earlier days, itself.
const DOCUMENT: &str = "document";

/// How many bytes of such a document go into one of ours.
const PIECE: usize = 8 << 20;

/// How the names of the server's own collections begin, in which nobody else can write.
pub(super) const SYSTEM: &str = "system.";

/// Makes what a damaged document is kept under.
fn key(collection: &str, id: &FileId) -> Document {
    doc! { "collection": Collection::named(collection).name(), "id": id.value() }
}

/// Puts a damaged document into one of ours; returns the id of that.
pub(super) fn wrapped(
    collection: &str,
    id: &FileId,
    document: &RawDocument,
) -> Result<(FileId, RawDocumentBuf), RuntimeError> {
    let key = key(collection, id);
    let mut outer = RawDocumentBuf::try_from(&doc! { "_id": key.clone() })
        .map_err(|error| corrupt(format!("a document of {collection}"), error))?;
    let mut more = document.as_bytes().chunks(PIECE);
    let bytes = RawBinaryRef { subtype: BinarySubtype::Generic, bytes: more.next().unwrap_or_default() };
    outer.append(cstr!("document"), RawBsonRef::Binary(bytes));
    if let Some(more) = i32::try_from(more.count()).ok().filter(|more| *more > 0) {
        outer.append(cstr!("more"), more);
    }
    Ok((FileId::of_value(key.into()), outer))
}

/// Makes documents of what does not go into the first.
pub(super) fn rest(
    collection: &str,
    id: &FileId,
    document: &RawDocument,
) -> Result<Vec<(FileId, RawDocumentBuf)>, RuntimeError> {
    let pieces = document.as_bytes().chunks(PIECE).enumerate().skip(1);
    pieces
        .map(|(number, bytes)| {
            let key = piece_key(&key(collection, id), number);
            let mut outer = RawDocumentBuf::try_from(&doc! { "_id": key.clone() })
                .map_err(|error| corrupt(format!("a document of {collection}"), error))?;
            let bytes = RawBinaryRef { subtype: BinarySubtype::Generic, bytes };
            outer.append(cstr!("document"), RawBsonRef::Binary(bytes));
            Ok((FileId::of_value(key.into()), outer))
        })
        .collect()
}

fn piece_key(of: &Document, number: usize) -> Document {
    doc! { "of": of.clone(), "n": i64::try_from(number).unwrap_or(i64::MAX) }
}

fn bytes_of(outer: &RawDocument) -> Option<&[u8]> {
    match outer.get(DOCUMENT) {
        Ok(Some(RawBsonRef::Binary(kept))) => Some(kept.bytes),
        _ => None,
    }
}

impl Session<'_> {
    pub(super) fn find_damaged(
        &self,
        collection: &str,
        id: &FileId,
    ) -> Result<Option<RawDocumentBuf>, RuntimeError> {
        let key = key(collection, id);
        let staged = (own::DAMAGED.to_owned(), FileId::of_value(key.clone().into()));
        if let Some(staged) = self.staged.borrow().others.get(&staged) {
            return self.unwrapped(staged).map(Some);
        }
        let found = self.find_one(&self.collection(own::DAMAGED), doc! { "_id": key })?;
        found.map(|found| self.unwrapped(&found)).transpose()
    }

    /// Takes a damaged document out of ours.
    fn unwrapped(&self, outer: &RawDocument) -> Result<RawDocumentBuf, RuntimeError> {
        const PLACE: &str = "a damaged document of a dump";
        let wrong = |error: &dyn std::fmt::Display| corrupt(PLACE, error.to_string());
        if let Ok(document) = outer.get_document(DOCUMENT) {
            return Ok(document.to_owned());
        }
        let missing = || wrong(&format!("it has no `{DOCUMENT}`"));
        let mut bytes = bytes_of(outer).ok_or_else(missing)?.to_vec();
        let more = outer.get_i32("more").unwrap_or(0);
        for number in 1..=usize::try_from(more).unwrap_or(0) {
            let key: Document = outer
                .get_document("_id")
                .ok()
                .and_then(|key| to_document(key).ok())
                .ok_or_else(|| wrong(&"it has no `_id`"))?;
            let key = piece_key(&key, number);
            let staged = (own::DAMAGE_BYTES.to_owned(), FileId::of_value(key.clone().into()));
            let piece = self.staged.borrow().others.get(&staged).cloned();
            let piece = match piece {
                None => self.find_one(&self.collection(own::DAMAGE_BYTES), doc! { "_id": key })?,
                piece => piece,
            };
            bytes.extend_from_slice(piece.as_deref().and_then(bytes_of).ok_or_else(missing)?);
        }
        RawDocumentBuf::from_bytes(bytes).map_err(|error| wrong(&error))
    }

    /// Names the collections of which documents are kept here.
    pub(super) fn damaged_collections(&self) -> Result<BTreeSet<String>, RuntimeError> {
        let mut ids = plain();
        ids.projection = Some(doc! { "_id": 1 });
        let mut names = BTreeSet::new();
        self.each(&self.collection(own::DAMAGED), doc! {}, ids, &mut |outer| {
            let key = outer.get_document("_id").ok();
            names.extend(key.and_then(|key| key.get_str("collection").ok()).map(str::to_owned));
            Ok(())
        })?;
        Ok(names)
    }

    /// Adds documents of a dump; those that clash with others of another `_id` are displaced.
    pub(super) fn add_of_dump(
        &self,
        collection: &Collection,
        documents: Vec<RawDocumentBuf>,
    ) -> Result<(), RuntimeError> {
        self.store.ensure_indexes()?;
        let name = self.store.name(collection);
        let insert = insert_new(self.collection(&name), documents);
        let clashing = self.store.run(&format!("writing to {name}"), insert)?;
        let collection = Collection::named(&collection.name());
        let displaced = clashing.into_iter().map(|document| (collection.clone(), document));
        self.displaced.borrow_mut().extend(displaced);
        Ok(())
    }

    /// Keeps what was displaced.
    pub(super) fn keep_displaced(&self) -> Result<(), RuntimeError> {
        let displaced = self.displaced.take();
        let (mut pieces, mut kept) = (Vec::new(), Vec::new());
        for (collection, document) in &displaced {
            let (name, id) = (collection.name(), FileId::of(document, "_id")?);
            pieces.extend(rest(&name, &id, document)?.into_iter().map(|(_, piece)| piece));
            kept.push(wrapped(&name, &id, document)?.1);
        }
        self.add(own::DAMAGE_BYTES, pieces)?;
        self.add(own::DAMAGED, kept)
    }

    pub(super) fn each_damaged(
        &self,
        collection: &str,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let filter = doc! { "_id.collection": Collection::named(collection).name() };
        self.each(&self.collection(own::DAMAGED), filter, big(), &mut |outer| {
            receive(&self.unwrapped(outer)?)
        })
    }
}
