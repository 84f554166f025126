//! Damaged documents of dumps, kept where no reader of Split takes them for what they were.

use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Document, doc};
use xblock_core::runtime::RuntimeError;

use super::own;
use super::session::Session;
use crate::documents::{FileId, corrupt};
use crate::store::Collection;

/// Our field in which such a document stands.
const DOCUMENT: &str = "document";

/// Says whether damaged documents of a collection are kept here.
pub(super) fn is_kept(collection: &str) -> bool {
    Collection::OF_SPLIT.contains(&Collection::named(collection))
}

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
    outer.append(bson::raw::cstr!("document"), document.to_owned());
    Ok((FileId::of_value(key.into()), outer))
}

fn unwrapped(outer: &RawDocument) -> Result<&RawDocument, RuntimeError> {
    outer.get_document(DOCUMENT).map_err(|error| corrupt("a damaged document of a dump", error))
}

impl Session<'_> {
    pub(super) fn damaged(
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
