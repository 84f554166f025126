//! The declaration of a field, written as a constant beside the block that has it.
use serde_json::json;

use super::conversion::Conversion;
use super::error::FieldError;
use super::ids::ScopeIds;
use super::scope::Scope;
use super::types::FieldType;
use super::unique_id::unique_id;
use super::value::{Json, Value};

/// Says what a field holds when nothing is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldDefault {
    /// The default of the field's type: an empty collection or nothing.
    OfType,
    /// This JSON text, in the stored form.
    Json(&'static str),
    /// A digest of the place where the value would be stored.
    UniqueId,
}

/// Says which values a field may take, for editors to offer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Values {
    /// Any value.
    Any,
    /// One of these JSON texts.
    OneOf(&'static [&'static str]),
    /// One of these, each with the name to show and the JSON text of the value.
    Named(&'static [(&'static str, &'static str)]),
    /// A number between these, in steps.
    Range {
        /// The least value.
        min: Option<f64>,
        /// The greatest value.
        max: Option<f64>,
        /// The distance between values.
        step: Option<f64>,
    },
}

/// Declares a field of a block.
///
/// ```
/// use xblock_core::fields::{FieldSpec, FieldType, Scope};
///
/// static FIELDS: &[FieldSpec] = &[
///     FieldSpec::new("data", FieldType::String, Scope::Content).default("\"\"").help("What is shown."),
///     FieldSpec::new("attempts", FieldType::Integer, Scope::UserState).default("0"),
/// ];
/// assert_eq!(FIELDS[1].default_json().unwrap(), 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct FieldSpec {
    /// The name, unique within a block.
    pub name: &'static str,
    /// The type.
    pub kind: FieldType,
    /// Who shares the value.
    pub scope: Scope,
    /// The value when nothing is stored.
    pub default: FieldDefault,
    /// The name to show; the name itself when none is given.
    pub display_name: Option<&'static str>,
    /// What the field is for, in words for an author.
    pub help: &'static str,
    /// The values an editor should offer.
    pub values: Values,
    /// Whether values that are set are converted first.
    pub enforce_type: bool,
    /// Whether XML holds the value in an element of its own instead of an attribute.
    pub xml_node: bool,
    /// Whether XML holds the value even when nobody set it.
    pub force_export: bool,
    /// Whether editors hide the field.
    pub hidden: bool,
    /// Whether the field is kept only for old content.
    pub deprecated: bool,
    /// Other options for runtimes: names and JSON texts.
    pub options: &'static [(&'static str, &'static str)],
}

impl FieldSpec {
    /// Declares a field with all options at their defaults.
    #[must_use]
    pub const fn new(name: &'static str, kind: FieldType, scope: Scope) -> Self {
        Self {
            name,
            kind,
            scope,
            default: FieldDefault::OfType,
            display_name: None,
            help: "",
            values: Values::Any,
            enforce_type: false,
            xml_node: false,
            force_export: false,
            hidden: false,
            deprecated: false,
            options: &[],
        }
    }

    /// Sets the default, as the JSON text of its stored form.
    #[must_use]
    pub const fn default(mut self, json: &'static str) -> Self {
        self.default = FieldDefault::Json(json);
        self
    }

    /// Makes the default a digest of where the value would be stored, different for every block.
    #[must_use]
    pub const fn unique_id(mut self) -> Self {
        self.default = FieldDefault::UniqueId;
        self
    }

    /// Sets the name to show.
    #[must_use]
    pub const fn display_name(mut self, display_name: &'static str) -> Self {
        self.display_name = Some(display_name);
        self
    }

    /// Sets what the field is for, in words for an author.
    #[must_use]
    pub const fn help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    /// Sets the values an editor should offer.
    #[must_use]
    pub const fn values(mut self, values: Values) -> Self {
        self.values = values;
        self
    }

    /// Converts values that are set.
    #[must_use]
    pub const fn enforce_type(mut self) -> Self {
        self.enforce_type = true;
        self
    }

    /// Keeps the value in an XML element of its own.
    #[must_use]
    pub const fn xml_node(mut self) -> Self {
        self.xml_node = true;
        self
    }

    /// Writes the value to XML even when nobody set it.
    #[must_use]
    pub const fn force_export(mut self) -> Self {
        self.force_export = true;
        self
    }

    /// Hides the field from editors.
    #[must_use]
    pub const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// Keeps the field only for old content.
    #[must_use]
    pub const fn deprecated(mut self) -> Self {
        self.deprecated = true;
        self
    }

    /// Sets other options for runtimes: names and JSON texts.
    #[must_use]
    pub const fn options(mut self, options: &'static [(&'static str, &'static str)]) -> Self {
        self.options = options;
        self
    }

