//! A row of the table, and the document it stands for.

use bson::oid::ObjectId;
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Bson, Document, doc};
use chrono::{DateTime, NaiveDateTime, Utc};
use xblock_core::keys::ContextKey;
use xblock_core::runtime::RuntimeError;

use super::statements::Cell;
use crate::documents::{
    CourseIndex, DRAFT_BRANCH, IndexKey, LIBRARY_BRANCH, PUBLISHED_BRANCH, corrupt, integer_bson,
    to_document, to_time,
};
use crate::store::mongo::session::{IndexChange, value};

/// The columns a document is made of, in the order [`Entry::read`] takes them in.
pub(super) const COLUMNS: &str = "objectid, course_id, draft_version, published_version, library_version, wiki_slug, \
                                  edited_by_id, edited_on, last_update";

/// A row.
pub(super) struct Entry {
    pub(super) id: ObjectId,
    pub(super) context: ContextKey,
    pub(super) key: IndexKey,
    versions: Document,
    wiki_slug: String,
    edited_by: Option<i64>,
    edited_on: DateTime<Utc>,
    last_update: DateTime<Utc>,
}

impl Entry {
    /// Reads the [`COLUMNS`].
    pub(super) fn read(row: &[Cell]) -> Result<Self, RuntimeError> {
        let text = |column: usize| match row.get(column) {
            Some(Cell::Text(text)) => Ok(&**text),
            _ => {
                let name = COLUMNS.split(", ").nth(column).unwrap_or_default();
                Err(corrupt("a row of the table of course indexes", format!("its `{name}` is no text")))
            }
        };
        let course_id = text(1)?;
        let place = || format!("the row of {course_id} in the table of course indexes");
        let id = |hex: &str| ObjectId::parse_str(hex).map_err(|error| corrupt(place(), error));
        let mut versions = Document::new();
        for (branch, version) in
            [(DRAFT_BRANCH, text(2)?), (PUBLISHED_BRANCH, text(3)?), (LIBRARY_BRANCH, text(4)?)]
        {
            if !version.is_empty() {
                versions.insert(branch, id(version)?);
            }
        }
        let context: ContextKey = course_id.parse().map_err(|error| corrupt(place(), error))?;
        let time = |column: usize, name: &str| {
            parse_time(text(column)?).ok_or_else(|| corrupt(place(), format!("`{name}` is no time")))
        };
        Ok(Self {
            id: id(text(0)?)?,
            key: IndexKey::of(&context).map_err(|reason| corrupt(place(), reason))?,
            context,
            versions,
            wiki_slug: text(5)?.to_owned(),
            edited_by: match row.get(6) {
                Some(Cell::Integer(user)) => Some(*user),
                Some(Cell::Null) => None,
                _ => return Err(corrupt(place(), "`edited_by_id` is no number")),
            },
            edited_on: time(7, "edited_on")?,
            last_update: time(8, "last_update")?,
        })
    }

    /// Returns the key a row is of, be the rest of it readable or not.
    pub(super) fn key_of(row: &[Cell]) -> Option<IndexKey> {
        let Some(Cell::Text(course_id)) = row.get(1) else { return None };
        IndexKey::of(&course_id.parse().ok()?).ok()
    }

    /// Makes the document the row stands for, on that of the collection, which has fields no column is for.
    pub(super) fn document(&self, present: Option<&RawDocument>) -> Result<RawDocumentBuf, RuntimeError> {
        let place = || format!("course index {}", self.id);
        let mut document = match present {
            Some(present) => to_document(present).map_err(|error| corrupt(place(), error))?,
            None => doc! { "_id": self.id },
        };
        document.extend(doc! {
            "org": &self.key.org,
            "course": &self.key.course,
            "run": &self.key.run,
            "edited_by": self.edited_by.map_or(Bson::Null, integer_bson),
            "edited_on": to_time(self.edited_on),
            "versions": self.versions.clone(),
            "schema_version": 1,
            "last_update": to_time(self.last_update),
        });
        if !self.wiki_slug.is_empty() || !document.contains_key("search_targets") {
            document.insert("search_targets", doc! { "wiki_slug": &self.wiki_slug });
        }
        RawDocumentBuf::try_from(&document).map_err(|error| corrupt(place(), error))
    }

    /// Says whether the row still is what a document was made of.
    pub(super) fn is(&self, before: &RawDocument) -> bool {
        value(before, "last_update") == Some(Bson::DateTime(to_time(self.last_update)))
            && value(before, "versions").and_then(|versions| versions.as_document().cloned())
                == Some(self.versions.clone())
    }
}

fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let time = NaiveDateTime::parse_from_str(text.trim_end_matches("+00:00"), "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Some(time.and_utc())
}

/// Writes a time as Django does.
fn time_text(time: Option<bson::DateTime>) -> String {
    let time = time.and_then(|time| DateTime::<Utc>::from_timestamp_millis(time.timestamp_millis()));
    let time = time.unwrap_or_default();
    let format =
        if time.timestamp_subsec_micros() == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.6f" };
    time.format(format).to_string()
}

/// What the columns are to be.
pub(super) struct Columns {
    pub(super) object_id: String,
    pub(super) course_id: String,
    pub(super) org: String,
    pub(super) versions: [String; 3],
    pub(super) wiki_slug: String,
    pub(super) edited_by: Option<i64>,
    pub(super) edited_on: String,
    pub(super) last_update: String,
}

impl Columns {
    pub(super) fn of(document: &RawDocument) -> Result<Self, RuntimeError> {
        let index = CourseIndex::read(document)?;
        let context = index.context()?;
        if context.is_deprecated() {
            return Err(RuntimeError::UnsupportedKey {
                key: context.to_string(),
                store: "modulestore",
                reason: "the table of course indexes takes no keys of the old form",
            });
        }
        let version = |branch| index.version(branch).map(|id| id.to_hex()).unwrap_or_default();
        let slug = document.get_document("search_targets").ok();
        let edited_by = crate::documents::integer(document, "edited_by", "a course index")?;
        Ok(Self {
            object_id: index.id().to_hex(),
            course_id: context.to_string(),
            org: index.key().org.clone(),
            versions: [version(DRAFT_BRANCH), version(PUBLISHED_BRANCH), version(LIBRARY_BRANCH)],
            wiki_slug: slug.and_then(|slug| slug.get_str("wiki_slug").ok()).unwrap_or_default().to_owned(),
            edited_by,
            edited_on: time_text(document.get_datetime("edited_on").ok()),
            last_update: time_text(index.last_update()),
        })
    }
}

/// Names the branches that changed, in the platform's words.
pub(super) fn reason(change: &IndexChange) -> Option<String> {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return None };
    let version = |document: &RawDocument, branch: &str| {
        document.get_document("versions").ok().and_then(|versions| versions.get_object_id(branch).ok())
    };
    let names = [("draft", DRAFT_BRANCH), ("published", PUBLISHED_BRANCH), ("library", LIBRARY_BRANCH)];
    let changed: Vec<_> = names
        .into_iter()
        .filter(|(_, branch)| version(before, branch) != version(after, branch))
        .map(|(name, _)| name)
        .collect();
    (!changed.is_empty()).then(|| format!("Updated {} branch", changed.join(" and ")))
}
