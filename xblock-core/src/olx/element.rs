//! The tree of an XML document: elements, attributes and what stands between them.

use std::borrow::Cow;
use std::sync::Arc;

use super::namespaces::{Namespaces, XML_NAMESPACE, split_name};
use super::nodes::Nodes;
use super::position::{Located, Mark, Position, Span};
use super::text::{SourceText, Text};

/// One attribute of an element.
///
/// It knows its bytes by those of its name and of its value; a value that is replaced has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name as it is written, prefix included.
    pub name: Text,
    /// Its value after entities were replaced and white space was made blanks.
    pub value: Text,
}

impl Attribute {
    /// Returns the bytes from its name to its closing quote; empty for what was made or changed in memory.
    #[must_use]
    pub fn span(&self) -> Span {
        let spans = self.name.span().zip(self.value.span());
        spans.map_or(Span::default(), |(name, value)| Span { start: name.start, end: value.end + 1 })
    }

    /// Returns the line and the column of its name.
    #[must_use]
    pub fn position(&self) -> Position {
        Located::position(self)
    }
}

impl Located for Attribute {
    fn position(&self) -> Position {
        let origin = self.name.origin();
        origin.map_or(Position::START, |(text, span)| text.position(span.start as usize))
    }
}

/// Text, a CDATA section or a comment.
#[derive(Debug, Clone, Default)]
pub struct Chars {
    /// The characters, entities replaced.
    pub value: Text,
    /// The bytes it was read from, marks included.
    pub span: Span,
}

impl Chars {
    /// Says whether its bytes still say the same: nobody replaced the value.
    pub(super) fn is_as_read(&self, source: &SourceText) -> bool {
        !self.span.is_empty() && self.value.origin().is_some_and(|(text, _)| text.is(source))
    }
}

impl PartialEq for Chars {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Chars {}

impl From<Text> for Chars {
    fn from(value: Text) -> Self {
        Self { value, span: Span::default() }
    }
}

impl From<String> for Chars {
    fn from(value: String) -> Self {
        Text::from(value).into()
    }
}

impl From<&str> for Chars {
    fn from(value: &str) -> Self {
        Text::from(value).into()
    }
}

/// A processing instruction.
#[derive(Debug, Clone)]
pub struct Instruction {
    /// Its name.
    pub target: Text,
    /// What follows the name.
    pub content: Text,
    /// The bytes it was read from.
    pub span: Span,
}

impl PartialEq for Instruction {
    fn eq(&self, other: &Self) -> bool {
        (&self.target, &self.content) == (&other.target, &other.content)
    }
}

impl Eq for Instruction {}

/// What can stand inside an element.
///
/// Cloning, comparing and dropping take no more stack for deep trees than for flat ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Box<Element>),
    /// Text.
    Text(Chars),
    /// A CDATA section that is to stay one.
    CData(Chars),
    /// A comment.
    Comment(Chars),
    /// A processing instruction.
    ProcessingInstruction(Box<Instruction>),
}

impl Node {
    /// Makes a text node.
    #[must_use]
    pub fn text(value: impl Into<Text>) -> Self {
        Self::Text(Chars::from(value.into()))
    }

    /// Returns the element, if it is one.
    #[must_use]
    pub const fn as_element(&self) -> Option<&Element> {
        match self {
            Self::Element(element) => Some(element),
            _ => None,
        }
    }

    /// Returns the element for change, if it is one.
    #[must_use]
    pub const fn as_element_mut(&mut self) -> Option<&mut Element> {
        match self {
            Self::Element(element) => Some(element),
            _ => None,
        }
    }

    /// Returns the characters of text or a CDATA section.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(chars) | Self::CData(chars) => Some(&chars.value),
            _ => None,
        }
    }

    /// Returns the bytes it was read from; empty for what was made in memory.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Element(element) => element.span(),
            Self::Text(chars) | Self::CData(chars) | Self::Comment(chars) => chars.span,
            Self::ProcessingInstruction(instruction) => instruction.span,
        }
    }
}

impl From<Element> for Node {
    fn from(element: Element) -> Self {
        Self::Element(Box::new(element))
    }
}

/// What an element was read from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) text: SourceText,
    /// The bytes from its `<` to its last `>`.
    pub(super) span: Span,
    pub(super) expansion: Expansion,
}

/// Whether the bytes of an element are those of a reference to an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expansion {
    /// They are its own.
    None,
    /// They are its own, but not those of some of its children.
    Inside,
    /// They are the reference out of which it came.
    Itself,
}

