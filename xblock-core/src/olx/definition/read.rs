//! Reads a definition file.

use std::sync::Arc;

use crate::block::{BlockType, Registry};
use crate::fields::{ASIDE_FAMILY, Conversion, Json, Scope};
use crate::keys::UsageKey;
use crate::olx::element::{Element, Node};
use crate::olx::position::Position;
use crate::olx::serialise::{Charset, WriteOptions, escape_text};
use crate::olx::{Document, FAMILY_ATTRIBUTE, FileName, OPTION_NAMESPACE, ParseOptions, read_plain};
use crate::runtime::BlockData;

use super::error::DefinitionError;
use super::explicit::{ATTRIBUTE, Explicit};
use super::form::DefinitionForm;
use super::include::Include;
use super::naming::{ChildNaming, OwnChildren};
use super::path::{block_id_of, block_type_of, definition_path};
use super::write::DATA;

/// What a definition file says, its includes unresolved.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Definition {
    /// The block, without the children that includes name.
    pub data: BlockData,
    /// The children, as the file names them; not used where [`Definition::children`] is there.
    pub includes: Vec<Include>,
    /// The children, where the file lists them beside the includes' own form.
    pub children: Option<Vec<UsageKey>>,
    /// Attributes and elements that no field took.
    pub unknown: Vec<(String, Position)>,
}

/// Reads the definition file of a block whose definition lies in the bundle of its own context.
///
/// Includes through links to other bundles are children of the same context here, as in the Blockstore runtime; a store
/// that gives such children other ids starts from [`read_definition_parts`].
///
/// # Errors
/// [`DefinitionError`] for a file that is no XML or breaks the rules of its type.
pub fn read_definition(
    xml: &[u8],
    usage: &UsageKey,
    registry: &Registry,
) -> Result<BlockData, DefinitionError> {
    read_definition_parts(xml, usage, registry, &Conversion::default())?
        .resolve(&OwnChildren(usage.context_key()))
}

/// Reads a definition file without deciding which usages its includes are.
///
/// # Errors
/// As [`read_definition`].
pub fn read_definition_parts(
    xml: &[u8],
    usage: &UsageKey,
    registry: &Registry,
    conversion: &Conversion,
) -> Result<Definition, DefinitionError> {
    let block_type = registry.block_type(usage.block_type());
    let file = FileName::from(definition_path(usage.block_type(), usage.block_id()).as_str());
    let mut document = Document::parse(file, xml, &ParseOptions::default())?;
    let position = document.root.attribute(ATTRIBUTE).map_or(document.root.position(), |a| a.position());
    let explicit = match document.root.get(ATTRIBUTE) {
        Some(text) => {
            serde_json::from_str(text).map_err(|source| DefinitionError::BadData { source, position })?
        }
        None => Explicit::default(),
    };
    let verbatim = explicit.verbatim.as_ref().map(|_| own_text(&document));
    document.root.remove(ATTRIBUTE);
    let mut definition = Definition::default();
    if !explicit.only {
        match block_type.class.olx.definition_form() {
            DefinitionForm::Attributes if verbatim.is_some() => {
                attributes(&document.root, &block_type, conversion, &mut definition)?;
            }
            DefinitionForm::Plain | DefinitionForm::Attributes => {
                plain(&document.root, &block_type, conversion, &mut definition)?
            }
            DefinitionForm::Markup => markup(&document.root, &block_type, conversion, &mut definition)?,
            DefinitionForm::WholeElement => {
                whole(&document.root, verbatim.is_none(), &block_type, conversion, &mut definition)?;
            }
            DefinitionForm::Own => {
                block_type.class.olx.read_definition(
                    &document.root,
                    &block_type,
                    conversion,
                    &mut definition,
                )?;
            }
        }
    }
    if let (Some(name), Some(text)) = (&explicit.verbatim, verbatim) {
        definition.data.content.insert(name.as_str().into(), text.into());
    }
    if let Some(children) = &explicit.children {
        let own = usage.context_key();
        let children = children.iter().map(|child| child.usage(&own)).collect::<Result<_, _>>();
        definition.children =
            Some(children.map_err(|source| DefinitionError::BadChild { source, position })?);
    }
    explicit.apply(&mut definition.data);
    Ok(definition)
}

/// Reads which block a definition file belongs to, of its type and id whatever its path has shortened
/// ([`is_shortened`](super::is_shortened)); nothing where the file does not fit its path.
#[must_use]
pub fn read_definition_owner(xml: &[u8], path: &str) -> Option<(String, String)> {
    let (type_folder, rest) = path.split_once('/')?;
    let (id_folder, _) = rest.split_once('/')?;
    let document = Document::parse(FileName::from(path), xml, &ParseOptions::default()).ok()?;
    let explicit: Explicit = match document.root.get(ATTRIBUTE) {
        Some(text) => serde_json::from_str(text).ok()?,
        None => Explicit::default(),
    };
    let block_type = explicit.block_type.or_else(|| block_type_of(type_folder).map(Into::into))?;
    let id = explicit.id.or_else(|| block_id_of(id_folder).map(Into::into))?;
    (definition_path(&block_type, &id) == path).then_some((block_type, id))
}

