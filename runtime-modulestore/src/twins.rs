//! Keys that differ in case only: the platform takes them for one (modulestore reference, sections 5 and 18). A store may take
//! more of them for one.

use bson::raw::RawDocument;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::RuntimeError;

use crate::documents::{CourseIndex, IndexKey, corrupt};
use crate::old_mongo;
use crate::store::{Collection, DocumentReads};

/// Returns what is the same for all keys that differ in case only.
pub(crate) fn folded(key: &IndexKey) -> [String; 3] {
    [&key.org, &key.course, &key.run].map(|part| part.to_lowercase())
}

/// Refuses a context that is to be made, where there is one whose key differs in case only, or is the same to the store, and
/// where the index of such a one is damaged: mended, it would be a second one.
///
/// # Errors
/// [`RuntimeError::ContextExists`] with the key that is there; [`RuntimeError::Corrupt`] with the damaged index; the
/// store's own.
pub(crate) fn refuse_twin(docs: &dyn DocumentReads, key: &IndexKey) -> Result<(), RuntimeError> {
    if let Some(key) = find_twin(docs, key)? {
        return Err(RuntimeError::ContextExists { key });
    }
    let wanted = folded(key);
    // A table's own rows were looked at; what is beside it takes the place of the row to be made.
    for raw in docs.indexes_anywhere()?.into_iter().flatten() {
        if let Some(error) = damage_of(&raw, |found| folded(found) == wanted) {
            return Err(error);
        }
    }
    Ok(())
}

/// Says what is wrong with a context's index that no reader finds, as it cannot be filed; nothing where there is none.
///
/// # Errors
/// The store's own.
pub(crate) fn damaged_index(
    docs: &dyn DocumentReads,
    key: &IndexKey,
) -> Result<Option<RuntimeError>, RuntimeError> {
    let mut found = None;
    docs.each_document(&Collection::Other(Collection::Indexes.name()), &mut |raw| {
        found = found.take().or_else(|| damage_of(raw, |filed| filed == key));
        Ok(())
    })?;
    Ok(found)
}

/// Says what is wrong with an index that cannot be read, if it is one of those wanted.
fn damage_of(raw: &RawDocument, is_wanted: impl Fn(&IndexKey) -> bool) -> Option<RuntimeError> {
    let key = CourseIndex::filed_under(raw).filter(is_wanted)?;
    let reason = match CourseIndex::read(raw) {
        Err(RuntimeError::Corrupt { reason, .. }) => reason,
        _ => return None,
    };
    let id = raw.get_object_id("_id").map(|id| format!(" {id}")).unwrap_or_default();
    let IndexKey { org, course, run } = key;
    Some(corrupt(format!("the course index{id} of {org}, {course}, {run}"), reason))
}

fn find_twin(docs: &dyn DocumentReads, key: &IndexKey) -> Result<Option<ContextKey>, RuntimeError> {
    if let Some(twin) = docs.twin(key)? {
        return Ok(Some(twin));
    }
    let wanted = folded(key);
    for raw in docs.indexes()? {
        // Of one that cannot be read is said afterwards what it is.
        if let Ok(index) = raw.and_then(|raw| CourseIndex::read(&raw))
            && folded(index.key()) == wanted
            && let Ok(twin) = index.context()
        {
            return Ok(Some(twin));
        }
    }
    let mut twin = None;
    docs.each_old_course(&mut |raw| {
        // A course of Old Mongo moves to Split under the very same parts.
        if let Ok(Some(context)) = old_mongo::context(raw)
            && IndexKey::of(&context).is_ok_and(|old| old != *key && folded(&old) == wanted)
        {
            twin = Some(context);
        }
        Ok(())
    })?;
    Ok(twin)
}
