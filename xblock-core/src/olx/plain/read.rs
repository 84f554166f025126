//! Reads one element by the base classes' rules.

use indexmap::IndexMap;

use crate::block::BlockType;
use crate::fields::{ASIDE_FAMILY, BLOCK_FAMILY, Conversion, FieldError, FieldSpec, Json, Scope, Value};

use super::super::element::{Element, Node};
use super::super::position::Position;
use super::{FAMILY_ATTRIBUTE, OPTION_NAMESPACE};

/// An element that base XBlock code would refuse, which ends the reading of its block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlainError {
    /// A field's text is none of its type.
    #[error("field {field}: {source}")]
    Field {
        /// The field.
        field: &'static str,
        /// Where its text stands.
        position: Position,
        /// What is wrong with it.
        source: FieldError,
    },
    /// An option element of a field that is no text field has no text.
    #[error("the option element of field {field} has no text")]
    NoText {
        /// The field.
        field: &'static str,
        /// The element.
        position: Position,
    },
    /// A child names a family that is neither blocks nor asides.
    #[error("<{tag}> is of the unknown family {family}")]
    UnknownFamily {
        /// The child.
        tag: String,
        /// The family.
        family: String,
        /// The child's place.
        position: Position,
    },
    /// A processing instruction stands where a child should.
    #[error("a processing instruction cannot be a child block")]
    Instruction {
        /// The element around it.
        position: Position,
    },
    /// A child element stands in a block that cannot have children.
    #[error("<{tag}> cannot be a child: this block has no children")]
    NoChildren {
        /// The child.
        tag: String,
        /// Its place.
        position: Position,
    },
}

impl PlainError {
    /// Returns the name of the exception class that base XBlock code raises here.
    #[must_use]
    pub const fn python_class(&self) -> &'static str {
        match self {
            Self::Field { source, .. } => source.python_class(),
            Self::NoText { .. } | Self::NoChildren { .. } => "AttributeError",
            Self::UnknownFamily { .. } | Self::Instruction { .. } => "ValueError",
        }
    }

    /// Returns the place of what is wrong.
    #[must_use]
    pub const fn position(&self) -> Position {
        match self {
            Self::Field { position, .. }
            | Self::NoText { position, .. }
            | Self::UnknownFamily { position, .. }
            | Self::Instruction { position }
            | Self::NoChildren { position, .. } => *position,
        }
    }
}

/// A field that the element sets.
#[derive(Debug, Clone, PartialEq)]
pub struct PlainField {
    /// Its scope; learners' fields are accepted too.
    pub scope: Scope,
    /// Its stored form.
    pub value: Json,
}

/// What an element says of its block.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlainBlock<'e> {
    /// The fields it sets, of any scope; `children` only where an attribute of that name sets it.
    pub fields: IndexMap<&'static str, PlainField>,
    /// The elements of child blocks, in order.
    pub children: Vec<&'e Element>,
    /// The elements of asides, in order.
    pub asides: Vec<&'e Element>,
    /// Attributes and option elements that name no field; they are lost.
    pub unknown: Vec<(String, Position)>,
}

/// Reads one element; its children are returned unread.
///
/// # Errors
/// [`PlainError`] where base XBlock code would fail.
pub fn read_plain<'e>(
    element: &'e Element,
    block_type: &BlockType,
    conversion: &Conversion,
) -> Result<PlainBlock<'e>, PlainError> {
    let mut block = PlainBlock::default();
    for node in &element.children {
        match node {
            Node::Element(child) => read_child(child, block_type, conversion, &mut block)?,
            Node::ProcessingInstruction(_) => {
                return Err(PlainError::Instruction { position: element.position() });
            }
            Node::Text(_) | Node::CData(_) | Node::Comment(_) => {}
        }
    }
    for attribute in &element.attributes {
        if attribute.name == FAMILY_ATTRIBUTE {
            continue;
        }
        match block_type.field(&element.attribute_name(attribute)) {
            Some(spec) if spec.scope == Scope::Parent => {}
            Some(spec) => {
                let value = text_value(spec, &attribute.value, attribute.position(), conversion)?;
                block.fields.insert(spec.name, PlainField { scope: spec.scope, value });
            }
            None => block.unknown.push((attribute.name.to_string(), attribute.position())),
        }
    }
    if let Some(spec) = block_type.field("content")
        && spec.scope == Scope::Content
        && let Some(text) = element.text()
        && !text.trim().is_empty()
    {
        let value = PlainField { scope: Scope::Content, value: text.trim().into() };
        block.fields.insert(spec.name, value);
    }
    Ok(block)
}

fn read_child<'e>(
    child: &'e Element,
    block_type: &BlockType,
    conversion: &Conversion,
    block: &mut PlainBlock<'e>,
) -> Result<(), PlainError> {
    match child.get(FAMILY_ATTRIBUTE) {
        Some(ASIDE_FAMILY) => {
            block.asides.push(child);
            return Ok(());
        }
        None | Some(BLOCK_FAMILY) => {}
        Some(family) => {
            return Err(PlainError::UnknownFamily {
                tag: child.name.to_string(),
                family: family.to_owned(),
                position: child.position(),
            });
        }
    }
    if child.namespace() == Some(OPTION_NAMESPACE) {
        return read_option(child, block_type, conversion, block);
    }
    if !block_type.class.has_children {
        return Err(PlainError::NoChildren { tag: child.name.to_string(), position: child.position() });
    }
    block.children.push(child);
    Ok(())
}

fn read_option(
    option: &Element,
    block_type: &BlockType,
    conversion: &Conversion,
    block: &mut PlainBlock<'_>,
) -> Result<(), PlainError> {
    let Some(spec) = block_type.field(option.local_name()) else {
        block.unknown.push((option.name.to_string(), option.position()));
        return Ok(());
    };
    let value = match option.text() {
        Some(text) => text_value(spec, &text, option.position(), conversion)?,
        None if spec.kind.is_text() => Json::Null,
        None => return Err(PlainError::NoText { field: spec.name, position: option.position() }),
    };
    // The text is read even where it is not wanted, so that a wrong one fails.
    let value = if option.get("none") == Some("true") {
        spec.to_json(&Value::None).map_err(|source| PlainError::Field {
            field: spec.name,
            position: option.position(),
            source,
        })?
    } else {
        value
    };
    if spec.scope != Scope::Parent {
        block.fields.insert(spec.name, PlainField { scope: spec.scope, value });
    }
    Ok(())
}

fn text_value(
    spec: &FieldSpec,
    text: &str,
    position: Position,
    conversion: &Conversion,
) -> Result<Json, PlainError> {
    spec.kind
        .parse_text(text, conversion)
        .and_then(|value| spec.to_json(&value))
        .map_err(|source| PlainError::Field { field: spec.name, position, source })
}