/// Returns the file's text without `xblock-data` and every attribute after it.
fn own_text(document: &Document) -> String {
    let text = &document.source.text;
    let attributes = &document.root.attributes;
    let first = attributes.iter().find(|a| a.name == ATTRIBUTE).map_or(0, |a| a.span().start);
    let last = attributes.last().map_or(first, |a| a.span().end);
    let before = &text[..first as usize];
    let before = before.strip_suffix([' ', '\n', '\t', '\r']).unwrap_or(before);
    format!("{before}{}", &text[last as usize..])
}

/// Base XBlock code, with includes in place of child blocks.
fn plain(
    root: &Element,
    block_type: &BlockType,
    conversion: &Conversion,
    definition: &mut Definition,
) -> Result<(), DefinitionError> {
    // The runtime looks at a child before the block could say that it has none.
    for child in root.elements().filter(|child| is_child(child)) {
        definition.includes.push(Include::read(child)?);
    }
    let read = read_plain(root, block_type, conversion)?;
    for (name, field) in read.fields {
        definition.set(name, field.scope, field.value);
    }
    definition.unknown = read.unknown;
    Ok(())
}

pub(super) fn is_child(element: &Element) -> bool {
    element.namespace() != Some(OPTION_NAMESPACE) && element.get(FAMILY_ATTRIBUTE) != Some(ASIDE_FAMILY)
}

/// html: the body is the field, attributes win over it.
fn markup(
    root: &Element,
    block_type: &BlockType,
    conversion: &Conversion,
    definition: &mut Definition,
) -> Result<(), DefinitionError> {
    definition.set(DATA, Scope::Content, inner_markup(root).into());
    attributes(root, block_type, conversion, definition)
}

/// problem: the field is the element as it stands, settings included.
fn whole(
    root: &Element,
    with_data: bool,
    block_type: &BlockType,
    conversion: &Conversion,
    definition: &mut Definition,
) -> Result<(), DefinitionError> {
    if with_data {
        definition.set(DATA, Scope::Content, root.to_text(WriteOptions::PRETTY).into());
    }
    attributes(root, block_type, conversion, definition)
}

fn attributes(
    root: &Element,
    block_type: &BlockType,
    conversion: &Conversion,
    definition: &mut Definition,
) -> Result<(), DefinitionError> {
    let mut shell = root.clone();
    shell.children.clear();
    let read = read_plain(&shell, block_type, conversion)?;
    for (name, field) in read.fields {
        definition.set(name, field.scope, field.value);
    }
    definition.unknown = read.unknown;
    Ok(())
}

/// Returns what stands inside an element as text: its text as it is meant, its children as they are written.
fn inner_markup(root: &Element) -> String {
    let mut out = String::new();
    let mut is_after_child = false;
    for node in &root.children {
        match node {
            Node::Text(chars) | Node::CData(chars) if is_after_child => {
                escape_text(&mut out, &chars.value);
            }
            Node::Text(chars) | Node::CData(chars) => out.push_str(&chars.value),
            Node::Element(element) => {
                element.write(&mut out, WriteOptions::default());
                is_after_child = true;
            }
            Node::Comment(_) | Node::ProcessingInstruction(_) => {
                let alone = Element { children: vec![node.clone()].into(), ..Element::default() };
                out.push_str(&alone.child_text(0, Charset::Unicode));
                is_after_child = true;
            }
        }
    }
    out
}

impl Definition {
    /// Returns the block with the children that its includes give, or those that the file lists.
    ///
    /// # Errors
    /// [`DefinitionError::BadChild`] where an include names a block its context cannot have.
    pub fn resolve(self, naming: &dyn ChildNaming) -> Result<BlockData, DefinitionError> {
        let mut data = self.data;
        data.children = match self.children {
            Some(children) => children,
            None => {
                let children = self.includes.iter().map(|include| naming.usage_of(include));
                children
                    .collect::<Result<_, _>>()
                    .map_err(|source| DefinitionError::BadChild { source, position: Position::START })?
            }
        };
        Ok(data)
    }

    /// Sets a field that an author can write; learners' fields have no place in a definition.
    pub fn set(&mut self, name: &str, scope: Scope, value: Json) {
        let map = match scope {
            Scope::Content => &mut self.data.content,
            Scope::Settings => &mut self.data.settings,
            _ => return,
        };
        map.insert(Arc::from(name), value);
    }
}
