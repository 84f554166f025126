//! Files of the contentstore: their ids, and whose they are (modulestore reference, section 15).

use bson::oid::ObjectId;
use bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf, cstr};
use bson::{Bson, Document, doc};
use md5::{Digest, Md5};
use xblock_core::keys::{AssetKey, ContextKey};
use xblock_core::runtime::RuntimeError;

use super::depth::{is_too_deep, to_bson};
use super::read::corrupt;

/// One of the buckets static files are kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bucket {
    /// What learners get: edx-platform's own bucket.
    Published,
    /// What drafts changed since they were published: files, and marks for deleted ones.
    Draft,
    /// What publishing replaced, so that an older version can be restored.
    Replaced,
}

impl Bucket {
    /// Every bucket.
    pub const ALL: [Self; 3] = [Self::Published, Self::Draft, Self::Replaced];

    /// Returns the bucket's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Published => "fs",
            Self::Draft => "draft_fs",
            Self::Replaced => "replaced_fs",
        }
    }
}

/// The `_id` of a file: a string, or for courses with old keys a document whose order counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(Vec<u8>);

impl FileId {
    /// Takes the id out of a file's or a chunk's document.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where there is none.
    pub fn of(document: &RawDocument, field: &str) -> Result<Self, RuntimeError> {
        let value = document
            .get(field)
            .map_err(|error| corrupt("a file of the contentstore", error))?
            .ok_or_else(|| corrupt("a file of the contentstore", format!("it has no `{field}`")))?;
        let mut wrapped = RawDocumentBuf::new();
        wrapped.append(cstr!("_id"), value);
        if is_too_deep(&wrapped) {
            return Err(corrupt("a file of the contentstore", format!("its `{field}` is nested too deep")));
        }
        Ok(Self(wrapped.into_bytes()))
    }

    /// Returns the id of a static file.
    #[must_use]
    pub fn of_asset(key: &AssetKey) -> Self {
        let value =
            if key.is_deprecated() { Bson::Document(content_son(key)) } else { Bson::from(key.to_string()) };
        Self::of_value(value)
    }

    /// Makes an id of any value.
    #[must_use]
    pub(crate) fn of_value(value: Bson) -> Self {
        let mut wrapped = Vec::new();
        // A document of one field without a zero byte in its name can always be written.
        let _ = doc! { "_id": value }.to_writer(&mut wrapped);
        Self(wrapped)
    }

    /// Takes the id out of a document if the very same can be made of its value: not of one that is damaged itself.
    #[must_use]
    pub(crate) fn sound(document: &RawDocument) -> Option<Self> {
        Self::of(document, "_id").ok().filter(|id| Self::of_value(id.value()) == *id)
    }

    /// Makes an id for a document that has none: of its bytes, and of how many equal ones came before it.
    #[must_use]
    pub(crate) fn of_nameless(document: &RawDocument, number: i32) -> Self {
        let digest = ObjectId::from_bytes(digest_of(&[document.as_bytes()]));
        Self::of_value(doc! { "nameless": digest, "number": number }.into())
    }

    /// Returns the value.
    #[must_use]
    pub fn value(&self) -> Bson {
        Document::from_reader(self.0.as_slice())
            .ok()
            .and_then(|mut document| document.remove("_id"))
            .unwrap_or(Bson::Null)
    }

    /// Returns bytes that are equal exactly for equal ids.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Returns a digest of some bytes, as long as an id.
pub(crate) fn digest_of(parts: &[&[u8]]) -> [u8; 12] {
    let whole = parts.iter().fold(Md5::new(), |digest, part| digest.chain_update(part)).finalize();
    let mut digest = [0; 12];
    digest.copy_from_slice(&whole[..12]);
    digest
}

/// Returns the parts of an asset key as the contentstore files them; the order is what its queries expect.
#[must_use]
pub(crate) fn content_son(key: &AssetKey) -> Document {
    let context = key.context_key();
    let owner = FileOwner::of(&context);
    let mut son = doc! {
        "category": key.asset_type(),
        "name": key.path(),
        "course": &owner.course,
        "tag": "c4x",
        "org": &owner.org,
        "revision": null,
    };
    if let Some(run) = owner.run {
        son.insert("run", run);
    }
    son
}

/// Whose files: a context, or with old keys all runs of a course together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FileOwner {
    /// The organisation.
    pub org: String,
    /// The course, or the library.
    pub course: String,
    /// The run; none with old keys.
    pub run: Option<String>,
}

impl FileOwner {
    /// Returns the owner of a context's files.
    #[must_use]
    pub fn of(context: &ContextKey) -> Self {
        match context {
            ContextKey::Course(key) => Self {
                org: key.org().into(),
                course: key.course().into(),
                run: (!key.is_deprecated()).then(|| key.run().into()),
            },
            ContextKey::Library(key) => {
                Self { org: key.org().into(), course: key.library().into(), run: Some("library".into()) }
            }
            other => Self { org: other.org().into(), ..Self::default() },
        }
    }
}

/// A file's document.
#[derive(Debug, Clone)]
pub struct FileView<'a> {
    document: &'a RawDocument,
}

impl<'a> FileView<'a> {
    /// Views a file's document.
    #[must_use]
    pub fn new(document: &'a RawDocument) -> Self {
        Self { document }
    }

    /// Names the file in errors.
    #[must_use]
    pub fn place(&self) -> String {
        let id = self.document.get("_id").ok().flatten().and_then(|id| to_bson(id).ok());
        format!("file {}", id.unwrap_or(Bson::Null))
    }

    /// Returns the parts the file is found by: those of `_id` for old keys, else of `content_son`.
    #[must_use]
    pub fn parts(&self) -> Option<&'a RawDocument> {
        match self.document.get("_id").ok().flatten() {
            Some(RawBsonRef::Document(id)) if id.get_str("tag").is_ok() => Some(id),
            _ => self.document.get_document("content_son").ok(),
        }
    }

    /// Returns whose file it is, where it says so.
    #[must_use]
    pub fn owner(&self) -> Option<FileOwner> {
        let parts = self.parts()?;
        Some(FileOwner {
            org: parts.get_str("org").ok()?.into(),
            course: parts.get_str("course").ok()?.into(),
            run: parts.get_str("run").ok().map(str::to_owned),
        })
    }

    /// Returns the file's key in a context that owns it.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where its parts make no key.
    pub fn key(&self, context: &ContextKey) -> Result<AssetKey, RuntimeError> {
        let place = || self.place();
        let parts = self.parts().ok_or_else(|| corrupt(place(), "it says not whose it is"))?;
        let category = parts.get_str("category").map_err(|error| corrupt(place(), error))?;
        let name = parts.get_str("name").map_err(|error| corrupt(place(), error))?;
        AssetKey::new(context.clone(), category, name).map_err(|error| corrupt(place(), error))
    }
}
