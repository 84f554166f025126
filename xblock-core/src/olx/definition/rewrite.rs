//! Writes a definition in the words of the file it had before, wherever those still say the same.

use std::collections::VecDeque;

use crate::block::Registry;
use crate::fields::Conversion;
use crate::keys::UsageKey;
use crate::olx::element::{Element, Node};
use crate::olx::{Document, FileName, ParseOptions};
use crate::runtime::BlockData;

use super::error::DefinitionError;
use super::form::DefinitionForm;
use super::include::Include;
use super::naming::ChildNaming;
use super::path::definition_path;
use super::read::{is_child, read_definition_parts};
use super::write::write_definition_with;

/// Writes a block as a definition file that reads back equal, keeping the bytes of an earlier file of it as far as they say
/// the same: includes above all, and what stands between them.
///
/// An earlier file that cannot be read, or whose words do not fit, is not followed.
///
/// # Errors
/// As [`write_definition_with`].
pub fn rewrite_definition(
    earlier: &[u8],
    usage: &UsageKey,
    data: &BlockData,
    registry: &Registry,
    naming: &dyn ChildNaming,
) -> Result<Vec<u8>, DefinitionError> {
    let text = write_definition_with(usage, data, registry, naming)?;
    let rewritten = follow(earlier, &text, usage, registry, naming).filter(|rewritten| {
        let parts = read_definition_parts(rewritten, usage, registry, &Conversion::default());
        parts.and_then(|parts| parts.resolve(naming)).is_ok_and(|read| read == *data)
    });
    Ok(rewritten.unwrap_or_else(|| text.into_bytes()))
}

/// Lays what is new in `text` over the earlier file; none where that cannot be done.
fn follow(
    earlier: &[u8],
    text: &str,
    usage: &UsageKey,
    registry: &Registry,
    naming: &dyn ChildNaming,
) -> Option<Vec<u8>> {
    if registry.block_type(usage.block_type()).class.olx.definition_form() != DefinitionForm::Plain {
        return None;
    }
    let file = || FileName::from(definition_path(usage.block_type(), usage.block_id()).as_str());
    let parse = |bytes: &[u8]| Document::parse(file(), bytes, &ParseOptions::default()).ok();
    let parts = read_definition_parts(earlier, usage, registry, &Conversion::default()).ok()?;
    let before = parts.resolve(naming).ok()?;
    let before = write_definition_with(usage, &before, registry, naming).ok()?;
    let (mut document, before, wanted) =
        (parse(earlier)?, parse(before.as_bytes())?, parse(text.as_bytes())?);
    if document.root.name != wanted.root.name {
        return None;
    }
    for attribute in &wanted.root.attributes {
        if before.root.get(&attribute.name) != Some(&*attribute.value) {
            document.root.set(&attribute.name, attribute.value.as_str());
        }
    }
    for attribute in &before.root.attributes {
        if wanted.root.get(&attribute.name).is_none() {
            document.root.remove(&attribute.name);
        }
    }
    let is_include = |node: &Node| node.as_element().is_some_and(is_child);
    let includes =
        |root: &Element| root.elements().filter(|child| is_child(child)).cloned().collect::<Vec<_>>();
    let (old, new) = (includes(&before.root), includes(&wanted.root));
    if old != new {
        let children = arrange(&document.root, &new, naming, is_include)?;
        document.root.children = children.into();
    }
    Some(document.to_bytes())
}

/// Puts the includes of an element in another order, with those that are new and without those that are gone; each keeps
/// what stands before it.
fn arrange(
    root: &Element,
    wanted: &[Element],
    naming: &dyn ChildNaming,
    is_include: impl Fn(&Node) -> bool,
) -> Option<Vec<Node>> {
    let usage = |element: &Element| naming.usage_of(&Include::read(element).ok()?).ok();
    let (mut groups, mut group) = (VecDeque::new(), Vec::new());
    for node in &root.children {
        group.push(node.clone());
        if is_include(node) {
            groups.push_back((usage(node.as_element()?)?, std::mem::take(&mut group)));
        }
    }
    let mut nodes = Vec::new();
    for element in wanted {
        let key = usage(element)?;
        match groups.iter().position(|(known, _)| *known == key).and_then(|at| groups.remove(at)) {
            Some((_, group)) => nodes.extend(group),
            None => nodes.push(element.clone().into()),
        }
    }
    nodes.extend(group);
    Some(nodes)
}
