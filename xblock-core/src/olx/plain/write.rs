//! Writes one element by the base classes' rules.

use crate::fields::{BLOCK_FAMILY, FieldSpec, Json, Scope, Value};
use crate::olx::write::{BlockSource, WriteError, WriteHost, is_xml_text, write_asides, write_children};

use super::super::element::{Element, Node};
use super::{FAMILY_ATTRIBUTE, OPTION_NAMESPACE};

/// Writes a block by the rules of base XBlock code: attributes and option elements for its set fields, then its content
/// as text, then its children.
///
/// # Errors
/// [`WriteError`].
pub fn write_plain(
    block: &BlockSource<'_>,
    host: &mut dyn WriteHost,
    node: &mut Element,
) -> Result<(), WriteError> {
    node.name = block.usage.block_type().into();
    node.set(FAMILY_ATTRIBUTE, BLOCK_FAMILY);
    for spec in block.block_type.fields().iter() {
        if matches!(spec.scope, Scope::Parent | Scope::Children) || spec.name == "content" {
            continue;
        }
        match block.own(spec.name) {
            Some(stored) => write_field(spec, stored, block, host, node),
            // A default that is written would come back as set.
            None if spec.force_export && !host.loses_nothing() => {
                write_value(spec, &block.value(spec.name), node)
            }
            None => true,
        };
    }
    for name in block.data.settings.keys().chain(block.data.content.keys()) {
        if block.block_type.field(name).is_none() {
            host.warn("unknown-field", block.usage, &format!("field {name} is not known and is left out"));
        }
    }
    if let Some(spec) = block.block_type.field("content") {
        write_content(spec, block, host, node);
    }
    write_asides(block, node);
    write_children(block, host, node)
}

/// Writes the field `content` as text. Only one of the content scope is read back from there.
fn write_content(spec: &FieldSpec, block: &BlockSource<'_>, host: &mut dyn WriteHost, node: &mut Element) {
    if spec.scope != Scope::Content && host.loses_nothing() {
        if let Some(stored) = block.own(spec.name) {
            write_field(spec, stored, block, host, node);
        }
        return;
    }
    if let Some(text) = block.text(spec.name)
        && !text.is_empty()
        && is_xml_text(&text)
    {
        node.children.insert(0, Node::text(&*text));
    }
}

fn write_field(
    spec: &FieldSpec,
    stored: &Json,
    block: &BlockSource<'_>,
    host: &mut dyn WriteHost,
    node: &mut Element,
) -> bool {
    let is_written = spec.from_json(stored).is_ok_and(|value| write_value(spec, &value, node));
    if !is_written && !host.policy(block.usage, spec.name, stored) {
        host.warn("inexact-value", block.usage, &format!("no XML can hold the value of {}", spec.name));
    }
    is_written
}

/// Writes one value, and says whether it could.
pub(crate) fn write_value(spec: &FieldSpec, value: &Value, node: &mut Element) -> bool {
    match spec.kind.to_text(value) {
        Ok(None) if spec.kind.none_to_xml() => {
            let mut option = option_element(spec.name, node);
            option.set("none", "true");
            if spec.xml_node {
                option.children.push(Node::text(""));
            }
            node.children.push(Node::from(option));
            true
        }
        Ok(text) => {
            let text = text.unwrap_or_default();
            if !is_xml_text(&text) {
                return false;
            }
            if spec.xml_node {
                let mut option = option_element(spec.name, node);
                option.children.push(Node::text(text));
                node.children.push(Node::from(option));
            } else {
                node.set(spec.name, text);
            }
            true
        }
        Err(_) => false,
    }
}

/// Makes an element of the option namespace, under the prefix it has around it or one of its own.
fn option_element(name: &str, around: &Element) -> Element {
    let mut option = Element { namespaces: around.namespaces.clone(), ..Element::default() };
    let prefix = option.prefix_for(OPTION_NAMESPACE);
    option.name = format!("{prefix}:{name}").into();
    option
}