    /// Returns the name to show.
    #[must_use]
    pub const fn shown_name(&self) -> &'static str {
        match self.display_name {
            Some(display_name) => display_name,
            None => self.name,
        }
    }

    /// Tells whether the name is one of those that flow down the course tree.
    #[must_use]
    pub fn is_inheritable(&self) -> bool {
        super::declared::is_inheritable(self.name)
    }

    /// Tells whether it is the parent or the children, which say where a block stands and never have a default.
    #[must_use]
    pub fn is_structural(&self) -> bool {
        matches!(self.name, "parent" | "children")
    }

    /// Returns the default in its stored form; nothing for a unique default, which depends on the block.
    ///
    /// # Errors
    /// [`FieldError::InvalidDefault`] when the declared text is no JSON.
    pub fn default_json(&self) -> Result<Json, FieldError> {
        match self.default {
            FieldDefault::OfType => self.kind.default_value().to_json(),
            FieldDefault::Json(text) => self.parse(text),
            FieldDefault::UniqueId => Ok(Json::Null),
        }
    }

    /// Returns the native default for a block with these ids.
    ///
    /// A declared default is not converted unless the field enforces its type; only types whose values JSON cannot
    /// hold natively read it from its stored form.
    ///
    /// # Errors
    /// A [`FieldError`] when the declared default is no JSON, or none of this field.
    pub fn default_value(&self, ids: &ScopeIds) -> Result<Value, FieldError> {
        let value = match self.default {
            FieldDefault::OfType => return Ok(self.kind.default_value()),
            FieldDefault::UniqueId => Value::from(unique_id(self.scope, self.name, ids)),
            FieldDefault::Json(text) => {
                let value = Value::from(self.parse(text)?);
                // A number is no stored form of those types: it was declared as such, and Python does not convert defaults.
                if self.kind.is_native_json() || value.is_number() {
                    value
                } else {
                    self.kind.load(value, &Conversion::default())?
                }
            }
        };
        self.kind.check_default(value, self.enforce_type)
    }

    fn parse(&self, text: &'static str) -> Result<Json, FieldError> {
        serde_json::from_str(text)
            .map_err(|error| FieldError::InvalidDefault { field: self.name, problem: error.to_string() })
    }

    /// Converts a stored value to the native one.
    ///
    /// # Errors
    /// A [`FieldError`] when the value is none of this field.
    pub fn from_json(&self, json: &Json) -> Result<Value, FieldError> {
        self.kind.from_json(json)
    }

    /// Converts a native value to the one to store; an XML text of a field that enforces its type must be well-formed.
    ///
    /// # Errors
    /// A [`FieldError`] when the value is none of this field, or has no JSON form.
    pub fn to_json(&self, value: &Value) -> Result<Json, FieldError> {
        self.check_xml(value)?;
        self.kind.to_json(value)
    }

    /// Converts a native value to what the Python class hands its store, as [`FieldType::dump`] does, but for an XML text
    /// of a field that enforces its type, which must be well-formed.
    ///
    /// # Errors
    /// A [`FieldError`] when the value is none of this field.
    pub fn dump(&self, value: &Value) -> Result<Value, FieldError> {
        self.check_xml(value)?;
        self.kind.dump(value)
    }

    /// Does what `to_string` of the Python class does, as [`FieldType::dump_text`] does, but for an XML text of a field that
    /// enforces its type, which must be well-formed.
    ///
    /// # Errors
    /// A [`FieldError`] when the value is none of this field or has no text.
    pub fn dump_text(&self, value: &Value) -> Result<Value, FieldError> {
        self.check_xml(value)?;
        self.kind.dump_text(value)
    }

    fn check_xml(&self, value: &Value) -> Result<(), FieldError> {
        if self.enforce_type && self.kind == FieldType::XmlString {
            self.kind.enforce(value.clone(), &Conversion::default())?;
        }
        Ok(())
    }

    /// Converts a value that is being set: cleaned always, brought to the type when the field enforces it.
    ///
    /// # Errors
    /// A [`FieldError`] when the value is none of this field.
    pub fn check(&self, value: Value, conversion: &Conversion) -> Result<Value, FieldError> {
        let value = if self.enforce_type { self.kind.enforce(value, conversion)? } else { value };
        self.kind.sanitize(value)
    }

    /// Returns the values an editor should offer, as XBlock describes them; a truth value always has two.
    ///
    /// # Errors
    /// [`FieldError::InvalidDefault`] when a declared value is no JSON.
    pub fn values_json(&self) -> Result<Json, FieldError> {
        if self.kind == FieldType::Boolean {
            return Ok(json!([
                {"display_name": "True", "value": true},
                {"display_name": "False", "value": false},
            ]));
        }
        Ok(match self.values {
            Values::Any => Json::Null,
            Values::OneOf(texts) => {
                Json::Array(texts.iter().map(|text| self.parse(text)).collect::<Result<_, _>>()?)
            }
            Values::Named(pairs) => Json::Array(
                pairs
                    .iter()
                    .map(|(shown, text)| Ok(json!({"display_name": shown, "value": self.parse(text)?})))
                    .collect::<Result<_, FieldError>>()?,
            ),
            Values::Range { min, max, step } => Json::Object(
                [("min", min), ("max", max), ("step", step)]
                    .into_iter()
                    .filter_map(|(name, bound)| Some((name.to_owned(), super::schema::number(bound?))))
                    .collect(),
            ),
        })
    }
}
