//! Static files of the two branches in the contentstore's documents (modulestore reference, section 15).
//!
//! The contentstore has no branches and no versions: what lies in its bucket `fs` is what learners get. Drafts therefore
//! keep what they change in a bucket of their own, `draft_fs` (files, and marks for deleted ones), until something is
//! published. What a publish replaces moves to `replaced_fs`, under the published version that replaced it, so that an
//! older version can be restored by undoing the newer ones. Other readers see `fs` alone. With old keys (`/c4x/..`) all
//! runs of a course share their files, here as there.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use bson::oid::ObjectId;
use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, doc};
use chrono::{DateTime, Utc};
use md5::{Digest, Md5};
use xblock_core::fields::Json;
use xblock_core::keys::{AssetKey, ContextKey};
use xblock_core::runtime::{
    AssetData, AssetSource, AssetStep, ContentDigest, FieldMap, RuntimeError, Unlisted,
};

use crate::documents::{
    Bucket, FileId, FileOwner, FileView, OWN, content_son, corrupt, integer, integer_bson, text, to_bson,
    to_document, to_time,
};
use crate::fields::{decode_plain, encode_any};
use crate::store::{DocumentReads, DocumentWrites};

/// The size of GridFS chunks: 255 KiB.
const CHUNK: usize = 255 * 1024;

/// The attributes that have a place of their own; an extra one of the same name is kept in our own field.
const ATTRIBUTES: [&str; 14] = [
    "_id",
    "content_son",
    "filename",
    "contentType",
    "displayname",
    "locked",
    "import_path",
    "thumbnail_location",
    "length",
    "chunkSize",
    "uploadDate",
    "md5",
    "custom_md5",
    OWN,
];

/// A file as a branch has it.
pub(crate) struct FoundFile {
    pub(crate) bucket: Bucket,
    pub(crate) id: FileId,
    document: RawDocumentBuf,
}

impl FoundFile {
    pub(crate) fn new(bucket: Bucket, document: RawDocumentBuf) -> Result<Self, RuntimeError> {
        Ok(Self { bucket, id: FileId::of(&document, "_id")?, document })
    }

    fn own(&self) -> Option<&RawDocument> {
        self.document.get_document(OWN).ok()
    }

    fn is_deleted(&self) -> bool {
        self.own().is_some_and(|own| own.get_bool("deleted").unwrap_or(false))
    }

    /// Says whether this marks that there was no such file.
    fn was_absent(&self) -> bool {
        self.own().is_some_and(|own| own.get_bool("absent").unwrap_or(false))
    }

    pub(crate) fn length(&self) -> Result<u64, RuntimeError> {
        let place = FileView::new(&self.document).place();
        integer(&self.document, "length", &place)?
            .and_then(|length| u64::try_from(length).ok())
            .ok_or_else(|| corrupt(place, "it has no `length`"))
    }

    /// Returns the digest that was kept with the file.
    pub(crate) fn digest(&self) -> Option<Arc<str>> {
        self.own().and_then(|own| own.get_str("digest").ok()).map(Arc::from)
    }

    /// Returns what changes whenever the file's bytes do, for caches.
    pub(crate) fn fingerprint(&self) -> Vec<u8> {
        let mut mark = self.id.as_bytes().to_vec();
        for name in ["uploadDate", "length", "md5", "custom_md5"] {
            let value = self.document.get(name).ok().flatten().and_then(|value| to_bson(value).ok());
            mark.extend(format!("{value:?}").bytes());
        }
        mark
    }

    /// Returns how many bytes each chunk but the last holds.
    pub(crate) fn chunk_size(&self) -> Result<u64, RuntimeError> {
        let place = FileView::new(&self.document).place();
        let size = integer(&self.document, "chunkSize", &place)?.and_then(|size| u64::try_from(size).ok());
        Ok(size.filter(|size| *size > 0).unwrap_or(CHUNK as u64))
    }

