//! Keys of assets: files that belong to a course.

use std::sync::Arc;

use super::block_usage::Located;
use super::charset::Charset;
use super::plugin::PluginKey;
use super::text::key_text;
use super::{ContextKey, CourseKey, KeyError, Scalar};

/// The key of an asset: `asset-v1:Org+Course+Run+type@asset+block@file.png`, in its old form
/// `/c4x/Org/Course/asset/file.png` (`AssetLocator`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssetKey(pub(crate) AssetRepr);

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum AssetRepr {
    Located(Arc<Located>),
    Plugin(PluginKey),
}

pub(crate) const CLASS: &str = "AssetLocator";

impl AssetKey {
    /// Namespace of the new form.
    pub const NAMESPACE: &str = "asset-v1";

    /// Makes a key of the same form as the context's.
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] when the path is not made of `[\w\-~.:%]`; clean it first
    /// ([`clean_asset_name`](super::clean_asset_name)).
    pub fn new(context: ContextKey, asset_type: &str, path: &str) -> Result<AssetKey, KeyError> {
        AssetKey::build(context, asset_type.into(), path.into())
    }

    pub(crate) fn build(context: ContextKey, asset_type: Scalar, path: Scalar) -> Result<AssetKey, KeyError> {
        let located = Located::check(CLASS, Charset::IdPercent, context, asset_type, path)?;
        Ok(AssetKey::from_located(located))
    }

    fn from_located(located: Located) -> AssetKey {
        AssetKey(AssetRepr::Located(Arc::new(located)))
    }

    pub(crate) fn from_plugin(key: PluginKey) -> AssetKey {
        AssetKey(AssetRepr::Plugin(key))
    }

    /// Reads the text after `asset-v1:`.
    pub(crate) fn parse_rest(rest: &str) -> Option<AssetKey> {
        let (course, parts) = CourseKey::parse_with_parts(rest)?;
        let block_id = parts.block_id?;
        let context = ContextKey::Course(course);
        let located = Located { context, within: parts.within(block_id) };
        Some(AssetKey::from_located(located))
    }

    /// Reads `/c4x/org/course/category/name[@revision]`.
    pub(crate) fn parse_deprecated(text: &str) -> Result<AssetKey, KeyError> {
        let rest = text.strip_prefix("/c4x/").ok_or_else(|| KeyError::invalid(CLASS, text))?;
        Located::parse_deprecated(CLASS, rest).map(AssetKey::from_located)
    }

    /// Returns the learning context.
    pub fn context_key(&self) -> ContextKey {
        match &self.0 {
            AssetRepr::Located(located) => located.context.clone(),
            AssetRepr::Plugin(key) => key.context_key(),
        }
    }

    /// Returns the path, which contains no slash in keys of courses.
    pub fn path(&self) -> &str {
        match &self.0 {
            AssetRepr::Located(located) => located.block_id(),
            AssetRepr::Plugin(key) => key.text_field("path").unwrap_or_default(),
        }
    }

    /// Returns the type: `asset`, `thumbnail`.
    pub fn asset_type(&self) -> &str {
        match &self.0 {
            AssetRepr::Located(located) => located.block_type(),
            AssetRepr::Plugin(key) => key.text_field("asset_type").unwrap_or_default(),
        }
    }

    /// Tells whether the key is of the old form, `/c4x/..`.
    pub fn is_deprecated(&self) -> bool {
        matches!(&self.0, AssetRepr::Located(located) if located.context.is_deprecated())
    }

    /// Returns the key of the same asset in another context.
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] when the path does not fit.
    pub fn map_into_course(&self, context: &ContextKey) -> Result<AssetKey, KeyError> {
        match &self.0 {
            AssetRepr::Located(located) if located.context == *context => Ok(self.clone()),
            AssetRepr::Located(located) => {
                let (asset_type, path) = located.within.values();
                AssetKey::build(context.clone(), asset_type, path)
            }
            AssetRepr::Plugin(key) => Err(KeyError::no_attribute(key.class(), "map_into_course")),
        }
    }

    /// Returns this asset on a branch of its context, or on none; the version is dropped.
    ///
    /// # Errors
    /// As [`ContextKey::for_branch`].
    pub fn for_branch(&self, branch: Option<&str>) -> Result<AssetKey, KeyError> {
        self.map_into_course(&self.context_key().for_branch(branch)?)
    }

    /// Returns the asset without branch and version; as it is when its context is named only by a version.
    pub fn plain(&self) -> AssetKey {
        let context = self.context_key();
        if context.is_plain() {
            return self.clone();
        }
        self.map_into_course(&context.plain()).unwrap_or_else(|_| self.clone())
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        match &self.0 {
            AssetRepr::Located(located) if located.context.is_deprecated() => {
                out.push_str("/c4x/");
                located.write_deprecated(out);
                Ok(())
            }
            AssetRepr::Located(located) => {
                out.push_str("asset-v1:");
                located.write_part(out)
            }
            AssetRepr::Plugin(key) => key.write_to(out),
        }
    }
}

key_text!(AssetKey, "AssetKey", |text| super::KeyRegistry::BUILTIN.asset_key(text));
