//! Writes the HTML family: the text in a file of its own, as it is (blocks reference, section 7.3).

use xblock_core::olx::{
    BlockSource, Element, Node, Placement, WriteError, WriteHost, XmlForm, is_xml_text, write_xml,
};

/// Writes a block of the family.
///
/// # Errors
/// [`WriteError::File`].
pub(crate) fn write(
    block: &BlockSource<'_>,
    host: &mut dyn WriteHost,
    node: &mut Element,
) -> Result<(), WriteError> {
    let text = block.text("data").unwrap_or_default();
    // A file holds what XML forbids and reading the field leaves out.
    let stored = block.own("data").and_then(|data| data.as_str()).filter(|_| host.loses_nothing());
    let text = stored.unwrap_or(&text);
    if host.placement() == Placement::Inline && block.usage.block_type() == "html" {
        write_inline(block, host, text, node);
        return Ok(());
    }
    if host.placement() == Placement::Inline && host.loses_nothing() {
        return write_inside(block, host, text, node);
    }
    let path = block.path();
    let file_name = path.rsplit('/').next().unwrap_or(&path).to_owned();
    host.file(&format!("{path}.html"), text.as_bytes())?;
    let mut xml = Element::new(block.usage.block_type());
    xml.set("filename", file_name);
    write_xml(block, host, xml, XmlForm::with_content(&["data"]), node)
}

/// The form of types that have no folder for their text: it stands in the element.
fn write_inside(
    block: &BlockSource<'_>,
    host: &mut dyn WriteHost,
    text: &str,
    node: &mut Element,
) -> Result<(), WriteError> {
    let mut xml = Element::new(block.usage.block_type());
    let text = clean_text(block, host, text);
    if !text.is_empty() {
        xml.children.push(Node::text(text));
    }
    write_xml(block, host, xml, XmlForm::with_content(&["data"]), node)
}

/// Leaves out what XML cannot hold, with a remark.
fn clean_text(block: &BlockSource<'_>, host: &mut dyn WriteHost, text: &str) -> String {
    if is_xml_text(text) {
        return text.to_owned();
    }
    host.warn("inexact-value", block.usage, "characters that XML cannot hold are left out of its text");
    text.chars().filter(|c| is_xml_text(c.encode_utf8(&mut [0; 4]))).collect()
}

/// The form of clipboard and library: four attributes and the text as CDATA.
fn write_inline(block: &BlockSource<'_>, host: &mut dyn WriteHost, text: &str, node: &mut Element) {
    node.name = block.usage.block_type().into();
    node.set("url_name", block.url_name());
    // The platform writes the default name, too, which then is one of the block's own.
    let has_name = block.own("display_name").is_some() || !host.loses_nothing();
    if let Some(name) = block.text("display_name").filter(|name| has_name && !name.is_empty()) {
        node.set("display_name", &*name);
    }
    if block.own("editor").is_some()
        && let Some(editor) = block.text("editor")
    {
        node.set("editor", &*editor);
    }
    if block.value("use_latex_compiler").is_truthy() {
        node.set("use_latex_compiler", "true");
    }
    let text = clean_text(block, host, text);
    // The platform escapes the end mark, which its reader does not undo.
    node.children.push(Node::CData(text.replace("]]>", "]]&gt;").into()));
}
