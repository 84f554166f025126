//! One document of Old Mongo: a block in one revision (modulestore reference, section 13).

use bson::raw::{RawBsonRef, RawDocument};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value as Json;
use xblock_core::keys::{ContextKey, KeyError, UsageKey};
use xblock_core::runtime::{EditInfo, FieldMap, RuntimeError};

use crate::documents::{corrupt, document, integer, text, time};
use crate::fields::FieldCodec;

/// How the text of an old usage key begins.
const SCHEME: &str = "i4x://";
/// What older documents hold among their settings instead of in `edit_info`.
const PUBLISHED_DATE: &str = "published_date";
const PUBLISHED_BY: &str = "published_by";

/// A view over a document; nothing is decoded before it is asked for.
pub(crate) struct OldDocument<'a> {
    raw: &'a RawDocument,
    id: &'a RawDocument,
    place: String,
}

impl<'a> OldDocument<'a> {
    pub(crate) fn new(raw: &'a RawDocument) -> Result<Self, RuntimeError> {
        let unnamed = "a block of Old Mongo";
        let id = document(raw, "_id", unnamed)?.ok_or_else(|| corrupt(unnamed, "it has no `_id`"))?;
        let part = |name| id.get_str(name).unwrap_or("?");
        let mut place =
            format!("{SCHEME}{}/{}/{}/{}", part("org"), part("course"), part("category"), part("name"));
        if let Ok(revision) = id.get_str("revision") {
            place = format!("{place}@{revision}");
        }
        Ok(Self { raw, id, place })
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    fn part(&self, name: &str) -> Result<&'a str, RuntimeError> {
        text(self.id, name, &self.place)?
            .ok_or_else(|| corrupt(self.place.as_str(), format!("its `_id` has no `{name}`")))
    }

