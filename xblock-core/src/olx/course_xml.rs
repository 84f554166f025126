//! The course form of OLX: pointers to definition files, attributes read as JSON, policies over them.
//!
//! Most of the platform's own types are read this way (xblock reference, section 17; blocks reference, section 4).

use std::sync::Arc;

use foldhash::fast::RandomState;
use serde_json::Map;

use crate::block::BlockType;
use crate::fields::{FieldError, FieldSpec, FieldTable, FieldType, Json, Scope};
use crate::keys::UsageKey;
use crate::runtime::{BlockData, FieldMap};

use super::element::{Attribute, Element};
use super::error::OlxError;
use super::package::{Fidelity, Reading};
use super::position::Located;

/// Attributes that are never loaded as fields and never written.
pub const STRIPPED_ATTRIBUTES: [&str; 10] = [
    "data_dir",
    "tabs",
    "grading_policy",
    "discussion_blackouts",
    "course",
    "org",
    "url_name",
    "filename",
    "xml_attributes",
    "x-is-pointer-node",
];

/// What a type makes of its definition element.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Body {
    /// Values of fields, which win over attributes and policy; the last of a name counts.
    pub fields: Vec<(&'static str, Json)>,
    /// The children in order.
    pub children: Vec<UsageKey>,
}

impl Body {
    /// Sets a field.
    pub fn set(&mut self, field: &'static str, value: impl Into<Json>) {
        if self.fields.is_empty() {
            // Most types set no more.
            self.fields.reserve_exact(1);
        }
        self.fields.push((field, value.into()));
    }
}

/// A definition element that was loaded, with the file it came from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Loaded {
    /// What the type made of it.
    pub body: Body,
    /// The path the `filename` attribute led to, empty without one.
    pub path: String,
    /// The `filename` attribute.
    pub filename: Option<String>,
    /// The JSON of a `<meta>` child.
    pub meta: Option<Map<String, Json>>,
}

/// What differs between the types that are read in the course form.
pub trait CourseXml: Send + Sync {
    /// Makes fields and children of the definition element, whose settings attributes are gone.
    ///
    /// # Errors
    /// An [`OlxError`] where the type cannot use the element.
    fn body(&self, element: &Element, reading: &mut Reading<'_, '_>) -> Result<Body, OlxError>;

    /// Lists where else to look for a definition file that is not at its path.
    fn fallback_paths(&self, path: &str) -> Vec<String> {
        let _ = path;
        Vec::new()
    }

    /// Loads the definition, following a `filename` attribute. Few types need their own way.
    ///
    /// # Errors
    /// An [`OlxError`] where a file is missing or broken, and those of [`CourseXml::body`].
    fn load(&self, mut element: Element, reading: &mut Reading<'_, '_>) -> Result<Loaded, OlxError> {
        let mut loaded = Loaded::default();
        if let Some(attribute) = element.attribute("filename") {
            let (name, at) = (attribute.value.to_string(), element.mark());
            let path = format!("{}/{name}.xml", element.name);
            loaded.path = match reading.exists(&path)? {
                true => path,
                false => reading.first_existing(self.fallback_paths(&path))?.unwrap_or(path),
            };
            loaded.filename = Some(name);
            let document = reading.load_xml(&loaded.path, at)?;
            reading.enter(document.source);
            let mut root = document.root;
            reading.take_asides(&mut root);
            for attribute in element.attributes {
                root.set(&attribute.name, attribute.value);
            }
            element = root;
        }
        loaded.meta = take_meta(&mut element);
        remove_settings(&mut element, reading.block_type());
        loaded.body = self.body(&element, reading)?;
        Ok(loaded)
    }
}

/// Reads a block in the course form.
///
/// # Errors
/// An [`OlxError`] where a file is missing or broken or the type refuses its definition.
pub fn read_course_xml(
    form: &dyn CourseXml,
    element: Element,
    reading: &mut Reading<'_, '_>,
) -> Result<BlockData, OlxError> {
    let (definition, pointer) = resolve_pointer(element, reading)?;
    read_definition_element(form, definition, pointer, reading)
}

