//! Two sides looked at side by side: what `compare` and `diff` share.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use xblock_core::fields::{Json, Scope};
use xblock_core::runtime::{AssetData, AssetMetadata, BlockData, FieldMap};

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The one named first.
    Left,
    /// The one named second.
    Right,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => "left",
            Self::Right => "right",
        })
    }
}

/// Where a field's value is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldPlace {
    /// Scope content.
    Content,
    /// Scope settings.
    Settings,
    /// Settings copied from a library.
    Defaults,
}

impl fmt::Display for FieldPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Content => Scope::Content.name(),
            Self::Settings => Scope::Settings.name(),
            Self::Defaults => "library default",
        })
    }
}

/// A field that is set on at least one side.
pub(crate) struct FieldPair<'a> {
    pub(crate) place: FieldPlace,
    pub(crate) name: &'a Arc<str>,
    /// The value on the left, none where it is not set.
    pub(crate) left: Option<&'a Json>,
    /// The value on the right, none where it is not set.
    pub(crate) right: Option<&'a Json>,
}

/// Lists every field that is set on either side, in order of place and name.
pub(crate) fn field_pairs<'a>(
    left: &'a BlockData,
    right: &'a BlockData,
) -> impl Iterator<Item = FieldPair<'a>> {
    let places = [
        (FieldPlace::Content, &left.content, &right.content),
        (FieldPlace::Settings, &left.settings, &right.settings),
        (FieldPlace::Defaults, &left.defaults, &right.defaults),
    ];
    places.into_iter().flat_map(|(place, left, right)| {
        value_pairs(left, right).map(move |(name, left, right)| FieldPair { place, name, left, right })
    })
}

/// Lists every name that is on either side, in order.
pub(crate) fn value_pairs<'a>(
    left: &'a FieldMap,
    right: &'a FieldMap,
) -> impl Iterator<Item = (&'a Arc<str>, Option<&'a Json>, Option<&'a Json>)> {
    let names: BTreeSet<_> = left.keys().chain(right.keys()).collect();
    names.into_iter().map(|name| (name, left.get(name), right.get(name)))
}

/// Returns the attributes of a static file as one map, absent ones left out.
pub(crate) fn attributes(data: &AssetData) -> FieldMap {
    let AssetData { content_type, display_name, locked, import_path, thumbnail, extra } = data;
    let mut map = FieldMap::default();
    let mut add = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            map.insert(name.into(), value);
        }
    };
    add("content_type", content_type.clone().map(Json::String));
    add("display_name", Some(display_name.clone().into()));
    add("locked", Some((*locked).into()));
    add("import_path", import_path.clone().map(Json::String));
    add("thumbnail", thumbnail.clone().map(Json::String));
    for (name, value) in extra {
        map.insert(format!("extra.{name}").into(), value.clone());
    }
    map
}

/// Returns what is said about a file as one map, absent values left out.
pub(crate) fn said(metadata: &AssetMetadata) -> FieldMap {
    let Ok(Json::Object(all)) = serde_json::to_value(metadata) else { return FieldMap::default() };
    let set = all.into_iter().filter(|(_, value)| !value.is_null());
    set.map(|(name, value)| (name.into(), value)).collect()
}

/// Returns the asides of a block as JSON.
pub(crate) fn asides(data: &BlockData) -> Json {
    let list = data
        .asides
        .iter()
        .map(|aside| {
            let fields: serde_json::Map<_, _> =
                aside.fields.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
            serde_json::json!({ "type": &*aside.aside_type, "fields": fields })
        })
        .collect();
    Json::Array(list)
}
