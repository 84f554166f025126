//! What a definition file says in so many words, because its natural form would not come back the same.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::fields::Json;
use crate::keys::{ContextKey, UsageKey};
use crate::runtime::{AsideData, BlockData, FieldMap};

use super::error::DefinitionError;
use super::path::{definition_id, definition_type, is_shortened};

/// The attribute of the root element that holds it.
///
/// Readers that do not know it leave it alone: plain XBlocks and html drop unknown attributes, problems keep them in
/// their text and videos in `xml_attributes`.
pub(crate) const ATTRIBUTE: &str = "xblock-data";

/// Differences between what the natural form reads as and what the block holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Explicit {
    /// Whether the natural form says nothing, so that only what is said here counts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) only: bool,
    /// The block type, where the file's path has it shortened.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) block_type: Option<String>,
    /// The block's id, where the file's path has it shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// The content field whose value is the whole file without the attributes from this one on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) verbatim: Option<String>,
    /// Content fields that are set.
    #[serde(skip_serializing_if = "FieldMap::is_empty")]
    pub(crate) content: FieldMap,
    /// Settings fields that are set.
    #[serde(skip_serializing_if = "FieldMap::is_empty")]
    pub(crate) settings: FieldMap,
    /// Defaults that came from a library block; these have no natural form.
    #[serde(skip_serializing_if = "FieldMap::is_empty")]
    pub(crate) defaults: FieldMap,
    /// Content fields that the natural form seems to set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unset_content: Vec<Arc<str>>,
    /// Settings fields that the natural form seems to set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unset_settings: Vec<Arc<str>>,
    /// All children, where includes cannot name them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) children: Option<Vec<Child>>,
    /// Asides; base XBlock code knows them only where their class is installed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) asides: Vec<AsideData>,
}

/// A child that no include can name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Child {
    /// The learning context, where it is not the block's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    context: Option<String>,
    #[serde(rename = "type")]
    block_type: String,
    id: String,
}

impl Child {
    pub(crate) fn new(child: &UsageKey, own: &ContextKey) -> Self {
        let context = child.context_key();
        Self {
            context: (context != *own).then(|| context.to_string()),
            block_type: child.block_type().to_owned(),
            id: child.block_id().to_owned(),
        }
    }

    pub(crate) fn usage(&self, own: &ContextKey) -> Result<UsageKey, crate::keys::KeyError> {
        match &self.context {
            None => own.make_usage_key(&self.block_type, &self.id),
            Some(context) => context.parse::<ContextKey>()?.make_usage_key(&self.block_type, &self.id),
        }
    }
}

impl Explicit {
    /// Begins with what a file's path does not tell of the block it belongs to.
    pub(crate) fn of(usage: &UsageKey) -> Self {
        let (block_type, id) = (usage.block_type(), usage.block_id());
        Self {
            block_type: is_shortened(&definition_type(block_type)).then(|| block_type.to_owned()),
            id: is_shortened(&definition_id(id)).then(|| id.to_owned()),
            ..Self::default()
        }
    }

    /// Tells whether the natural form says everything.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what must be said so that `read` becomes `wanted`, children aside.
    pub(crate) fn add_difference(&mut self, read: &BlockData, wanted: &BlockData) {
        difference(&read.content, &wanted.content, &mut self.content, &mut self.unset_content);
        difference(&read.settings, &wanted.settings, &mut self.settings, &mut self.unset_settings);
        self.defaults.clone_from(&wanted.defaults);
        self.asides.clone_from(&wanted.asides);
    }

    /// Turns what the natural form reads as into what the block holds, children aside.
    pub(crate) fn apply(self, data: &mut BlockData) {
        for name in &self.unset_content {
            data.content.shift_remove(name);
        }
        for name in &self.unset_settings {
            data.settings.shift_remove(name);
        }
        data.content.extend(self.content);
        data.settings.extend(self.settings);
        data.defaults = self.defaults;
        data.asides = self.asides;
    }

    /// Writes it as one line of JSON that XML can hold.
    ///
    /// # Errors
    /// [`DefinitionError::Unwritable`] where a value has no JSON, which no stored value lacks.
    pub(crate) fn to_text(&self, usage: &UsageKey) -> Result<String, DefinitionError> {
        let text = serde_json::to_string(self).map_err(|error| DefinitionError::Unwritable {
            usage: usage.clone(),
            reason: error.to_string(),
        })?;
        if text.contains(['\u{fffe}', '\u{ffff}']) {
            return Ok(text.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff"));
        }
        Ok(text)
    }
}

fn difference(read: &FieldMap, wanted: &FieldMap, set: &mut FieldMap, unset: &mut Vec<Arc<str>>) {
    let mut names: Vec<&Arc<str>> = wanted.keys().collect();
    names.sort_unstable();
    for name in names {
        let value = &wanted[name];
        if read.get(name).is_none_or(|found| !same(found, value)) {
            set.insert(name.clone(), value.clone());
        }
    }
    let mut extra: Vec<&Arc<str>> = read.keys().filter(|name| !wanted.contains_key(*name)).collect();
    extra.sort_unstable();
    unset.extend(extra.into_iter().cloned());
}

/// Compares stored values as a store would: a whole number is not a float, and minus zero is not zero.
fn same(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((key, a), (other, b))| key == other && same(a, b))
        }
        (Json::Number(a), Json::Number(b)) => a.to_string() == b.to_string(),
        _ => left == right,
    }
}
