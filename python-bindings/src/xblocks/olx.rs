//! OLX of single blocks: an element to stored field values and back.

use std::io;

use pyo3::prelude::*;
use serde_json::{Value as Json, json};
use xblock_core::fields::Scope;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::olx::{
    BlockSource, BrokenBlocks, Diagnostic, Element, Links, Names, OlxError, PackageSource, Placement,
    ReadOptions, STRIPPED_ATTRIBUTES, Source, SourceError, WriteError, WriteHost, WriteOptions,
    attribute_value, is_attribute_name, is_xml_text, json_line, read_blocks,
};
use xblock_core::runtime::{BlockData, FieldMap};

use crate::error::BindingError;

use super::classes::{native_type, registry};
use super::context::usage_key;
use super::surroundings::Surroundings;

/// The field that keeps attributes which are no field.
const UNKNOWN_ATTRIBUTES: &str = "xml_attributes";

/// The context single elements are read into; nothing of it is in the result.
fn somewhere() -> Result<ContextKey, BindingError> {
    let text = "course-v1:xblock+local+runtime";
    text.parse().map_err(|source| BindingError::Key { text: text.to_owned(), source })
}

/// The course package around an element, as far as the Python runtime offers one.
struct PythonPackage(Surroundings);

impl PackageSource for PythonPackage {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.0.call("read_file", &[path])?)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, SourceError> {
        Ok(self.0.call("list_folder", &[folder])?)
    }
}

/// Reads an element into stored field values: JSON text of an object with `content` and `settings`.
///
/// `files` has `read_file(path)` and `list_folder(path)`; pointers and `filename` attributes lead there.
#[pyfunction]
pub(crate) fn read_olx(block_type: &str, xml: &str, files: Py<PyAny>) -> PyResult<String> {
    native_type(block_type)?;
    let options =
        ReadOptions::default().broken_blocks(BrokenBlocks::LeaveOut).links(Links::Keep).names(Names::AsGiven);
    let source = Source::new(format!("<{block_type}>").as_str().into(), xml.into());
    let files = PythonPackage(Surroundings(files));
    let tree = read_blocks(source, &files, registry()?, &options, somewhere()?, serde_json::Map::new())
        .map_err(BindingError::from)?;
    let data = tree.blocks.get(&tree.root).ok_or_else(|| BindingError::from(OlxError::NotOlx))?;
    Ok(json!({ "content": data.content, "settings": data.settings }).to_string())
}

/// An element's text, and the files it points to.
type Written = (String, Vec<(String, Vec<u8>)>);

/// Writes stored field values, as [`read_olx`] returns them, as an element.
///
/// Returns its text, and with `to_files` the files of the course package it points to; without, everything is in the text.
#[pyfunction]
pub(crate) fn write_olx(block_type: &str, usage: &str, fields: &str, to_files: bool) -> PyResult<Written> {
    let block_type = native_type(block_type)?;
    let usage = usage_key(usage, &block_type.name);
    let failed = |reason: String| BindingError::Block { key: Some(usage.to_string()), reason };
    let fields: Json = serde_json::from_str(fields).map_err(|error| failed(error.to_string()))?;
    let map = |name: &str| -> FieldMap {
        let object = fields.get(name).and_then(Json::as_object);
        object.into_iter().flatten().map(|(name, value)| (name.as_str().into(), value.clone())).collect()
    };
    let data = BlockData { content: map("content"), settings: map("settings"), ..BlockData::default() };
    let placement = if to_files { Placement::File } else { Placement::Inline };
    let mut host = ElementHost { placement, files: Vec::new() };
    let mut node = Element::new(&*block_type.name);
    let source = BlockSource { usage: &usage, block_type: &block_type, data: &data };
    block_type.class.olx.write(&source, &mut host, &mut node).map_err(|error| failed(error.to_string()))?;
    if !to_files {
        complete_settings(&source, &host, &mut node);
    }
    Ok((node.to_text(WriteOptions::PRETTY), host.files))
}

/// Completes a type's inline form, which may leave out settings and unknown attributes and write down defaults.
fn complete_settings(source: &BlockSource<'_>, host: &ElementHost, node: &mut Element) {
    node.attributes.retain(|attribute| {
        let spec = source.block_type.field(&attribute.name);
        spec.is_none_or(|spec| spec.scope != Scope::Settings || source.own(spec.name).is_some())
    });
    let unknown = source.own(UNKNOWN_ATTRIBUTES).and_then(Json::as_object).into_iter().flatten();
    let unknown = unknown.filter(|(name, _)| !STRIPPED_ATTRIBUTES.contains(&name.as_str()));
    let unknown = unknown.map(|(name, value)| {
        let text = value.as_str().map_or_else(|| json_line(value), str::to_owned);
        (name.as_str(), text)
    });
    let settings = source.data.settings.iter().filter(|(name, _)| &***name != UNKNOWN_ATTRIBUTES);
    let settings = settings.filter_map(|(name, value)| {
        let spec = source.block_type.field(name)?;
        Some((&**name, attribute_value(spec, value, host).0))
    });
    for (name, text) in unknown.chain(settings) {
        if node.get(name).is_none() && is_attribute_name(name) && is_xml_text(&text) {
            node.set_clark(name, text);
        }
    }
}

/// Takes what a single block is written into.
struct ElementHost {
    placement: Placement,
    files: Vec<(String, Vec<u8>)>,
}

impl WriteHost for ElementHost {
    fn placement(&self) -> Placement {
        self.placement
    }

    // The types written here have no children.
    fn child(&mut self, _: &UsageKey) -> Result<Option<Element>, WriteError> {
        Ok(None)
    }

    fn file(&mut self, path: &str, bytes: &[u8]) -> Result<(), WriteError> {
        if self.files.iter().any(|(taken, _)| taken == path) {
            let source = io::ErrorKind::AlreadyExists.into();
            return Err(WriteError::File { path: path.to_owned(), source });
        }
        self.files.push((path.to_owned(), bytes.to_vec()));
        Ok(())
    }

    fn reference(&self, key: &str) -> String {
        key.to_owned()
    }

    fn policy(&mut self, _: &UsageKey, _: &str, _: &Json) -> bool {
        false
    }

    fn report(&mut self, _: Diagnostic) {}
}
