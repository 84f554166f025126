//! JSON Schema of stored field values (draft 2020-12).
//!
//! Numbers may be texts, which their fields read and old content has. Every value may be null. Offered values and bounds are
//! part of the schema although XBlock enforces neither: a value outside them is one that no editor writes (xblock
//! reference, section 2).
use serde_json::{Map, json};

use super::error::FieldError;
use super::spec::{FieldDefault, FieldSpec, Values};
use super::types::FieldType;
use super::value::Json;

impl FieldSpec {
    /// Returns a JSON Schema of the stored form, with the scope and the Python class under `x-xblock-` names.
    ///
    /// # Errors
    /// [`FieldError::InvalidDefault`] when a declared default, value or option is no JSON.
    pub fn json_schema(&self) -> Result<Json, FieldError> {
        let mut schema = type_schema(self.kind);
        schema.insert("title".to_owned(), Json::from(self.shown_name()));
        if !self.help.is_empty() {
            schema.insert("description".to_owned(), Json::from(self.help));
        }
        if self.default == FieldDefault::UniqueId {
            schema.insert("x-xblock-default".to_owned(), Json::from("unique_id"));
        } else {
            schema.insert("default".to_owned(), self.default_json()?);
        }
        self.add_values(&mut schema)?;
        schema.insert("x-xblock-type".to_owned(), Json::from(self.kind.class_name()));
        schema.insert("x-xblock-scope".to_owned(), Json::from(self.scope.name()));
        if self.deprecated {
            schema.insert("deprecated".to_owned(), Json::Bool(true));
        }
        for (name, on) in [
            ("x-xblock-hidden", self.hidden),
            ("x-xblock-inheritable", self.is_inheritable()),
            ("x-xblock-enforce-type", self.enforce_type),
            ("x-xblock-xml-node", self.xml_node),
            ("x-xblock-force-export", self.force_export),
        ] {
            if on {
                schema.insert(name.to_owned(), Json::Bool(true));
            }
        }
        if !self.options.is_empty() {
            schema.insert("x-xblock-options".to_owned(), self.options_json()?);
        }
        Ok(Json::Object(schema))
    }

    /// Returns the runtime options as XBlock keeps them, `hidden` and `deprecated` among them when set.
    ///
    /// # Errors
    /// [`FieldError::InvalidDefault`] when a declared option is no JSON.
    pub fn options_json(&self) -> Result<Json, FieldError> {
        let mut options = Map::new();
        for (name, on) in [("hidden", self.hidden), ("deprecated", self.deprecated)] {
            if on {
                options.insert(name.to_owned(), Json::Bool(true));
            }
        }
        for (name, text) in self.options {
            let value = serde_json::from_str(text).map_err(|error| FieldError::InvalidDefault {
                field: self.name,
                problem: error.to_string(),
            })?;
            options.insert((*name).to_owned(), value);
        }
        Ok(Json::Object(options))
    }

    fn add_values(&self, schema: &mut Map<String, Json>) -> Result<(), FieldError> {
        match self.values {
            Values::Any => {}
            Values::OneOf(_) => {
                let mut values = self.values_json()?;
                if let Some(values) = values.as_array_mut()
                    && !values.contains(&Json::Null)
                {
                    values.push(Json::Null);
                }
                schema.insert("enum".to_owned(), values);
            }
            Values::Named(_) => {
                let choices = self.values_json()?;
                let choices = choices.as_array().into_iter().flatten();
                let choices =
                    choices.map(|pair| json!({"title": pair["display_name"], "const": pair["value"]}));
                let choices = choices.chain([json!({"type": "null"})]);
                schema.insert("anyOf".to_owned(), Json::Array(choices.collect()));
            }
            Values::Range { min, max, step } => {
                for (name, bound) in [("minimum", min), ("maximum", max), ("x-xblock-step", step)] {
                    if let Some(bound) = bound {
                        schema.insert(name.to_owned(), number(bound));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Returns a number as an integer when it is whole.
pub(crate) fn number(value: f64) -> Json {
    #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
    if value.fract() == 0.0 && value.abs() < 1e15 { Json::from(value as i64) } else { Json::from(value) }
}

/// Texts that Python's `int()` reads, in ASCII, and the empty one.
const INTEGER_TEXT: &str = r"^\s*([+-]?[0-9](_?[0-9])*)?\s*$";
/// Texts that Python's `float()` reads, in ASCII, and the empty one.
const FLOAT_TEXT: &str = r"^\s*([+-]?(([0-9](_?[0-9])*(\.([0-9](_?[0-9])*)?)?|\.[0-9](_?[0-9])*)([eE][+-]?[0-9](_?[0-9])*)?|[iI][nN][fF]([iI][nN][iI][tT][yY])?|[nN][aA][nN]))?\s*$";

fn type_schema(kind: FieldType) -> Map<String, Json> {
    let schema = match kind {
        FieldType::Integer => json!({"type": ["integer", "string", "null"], "pattern": INTEGER_TEXT}),
        FieldType::Float => json!({"type": ["number", "string", "null"], "pattern": FLOAT_TEXT}),
        FieldType::Boolean => json!({"type": ["boolean", "null"]}),
        FieldType::Dict | FieldType::GroupAccessDict => json!({"type": ["object", "null"]}),
        FieldType::ReferenceValueDict => {
            json!({"type": ["object", "null"], "additionalProperties": {"type": ["string", "null"]}})
        }
        FieldType::List
        | FieldType::TextbookList
        | FieldType::CourseTabList
        | FieldType::UserPartitionList => {
            json!({"type": ["array", "null"]})
        }
        FieldType::Set => json!({"type": ["array", "null"], "uniqueItems": true}),
        FieldType::ReferenceList => json!({"type": ["array", "null"], "items": {"type": "string"}}),
        FieldType::String | FieldType::Randomization | FieldType::Reference => {
            json!({"type": ["string", "null"]})
        }
        FieldType::XmlString => json!({"type": ["string", "null"], "contentMediaType": "application/xml"}),
        FieldType::Date => json!({"type": ["string", "null"], "format": "date-time"}),
        FieldType::DateTime => json!({"type": ["string", "number", "null"]}),
        FieldType::Timedelta => {
            json!({"type": ["string", "null"], "examples": ["1 day 2 hours"], "x-xblock-format": "timedelta"})
        }
        FieldType::RelativeTime => {
            json!({"type": ["string", "number", "null"], "examples": ["00:01:30"], "x-xblock-format": "relative-time"})
        }
        FieldType::Any | FieldType::JsonField | FieldType::Field => json!({}),
        FieldType::Score => score_schema(),
        FieldType::ListScore => json!({"type": ["array", "null"], "items": score_schema()}),
    };
    match schema {
        Json::Object(members) => members,
        _ => Map::new(),
    }
}

fn score_schema() -> Json {
    json!({
        "type": ["object", "null"],
        "required": ["raw_earned", "raw_possible"],
        "additionalProperties": false,
        "properties": {
            "raw_earned": {"type": "number", "minimum": 0},
            "raw_possible": {"type": "number", "minimum": 0},
        },
    })
}
