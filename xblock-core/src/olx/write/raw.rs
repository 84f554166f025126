//! Types whose field `data` is their element.

use crate::olx::{Document, Element, FileName, Node, ParseError, ParseOptions, Source};

use super::host::{BlockSource, WriteError, WriteHost};
use super::mixin::{XmlForm, write_xml};

/// Writes a type whose field `data` is its element; one without data is an empty element.
///
/// Data that is no XML cannot be an element. It is written as text inside one, and remarked upon, where edx-platform fails.
///
/// # Errors
/// [`WriteError`].
pub fn write_raw(
    block: &BlockSource<'_>,
    host: &mut dyn WriteHost,
    form: XmlForm,
    node: &mut Element,
) -> Result<(), WriteError> {
    let mut xml = match block.text("data") {
        Some(data) if !data.is_empty() => match parse_data(&data) {
            Ok(root) => root,
            Err(error) => {
                host.warn(
                    "broken-data",
                    block.usage,
                    &format!("its data is no XML ({error}) and is written as text"),
                );
                let mut xml = Element::new(block.usage.block_type());
                let text: String = data.chars().filter(|c| crate::olx::xml_name::is_char(*c)).collect();
                xml.children.push(Node::CData(text.into()));
                xml
            }
        },
        _ => Element::new(block.usage.block_type()),
    };
    super::sequence::write_children(block, host, &mut xml)?;
    write_xml(block, host, xml, form, node)
}

/// Reads a field that holds XML.
///
/// # Errors
/// [`ParseError`] where it holds something else.
pub fn parse_data(data: &str) -> Result<Element, Box<ParseError>> {
    let source = Source::new(FileName::from("data"), data.into());
    Ok(Document::parse_text(source, &ParseOptions::default())?.root)
}
