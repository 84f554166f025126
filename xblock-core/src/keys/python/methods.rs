//! Methods of keys of any class.

use crate::keys::asset::AssetRepr;
use crate::keys::{
    AnyKey, AsideUsageKey, AssetKey, BlockNamespace, ContextKey, KeyClass, KeyError, KeyRegistry, Scalar,
    UsageKey,
};

use super::{KeyValue, StrayAside};

impl AnyKey {
    fn has_no(&self, method: &str) -> KeyError {
        KeyError::no_attribute(self.class_name(), method)
    }

    /// Changes the context of a block-like key, or the context itself.
    fn with_context(
        &self,
        method: &str,
        change: impl FnOnce(&ContextKey) -> Result<ContextKey, KeyError>,
    ) -> Result<AnyKey, KeyError> {
        match self {
            AnyKey::Context(key) => change(key).map(AnyKey::Context),
            AnyKey::Usage(UsageKey::Block(key)) => {
                let key = key.map_into_course(&change(key.context_key())?)?;
                Ok(UsageKey::Block(key).into())
            }
            AnyKey::Asset(key) => Ok(key.map_into_course(&change(&key.context_key())?)?.into()),
            _ => Err(self.has_no(method)),
        }
    }

    /// Returns the key without the version (`version_agnostic`).
    ///
    /// # Errors
    /// As [`ContextKey::version_agnostic`]; [`KeyError::NoAttribute`] for classes without versions.
    pub fn version_agnostic(&self) -> Result<AnyKey, KeyError> {
        self.with_context("version_agnostic", ContextKey::version_agnostic)
    }

    /// Returns the key with the version alone for its context (`course_agnostic`).
    ///
    /// # Errors
    /// As [`ContextKey::course_agnostic`]; [`KeyError::NoAttribute`] for classes without versions.
    pub fn course_agnostic(&self) -> Result<AnyKey, KeyError> {
        self.with_context("course_agnostic", ContextKey::course_agnostic)
    }

    /// Returns the key on a branch, without version (`for_branch`).
    ///
    /// # Errors
    /// As [`ContextKey::for_branch`]; [`KeyError::NoAttribute`] for classes without branches.
    pub fn for_branch(&self, branch: Scalar) -> Result<AnyKey, KeyError> {
        self.with_context("for_branch", |context| context.for_any_branch(branch))
    }

    /// Returns the key at a version (`for_version`).
    ///
    /// # Errors
    /// As [`ContextKey::for_version`]; [`KeyError::NoAttribute`] for classes without versions.
    pub fn for_version(&self, version: Scalar) -> Result<AnyKey, KeyError> {
        self.with_context("for_version", |context| context.for_any_version("for_version", version))
    }

    /// Returns the key of a block in this context (`make_usage_key`).
    ///
    /// # Errors
    /// As [`ContextKey::make_usage_key`]; [`KeyError::NoAttribute`] for keys that are no context with the method.
    pub fn make_usage_key(&self, block_type: Scalar, block_id: Scalar) -> Result<AnyKey, KeyError> {
        match self {
            AnyKey::Context(key) if !matches!(key, ContextKey::LibraryV2(_)) => {
                Ok(key.make_any_usage_key(block_type, block_id)?.into())
            }
            _ => Err(self.has_no("make_usage_key")),
        }
    }

    /// Returns the key of an asset of this context (`make_asset_key`).
    ///
    /// # Errors
    /// As [`ContextKey::make_asset_key`]; [`KeyError::NoAttribute`] for keys that are no context with the method.
    pub fn make_asset_key(&self, asset_type: Scalar, path: Scalar) -> Result<AnyKey, KeyError> {
        match self {
            AnyKey::Context(key) if !matches!(key, ContextKey::LibraryV2(_)) => {
                Ok(key.make_any_asset_key(asset_type, path)?.into())
            }
            _ => Err(self.has_no("make_asset_key")),
        }
    }

    /// Reads a usage key and puts this course's run into it (`make_usage_key_from_deprecated_string`).
    ///
    /// # Errors
    /// [`KeyError::InvalidKey`] when the text is none; [`KeyError::NoAttribute`] when this is no course.
    pub fn make_usage_key_from_deprecated_string(&self, text: &str) -> Result<AnyKey, KeyError> {
        if !matches!(self, AnyKey::Context(ContextKey::Course(_) | ContextKey::Ccx(_))) {
            return Err(self.has_no("make_usage_key_from_deprecated_string"));
        }
        let kind = crate::keys::KeyKind::Class(KeyClass::BlockUsageLocator);
        let key = KeyRegistry::BUILTIN.parse(kind, text)?;
        key.replace(vec![("run".into(), self.attribute("run")?)])
    }

