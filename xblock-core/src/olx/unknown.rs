//! Blocks of types nobody knows, kept so that nothing of them is lost.

use serde_json::Map;

use crate::fields::{Json, Scope};
use crate::runtime::BlockData;

use super::convention::OlxConvention;
use super::course_xml::{
    Body, CourseXml, Loaded, insert_field, is_pointer, pointer_path, read_course_xml,
    read_definition_element, remove_settings,
};
use super::definition::DefinitionForm;
use super::element::Element;
use super::error::OlxError;
use super::package::Reading;
use super::plain::FAMILY_ATTRIBUTE;
use super::serialise::WriteOptions;
use super::write::{BlockSource, WriteError, WriteHost, XmlForm, write_raw};

/// The form in which blocks of unknown types are kept.
///
/// Settings that every block has become fields, other attributes go to `xml_attributes`, and the whole element without
/// those settings is the text in `data`, byte for byte as it would be handed on. An element that says
/// `xblock-family="xblock.v1"` keeps saying so in `xml_attributes`, and its settings are read by XBlock's own rules.
/// A pointer without a file is the block itself.
#[derive(Debug, Clone, Copy)]
pub struct UnknownOlx;

impl OlxConvention for UnknownOlx {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        if let Some(family) = reading.family() {
            let family = family.to_owned();
            return Ok(read_family(element, family, reading));
        }
        if is_pointer(&element) && !reading.exists(&pointer_path(&element))? {
            return read_definition_element(self, element, None, reading);
        }
        read_course_xml(self, element, reading)
    }

    fn write(
        &self,
        block: &BlockSource<'_>,
        host: &mut dyn WriteHost,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        // A block that says its family was never a pointer, for only the platform's own types are.
        let attributes = block.own("xml_attributes");
        let is_inline = attributes.is_some_and(|attributes| attributes.get(FAMILY_ATTRIBUTE).is_some());
        let form = if is_inline { XmlForm::INLINE } else { XmlForm::default() };
        if is_inline {
            // The name has its place among the attributes of the data.
            node.remove("url_name");
        }
        write_raw(block, host, form, node)?;
        Ok(true)
    }

    fn definition_form(&self) -> DefinitionForm {
        DefinitionForm::WholeElement
    }
}

impl CourseXml for UnknownOlx {
    fn body(&self, element: &Element, _: &mut Reading<'_, '_>) -> Result<Body, OlxError> {
        let mut body = Body::default();
        body.set("data", element.to_text(WriteOptions::default()));
        Ok(body)
    }

    // Neither `filename` nor `<meta>` has a meaning that every type shares.
    fn load(&self, mut element: Element, reading: &mut Reading<'_, '_>) -> Result<Loaded, OlxError> {
        remove_settings(&mut element, reading.block_type());
        Ok(Loaded { body: self.body(&element, reading)?, ..Loaded::default() })
    }
}

fn read_family(mut element: Element, family: String, reading: &Reading<'_, '_>) -> BlockData {
    let mut data = BlockData::default();
    let mut unknown = Map::new();
    let table = reading.block_type().table();
    let attributes = std::mem::take(&mut element.attributes);
    for attribute in attributes {
        let entry = table.entry(&attribute.name).filter(|(spec, _)| spec.scope == Scope::Settings);
        let value = entry.and_then(|(spec, name)| {
            let value = spec.kind.parse_text(&attribute.value, reading.conversion()).ok()?;
            Some((spec, name, spec.to_json(&value).ok()?))
        });
        match value {
            Some((spec, name, value)) => insert_field(&mut data, spec, name, value),
            None if attribute.name == "url_name" => element.attributes.push(attribute),
            None => {
                unknown.insert(attribute.name.to_string(), Json::from(attribute.value.as_str()));
                if !reading.is_place_of_draft(&attribute.name) {
                    element.attributes.push(attribute);
                }
            }
        }
    }
    unknown.insert(FAMILY_ATTRIBUTE.into(), family.into());
    data.content.insert("data".into(), element.to_text(WriteOptions::default()).into());
    data.settings.insert("xml_attributes".into(), Json::Object(unknown));
    data
}
