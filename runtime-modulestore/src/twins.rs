//! Keys that differ in case only: the platform takes them for one (modulestore reference, sections 5 and 18). A store may take
//! more of them for one.

use xblock_core::keys::ContextKey;
use xblock_core::runtime::RuntimeError;

use crate::documents::{CourseIndex, IndexKey};
use crate::old_mongo;
use crate::store::DocumentReads;

/// Returns what is the same for all keys that differ in case only.
pub(crate) fn folded(key: &IndexKey) -> [String; 3] {
    [&key.org, &key.course, &key.run].map(|part| part.to_lowercase())
}

/// Refuses a context that is to be made, where there is one whose key differs in case only, or is the same to the store.
///
/// # Errors
/// [`RuntimeError::ContextExists`] with the key that is there; the store's own.
pub(crate) fn refuse_twin(docs: &dyn DocumentReads, key: &IndexKey) -> Result<(), RuntimeError> {
    match find_twin(docs, key)? {
        Some(key) => Err(RuntimeError::ContextExists { key }),
        None => Ok(()),
    }
}

fn find_twin(docs: &dyn DocumentReads, key: &IndexKey) -> Result<Option<ContextKey>, RuntimeError> {
    if let Some(twin) = docs.twin(key)? {
        return Ok(Some(twin));
    }
    let wanted = folded(key);
    for raw in docs.indexes()? {
        // One that cannot be read is in nobody's way.
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
