//! The tree of an XML document: elements, attributes and what stands between them.

use std::borrow::Cow;
use std::sync::Arc;

use super::position::{Position, Span};

/// The namespace every document has without declaring it, under the prefix `xml`.
pub const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// The namespaces in force at an element: those declared on it, then those around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespaces {
    /// Prefix and name of each declaration, in order; the default namespace has an empty prefix.
    pub declarations: Vec<(String, Arc<str>)>,
    /// The declarations around it.
    pub outer: Option<Arc<Self>>,
    /// The first byte of the element they were written on.
    pub declared_at: usize,
}

impl Namespaces {
    /// Finds the namespace a prefix stands for; an empty name undeclares the default namespace.
    #[must_use]
    pub fn lookup(&self, prefix: &str) -> Option<&Arc<str>> {
        let mut scope = Some(self);
        while let Some(here) = scope {
            if let Some((_, uri)) = here.declarations.iter().rev().find(|(p, _)| p == prefix) {
                return (!uri.is_empty()).then_some(uri);
            }
            scope = here.outer.as_deref();
        }
        None
    }
}

/// One attribute of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name as it is written, prefix included.
    pub name: String,
    /// Its value after entities were replaced and white space was made blanks.
    pub value: String,
    /// Where its name begins.
    pub position: Position,
    /// The bytes from its name to its closing quote.
    pub span: Span,
}

/// Text, a CDATA section or a comment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chars {
    /// The characters, entities replaced.
    pub value: String,
    /// The bytes it was read from.
    pub span: Span,
}

impl From<String> for Chars {
    fn from(value: String) -> Self {
        Self { value, span: Span::default() }
    }
}

/// A processing instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// Its name.
    pub target: String,
    /// What follows the name.
    pub content: String,
    /// The bytes it was read from.
    pub span: Span,
}

/// What can stand inside an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text.
    Text(Chars),
    /// A CDATA section that is to stay one.
    CData(Chars),
    /// A comment.
    Comment(Chars),
    /// A processing instruction.
    ProcessingInstruction(Instruction),
}

impl Node {
    /// Makes a text node.
    #[must_use]
    pub fn text(value: impl Into<String>) -> Self {
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

    /// Returns the characters of text or a CDATA section.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(chars) | Self::CData(chars) => Some(&chars.value),
            _ => None,
        }
    }
}

impl From<Element> for Node {
    fn from(element: Element) -> Self {
        Self::Element(element)
    }
}

/// An element with its attributes and everything inside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// Its name as it is written, prefix included.
    pub name: String,
    /// Its attributes in order, without namespace declarations.
    pub attributes: Vec<Attribute>,
    /// What stands inside it, in order.
    pub children: Vec<Node>,
    /// The namespaces in force here, absent where none was ever declared.
    pub namespaces: Option<Arc<Namespaces>>,
    /// Where its `<` stands.
    pub position: Position,
    /// The bytes from its `<` to its last `>`.
    pub span: Span,
}

impl Element {
    /// Makes an element without attributes and content.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
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

    /// Sets an attribute: in place where it exists, else as the last one.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.attributes.iter_mut().find(|a| a.name == name) {
            Some(found) => found.value = value.into(),
            None => self.attributes.push(Attribute {
                name: name.to_owned(),
                value: value.into(),
                position: self.position,
                span: Span::default(),
            }),
        }
    }

    /// Sets an attribute whose name may be in James Clark's form.
    ///
    /// A namespace that has no prefix here is declared under `ns0`, `ns1` ..., as lxml does.
    pub fn set_clark(&mut self, name: &str, value: impl Into<String>) {
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
    pub fn remove(&mut self, name: &str) -> Option<String> {
        let at = self.attributes.iter().position(|a| a.name == name)?;
        Some(self.attributes.remove(at).value)
    }

    /// Lists the elements directly inside.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(Node::as_element)
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
    pub fn set_text(&mut self, text: impl Into<String>) {
        let end = self.children.iter().position(|n| n.as_text().is_none()).unwrap_or(self.children.len());
        self.children.splice(..end, [Node::text(text)]);
    }

    /// Returns all text inside, at any depth, as `string()` of XPath.
    #[must_use]
    pub fn all_text(&self) -> String {
        let mut text = String::new();
        self.collect_text(&mut text);
        text
    }

    fn collect_text(&self, text: &mut String) {
        for child in &self.children {
            match child {
                Node::Text(chars) | Node::CData(chars) => text.push_str(&chars.value),
                Node::Element(element) => element.collect_text(text),
                Node::Comment(_) | Node::ProcessingInstruction(_) => {}
            }
        }
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
            declared_at: self.span.start,
        }));
    }
}

/// Splits a name into prefix and local part.
pub(super) fn split_name(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
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