/// An element with its attributes and everything inside it.
///
/// It is equal to another of the same name, namespace, attributes and content, wherever they were read from.
#[derive(Debug, Clone, Default)]
pub struct Element {
    /// Its name as it is written, prefix included.
    pub name: Text,
    /// Its attributes in order, without namespace declarations.
    pub attributes: Vec<Attribute>,
    /// What stands inside it, in order.
    pub children: Nodes,
    /// The namespaces in force here, absent where none was ever declared.
    pub namespaces: Option<Arc<Namespaces>>,
    pub(super) origin: Option<Origin>,
}

impl Located for Element {
    fn position(&self) -> Position {
        self.origin.as_ref().map_or(Position::START, |o| o.text.position(o.span.start as usize))
    }
}

impl Element {
    /// Makes an element without attributes and content. In a document it takes the default namespace around it.
    #[must_use]
    pub fn new(name: impl Into<Text>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Returns the bytes from its `<` to its last `>`; empty for what was made in memory.
    #[must_use]
    pub fn span(&self) -> Span {
        self.origin.as_ref().map(|origin| origin.span).unwrap_or_default()
    }

    /// Returns the line and the column of its `<`.
    #[must_use]
    pub fn position(&self) -> Position {
        Located::position(self)
    }

    /// Keeps in mind where it stands, for when it will have been taken apart.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let (text, offset) = self.origin.as_ref().map(|o| (o.text.clone(), o.span.start)).unzip();
        Mark { text, offset: offset.unwrap_or_default() }
    }

    /// Returns the name without its prefix.
    #[must_use]
    pub fn local_name(&self) -> &str {
        split_name(&self.name).1
    }

