//! Elements on their way to become blocks.

use super::super::document::{Document, Source};
use super::super::element::{Attribute, Element, Node};
use super::super::parse_options::ParseOptions;
use super::super::serialise::{Charset, WriteOptions};
use super::super::text::Text;

/// An element that is to become a block.
pub(super) enum Child<'e> {
    /// A node inside another element; text behind it belongs to it.
    Inside { parent: &'e Element, index: usize },
    /// An element by itself.
    Alone(&'e Element),
    /// The root of a file, which has its name from outside; its own `url_name`, if any, is this.
    Root { root: Element, name: Attribute, own_name: Option<Text> },
}

impl Child<'_> {
    /// Makes one of the root of a file, which gets the `url_name` of a pointer to it.
    pub(super) fn root(mut root: Element, name: &Attribute) -> Self {
        let own_name = root.attribute("url_name").map(|own| own.value.clone());
        root.set_attribute(name);
        Self::Root { root, name: name.clone(), own_name }
    }

    /// Returns the element; nothing where a comment or an instruction stands instead.
    pub(super) fn element(&self) -> Option<&Element> {
        match self {
            Self::Inside { parent, index } => parent.children.get(*index).and_then(Node::as_element),
            Self::Alone(element) => Some(element),
            Self::Root { root, .. } => Some(root),
        }
    }

    /// Takes the root of a file, or copies an element that belongs to another.
    pub(super) fn take(&mut self) -> Option<Element> {
        match self {
            Self::Root { root, .. } => Some(root.take()),
            _ => self.element().cloned(),
        }
    }

    /// Brings back the root of the file with this text after it was taken.
    pub(super) fn put_back(&mut self, source: &Source, parse: &ParseOptions) {
        if let Self::Root { root, name, .. } = self
            && let Ok(again) = Document::parse_text(source.clone(), parse)
        {
            *root = again.root;
            root.set_attribute(name);
        }
    }

    /// Returns the element as text, with the text behind it that belongs to it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Inside { parent, index } => parent.child_text(*index, Charset::Unicode),
            Self::Alone(element) => element.to_text(WriteOptions::default()),
            Self::Root { root, .. } => root.to_text(WriteOptions::default()),
        }
    }

    /// Says whether there is text behind the element.
    pub(super) fn has_tail(&self) -> bool {
        match self {
            Self::Inside { parent, index } => parent.tail(*index).is_some_and(|tail| !tail.trim().is_empty()),
            Self::Alone(_) | Self::Root { .. } => false,
        }
    }

    /// Returns the text without blanks behind the element, which are its parent's.
    pub(super) fn own_text(&self) -> String {
        match self.element() {
            Some(element) if !self.has_tail() => element.to_text(WriteOptions::default()),
            _ => self.text(),
        }
    }
}
