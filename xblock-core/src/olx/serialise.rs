//! Writes a tree as text, byte for byte as lxml's `tostring` does.

use std::fmt::Write as _;
use std::sync::Arc;

use super::element::{Element, Node};
use super::namespaces::{Namespaces, split_name};

/// Whether elements get lines of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// Everything as it stands in the tree.
    #[default]
    AsIs,
    /// Children of elements without any text get a line each, two blanks deeper; a newline ends the text.
    Pretty,
}

/// Which characters are written as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// All of them, as with lxml's encodings `unicode` and `utf-8`.
    #[default]
    Unicode,
    /// Those of ASCII; all others become numeric references, as with lxml's default encoding.
    Ascii,
}

/// How a tree is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct WriteOptions {
    /// Whether elements get lines of their own; they do not by default.
    pub layout: Layout,
    /// Which characters are written as they are; all by default.
    pub charset: Charset,
}

impl WriteOptions {
    /// The options that give every element a line of its own.
    pub const PRETTY: Self = Self { layout: Layout::Pretty, charset: Charset::Unicode };

    /// Replaces the character set.
    #[must_use]
    pub const fn charset(mut self, charset: Charset) -> Self {
        self.charset = charset;
        self
    }
}

impl Element {
    /// Writes the element as a document of its own, declaring every namespace in force.
    #[must_use]
    pub fn to_text(&self, options: WriteOptions) -> String {
        let mut out = String::with_capacity(self.span().range().len() + 64);
        self.write(&mut out, options);
        out
    }

    /// Appends the element, as [`Element::to_text`] writes it.
    pub fn write(&self, out: &mut String, options: WriteOptions) {
        let start = out.len();
        let own = root_declarations(self);
        Writer { out, declared: Vec::new() }.element(self, &own, options.layout, 0);
        if options.layout == Layout::Pretty {
            out.push('\n');
        }
        encode(out, start, options.charset);
    }

    /// Writes the child with this index together with the text after it, as lxml's `tostring` does for a child.
    #[must_use]
    pub fn child_text(&self, index: usize, charset: Charset) -> String {
        let mut out = String::new();
        match self.children.get(index) {
            Some(Node::Element(child)) => child.write(&mut out, WriteOptions::default()),
            Some(node) => Writer { out: &mut out, declared: Vec::new() }.leaf(node),
            None => return out,
        }
        if let Some(tail) = self.tail(index) {
            escape_text(&mut out, &tail);
        }
        encode(&mut out, 0, charset);
        out
    }
}

pub(super) type Declaration = (String, Arc<str>);

/// Writes elements, keeping track of the namespaces that are declared around them.
pub(super) struct Writer<'o> {
    pub(super) out: &'o mut String,
    /// The declarations written so far on the way down.
    pub(super) declared: Vec<Declaration>,
}

/// An element whose content is being written.
struct Open<'e> {
    element: &'e Element,
    rest: std::slice::Iter<'e, Node>,
    /// How its children are laid out.
    inner: Layout,
    /// How many declarations are in force outside it.
    outside: usize,
}

impl<'e> Open<'e> {
    fn new(element: &'e Element, layout: Layout, outside: usize) -> Self {
        let has_text = element.children.iter().any(|n| n.as_text().is_some());
        let inner = if has_text { Layout::AsIs } else { layout };
        Self { element, rest: element.children.iter(), inner, outside }
    }
}

