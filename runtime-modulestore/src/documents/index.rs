//! The course index: which structure each branch of a context is at (modulestore reference, section 2.1).

use bson::oid::ObjectId;
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document, doc};
use chrono::{DateTime, Utc};
use xblock_core::keys::{ContextKey, CourseKey, LibraryKey};
use xblock_core::runtime::{Branch, RuntimeError};

use super::depth::to_document;
use super::edit_info::integer_bson;
use super::read::{corrupt, to_time};

/// The branch authors of a course work on.
pub const DRAFT_BRANCH: &str = "draft-branch";
/// The branch learners see.
pub const PUBLISHED_BRANCH: &str = "published-branch";
/// The one branch edx-platform knows of a library.
pub const LIBRARY_BRANCH: &str = "library";

/// The run under which libraries are filed.
const LIBRARY_RUN: &str = "library";
/// Our own field: true where the context's key is `Org/Course/Run`, which has no other mark in these documents.
const DEPRECATED: &str = "deprecated";

/// What an index is found by; unique in a store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IndexKey {
    /// The organisation.
    pub org: String,
    /// The course, or the library.
    pub course: String,
    /// The run, `library` for libraries.
    pub run: String,
}

impl IndexKey {
    /// Returns what a context is filed under, or why Split cannot keep it.
    ///
    /// # Errors
    /// The reason, for keys that Split has no place for.
    pub fn of(context: &ContextKey) -> Result<Self, &'static str> {
        let key = match context {
            ContextKey::Course(key) => {
                if key.run().is_empty() || key.run() == "None" {
                    return Err("the key names no run");
                }
                Self { org: key.org().into(), course: key.course().into(), run: key.run().into() }
            }
            ContextKey::Library(key) => {
                Self { org: key.org().into(), course: key.library().into(), run: LIBRARY_RUN.into() }
            }
            ContextKey::LibraryV2(_) => {
                return Err("Split has no place for libraries of the second generation");
            }
            _ => return Err("Split keeps courses and v1 libraries only"),
        };
        Ok(key)
    }
}

/// The entry of one context, whole, so that fields nobody knows stay.
#[derive(Debug, Clone, PartialEq)]
pub struct CourseIndex {
    document: Document,
    id: ObjectId,
    key: IndexKey,
    place: String,
}

impl CourseIndex {
    /// Reads an entry.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where it lacks what an index needs.
    pub fn read(raw: &RawDocument) -> Result<Self, RuntimeError> {
        let document = to_document(raw).map_err(|error| corrupt("a course index", error))?;
        let id = document.get_object_id("_id").map_err(|error| corrupt("a course index", error))?;
        let place = format!("course index {id}");
        let part = |name: &str| match document.get(name) {
            Some(Bson::String(part)) => Ok(part.clone()),
            Some(_) => Err(corrupt(place.as_str(), format!("its `{name}` is no text"))),
            None => Err(corrupt(place.as_str(), format!("it has no `{name}`"))),
        };
        let key = IndexKey { org: part("org")?, course: part("course")?, run: part("run")? };
        match document.get("versions") {
            Some(Bson::Document(_)) => {}
            Some(_) => return Err(corrupt(place, "its `versions` are no document")),
            None => return Err(corrupt(place, "it has no `versions`")),
        }
        Ok(Self { id, key, place, document })
    }

    /// Returns what an entry is filed under, be the rest of it readable or not; nothing where that cannot be said.
    #[must_use]
    pub fn filed_under(raw: &RawDocument) -> Option<IndexKey> {
        let part = |name: &str| raw.get_str(name).ok().map(str::to_owned);
        Some(IndexKey { org: part("org")?, course: part("course")?, run: part("run")? })
    }

    /// Makes the entry of a new context, without versions.
    pub(crate) fn create(
        context: &ContextKey,
        key: IndexKey,
        edited_by: Option<i64>,
        edited_on: DateTime<Utc>,
    ) -> Self {
        let id = ObjectId::new();
        let mut document = doc! {
            "_id": id,
            "org": &key.org,
            "course": &key.course,
            "run": &key.run,
            "edited_by": edited_by.map_or(Bson::Null, integer_bson),
            "edited_on": to_time(edited_on),
            "versions": {},
            "schema_version": 1,
            "search_targets": {},
        };
        if context.is_deprecated() {
            document.insert(DEPRECATED, true);
        }
        Self { document, id, key, place: format!("course index {id}") }
    }

    /// Makes the entry of a new context that begins at the structures of this one.
    pub(crate) fn rerun(
        &self,
        context: &ContextKey,
        key: IndexKey,
        edited_by: Option<i64>,
        edited_on: DateTime<Utc>,
    ) -> Self {
        let mut new = Self::create(context, key, edited_by, edited_on);
        for name in ["versions", "search_targets"] {
            if let Some(value) = self.document.get(name) {
                new.document.insert(name, value.clone());
            }
        }
        new
    }

    /// Returns the document.
    ///
    /// # Errors
    /// [`RuntimeError::Unstorable`] where BSON cannot hold it.
    pub fn to_raw(&self) -> Result<RawDocumentBuf, RuntimeError> {
        RawDocumentBuf::try_from(&self.document).map_err(|error| RuntimeError::Unstorable {
            place: self.place.clone(),
            reason: error.to_string(),
        })
    }

