//! A course begun anew from another: `clone_course`.

use bson::Bson;
use bson::raw::RawDocumentBuf;
use chrono::{DateTime, Utc};
use xblock_core::keys::{AssetKey, ContextKey};
use xblock_core::runtime::{Branch, Commit, EditInfo, RuntimeError, VersionId};

use crate::commit::STORE;
use crate::documents::{Bucket, FileId, FileOwner, FileView, IndexKey, content_son, corrupt, to_document};
use crate::reader::Reader;
use crate::store::DocumentWrites;
use crate::twins::refuse_twin;

/// Makes a context that begins at the structures of another; its static files are copied.
///
/// However many blocks there are, one document is written for them: structures are shared until one side is edited.
pub(crate) fn rerun(
    docs: &dyn DocumentWrites,
    source: Reader<'_>,
    target: Reader<'_>,
    author: Option<i64>,
    now: DateTime<Utc>,
) -> Result<Commit, RuntimeError> {
    let missing = || RuntimeError::NoSuchContext { key: source.context.clone() };
    let old = source.existing_index()?;
    if target.filed_index()?.is_some() {
        return Err(RuntimeError::ContextExists { key: target.context.clone() });
    }
    let unsupported =
        |reason| RuntimeError::UnsupportedKey { key: target.context.to_string(), store: STORE, reason };
    if source.context.as_library().is_some() != target.context.as_library().is_some() {
        return Err(unsupported("a course begins as a course, a library as a library"));
    }
    let key = IndexKey::of(target.context).map_err(unsupported)?;
    refuse_twin(docs, &key)?;
    let mut index = old.rerun(target.context, key, author, now);
    index.touch(now);
    docs.insert_index(index.key(), index.id(), &index.to_raw()?)?;
    let info = EditInfo { edited_on: Some(now), edited_by: author };
    let mut heads = [None, None];
    for (at, branch) in [Branch::Published, Branch::Draft].into_iter().enumerate() {
        let Some(head) = index.head(branch) else { continue };
        docs.append_feed(&target.context.to_string(), branch.name(), head, &info)?;
        heads[at] = Some(VersionId(head.to_hex().into()));
    }
    for bucket in [Bucket::Published, Bucket::Draft] {
        copy_files(docs, bucket, source.context, target.context)?;
    }
    let [published, draft] = heads;
    Ok(Commit { draft: draft.ok_or_else(missing)?, published })
}

/// Copies one bucket's files to their keys in another context.
fn copy_files(
    docs: &dyn DocumentWrites,
    bucket: Bucket,
    source: &ContextKey,
    target: &ContextKey,
) -> Result<(), RuntimeError> {
    for raw in docs.files(bucket, &FileOwner::of(source))? {
        let view = FileView::new(&raw);
        let place = view.place();
        let old = view.key(source)?;
        let key = AssetKey::new(target.clone(), old.asset_type(), old.path())
            .map_err(|error| corrupt(place.as_str(), error))?;
        let id = FileId::of_asset(&key);
        let mut document = to_document(&raw).map_err(|error| corrupt(place.as_str(), error))?;
        let son = content_son(&key);
        if let Some(Bson::Array(thumbnail)) = document.get_mut("thumbnail_location") {
            for (at, name) in [(1, "org"), (2, "course")] {
                if let (Some(part), Some(value)) = (thumbnail.get_mut(at), son.get(name)) {
                    *part = value.clone();
                }
            }
        }
        document.insert("_id", id.value());
        document.insert("content_son", son);
        if document.contains_key("filename") {
            document.insert("filename", key.to_string());
        }
        let document = RawDocumentBuf::try_from(&document).map_err(|error| corrupt(place, error))?;
        docs.copy_file((bucket, &FileId::of(&raw, "_id")?), (bucket, &id), &document)?;
    }
    Ok(())
}
