//! Which file of a bundle holds what (`docs/course-bundle.md`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xblock_core::fields::Json;
use xblock_core::keys::{AssetKey, ContextKey, UsageKey};
use xblock_core::olx::{block_id_of, block_type_of, definition_path, is_shortened};
use xblock_core::runtime::{AssetData, AssetMetadata, RuntimeError};

use crate::context::LearningContexts;

/// Name of the store in errors.
pub(super) const STORE: &str = "Blockstore";

/// Says which learning context a bundle is.
pub(super) const CONTEXT_FILE: &str = "context.json";

/// Holds the attributes of all static files.
pub(super) const ASSETS_FILE: &str = "assets.json";

/// Holds what is said about static files, whether the bundle has them or not.
pub(super) const ASSET_METADATA_FILE: &str = "asset_metadata.json";

const DEFINITION: &str = "/definition.xml";

/// Folder of the static files, of type `asset`.
const STATIC: &str = "static";

/// The type of ordinary static files.
const ASSET: &str = "asset";

/// What a path of a bundle stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry<'p> {
    /// The definition of a block of this type and id.
    Definition(Cow<'p, str>, Cow<'p, str>),
    /// The definition of a block whose type or id is too long for a folder name; the file says which one.
    Shortened,
    /// A static file of this type and name.
    Asset(&'p str, &'p str),
    /// The attributes of the static files, or what is said about them and others.
    Attributes,
    /// Anything else; it stays as it is.
    Other,
}

/// Tells what a path stands for.
pub(super) fn classify(path: &str) -> Entry<'_> {
    if path == ASSETS_FILE || path == ASSET_METADATA_FILE {
        return Entry::Attributes;
    }
    if let Some(folder) = path.strip_suffix(DEFINITION)
        && let Some((block_type, id)) = folder.split_once('/')
        && !id.contains('/')
    {
        match (block_type_of(block_type), block_id_of(id)) {
            (Some(block_type), Some(block_id)) if definition_path(&block_type, &block_id) == path => {
                return Entry::Definition(block_type, block_id);
            }
            (known_type, known_id)
                if (known_type.is_some() || is_shortened(block_type))
                    && (known_id.is_some() || is_shortened(id)) =>
            {
                return Entry::Shortened;
            }
            _ => {}
        }
    }
    match path.split_once('/') {
        Some((STATIC, name)) => Entry::Asset(ASSET, name),
        Some((folder, name)) => match folder.strip_prefix("static.") {
            Some(asset_type) if !asset_type.is_empty() => Entry::Asset(asset_type, name),
            _ => Entry::Other,
        },
        None => Entry::Other,
    }
}

/// Says whether a path belongs to the static files or their attributes.
pub(super) fn is_asset(path: &str) -> bool {
    matches!(classify(path), Entry::Asset(..) | Entry::Attributes)
}

/// Returns the path of a static file.
pub(super) fn asset_path(key: &AssetKey) -> String {
    match key.asset_type() {
        ASSET => format!("{STATIC}/{}", key.path()),
        other => format!("{STATIC}.{other}/{}", key.path()),
    }
}

/// Returns the key of a static file, none where the context can have no such file.
pub(super) fn asset_key(context: &ContextKey, asset_type: &str, name: &str) -> Option<AssetKey> {
    match asset_type {
        ASSET => context.make_asset_key(name).ok(),
        other => AssetKey::new(context.clone(), other, name).ok(),
    }
}

/// Makes sure that a usage is one its context gives out.
///
/// # Errors
/// [`RuntimeError::UnsupportedKey`] where type and id in this context do not make up the key.
pub(super) fn check_usage(context: &ContextKey, usage: &UsageKey) -> Result<(), RuntimeError> {
    match context.make_usage_key(usage.block_type(), usage.block_id()) {
        Ok(made) if made == *usage => Ok(()),
        _ => Err(RuntimeError::UnsupportedKey {
            key: usage.to_string(),
            store: STORE,
            reason: "it is not made up of a type and an id in its context",
        }),
    }
}

/// The content of [`CONTEXT_FILE`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ContextDocument {
    pub(super) context: String,
    pub(super) root_type: String,
    pub(super) root_id: String,
}

impl ContextDocument {
    /// Describes a context.
    ///
    /// # Errors
    /// [`RuntimeError::UnsupportedKey`] where the key has no text of its own.
    pub(super) fn new(
        contexts: &LearningContexts,
        context: &ContextKey,
        root: &UsageKey,
    ) -> Result<Self, RuntimeError> {
        let unsupported =
            |reason| RuntimeError::UnsupportedKey { key: context.to_string(), store: STORE, reason };
        let text = context.to_text().map_err(|_| unsupported("the key has no text"))?;
        if contexts.read_key(&text).as_ref() != Some(context) {
            return Err(unsupported("the key cannot be read back from its text"));
        }
        check_usage(context, root)?;
        Ok(Self {
            context: text,
            root_type: root.block_type().to_owned(),
            root_id: root.block_id().to_owned(),
        })
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }
}

/// The content of [`ASSETS_FILE`]: attributes by path.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct AssetsDocument(pub(super) BTreeMap<String, AssetData>);

impl AssetsDocument {
    pub(super) fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }
}

/// The content of [`ASSET_METADATA_FILE`]: records by the paths the files have, or would have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct AssetMetadataDocument(pub(super) BTreeMap<String, Said>);

/// What is said about one file; what is no record stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Said {
    /// It can be read.
    Record(Box<AssetMetadata>),
    /// It is something else.
    Other(Json),
}

impl AssetMetadataDocument {
    pub(super) fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }
}

fn to_json(document: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(document).expect("the document's keys are texts");
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_apart() {
        let definition = |t: &'static str, id: &'static str| Entry::Definition(t.into(), id.into());
        assert_eq!(classify("html/a.b-c/definition.xml"), definition("html", "a.b-c"));
        assert_eq!(classify("html/u--wk1-3aintro/definition.xml"), definition("html", "wk1:intro"));
        assert_eq!(classify("u--a-3ab/x/definition.xml"), definition("a:b", "x"));
        assert_eq!(classify(&definition_path("html", &"x".repeat(300))), Entry::Shortened);
        assert_eq!(classify(&definition_path(&"x".repeat(300), "y")), Entry::Shortened);
        assert_eq!(classify("static/a.png"), Entry::Asset("asset", "a.png"));
        assert_eq!(classify("static.thumbnail/a.jpg"), Entry::Asset("thumbnail", "a.jpg"));
        assert_eq!(classify("assets.json"), Entry::Attributes);
        assert_eq!(classify("asset_metadata.json"), Entry::Attributes);
        for other in ["context.json", "html/a/static/x.png", "a/b/c/definition.xml", "html/definition.xml"] {
            assert_eq!(classify(other), Entry::Other, "{other}");
        }
    }
}