    /// Returns the identity of the entry.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        self.id
    }

    /// Returns what the entry is filed under.
    #[must_use]
    pub fn key(&self) -> &IndexKey {
        &self.key
    }

    /// Says whether this is the entry of a library.
    #[must_use]
    pub fn is_library(&self) -> bool {
        self.key.run == LIBRARY_RUN && self.version(LIBRARY_BRANCH).is_some()
    }

    /// Returns the context whose entry this is.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where the parts make no key.
    pub fn context(&self) -> Result<ContextKey, RuntimeError> {
        let IndexKey { org, course, run } = &self.key;
        let made = if self.is_library() {
            LibraryKey::new(org, course).map(ContextKey::from)
        } else if self.document.get_bool(DEPRECATED).unwrap_or(false) {
            CourseKey::new_deprecated(org, course, Some(run)).map(ContextKey::from)
        } else {
            CourseKey::new(org, course, run).map(ContextKey::from)
        };
        made.map_err(|error| corrupt(self.place.as_str(), error))
    }

    /// Returns the structure a branch is at.
    #[must_use]
    pub fn version(&self, branch: &str) -> Option<ObjectId> {
        self.document.get_document("versions").ok()?.get_object_id(branch).ok()
    }

    /// Makes sure that what the entry names as structures are ids.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] with the name of a branch of which that is not so.
    pub fn check_heads(&self) -> Result<(), RuntimeError> {
        let Ok(versions) = self.document.get_document("versions") else { return Ok(()) };
        for branch in [DRAFT_BRANCH, PUBLISHED_BRANCH, LIBRARY_BRANCH] {
            match versions.get(branch) {
                None | Some(Bson::ObjectId(_) | Bson::Null) => {}
                Some(_) => {
                    return Err(corrupt(self.place.as_str(), format!("its `{branch}` is no ObjectId")));
                }
            }
        }
        Ok(())
    }

    /// Returns the head of a branch.
    ///
    /// Split knows one branch of a library, `library`, which authors edit: that is its draft. What was published of it
    /// stands under `published-branch`, which the readers of libraries do not look at. A course that a script made
    /// with its published branch only is its own draft. A course that names a `library`, too, has its draft where its
    /// writers put it.
    #[must_use]
    pub fn head(&self, branch: Branch) -> Option<ObjectId> {
        match branch {
            Branch::Published => self.version(PUBLISHED_BRANCH),
            Branch::Draft => {
                let [first, second] = match self.is_library() {
                    true => [LIBRARY_BRANCH, DRAFT_BRANCH],
                    false => [DRAFT_BRANCH, LIBRARY_BRANCH],
                };
                [first, second, PUBLISHED_BRANCH].into_iter().find_map(|branch| self.version(branch))
            }
        }
    }

    /// Returns the draft's head, which every context has.
    ///
    /// # Errors
    /// [`RuntimeError::Corrupt`] where the entry names no structure at all.
    pub fn draft(&self) -> Result<ObjectId, RuntimeError> {
        self.check_heads()?;
        self.head(Branch::Draft).ok_or_else(|| corrupt(self.place.as_str(), "it names no structure"))
    }

    /// Returns every branch with its structure.
    #[must_use]
    pub fn heads(&self) -> Vec<(String, Option<ObjectId>)> {
        self.document
            .get_document("versions")
            .map(|versions| versions.iter().map(|(name, id)| (name.clone(), id.as_object_id())).collect())
            .unwrap_or_default()
    }

    /// Returns the time of the last index write, the optimistic lock.
    #[must_use]
    pub fn last_update(&self) -> Option<bson::DateTime> {
        self.document.get_datetime("last_update").ok().copied()
    }

    /// Moves a branch.
    pub(crate) fn set_head(&mut self, context: &ContextKey, branch: Branch, version: ObjectId) {
        let name = match (branch, context) {
            (Branch::Published, _) => PUBLISHED_BRANCH,
            (Branch::Draft, ContextKey::Library(_)) => LIBRARY_BRANCH,
            (Branch::Draft, _) => DRAFT_BRANCH,
        };
        if let Ok(versions) = self.document.get_document_mut("versions") {
            versions.insert(name, version);
        }
    }

    /// Sets the only search target there is, from the root's field.
    pub(crate) fn set_wiki_slug(&mut self, slug: &str) {
        match self.document.get_document_mut("search_targets") {
            Ok(targets) => {
                targets.insert("wiki_slug", slug);
            }
            Err(_) => {
                self.document.insert("search_targets", doc! { "wiki_slug": slug });
            }
        }
    }

    /// Dates an index write. The time always moves on, since it is what a concurrent writer compares.
    pub(crate) fn touch(&mut self, now: DateTime<Utc>) {
        let after = self
            .last_update()
            .and_then(|last| DateTime::from_timestamp_millis(last.timestamp_millis().saturating_add(1)));
        let next = after.map_or(now, |after| now.max(after));
        self.document.insert("last_update", to_time(next));
    }
}