    pub(crate) fn category(&self) -> Result<&'a str, RuntimeError> {
        self.part("category")
    }

    pub(crate) fn name(&self) -> Result<&'a str, RuntimeError> {
        self.part("name")
    }

    pub(crate) fn owner(&self) -> Result<(&'a str, &'a str), RuntimeError> {
        Ok((self.part("org")?, self.part("course")?))
    }

    /// Returns the type and the name of the block, and whether it is what authors work on.
    pub(crate) fn block(&self) -> Result<(&'a str, &'a str, bool), RuntimeError> {
        Ok((self.category()?, self.name()?, self.is_draft()?))
    }

    /// Says whether it is what authors work on; an absent revision is the published one.
    pub(crate) fn is_draft(&self) -> Result<bool, RuntimeError> {
        match text(self.id, "revision", &self.place)? {
            None => Ok(false),
            Some("draft") => Ok(true),
            Some(other) => Err(corrupt(self.place.as_str(), format!("no revision is called {other:?}"))),
        }
    }

    /// Returns the content fields; a text in their place is the field `data`.
    pub(crate) fn content(&self, codec: FieldCodec<'_>) -> Result<FieldMap, RuntimeError> {
        let Some(definition) = document(self.raw, "definition", &self.place)? else {
            return Ok(FieldMap::default());
        };
        match definition.get("data").map_err(|error| corrupt(self.place.as_str(), error))? {
            Some(RawBsonRef::String(data)) => {
                let mut content = FieldMap::default();
                content.insert("data".into(), Json::from(data));
                Ok(content)
            }
            _ => codec.read(document(definition, "data", &self.place)?, &[], &self.place),
        }
    }

    /// Returns the settings, without what older documents noted about publishing among them.
    pub(crate) fn settings(&self, codec: FieldCodec<'_>) -> Result<FieldMap, RuntimeError> {
        let metadata = document(self.raw, "metadata", &self.place)?;
        codec.read(metadata, &[PUBLISHED_DATE, PUBLISHED_BY], &self.place)
    }

    /// Returns the children, of such whose type and name make no key that they do not; their texts name no run and,
    /// whatever revision the parent has, no revision.
    pub(crate) fn children(
        &self,
        context: &ContextKey,
    ) -> Result<Vec<Result<UsageKey, String>>, RuntimeError> {
        let Some(definition) = document(self.raw, "definition", &self.place)? else { return Ok(Vec::new()) };
        let damaged = |reason: String| corrupt(self.place.as_str(), reason);
        match definition.get("children").map_err(|error| damaged(error.to_string()))? {
            None | Some(RawBsonRef::Null) => Ok(Vec::new()),
            Some(RawBsonRef::Array(children)) => children
                .into_iter()
                .map(|child| {
                    let child = child.map_err(|error| damaged(error.to_string()))?;
                    let text = child.as_str().ok_or_else(|| damaged("a child is no text".into()))?;
                    let child = |reason| format!("its child {text:?} does not exist: {reason}");
                    match child_key(context, text) {
                        Ok(key) => Ok(Ok(key)),
                        Err(NoChild::NoKey(reason)) => Ok(Err(child(reason))),
                        Err(NoChild::NoBlock(reason)) => Err(damaged(format!("child {text:?}: {reason}"))),
                    }
                })
                .collect(),
            Some(_) => Err(damaged("`children` is no list".into())),
        }
    }

    /// Returns who changed it last, and when.
    pub(crate) fn edit_info(&self) -> Result<EditInfo, RuntimeError> {
        self.info("edited_on", "edited_by")
    }

    /// Returns who published it last, and when; in older documents that stands among the settings.
    pub(crate) fn publish_info(&self) -> Result<EditInfo, RuntimeError> {
        let info = self.info(PUBLISHED_DATE, PUBLISHED_BY)?;
        let Some(metadata) = document(self.raw, "metadata", &self.place)? else { return Ok(info) };
        let numbers = metadata.get_array(PUBLISHED_DATE).ok();
        Ok(EditInfo {
            edited_on: info.edited_on.or_else(|| numbers.and_then(date_of_numbers)),
            edited_by: info.edited_by.or_else(|| integer(metadata, PUBLISHED_BY, &self.place).ok().flatten()),
        })
    }

    fn info(&self, on: &str, by: &str) -> Result<EditInfo, RuntimeError> {
        let Some(info) = document(self.raw, "edit_info", &self.place)? else {
            return Ok(EditInfo::default());
        };
        Ok(EditInfo { edited_on: time(info, on, &self.place)?, edited_by: integer(info, by, &self.place)? })
    }
}

/// Why a text names no child.
enum NoChild {
    /// There can be no block of the type and name.
    NoKey(String),
    /// It is about no block at all.
    NoBlock(String),
}

/// Reads a child's key: of the old form, which names no run, or of any form that names a block of this course.
fn child_key(context: &ContextKey, text: &str) -> Result<UsageKey, NoChild> {
    let parts: Option<Vec<_>> = text.strip_prefix(SCHEME).map(|path| path.splitn(4, '/').collect());
    match parts.as_deref() {
        Some([_, _, category, name]) => {
            let name = name.split_once('@').map_or(*name, |(name, _)| name);
            context.make_usage_key(category, name).map_err(|error| NoChild::NoKey(error.to_string()))
        }
        Some(_) => Err(NoChild::NoBlock("it is no key of a block".into())),
        None => {
            let key: UsageKey =
                text.parse().map_err(|error: KeyError| NoChild::NoBlock(error.to_string()))?;
            let made = context.make_usage_key(key.block_type(), key.block_id());
            made.map_err(|error| NoChild::NoKey(error.to_string()))
        }
    }
}

/// Reads `[year, month, day, hour, minute, second, ...]`, as Python's `struct_time` was stored.
fn date_of_numbers(numbers: &bson::raw::RawArray) -> Option<DateTime<Utc>> {
    let parts: Vec<u32> = numbers
        .into_iter()
        .take(6)
        .map(|number| number.ok()?.as_i32().and_then(|number| u32::try_from(number).ok()))
        .collect::<Option<_>>()?;
    let [year, month, day, hour, minute, second] = parts[..] else { return None };
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some(date.and_hms_opt(hour, minute, second)?.and_utc())
}
