//! Writes an error block as what it stands for (xblock reference, section 19).

use xblock_core::fields::ASIDE_FAMILY;
use xblock_core::olx::{
    BlockSource, Element, FAMILY_ATTRIBUTE, Node, WriteHost, is_pointer, is_xml_text, parse_data,
};

/// Writes the XML that could not be read, in place; one that is no XML as text with the reason.
pub(crate) fn write(block: &BlockSource<'_>, host: &mut dyn WriteHost, node: &mut Element) {
    let contents = block.text("contents").unwrap_or_default();
    // An element of this family would be read as an aside of the parent, and some pointers as other blocks.
    let is_aside = |root: &Element| root.get(FAMILY_ATTRIBUTE) == Some(ASIDE_FAMILY);
    let is_other = |root: &Element| {
        is_pointer(root) && root.get("url_name").is_some_and(|name| host.leads_to_block(&root.name, name))
    };
    let is_read_so = |root: &Element| !(host.loses_nothing() && (is_aside(root) || is_other(root)));
    if let Some(root) = parse_data(&contents).ok().filter(is_read_so) {
        let name = node.remove("url_name");
        let children = std::mem::take(&mut node.children);
        *node = root;
        node.children.extend(children);
        if let Some(name) = name.filter(|_| !host.loses_nothing() && node.get("url_name").is_none()) {
            node.set("url_name", name);
        }
        return;
    }
    node.name = "error".into();
    if node.get("url_name").is_none() {
        node.set("url_name", block.usage.block_id());
    }
    let message = block.text("error_msg").unwrap_or_default();
    if !is_xml_text(&contents) || !is_xml_text(&message) {
        host.warn("inexact-value", block.usage, "characters that XML cannot hold are left out");
    }
    let clean =
        |text: &str| text.chars().filter(|c| is_xml_text(c.encode_utf8(&mut [0; 4]))).collect::<String>();
    node.children.push(Node::text(clean(&contents)));
    let mut error = Element::new("error_msg");
    error.children.push(Node::text(clean(&message)));
    node.children.push(Node::from(error));
}
