//! Attributes of keys, by name.

use crate::keys::{AnyKey, ContextKey, KeyClass, KeyError, LibraryKey, Scalar};

use super::KeyValue;

/// The attributes that a block takes from its context.
const OF_CONTEXT: [&str; 5] = ["org", "course", "run", "branch", "version_guid"];

/// `course/run`, the course alone, or nothing.
fn offering(course: &KeyValue, run: &KeyValue) -> Result<KeyValue, KeyError> {
    match (course, run.is_truthy()) {
        (KeyValue::Scalar(Scalar::Text(course)), true) => {
            Ok(KeyValue::from(format!("{course}/{run}").as_str()))
        }
        (other, true) => Err(KeyError::wrong_type("CourseLocator", "course", other)),
        (course, false) => Ok(course.clone()),
    }
}

impl AnyKey {
    /// Returns the value of an attribute: a field, or one of the properties of the Python class.
    ///
    /// # Errors
    /// [`KeyError::NoAttribute`] when the class has none of that name, [`KeyError::NotImplemented`] when it leaves it out.
    pub fn attribute(&self, name: &str) -> Result<KeyValue, KeyError> {
        if name == "deprecated" {
            return Ok(self.is_deprecated().into());
        }
        if let Some(value) = self.field(name) {
            return Ok(value);
        }
        let missing = || KeyError::no_attribute(self.class_name(), name);
        match self {
            AnyKey::Context(key) => self.context_attribute(key, name),
            AnyKey::StrayAside(_) => self.aside_attribute(name),
            _ => match self.class() {
                Some(
                    KeyClass::BlockUsageLocator
                    | KeyClass::CcxBlockUsageLocator
                    | KeyClass::LibraryUsageLocator
                    | KeyClass::DeprecatedLocation
                    | KeyClass::AssetLocator,
                ) => self.block_attribute(name),
                Some(
                    KeyClass::AsideUsageKeyV1
                    | KeyClass::AsideUsageKeyV2
                    | KeyClass::AsideDefinitionKeyV1
                    | KeyClass::AsideDefinitionKeyV2,
                ) => self.aside_attribute(name),
                Some(KeyClass::LibraryUsageLocatorV2) => match name {
                    "context_key" | "course_key" => self.field("lib_key").ok_or_else(missing),
                    "block_id" => self.field("usage_id").ok_or_else(missing),
                    _ => Err(missing()),
                },
                Some(KeyClass::DefinitionLocator) if name == "version" => {
                    self.field("definition_id").ok_or_else(missing)
                }
                Some(KeyClass::BundleDefinitionLocator) => {
                    let value = self.field("_version_or_draft").ok_or_else(missing)?;
                    let is_version = matches!(value, KeyValue::Scalar(Scalar::Int(_)));
                    match name {
                        "bundle_version" => Ok(if is_version { value } else { KeyValue::NULL }),
                        "draft_name" => Ok(if is_version { KeyValue::NULL } else { value }),
                        _ => Err(missing()),
                    }
                }
                Some(KeyClass::LibraryCollectionLocator | KeyClass::LibraryContainerLocator) => match name {
                    "context_key" => self.field("lib_key").ok_or_else(missing),
                    "org" => match self.field("lib_key") {
                        Some(KeyValue::Key(library)) => library.attribute("org"),
                        _ => Err(missing()),
                    },
                    _ => Err(missing()),
                },
                _ => Err(missing()),
            },
        }
    }

    fn context_attribute(&self, key: &ContextKey, name: &str) -> Result<KeyValue, KeyError> {
        let course = matches!(key, ContextKey::Course(_) | ContextKey::Ccx(_));
        let library = matches!(key, ContextKey::Library(_));
        match name {
            "is_course" => Ok(key.is_course().into()),
            "version" if course || library => self.attribute("version_guid"),
            "offering" if course => offering(&self.attribute("course")?, &self.attribute("run")?),
            "course" if library => self.attribute("library"),
            "run" if library => Ok(LibraryKey::RUN.into()),
            _ => Err(KeyError::no_attribute(self.class_name(), name)),
        }
    }

    fn block_attribute(&self, name: &str) -> Result<KeyValue, KeyError> {
        let class = self.class_name();
        let is = |wanted: KeyClass| self.class() == Some(wanted);
        let missing = || KeyError::no_attribute(class, name);
        let context_field = if is(KeyClass::LibraryUsageLocator) { "library_key" } else { "course_key" };
        let Some(KeyValue::Key(context)) = self.field(context_field) else { return Err(missing()) };
        match name {
            "context_key" | "course_key" => Ok(KeyValue::Key(context)),
            "definition_key" => Err(KeyError::NotImplemented { class, name: "definition_key" }),
            "run" if is(KeyClass::LibraryUsageLocator) => match context {
                AnyKey::Context(ContextKey::Library(_)) => context.attribute("run"),
                _ => Err(KeyError::no_attribute(context.class_name(), "RUN")),
            },
            "offering" => offering(&self.attribute("course")?, &self.attribute("run")?),
            "version" => self.attribute("version_guid"),
            "revision" => self.attribute("branch"),
            "name" => self.attribute("block_id"),
            "category" => self.attribute("block_type"),
            "path" if is(KeyClass::AssetLocator) => self.attribute("block_id"),
            "asset_type" if is(KeyClass::AssetLocator) => self.attribute("block_type"),
            "tag" if is(KeyClass::AssetLocator) => Ok("c4x".into()),
            "ccx" if is(KeyClass::CcxBlockUsageLocator) => context.attribute("ccx"),
            _ if OF_CONTEXT.contains(&name) => context.attribute(name),
            _ => Err(missing()),
        }
    }

    fn aside_attribute(&self, name: &str) -> Result<KeyValue, KeyError> {
        let (inner, delegated): (_, &[&str]) = match self.class() {
            Some(KeyClass::AsideUsageKeyV1 | KeyClass::AsideUsageKeyV2) => {
                ("usage_key", &["block_id", "block_type", "course_key", "context_key", "definition_key"])
            }
            _ => ("definition_key", &["block_type"]),
        };
        if !delegated.contains(&name) {
            return Err(KeyError::no_attribute(self.class_name(), name));
        }
        match self.field(inner) {
            Some(KeyValue::Key(key)) => key.attribute(name),
            _ => Err(KeyError::no_attribute("value", name)),
        }
    }
}