    /// Returns the namespace the element belongs to.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.resolve(split_name(&self.name).0)
    }

    /// Returns the name in James Clark's form, `{namespace}local`, or as it is where it has no namespace.
    #[must_use]
    pub fn clark_name(&self) -> Cow<'_, str> {
        match self.namespace() {
            Some(namespace) => Cow::Owned(format!("{{{namespace}}}{}", self.local_name())),
            None => Cow::Borrowed(&self.name),
        }
    }

    /// Returns the namespace a prefix stands for here; the empty prefix is the default namespace.
    #[must_use]
    pub fn resolve(&self, prefix: &str) -> Option<&str> {
        if prefix == "xml" {
            return Some(XML_NAMESPACE);
        }
        self.namespaces.as_ref()?.lookup(prefix).map(AsRef::as_ref)
    }

    /// Returns the name of one of the element's attributes in James Clark's form.
    #[must_use]
    pub fn attribute_name<'a>(&'a self, attribute: &'a Attribute) -> Cow<'a, str> {
        match split_name(&attribute.name) {
            ("", _) => Cow::Borrowed(&attribute.name),
            (prefix, local) => match self.resolve(prefix) {
                Some(namespace) => Cow::Owned(format!("{{{namespace}}}{local}")),
                None => Cow::Borrowed(&attribute.name),
            },
        }
    }

    /// Finds an attribute by its name as it is written.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name == name)
    }

    /// Returns the value of an attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attribute(name).map(|a| a.value.as_str())
    }

    /// Sets an attribute: in place where it exists, else as the last one. Setting the value it has changes nothing.
    pub fn set(&mut self, name: &str, value: impl Into<Text>) {
        let value = value.into();
        match self.attributes.iter_mut().find(|a| a.name == name) {
            Some(found) if found.value == value => {}
            Some(found) => found.value = value,
            None => self.attributes.push(Attribute { name: name.into(), value }),
        }
    }

    /// Sets an attribute as [`Element::set`] does; its texts are shared.
    pub(super) fn set_attribute(&mut self, attribute: &Attribute) {
        match self.attributes.iter_mut().find(|a| a.name == attribute.name) {
            Some(found) if found.value == attribute.value => {}
            Some(found) => found.value = attribute.value.clone(),
            None => self.attributes.push(attribute.clone()),
        }
    }

    /// Takes everything but the name out.
    pub(super) fn take(&mut self) -> Self {
        let left = Self {
            name: self.name.clone(),
            attributes: Vec::new(),
            children: Nodes::default(),
            namespaces: None,
            origin: None,
        };
        std::mem::replace(self, left)
    }

    /// Sets an attribute whose name may be in James Clark's form.
    ///
    /// A namespace that has no prefix here is declared under `ns0`, `ns1` ..., as lxml does.
    pub fn set_clark(&mut self, name: &str, value: impl Into<Text>) {
        let Some((namespace, local)) = name.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
            self.set(name, value);
            return;
        };
        let prefix = self.prefix_for(namespace);
        self.set(&format!("{prefix}:{local}"), value);
    }

    /// Returns a prefix that stands for a namespace here, declaring one where there is none.
    pub(super) fn prefix_for(&mut self, namespace: &str) -> String {
        self.prefix_of(namespace).unwrap_or_else(|| self.declare(namespace))
    }

    /// Removes an attribute and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Text> {
        let at = self.attributes.iter().position(|a| a.name == name)?;
        Some(self.attributes.remove(at).value)
    }

    /// Lists the elements directly inside.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(Node::as_element)
    }

    /// Finds the first element of a name directly inside, for change.
    #[must_use]
    pub fn find_mut(&mut self, name: &str) -> Option<&mut Self> {
        self.children.iter_mut().filter_map(Node::as_element_mut).find(|e| e.name == name)
    }

    /// Finds the first element of a name directly inside.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Self> {
        self.elements().find(|e| e.name == name)
    }

    /// Says whether nothing but text stands inside; comments and instructions count as children.
    #[must_use]
    pub fn has_children(&self) -> bool {
        self.children.iter().any(|n| n.as_text().is_none())
    }

    /// Returns the text before the first child, comments and instructions being children; none where there is none.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        joined(&self.children)
    }

    /// Returns the text after the child with this index up to the next child.
    #[must_use]
    pub fn tail(&self, index: usize) -> Option<Cow<'_, str>> {
        joined(self.children.get(index + 1..)?)
    }

    /// Replaces the text before the first child.
    pub fn set_text(&mut self, text: impl Into<Text>) {
        let end = self.children.iter().position(|n| n.as_text().is_none()).unwrap_or(self.children.len());
        // A text that says the same keeps its bytes.
        let text = text.into();
        if joined(&self.children).is_none_or(|old| old != text.as_str()) {
            self.children.splice(..end, [Node::text(text)]);
        }
    }

    /// Returns all text inside, at any depth, as `string()` of XPath.
    #[must_use]
    pub fn all_text(&self) -> String {
        let mut text = String::new();
        let mut open = vec![self.children.iter()];
        while let Some(nodes) = open.last_mut() {
            match nodes.next() {
                Some(Node::Text(chars) | Node::CData(chars)) => text.push_str(&chars.value),
                Some(Node::Element(element)) => open.push(element.children.iter()),
                Some(Node::Comment(_) | Node::ProcessingInstruction(_)) => {}
                None => drop(open.pop()),
            }
        }
        text
    }

    /// Returns a prefix that stands for a namespace here.
    fn prefix_of(&self, namespace: &str) -> Option<String> {
        if namespace == XML_NAMESPACE {
            return Some("xml".into());
        }
        let mut scope = self.namespaces.as_deref();
        while let Some(here) = scope {
            let mut named = here.declarations.iter().filter(|(p, uri)| !p.is_empty() && &**uri == namespace);
            if let Some((prefix, _)) = named.find(|(p, _)| self.resolve(p) == Some(namespace)) {
                return Some(prefix.clone());
            }
            scope = here.outer.as_deref();
        }
        None
    }

    fn declare(&mut self, namespace: &str) -> String {
        let mut number = 0;
        let prefix = loop {
            let prefix = format!("ns{number}");
            if self.resolve(&prefix).is_none() {
                break prefix;
            }
            number += 1;
        };
        self.declare_as(&prefix, namespace);
        prefix
    }

    /// Declares a namespace on this element, innermost.
    pub fn declare_as(&mut self, prefix: &str, namespace: &str) {
        let declarations = vec![(prefix.to_owned(), namespace.into())];
        self.namespaces = Some(Arc::new(Namespaces {
            declarations,
            outer: self.namespaces.take(),
            declared_at: self.span().start,
        }));
    }
}

/// Joins the text nodes a list begins with.
fn joined(nodes: &[Node]) -> Option<Cow<'_, str>> {
    let mut texts = nodes.iter().map_while(Node::as_text);
    let first = texts.next()?;
    match texts.next() {
        None => Some(Cow::Borrowed(first)),
        Some(second) => {
            let mut all = format!("{first}{second}");
            texts.for_each(|t| all.push_str(t));
            Some(Cow::Owned(all))
        }
    }
}
