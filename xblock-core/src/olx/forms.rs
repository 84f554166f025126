//! The forms that several block types share.

use crate::fields::{Json, Scope};
use crate::keys::UsageKey;
use crate::runtime::BlockData;

use super::convention::OlxConvention;
use super::course_xml::{Body, CourseXml, read_course_xml};
use super::definition::DefinitionForm;
use super::diagnostic::Severity;
use super::element::Element;
use super::error::OlxError;
use super::package::{PointerChildren, Reading};
use super::plain::read_plain;
use super::serialise::WriteOptions;
use super::write::{BlockSource, WriteError, WriteHost, XmlForm, write_raw, write_sequence};

/// The form of types that keep their whole element as text (problem, raw, customtag).
#[derive(Debug, Clone, Copy)]
pub struct RawOlx;

impl OlxConvention for RawOlx {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        read_course_xml(self, element, reading)
    }

    fn write(
        &self,
        block: &BlockSource<'_>,
        host: &mut dyn WriteHost,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        write_raw(block, host, XmlForm::default(), node)?;
        Ok(true)
    }

    fn definition_form(&self) -> DefinitionForm {
        DefinitionForm::WholeElement
    }
}

impl CourseXml for RawOlx {
    fn body(&self, element: &Element, _: &mut Reading<'_, '_>) -> Result<Body, OlxError> {
        Ok(data_body(element.to_text(WriteOptions::PRETTY)))
    }
}

/// The same, except that an element without attributes and children is kept as the empty text (annotatable,
/// word_cloud, lti).
#[derive(Debug, Clone, Copy)]
pub struct EmptyRawOlx;

impl OlxConvention for EmptyRawOlx {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        read_course_xml(self, element, reading)
    }

    fn write(
        &self,
        block: &BlockSource<'_>,
        host: &mut dyn WriteHost,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        write_raw(block, host, XmlForm::default(), node)?;
        Ok(true)
    }

    fn definition_form(&self) -> DefinitionForm {
        DefinitionForm::Attributes
    }
}

impl CourseXml for EmptyRawOlx {
    fn body(&self, element: &Element, _: &mut Reading<'_, '_>) -> Result<Body, OlxError> {
        if element.attributes.is_empty() && !element.has_children() {
            return Ok(data_body(String::new()));
        }
        Ok(data_body(element.to_text(WriteOptions::PRETTY)))
    }
}

fn data_body(data: String) -> Body {
    let mut body = Body::default();
    body.set("data", data);
    body
}

/// The form of containers whose children follow their own pointers (chapter, sequential, randomize, itembank,
/// library_content).
#[derive(Debug, Clone, Copy)]
pub struct SequenceOlx;

impl OlxConvention for SequenceOlx {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        read_course_xml(self, element, reading)
    }

    fn write(
        &self,
        block: &BlockSource<'_>,
        host: &mut dyn WriteHost,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        write_sequence(block, host, node)?;
        Ok(true)
    }
}

impl CourseXml for SequenceOlx {
    fn body(&self, element: &Element, reading: &mut Reading<'_, '_>) -> Result<Body, OlxError> {
        let children = reading.children(element, PointerChildren::Follow)?;
        Ok(Body { children, ..Body::default() })
    }
}

/// The form of containers that put files in the place of the pointers to them (vertical, wrapper).
#[derive(Debug, Clone, Copy)]
pub struct VerticalOlx;

impl OlxConvention for VerticalOlx {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        read_course_xml(self, element, reading)
    }

    fn write(
        &self,
        block: &BlockSource<'_>,
        host: &mut dyn WriteHost,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        write_sequence(block, host, node)?;
        Ok(true)
    }
}

impl CourseXml for VerticalOlx {
    fn body(&self, element: &Element, reading: &mut Reading<'_, '_>) -> Result<Body, OlxError> {
        let children = reading.children(element, PointerChildren::Inline)?;
        Ok(Body { children, ..Body::default() })
    }
}

/// The form of the base XBlock classes, without code of its own (third-party blocks, library, pdf).
#[derive(Debug, Clone, Copy)]
pub struct PlainOlx;

impl OlxConvention for PlainOlx {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        read_plain_block(&element, reading)
    }
}

/// Reads a block by the base classes' rules, its children through the importer.
///
/// # Errors
/// [`OlxError::Plain`] where base XBlock code would fail.
pub fn read_plain_block(element: &Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
    let plain = read_plain(element, reading.block_type(), reading.conversion())
        .map_err(|source| OlxError::Plain { place: reading.place(source.position()), source })?;
    let mut data = BlockData::default();
    for (name, field) in plain.fields {
        let map = match field.scope {
            Scope::Content => &mut data.content,
            Scope::Parent => continue,
            Scope::Children => {
                data.children = references(&field.value, reading);
                continue;
            }
            _ => &mut data.settings,
        };
        map.insert(name.into(), field.value);
    }
    // A library's key is read from its element by whoever reads the package.
    let used: &[&str] =
        if element.name == "library" { &["url_name", "org", "library"] } else { &["url_name"] };
    for (name, position) in plain.unknown.into_iter().filter(|(name, _)| !used.contains(&name.as_str())) {
        let message = format!("{name} is no field of {}; its value is lost", reading.block_type().name);
        reading.report("unknown-attribute", Severity::Warning, position, message);
    }
    for (index, node) in element.children.iter().enumerate() {
        if let Some(child) = node.as_element()
            && plain.children.iter().any(|wanted| std::ptr::eq(*wanted, child))
        {
            data.children.push(reading.child(element, index)?);
        }
    }
    Ok(data)
}

fn references(value: &Json, reading: &Reading<'_, '_>) -> Vec<UsageKey> {
    let texts = value.as_array().into_iter().flatten().filter_map(Json::as_str);
    texts.filter_map(|text| reading.reference(text)).collect()
}