/// Reads a block from its definition element, which came from the file `pointer` if there was one.
///
/// # Errors
/// As [`read_course_xml`].
pub fn read_definition_element(
    form: &dyn CourseXml,
    mut definition: Element,
    pointer: Option<String>,
    reading: &mut Reading<'_, '_>,
) -> Result<BlockData, OlxError> {
    let at = definition.mark();
    let attributes = definition.attributes.clone();
    let source = reading.source().clone();
    // Only prefixes have to be looked up before the element is taken apart.
    let prefixed = attributes.iter().enumerate().filter(|(_, a)| a.name.contains(':'));
    let full_names: Vec<_> =
        prefixed.map(|(at, a)| (at, definition.attribute_name(a).into_owned())).collect();
    definition.attributes.retain(|a| !reading.is_place_of_draft(&a.name));
    let loaded = form.load(definition, reading)?;
    let filename = match (pointer, loaded.filename) {
        (Some(path), _) => Json::Array(vec![path.clone().into(), path.into()]),
        (None, name) => Json::Array(vec![loaded.path.into(), name.into()]),
    };
    let inner = std::mem::replace(reading.source_mut(), source);
    let table = reading.block_type().table().clone();
    // Maps that know what comes take no more memory than that.
    let with_room = |count| FieldMap::with_capacity_and_hasher(count, RandomState::default());
    let data = BlockData {
        content: with_room(loaded.body.fields.len()),
        settings: with_room(attributes.len() + 1),
        ..BlockData::default()
    };
    let mut block = Merge { table: &table, data, unknown: Map::with_capacity(1) };
    let mut full_names = full_names.into_iter().peekable();
    for (at, attribute) in attributes.iter().enumerate() {
        let full_name = full_names.next_if(|(place, _)| *place == at);
        block.attribute(attribute, full_name.as_ref().map_or(&*attribute.name, |(_, name)| name), reading);
    }
    let loses_unknown = reading.fidelity() == Fidelity::Platform;
    for (name, value) in loaded.meta.into_iter().flatten() {
        if loses_unknown && reading.block_type().field(&name).is_none() {
            continue;
        }
        block.json(name, value, &at, "", reading);
    }
    if let Some(policy) = reading.policy() {
        for (name, value) in policy.clone() {
            block.json(name, value, &at, " (it stands in the course's policy)", reading);
        }
    }
    let mut unknown = block.unknown;
    unknown.insert("filename".into(), filename);
    let name =
        table.entry("xml_attributes").map_or_else(|| "xml_attributes".into(), |(_, name)| name.clone());
    block.data.settings.insert(name, Json::Object(unknown));
    *reading.source_mut() = inner;
    for (name, value) in loaded.body.fields {
        let (map, name) = match table.entry(name) {
            Some((spec, name)) if spec.scope == Scope::Content => (&mut block.data.content, name.clone()),
            Some((_, name)) => (&mut block.data.settings, name.clone()),
            None => (&mut block.data.settings, name.into()),
        };
        map.insert(name, value);
    }
    block.data.children = loaded.body.children;
    Ok(block.data)
}

/// Follows a pointer to its file; takes the asides out of what is found.
///
/// The path of the file comes along where there was a pointer.
///
/// # Errors
/// [`OlxError::MissingFile`] and whatever is wrong with the file.
pub fn resolve_pointer(
    element: Element,
    reading: &mut Reading<'_, '_>,
) -> Result<(Element, Option<String>), OlxError> {
    if !is_pointer(&element) {
        return Ok((element, None));
    }
    let path = pointer_path(&element);
    let document = reading.load_xml(&path, &element)?;
    reading.enter(document.source);
    let mut root = document.root;
    // The pointer says the type, and that is what an export calls the file's element.
    if reading.fidelity() == Fidelity::LoseNothing && root.name != element.name {
        root.name = element.name.clone();
    }
    reading.take_asides(&mut root);
    Ok((root, Some(path)))
}

/// Says whether an element only points to the file that defines it.
#[must_use]
pub fn is_pointer(element: &Element) -> bool {
    let wanted: &[&str] =
        if element.name == "course" { &["url_name", "org", "course"] } else { &["url_name"] };
    element.attributes.len() == wanted.len()
        && wanted.iter().all(|name| element.attribute(name).is_some())
        && !element.has_children()
        && element.text().is_none_or(|text| text.trim().is_empty())
}

