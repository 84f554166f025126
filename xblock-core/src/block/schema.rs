//! JSON Schema of a block type: what its fields hold, readable by machines.

use serde_json::{Map, json};

use crate::fields::{FieldError, FieldSpec, Json};

use super::aside::AsideClass;
use super::registry::BlockType;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

impl BlockType {
    /// Returns a JSON Schema (draft 2020-12) of the type's fields in their stored form, of all scopes.
    ///
    /// Scope, Python class and what editors should know stand under `x-xblock-` names. Names that are no fields are
    /// allowed, because old content has them.
    ///
    /// # Errors
    /// [`FieldError::InvalidDefault`] where a declared default or value is no JSON.
    pub fn json_schema(&self) -> Result<Json, FieldError> {
        let class = self.class;
        let mut schema = object(&self.name, self.fields())?;
        schema.extend([
            ("x-xblock-has-children".to_owned(), class.has_children.into()),
            ("x-xblock-has-score".to_owned(), class.has_score.into()),
            ("x-xblock-completion-mode".to_owned(), class.completion_mode.name().into()),
            ("x-xblock-views".to_owned(), class.views.into()),
            ("x-xblock-handlers".to_owned(), class.handlers.into()),
            ("x-xblock-needs".to_owned(), class.services.needs.into()),
            ("x-xblock-wants".to_owned(), class.services.wants.into()),
        ]);
        Ok(Json::Object(schema))
    }
}

impl AsideClass {
    /// Returns a JSON Schema (draft 2020-12) of the aside's fields, as [`BlockType::json_schema`] does of a block's.
    ///
    /// # Errors
    /// [`FieldError::InvalidDefault`] where a declared default or value is no JSON.
    pub fn json_schema(&self) -> Result<Json, FieldError> {
        Ok(Json::Object(object(self.aside_type, self.fields)?))
    }
}

fn object(title: &str, fields: &[FieldSpec]) -> Result<Map<String, Json>, FieldError> {
    let mut properties = Map::new();
    for field in fields {
        properties.insert(field.name.to_owned(), field.json_schema()?);
    }
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), Json::from(DIALECT));
    schema.insert("title".to_owned(), Json::from(title));
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Json::Object(properties));
    Ok(schema)
}
