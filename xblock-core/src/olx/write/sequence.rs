//! Containers: an element with what stands for each child.

use crate::olx::{Element, Node};

use super::host::{BlockSource, WriteError, WriteHost};
use super::mixin::{XmlForm, write_xml};

/// Writes a container whose element holds nothing but its children.
///
/// # Errors
/// [`WriteError`].
pub fn write_sequence(
    block: &BlockSource<'_>,
    host: &mut dyn WriteHost,
    node: &mut Element,
) -> Result<(), WriteError> {
    let mut xml = Element::new(block.usage.block_type());
    write_children(block, host, &mut xml)?;
    write_xml(block, host, xml, XmlForm::with_content(&[]), node)
}

/// Appends what stands for each child.
///
/// # Errors
/// [`WriteError`].
pub fn write_children(
    block: &BlockSource<'_>,
    host: &mut dyn WriteHost,
    xml: &mut Element,
) -> Result<(), WriteError> {
    for child in &block.data.children {
        if let Some(element) = host.child(child)? {
            xml.children.push(Node::from(element));
        }
    }
    Ok(())
}