/// Returns the path of the file a pointer names.
#[must_use]
pub fn pointer_path(element: &Element) -> String {
    let name = element.get("url_name").unwrap_or_default();
    if name.contains(':') {
        return [&element.name, "/", &name_to_path(name), ".xml"].concat();
    }
    [&element.name, "/", name, ".xml"].concat()
}

/// Returns the part of a file's path that a block's name makes: a colon divides folders.
#[must_use]
pub fn name_to_path(name: &str) -> String {
    name.replace(':', "/")
}

/// Takes the first `<meta>` child out, with the text after it, and returns its JSON.
fn take_meta(element: &mut Element) -> Option<Map<String, Json>> {
    let at = element.children.iter().position(|n| n.as_element().is_some_and(|e| e.name == "meta"))?;
    let tail = element.children[at + 1..].iter().take_while(|n| n.as_text().is_some()).count();
    let removed: Vec<_> = element.children.drain(at..=at + tail).collect();
    let meta = removed.first()?.as_element()?;
    serde_json::from_str(meta.text()?.as_ref()).ok()
}

/// Removes the attributes that are named like settings fields.
pub fn remove_settings(element: &mut Element, block_type: &BlockType) {
    element.attributes.retain(|a| block_type.field(&a.name).is_none_or(|spec| spec.scope != Scope::Settings));
}

/// Reads an attribute's text as a field's value: as JSON where that is JSON the field accepts, else as it is.
#[must_use]
pub fn attribute_json(spec: &FieldSpec, text: &str) -> Json {
    let is_maybe_json = text.bytes().next().is_some_and(|b| {
        matches!(
            b,
            b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' | b' ' | b'\t' | b'\n' | b'\r'
        )
    });
    if is_maybe_json
        && let Ok(value) = serde_json::from_str::<Json>(text)
        && (value.is_null() || spec.kind.is_stored_form(&value) || spec.from_json(&value).is_ok())
    {
        return value;
    }
    // Python's JSON knows numbers that are none; all of them are true.
    if spec.kind == FieldType::Boolean && matches!(text.trim(), "NaN" | "Infinity" | "-Infinity") {
        return Json::Bool(true);
    }
    Json::from(text)
}

/// Brings a value to the form in which stores keep it.
///
/// # Errors
/// The value with what the field says, where it is none of it; such a value is kept as it came.
pub fn stored_json(spec: &FieldSpec, value: Json) -> Result<Json, (Json, FieldError)> {
    if spec.kind.is_stored_form(&value) {
        return Ok(value);
    }
    let stored = spec.from_json(&value).and_then(|native| spec.to_json(&native));
    stored.map_err(|error| (value, error))
}

/// Fields put together from attributes, `<meta>` and policy.
struct Merge<'t> {
    table: &'t FieldTable,
    data: BlockData,
    unknown: Map<String, Json>,
}

impl Merge<'_> {
    fn attribute(&mut self, attribute: &Attribute, name: &str, reading: &mut Reading<'_, '_>) {
        if STRIPPED_ATTRIBUTES.contains(&name) {
            return;
        }
        match self.table.entry(name) {
            Some((spec, name)) => {
                let value = attribute_json(spec, &attribute.value);
                let value = reading.stored(spec, value, attribute);
                insert_field(&mut self.data, spec, name, value);
            }
            None => drop(self.unknown.insert(name.to_owned(), Json::from(attribute.value.as_str()))),
        }
    }

    fn json(
        &mut self,
        name: String,
        value: Json,
        at: impl Located,
        whence: &str,
        reading: &mut Reading<'_, '_>,
    ) {
        match self.table.entry(&name) {
            None => drop(self.unknown.insert(name, value)),
            Some((spec, _)) if spec.name == "xml_attributes" => {
                if let Json::Object(unknown) = value {
                    self.unknown = unknown;
                }
            }
            Some((spec, name)) => {
                let value = reading.stored_from(spec, value, at, whence);
                insert_field(&mut self.data, spec, name, value);
            }
        }
    }
}

/// Puts a value where its scope belongs; the parent and the children are kept elsewhere.
///
/// The field and its name are an entry of the type's [`FieldTable`].
pub fn insert_field(data: &mut BlockData, spec: &FieldSpec, name: &Arc<str>, value: Json) {
    let map = match spec.scope {
        Scope::Content => &mut data.content,
        Scope::Parent | Scope::Children => return,
        _ => &mut data.settings,
    };
    map.insert(name.clone(), value);
}