impl Writer<'_> {
    pub(super) fn element(&mut self, root: &Element, own: &[Declaration], layout: Layout, depth: usize) {
        self.start_tag(root, own);
        if root.children.is_empty() {
            return;
        }
        let mut open = vec![Open::new(root, layout, self.declared.len())];
        self.declared.extend_from_slice(own);
        while let Some(top) = open.last_mut() {
            let (parent, inner) = (top.element, top.inner);
            match top.rest.next() {
                Some(Node::Element(element)) => {
                    self.line(inner, depth + open.len());
                    let own = self.child_declarations(element, Some(parent));
                    self.start_tag(element, &own);
                    if !element.children.is_empty() {
                        open.push(Open::new(element, inner, self.declared.len()));
                        self.declared.extend_from_slice(&own);
                    }
                }
                Some(node) => {
                    self.line(inner, depth + open.len());
                    self.leaf(node);
                }
                None => {
                    let outside = top.outside;
                    open.pop();
                    self.line(inner, depth + open.len());
                    self.declared.truncate(outside);
                    self.end_tag(&parent.name);
                }
            }
        }
    }

    /// Writes a start tag, or the only tag of an element without content.
    pub(super) fn start_tag(&mut self, element: &Element, own: &[Declaration]) {
        self.out.push('<');
        self.out.push_str(&element.name);
        own.iter().for_each(|declaration| self.declaration(declaration));
        for attribute in &element.attributes {
            self.attribute(&attribute.name, &attribute.value);
        }
        self.out.push_str(if element.children.is_empty() { "/>" } else { ">" });
    }

    pub(super) fn declaration(&mut self, (prefix, uri): &Declaration) {
        self.out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
        self.out.push_str(prefix);
        self.out.push_str("=\"");
        escape_attribute(self.out, uri);
        self.out.push('"');
    }

    pub(super) fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        escape_attribute(self.out, value);
        self.out.push('"');
    }

    pub(super) fn end_tag(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn line(&mut self, layout: Layout, depth: usize) {
        if layout == Layout::Pretty {
            self.out.push('\n');
            (0..depth).for_each(|_| self.out.push_str("  "));
        }
    }

    /// Writes what is no element.
    pub(super) fn leaf(&mut self, node: &Node) {
        match node {
            Node::Element(_) => {}
            Node::Text(chars) => escape_text(self.out, &chars.value),
            Node::CData(chars) => {
                // The end mark cannot stand in a section: it is divided between two.
                let value = chars.value.replace("]]>", "]]]]><![CDATA[>");
                let _ = write!(self.out, "<![CDATA[{value}]]>");
            }
            Node::Comment(chars) => {
                let _ = write!(self.out, "<!--{}-->", chars.value);
            }
            Node::ProcessingInstruction(pi) if pi.content.is_empty() => {
                let _ = write!(self.out, "<?{}?>", pi.target);
            }
            Node::ProcessingInstruction(pi) => {
                let _ = write!(self.out, "<?{} {}?>", pi.target, pi.content);
            }
        }
    }

    /// Lists what a child must declare itself: what stands between it and its parent, or where it was moved here
    /// from elsewhere, what differs from the declarations around it.
    pub(super) fn child_declarations(&self, child: &Element, parent: Option<&Element>) -> Vec<Declaration> {
        let mut own = self.own_declarations(child, parent);
        // What was read without a namespace stays without; what was made in memory takes the one around it.
        let is_default = |(prefix, _): &&Declaration| prefix.is_empty();
        if child.origin.is_some()
            && child.resolve("").is_none()
            && !own.iter().any(|declaration| is_default(&declaration))
            && self.declared.iter().rev().find(is_default).is_some_and(|(_, uri)| !uri.is_empty())
        {
            own.push((String::new(), "".into()));
        }
        own
    }

    fn own_declarations(&self, child: &Element, parent: Option<&Element>) -> Vec<Declaration> {
        let Some(scope) = &child.namespaces else { return Vec::new() };
        let around = parent.and_then(|p| p.namespaces.as_ref());
        if around.is_some_and(|around| Arc::ptr_eq(around, scope)) {
            return Vec::new();
        }
        let mut levels = Vec::new();
        let mut next = Some(scope);
        while let Some(level) = next.filter(|level| !around.is_some_and(|around| Arc::ptr_eq(around, level)))
        {
            levels.push(level);
            next = level.outer.as_ref();
        }
        let is_at_home = next.is_some() || around.is_none();
        let mut own: Vec<Declaration> = Vec::new();
        for (prefix, uri) in levels.iter().rev().flat_map(|level| &level.declarations) {
            own.retain(|(p, _)| p != prefix);
            let known = self.declared.iter().rev().find(|(p, _)| p == prefix).map(|(_, uri)| uri);
            if is_at_home || known != Some(uri) {
                own.push((prefix.clone(), uri.clone()));
            }
        }
        own
    }
}

/// Lists what an element written by itself declares, in lxml's order: its own declarations, those its name and its
/// attributes need, then all others from the inside to the outside.
fn root_declarations(element: &Element) -> Vec<Declaration> {
    let Some(scope) = &element.namespaces else { return Vec::new() };
    let mut list: Vec<Declaration> = Vec::new();
    let mut add = |prefix: &str, uri: &Arc<str>| {
        if !list.iter().any(|(p, _)| p == prefix) {
            list.push((prefix.to_owned(), uri.clone()));
        }
    };
    if scope.is_declared_on(element) {
        scope.declarations.iter().for_each(|(prefix, uri)| add(prefix, uri));
    }
    let names = std::iter::once(&element.name).chain(element.attributes.iter().map(|a| &a.name));
    for (at, name) in names.enumerate() {
        let prefix = split_name(name).0;
        if (at == 0 || !prefix.is_empty())
            && let Some(uri) = scope.lookup(prefix)
        {
            add(prefix, uri);
        }
    }
    let mut next = Some(scope);
    while let Some(level) = next {
        level.declarations.iter().for_each(|(prefix, uri)| add(prefix, uri));
        next = level.outer.as_ref();
    }
    list
}

impl Namespaces {
    /// Says whether the innermost declarations were written on the element itself rather than around it.
    fn is_declared_on(&self, element: &Element) -> bool {
        self.declared_at == element.span().start
    }
}

/// Escapes text as libxml2 does.
pub(super) fn escape_text(out: &mut String, text: &str) {
    escape(out, text, |byte| match byte {
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'&' => Some("&amp;"),
        b'\r' => Some("&#13;"),
        _ => None,
    });
}

/// Escapes an attribute's value as libxml2 does, for double quotes.
pub(super) fn escape_attribute(out: &mut String, text: &str) {
    escape(out, text, |byte| match byte {
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'&' => Some("&amp;"),
        b'"' => Some("&quot;"),
        b'\t' => Some("&#9;"),
        b'\n' => Some("&#10;"),
        b'\r' => Some("&#13;"),
        _ => None,
    });
}

fn escape(out: &mut String, text: &str, special: impl Fn(u8) -> Option<&'static str>) {
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        // All that is escaped comes before this, and most text behind.
        if byte <= b'>'
            && let Some(escaped) = special(byte)
        {
            out.push_str(&text[plain..at]);
            out.push_str(escaped);
            plain = at + 1;
        }
    }
    out.push_str(&text[plain..]);
}

/// Replaces what the character set does not have, wherever it stands.
fn encode(out: &mut String, start: usize, charset: Charset) {
    if charset == Charset::Unicode || out[start..].is_ascii() {
        return;
    }
    let text = out.split_off(start);
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let _ = write!(out, "&#{};", u32::from(c));
        }
    }
}