    /// Finds the file again as it was found before, which it is under its id until other bytes are put there; what was
    /// published since has left the drafts.
    pub(crate) fn again(&self, docs: &dyn DocumentReads) -> Result<Option<Self>, RuntimeError> {
        let mark = self.fingerprint();
        for bucket in [self.bucket, Bucket::Published] {
            if let Some(document) = docs.file(bucket, &self.id)? {
                let found = Self::new(bucket, document)?;
                if found.fingerprint() == mark {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// Hands the bytes over, chunk by chunk.
    pub(crate) fn each_chunk(
        &self,
        docs: &dyn DocumentReads,
        receive: &mut dyn FnMut(&[u8]),
    ) -> Result<(), RuntimeError> {
        let length = self.length()?;
        let mut held = 0;
        docs.chunks(self.bucket, &self.id, &mut |chunk| {
            held += chunk.len() as u64;
            receive(chunk);
            Ok(())
        })?;
        if held == length {
            return Ok(());
        }
        let place = FileView::new(&self.document).place();
        Err(corrupt(place, format!("its chunks hold {held} of {length} bytes")))
    }

    pub(crate) fn bytes(&self, docs: &dyn DocumentReads) -> Result<Vec<u8>, RuntimeError> {
        let mut bytes = Vec::new();
        self.each_chunk(docs, &mut |chunk| bytes.extend_from_slice(chunk))?;
        Ok(bytes)
    }

    /// Reads the attributes.
    pub(crate) fn data(&self, key: &AssetKey) -> Result<AssetData, RuntimeError> {
        let document = &self.document;
        let place = FileView::new(document).place();
        let thumbnail =
            match document.get("thumbnail_location").map_err(|error| corrupt(place.as_str(), error))? {
                Some(RawBsonRef::Array(parts)) => parts.get_str(4).ok().map(str::to_owned),
                _ => None,
            };
        let mut extra = FieldMap::default();
        for element in document {
            let (name, value) = element.map_err(|error| corrupt(place.as_str(), error))?;
            if !ATTRIBUTES.contains(&name.as_str()) {
                let value = decode_plain(value)
                    .map_err(|problem| corrupt(place.as_str(), format!("attribute `{name}`: {problem}")))?;
                extra.insert(name.as_str().into(), value);
            }
        }
        if let Some(colliding) = self.own().and_then(|own| own.get("extra").ok().flatten())
            && let Ok(Json::Object(colliding)) = decode_plain(colliding)
        {
            extra.extend(colliding.into_iter().map(|(name, value)| (name.into(), value)));
        }
        Ok(AssetData {
            content_type: text(document, "contentType", &place)?.map(str::to_owned),
            display_name: text(document, "displayname", &place)?.unwrap_or(key.path()).to_owned(),
            locked: document.get_bool("locked").unwrap_or(false),
            import_path: text(document, "import_path", &place)?.map(str::to_owned),
            thumbnail,
            extra,
        })
    }
}

/// Finds a file of the published branch.
pub(crate) fn find_published(
    docs: &dyn DocumentReads,
    key: &AssetKey,
) -> Result<Option<FoundFile>, RuntimeError> {
    docs.file(Bucket::Published, &FileId::of_asset(key))?
        .map(|document| FoundFile::new(Bucket::Published, document))
        .transpose()
}

/// Finds a file of the draft branch.
pub(crate) fn find_draft(
    docs: &dyn DocumentReads,
    key: &AssetKey,
) -> Result<Option<FoundFile>, RuntimeError> {
    match docs.file(Bucket::Draft, &FileId::of_asset(key))? {
        Some(document) => {
            let found = FoundFile::new(Bucket::Draft, document)?;
            Ok((!found.is_deleted()).then_some(found))
        }
        None => find_published(docs, key),
    }
}

/// The files of a branch, and those that cannot even be named.
#[derive(Default)]
pub(crate) struct ListedFiles {
    pub(crate) files: BTreeMap<AssetKey, FoundFile>,
    pub(crate) unnamed: Vec<Unlisted>,
}

impl ListedFiles {
    /// Takes one of them, unless it cannot be named.
    fn take(
        &mut self,
        context: &ContextKey,
        bucket: Bucket,
        document: RawDocumentBuf,
    ) -> Result<Option<(AssetKey, FoundFile)>, RuntimeError> {
        let key = FileView::new(&document).key(context);
        match key.and_then(|key| Ok((key, FoundFile::new(bucket, document)?))) {
            Ok(found) => Ok(Some(found)),
            Err(error) => {
                self.unnamed.push(Unlisted::asset(None, error)?);
                Ok(None)
            }
        }
    }
}

/// Lists the files of the published branch.
pub(crate) fn list_published(
    docs: &dyn DocumentReads,
    context: &ContextKey,
) -> Result<ListedFiles, RuntimeError> {
    let mut listed = ListedFiles::default();
    for document in docs.files(Bucket::Published, &FileOwner::of(context))? {
        let found = listed.take(context, Bucket::Published, document)?;
        listed.files.extend(found);
    }
    Ok(listed)
}

/// Lists the files of the draft branch.
pub(crate) fn list_draft(
    docs: &dyn DocumentReads,
    context: &ContextKey,
) -> Result<ListedFiles, RuntimeError> {
    let mut listed = list_published(docs, context)?;
    for document in docs.files(Bucket::Draft, &FileOwner::of(context))? {
        match listed.take(context, Bucket::Draft, document)? {
            Some((key, found)) if found.is_deleted() => drop(listed.files.remove(&key)),
            found => listed.files.extend(found),
        }
    }
    Ok(listed)
}

/// Carries one change to the draft's files out; `newer` lists the published versions after the one to restore.
pub(crate) fn apply(
    docs: &dyn DocumentWrites,
    context: &ContextKey,
    step: &AssetStep,
    now: DateTime<Utc>,
    newer: &dyn Fn(&str) -> Result<Vec<ObjectId>, RuntimeError>,
) -> Result<(), RuntimeError> {
    match step {
        AssetStep::Put { key, data, content } => put(docs, key, data, &**content, now),
        AssetStep::Delete { key } => delete(docs, key),
        // They are in the structure.
        AssetStep::PutMetadata { .. } | AssetStep::DeleteMetadata { .. } => Ok(()),
        AssetStep::TakePublished => clear_draft(docs, context),
        AssetStep::TakeVersion(version) => {
            let newer = newer(&version.0)?;
            restore(docs, context, &newer)
        }
    }
}

fn put(
    docs: &dyn DocumentWrites,
    key: &AssetKey,
    data: &AssetData,
    content: &dyn AssetSource,
    now: DateTime<Utc>,
) -> Result<(), RuntimeError> {
    let unreadable = |error| RuntimeError::storage(format!("reading the bytes of {key}"), error);
    let id = FileId::of_asset(key);
    let file = docs.begin_file(Bucket::Draft, &id)?;
    let mut reader = content.open().map_err(unreadable)?;
    let (mut md5, mut digest, mut length) = (Md5::new(), ContentDigest::default(), 0_u64);
    let mut chunk = Vec::with_capacity(CHUNK);
    for number in 0.. {
        chunk.clear();
        reader.by_ref().take(CHUNK as u64).read_to_end(&mut chunk).map_err(unreadable)?;
        if chunk.is_empty() {
            break;
        }
        md5.update(&chunk);
        digest.update(&chunk);
        length += chunk.len() as u64;
        docs.append_chunk(file, number, &chunk)?;
    }
    let mut own = doc! { "digest": &*digest.finish() };
    let mut document = doc! {
        "_id": id.value(),
        "content_son": content_son(key),
        "filename": key.to_string(),
        "contentType": data.content_type.as_deref().map_or(Bson::Null, Bson::from),
        "displayname": &data.display_name,
        "locked": data.locked,
        "import_path": data.import_path.as_deref().map_or(Bson::Null, Bson::from),
        "thumbnail_location": data.thumbnail.as_deref().map_or(Bson::Null, |name| thumbnail_location(key, name)),
        "length": integer_bson(i64::try_from(length).unwrap_or(i64::MAX)),
        "chunkSize": integer_bson(CHUNK as i64),
        "uploadDate": to_time(now),
        "custom_md5": hex::encode(md5.finalize()),
    };
    let mut colliding = serde_json::Map::new();
    for (name, value) in &data.extra {
        if ATTRIBUTES.contains(&&**name) || name.contains('\0') {
            colliding.insert(name.to_string(), value.clone());
        } else {
            document.insert(&**name, encode_any(value));
        }
    }
    if !colliding.is_empty() {
        own.insert("extra", encode_any(&Json::Object(colliding)));
    }
    document.insert(OWN, own);
    docs.finish_file(file, &raw(&document, key)?)
}

fn thumbnail_location(key: &AssetKey, name: &str) -> Bson {
    let owner = FileOwner::of(&key.context_key());
    Bson::Array(vec![
        "c4x".into(),
        owner.org.into(),
        owner.course.into(),
        "thumbnail".into(),
        name.into(),
        Bson::Null,
    ])
}

fn raw(document: &Document, place: &dyn std::fmt::Display) -> Result<RawDocumentBuf, RuntimeError> {
    RawDocumentBuf::try_from(document)
        .map_err(|error| RuntimeError::Unstorable { place: place.to_string(), reason: error.to_string() })
}

fn delete(docs: &dyn DocumentWrites, key: &AssetKey) -> Result<(), RuntimeError> {
    let id = FileId::of_asset(key);
    docs.delete_file(Bucket::Draft, &id)?;
    if docs.file(Bucket::Published, &id)?.is_some() {
        mark_deleted(docs, &id, &content_son(key))?;
    }
    Ok(())
}

fn mark_deleted(docs: &dyn DocumentWrites, id: &FileId, son: &Document) -> Result<(), RuntimeError> {
    let mark = doc! { "_id": id.value(), "content_son": son, OWN: { "deleted": true } };
    let file = docs.begin_file(Bucket::Draft, id)?;
    docs.finish_file(file, &raw(&mark, &id.value())?)
}

fn clear_draft(docs: &dyn DocumentWrites, context: &ContextKey) -> Result<(), RuntimeError> {
    for document in docs.files(Bucket::Draft, &FileOwner::of(context))? {
        docs.delete_file(Bucket::Draft, &FileId::of(&document, "_id")?)?;
    }
    Ok(())
}

/// Makes the draft's files those of learners, who see them with a new published version.
pub(crate) fn publish(
    docs: &dyn DocumentWrites,
    context: &ContextKey,
    version: ObjectId,
) -> Result<(), RuntimeError> {
    for document in docs.files(Bucket::Draft, &FileOwner::of(context))? {
        let found = FoundFile::new(Bucket::Draft, document)?;
        let id = &found.id;
        let kept_id = FileId::of_value(doc! { "file": id.value(), "until": version }.into());
        match docs.file(Bucket::Published, id)? {
            Some(old) => {
                let kept = match kept_document(&old, &kept_id, id, version, false) {
                    // Whoever mends a file that is damaged puts another in its place.
                    Err(error) if error.is_damage() => {
                        kept_damaged(&old, &found.document, &kept_id, id, version)?
                    }
                    kept => kept?,
                };
                docs.move_file((Bucket::Published, id), (Bucket::Replaced, &kept_id), &kept)?;
            }
            None => {
                let kept = kept_document(&found.document, &kept_id, id, version, true)?;
                let file = docs.begin_file(Bucket::Replaced, &kept_id)?;
                docs.finish_file(file, &kept)?;
            }
        }
        if found.is_deleted() {
            docs.delete_file(Bucket::Draft, id)?;
        } else {
            docs.move_file((Bucket::Draft, id), (Bucket::Published, id), &found.document)?;
        }
    }
    Ok(())
}

/// Makes the document under which a replaced file is kept, or the mark that there was none.
fn kept_document(
    document: &RawDocument,
    kept_id: &FileId,
    id: &FileId,
    version: ObjectId,
    was_absent: bool,
) -> Result<RawDocumentBuf, RuntimeError> {
    let place = FileView::new(document).place();
    let parts = FileView::new(document).parts().map(to_document);
    let parts = parts.transpose().map_err(|error| corrupt(place.as_str(), error))?.unwrap_or_default();
    let mut kept = match was_absent {
        true => Document::new(),
        false => to_document(document).map_err(|error| corrupt(place.as_str(), error))?,
    };
    kept.insert("_id", kept_id.value());
    kept.insert("content_son", parts);
    let mut own = kept.get_document(OWN).cloned().unwrap_or_default();
    own.extend(doc! { "file": id.value(), "until": version, "absent": was_absent });
    kept.insert(OWN, own);
    raw(&kept, &place)
}

/// Makes the document under which a replaced file is kept whose own cannot be taken apart: its bytes are a member of it.
fn kept_damaged(
    old: &RawDocument,
    new: &RawDocument,
    kept_id: &FileId,
    id: &FileId,
    version: ObjectId,
) -> Result<RawDocumentBuf, RuntimeError> {
    let place = FileView::new(new).place();
    let parts = FileView::new(new).parts().map(to_document);
    let parts = parts.transpose().map_err(|error| corrupt(place.as_str(), error))?.unwrap_or_default();
    let damaged = Binary { subtype: BinarySubtype::Generic, bytes: old.as_bytes().to_vec() };
    let own = doc! { "file": id.value(), "until": version, "absent": false, DAMAGED: damaged };
    raw(&doc! { "_id": kept_id.value(), "content_son": parts, OWN: own }, &place)
}

/// Our member with the bytes of a document that cannot be taken apart.
const DAMAGED: &str = "damaged";

/// Finds what the given published versions, newest first, replaced: the files as they were before all of them.
fn replaced(
    docs: &dyn DocumentReads,
    context: &ContextKey,
    newer: &[ObjectId],
) -> Result<BTreeMap<FileId, FoundFile>, RuntimeError> {
    let mut kept: BTreeMap<ObjectId, Vec<FoundFile>> = BTreeMap::new();
    for document in docs.files(Bucket::Replaced, &FileOwner::of(context))? {
        let found = FoundFile::new(Bucket::Replaced, document)?;
        if let Some(until) = found.own().and_then(|own| own.get_object_id("until").ok()) {
            kept.entry(until).or_default().push(found);
        }
    }
    let mut before: BTreeMap<FileId, FoundFile> = BTreeMap::new();
    for found in newer.iter().filter_map(|version| kept.remove(version)).flatten() {
        let place = || FileView::new(&found.document).place();
        let own = found.own().ok_or_else(|| corrupt(place(), "it lost what it replaced"))?;
        before.insert(FileId::of(own, "file")?, found);
    }
    Ok(before)
}

/// Lists the published files as they were before the given published versions, newest first, were made.
pub(crate) fn list_before(
    docs: &dyn DocumentReads,
    context: &ContextKey,
    newer: &[ObjectId],
) -> Result<ListedFiles, RuntimeError> {
    let mut listed = list_published(docs, context)?;
    for found in replaced(docs, context, newer)?.into_values() {
        let key = FileView::new(&found.document).key(context)?;
        if found.was_absent() {
            listed.files.remove(&key);
        } else {
            listed.files.insert(key, found);
        }
    }
    Ok(listed)
}

/// Makes the draft's files what they were before the given published versions, newest first, were made.
fn restore(docs: &dyn DocumentWrites, context: &ContextKey, newer: &[ObjectId]) -> Result<(), RuntimeError> {
    clear_draft(docs, context)?;
    for (id, found) in replaced(docs, context, newer)? {
        let place = FileView::new(&found.document).place();
        if let Some(damaged) = found.own().and_then(|own| own.get_binary(DAMAGED).ok()) {
            let document = RawDocument::from_bytes(damaged.bytes);
            let document = document.map_err(|error| corrupt(place.as_str(), error))?;
            docs.copy_file((Bucket::Replaced, &found.id), (Bucket::Draft, &id), document)?;
            continue;
        }
        let mut document = to_document(&found.document).map_err(|error| corrupt(place.as_str(), error))?;
        if !found.was_absent() {
            document.insert("_id", id.value());
            if let Ok(own) = document.get_document_mut(OWN) {
                for name in ["file", "until", "absent"] {
                    own.remove(name);
                }
            }
            docs.copy_file((Bucket::Replaced, &found.id), (Bucket::Draft, &id), &raw(&document, &place)?)?;
        } else if docs.file(Bucket::Published, &id)?.is_some() {
            let son = document.get_document("content_son").map_err(|error| corrupt(place.as_str(), error))?;
            mark_deleted(docs, &id, son)?;
        }
    }
    Ok(())
}
