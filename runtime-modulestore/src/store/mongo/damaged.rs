//! Damaged documents of dumps, kept where no reader takes them for what they were.
//!
//! Their bytes stand in ours as bytes: a server takes no message that has anything malformed in it.

use std::collections::BTreeSet;

use bson::raw::{RawBinaryRef, RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use bson::spec::BinarySubtype;
use bson::{Document, doc};
use mongodb::options::FindOptions;
use xblock_core::runtime::RuntimeError;

use super::own;
use super::session::{Session, insert_new};
use crate::documents::{FileId, corrupt};
use crate::store::Collection;

/// Our field in which such a document stands: its bytes, or, in databases of earlier days, itself.
const DOCUMENT: &str = "document";

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
    let bytes = RawBinaryRef { subtype: BinarySubtype::Generic, bytes: document.as_bytes() };
    outer.append(cstr!("document"), RawBsonRef::Binary(bytes));
    Ok((FileId::of_value(key.into()), outer))
}

fn unwrapped(outer: &RawDocument) -> Result<&RawDocument, RuntimeError> {
    const PLACE: &str = "a damaged document of a dump";
    match outer.get(DOCUMENT).map_err(|error| corrupt(PLACE, error))? {
        Some(RawBsonRef::Binary(kept)) => {
            RawDocument::from_bytes(kept.bytes).map_err(|error| corrupt(PLACE, error))
        }
        Some(RawBsonRef::Document(document)) => Ok(document),
        _ => Err(corrupt(PLACE, format!("it has no `{DOCUMENT}`"))),
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
            return unwrapped(staged).map(|document| Some(document.to_owned()));
        }
        let found = self.find_one(&self.collection(own::DAMAGED), doc! { "_id": key })?;
        found.map(|found| unwrapped(&found).map(ToOwned::to_owned)).transpose()
    }

    /// Names the collections of which documents are kept here.
    pub(super) fn damaged_collections(&self) -> Result<BTreeSet<String>, RuntimeError> {
        let ids = FindOptions::builder().projection(doc! { "_id": 1 }).build();
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
        let kept = displaced.iter().map(|(collection, document)| {
            let id = FileId::of(document, "_id")?;
            wrapped(&collection.name(), &id, document).map(|(_, outer)| outer)
        });
        self.add(own::DAMAGED, kept.collect::<Result<_, _>>()?)
    }

    pub(super) fn each_damaged(
        &self,
        collection: &str,
        receive: &mut dyn FnMut(&RawDocument) -> Result<(), RuntimeError>,
    ) -> Result<(), RuntimeError> {
        let filter = doc! { "_id.collection": Collection::named(collection).name() };
        self.each(&self.collection(own::DAMAGED), filter, Default::default(), &mut |outer| {
            receive(unwrapped(outer)?)
        })
    }
}