    /// Returns the key of the same thing in another context (`map_into_course`).
    ///
    /// # Errors
    /// As [`UsageKey::map_into_course`]; [`KeyError::NoAttribute`] for classes without the method.
    pub fn map_into_course(&self, context: KeyValue) -> Result<AnyKey, KeyError> {
        match self {
            AnyKey::Usage(UsageKey::LibraryV2(key)) => match context {
                KeyValue::Key(AnyKey::Context(context)) => {
                    Ok(UsageKey::LibraryV2(key.clone()).map_into_course(&context)?.into())
                }
                other => Err(KeyError::value(self.class_name(), "lib_key", other)),
            },
            AnyKey::Usage(UsageKey::Aside(key)) => {
                let inner = AnyKey::Usage(key.usage_key().clone()).map_into_course(context)?;
                match inner {
                    AnyKey::Usage(inner) => {
                        let key = AsideUsageKey::build(key.version(), inner, key.0.aside_type.clone())?;
                        Ok(UsageKey::Aside(key).into())
                    }
                    _ => Err(self.has_no("map_into_course")),
                }
            }
            AnyKey::Usage(key) => Ok(key.map_into_course(&context.into_context()?)?.into()),
            AnyKey::Asset(key) => Ok(key.map_into_course(&context.into_context()?)?.into()),
            AnyKey::StrayAside(stray) => match &stray.inner {
                KeyValue::Key(key) => {
                    let inner = KeyValue::Key(key.map_into_course(context)?);
                    let stray = StrayAside::build(stray.class, inner, stray.aside_type.clone())?;
                    Ok(AnyKey::StrayAside(std::sync::Arc::new(stray)))
                }
                _ => Err(KeyError::no_attribute("value", "map_into_course")),
            },
            _ => Err(self.has_no("map_into_course")),
        }
    }

    /// Returns the id a page element has (`html_id`): text, or the id of a block not yet saved.
    ///
    /// # Errors
    /// [`KeyError::NoAttribute`] for classes without the method; [`KeyError::Unwritable`] for a context without a text.
    pub fn html_id(&self) -> Result<Scalar, KeyError> {
        let located = match self {
            AnyKey::Context(ContextKey::LibraryV2(_)) => return Err(self.has_no("html_id")),
            AnyKey::Context(_) | AnyKey::Usage(UsageKey::LibraryV2(_)) => {
                return Ok(Scalar::Text(self.to_text()?.into()));
            }
            AnyKey::Usage(UsageKey::Block(key)) => (&key.0.located, "i4x"),
            AnyKey::Asset(AssetKey(AssetRepr::Located(located))) => (&**located, "c4x"),
            _ => return Err(self.has_no("html_id")),
        };
        match located {
            (located, tag) if self.is_deprecated() => Ok(Scalar::Text(located.html_id(tag).into())),
            (located, _) => Ok(located.within.id_value()),
        }
    }

    /// Returns the course a custom course is made from (`to_course_locator`).
    ///
    /// # Errors
    /// [`KeyError::NoAttribute`] when this is no custom course.
    pub fn to_course_locator(&self) -> Result<AnyKey, KeyError> {
        match self {
            AnyKey::Context(ContextKey::Ccx(key)) => Ok(ContextKey::Course(key.to_course_key()).into()),
            _ => Err(self.has_no("to_course_locator")),
        }
    }

    /// Returns the block that a block of a custom course stands for (`to_block_locator`).
    ///
    /// # Errors
    /// [`KeyError::NoAttribute`] when this is no block of a custom course.
    pub fn to_block_locator(&self) -> Result<AnyKey, KeyError> {
        match self {
            AnyKey::Usage(UsageKey::Block(key)) if key.block_namespace() == BlockNamespace::CcxBlock => {
                Ok(UsageKey::Block(key.to_block_key()?).into())
            }
            _ => Err(self.has_no("to_block_locator")),
        }
    }

    /// Returns the `_id` of the block in the Old Mongo modulestore, an ordered map (`to_deprecated_son`).
    ///
    /// # Errors
    /// [`KeyError::NotImplemented`] for blocks of libraries, [`KeyError::NoAttribute`] for what is no block.
    pub fn to_deprecated_son(&self, prefix: &str, tag: &str) -> Result<Vec<(String, KeyValue)>, KeyError> {
        match self.class() {
            Some(
                KeyClass::BlockUsageLocator
                | KeyClass::CcxBlockUsageLocator
                | KeyClass::DeprecatedLocation
                | KeyClass::AssetLocator,
            ) => {}
            Some(KeyClass::LibraryUsageLocator) => {
                return Err(KeyError::NotImplemented {
                    class: KeyClass::LibraryUsageLocator.name(),
                    name: "to_deprecated_son",
                });
            }
            _ => return Err(self.has_no("to_deprecated_son")),
        }
        let mut son = vec![(format!("{prefix}tag"), tag.into())];
        for (name, attribute) in [
            ("org", "org"),
            ("course", "course"),
            ("category", "block_type"),
            ("name", "block_id"),
            ("revision", "branch"),
        ] {
            son.push((format!("{prefix}{name}"), self.attribute(attribute)?));
        }
        Ok(son)
    }

    /// Returns the list that stands for an asset in old documents (`to_deprecated_list_repr`).
    ///
    /// # Errors
    /// [`KeyError::NoAttribute`] when this is no asset.
    pub fn to_deprecated_list_repr(&self) -> Result<Vec<KeyValue>, KeyError> {
        if self.class() != Some(KeyClass::AssetLocator) {
            return Err(self.has_no("to_deprecated_list_repr"));
        }
        Ok(vec![
            "c4x".into(),
            self.attribute("org")?,
            self.attribute("course")?,
            self.attribute("block_type")?,
            self.attribute("block_id")?,
            KeyValue::NULL,
        ])
    }
}
