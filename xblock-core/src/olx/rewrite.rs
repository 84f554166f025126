//! Writes a document as the file it was read from, with nothing new but what was changed.
//!
//! Every node knows its bytes, and a text that was replaced no longer does. So an element none of whose parts were
//! touched is copied; of any other, the start tag is copied attribute by attribute and the content node by node.

use std::collections::HashSet;

use super::document::Document;
use super::element::{Attribute, Element, Expansion, Node, Origin};
use super::encoding::Encoding;
use super::parse_options::ParseOptions;
use super::position::Span;
use super::serialise::{Declaration, Writer, escape_attribute};
use super::text::{SourceText, Text};
use super::xml_name::{is_blank, is_space};

impl Document {
    /// Returns the text of the file, without a byte order mark: what was read wherever nothing was changed.
    ///
    /// ```
    /// use xblock_core::olx::{Document, ParseOptions};
    ///
    /// let file = b"<a  x = '1' y=\"2\"><!-- kept -->\r\n  <b/> &lt; </a >\n";
    /// let mut document = Document::parse("a.xml".into(), file, &ParseOptions::default())?;
    /// assert_eq!(document.to_bytes(), file);
    ///
    /// document.root.set("x", "3");
    /// document.root.find_mut("b").expect("it is there").name = "c".into();
    /// assert_eq!(document.to_text(), "<a  x = '3' y=\"2\"><!-- kept -->\r\n  <c/> &lt; </a >\n");
    /// # Ok::<(), Box<xblock_core::olx::ParseError>>(())
    /// ```
    #[must_use]
    pub fn to_text(&self) -> String {
        let source = &self.source.text;
        let mut out = String::with_capacity(source.len() + 64);
        let mut rewriter = Rewriter {
            source,
            dropped: &self.dropped,
            touched: HashSet::new(),
            same_lists: HashSet::new(),
            copied_to: 0,
            encoding: self.encoding,
            writer: Writer { out: &mut out, declared: Vec::new() },
        };
        rewriter.find_touched(&self.root, &self.options);
        rewriter.document(self);
        out
    }
}

/// One attribute or namespace declaration of a start tag, as it is written.
struct Written {
    /// The blanks before it.
    before: Span,
    name: Span,
    /// What stands between the quotes.
    value: Span,
}

impl Written {
    const fn all(&self) -> Span {
        Span { start: self.before.start, end: self.value.end + 1 }
    }
}

struct Rewriter<'d, 'o> {
    source: &'d SourceText,
    dropped: &'d [Span],
    /// The elements that were changed themselves or hold one that was, by their address.
    touched: HashSet<*const Element>,
    /// Of the elements in which entities brought markup, those whose list of children is as it was.
    same_lists: HashSet<*const Element>,
    /// Where the bytes end that were copied last.
    copied_to: u32,
    encoding: Encoding,
    writer: Writer<'o>,
}

/// An element whose content is being written.
struct Open<'e> {
    element: &'e Element,
    rest: std::slice::Iter<'e, Node>,
    /// Whether its own bytes are there to copy from.
    is_read: bool,
    /// Where the bytes that are not written yet begin, where everything between its child elements is copied.
    unwritten: Option<u32>,
    /// The indentation that a new child gets.
    indentation: Span,
    outside: usize,
}

impl<'d> Rewriter<'d, '_> {
    fn document(&mut self, document: &'d Document) {
        let mut declarations = document.declarations.iter().copied().peekable();
        for node in &document.prolog {
            match self.leaf_span(node) {
                Some(span) => {
                    while let Some(declaration) = declarations.next_if(|d| d.start < span.start) {
                        self.copy_with_blanks(declaration);
                    }
                    self.copy_with_blanks(span);
                }
                None => {
                    // Nothing may stand before the XML declaration.
                    while let Some(declaration) = declarations.next_if(|d| d.start == 0) {
                        self.copy_with_blanks(declaration);
                        self.writer.out.push('\n');
                    }
                    self.writer.leaf(node);
                    self.writer.out.push('\n');
                }
            }
        }
        for declaration in declarations {
            self.copy_with_blanks(declaration);
        }
        if self.is_read(&document.root) {
            let span = document.root.span();
            self.copy(self.blanks_before(span.start));
        }
        self.element(&document.root, None);
        for node in &document.epilog {
            match self.leaf_span(node) {
                Some(span) => self.copy_with_blanks(span),
                None => {
                    self.writer.out.push('\n');
                    self.writer.leaf(node);
                }
            }
        }
        let all = Span::new(0, self.source.len());
        self.copy(self.blanks_before(all.end));
    }

    fn raw(&self, span: Span) -> &'d str {
        &self.source.as_str()[span.range()]
    }

    fn copy(&mut self, span: Span) {
        let raw = self.raw(span);
        let at = self.writer.out.len();
        self.writer.out.push_str(raw);
        if self.copied_to != span.start {
            self.part(at);
        }
        self.copied_to = span.end;
    }

    /// Keeps what was apart in the file from becoming one thing where it now meets: two ends of lines, or the end of a
    /// CDATA section.
    fn part(&mut self, at: usize) {
        let (before, after) = self.writer.out.split_at(at);
        if before.ends_with('\r') && after.starts_with('\n') {
            // All of them, for the one before would meet the new one.
            let start = before.trim_end_matches('\r').len();
            self.writer.out.replace_range(start..at, &"\n".repeat(at - start));
        } else if before.ends_with("]]") && after.starts_with('>') {
            self.writer.out.replace_range(at..=at, "&gt;");
        } else if before.ends_with(']') && after.starts_with("]>") {
            self.writer.out.replace_range(at + 1..at + 2, "&gt;");
        }
    }

    /// Writes a node that is no element and was made or changed in memory.
    fn leaf(&mut self, node: &Node) {
        let Node::CData(chars) = node else { return self.writer.leaf(node) };
        // No reference is read inside a section: what the encoding lacks stands between two.
        let mut rest = chars.value.as_str();
        while let Some(at) = rest.find(|c| !self.encoding.has(c)) {
            let (before, from) = rest.split_at(at);
            let end = from.find(|c| self.encoding.has(c)).unwrap_or(from.len());
            self.writer.leaf(&Node::CData(before.into()));
            self.writer.leaf(&Node::text(&from[..end]));
            rest = &from[end..];
        }
        match rest.len() == chars.value.len() {
            true => self.writer.leaf(node),
            false => self.writer.leaf(&Node::CData(rest.into())),
        }
    }

    fn copy_with_blanks(&mut self, span: Span) {
        self.copy(Span { start: self.blanks_before(span.start).start, end: span.end });
    }

    fn blanks_before(&self, end: u32) -> Span {
        let before = self.raw(Span { start: 0, end });
        Span::new(before.trim_end_matches([' ', '\t', '\n', '\r']).len(), end as usize)
    }

    /// Returns the white space without a node that ends at a byte.
    fn dropped_before(&self, end: u32) -> Option<Span> {
        let at = self.dropped.binary_search_by_key(&end, |span| span.end).ok()?;
        Some(self.dropped[at])
    }

    /// Says whether an element has bytes of its own in this document.
    fn is_read(&self, element: &Element) -> bool {
        self.origin(element).is_some()
    }

    fn origin<'e>(&self, element: &'e Element) -> Option<&'e Origin> {
        element.origin.as_ref().filter(|o| o.text.is(self.source) && o.expansion != Expansion::Itself)
    }

    /// Returns the bytes of a node that is no element and was not changed.
    fn leaf_span(&self, node: &Node) -> Option<Span> {
        match node {
            Node::Element(_) => None,
            Node::Text(chars) | Node::CData(chars) | Node::Comment(chars) => {
                chars.is_as_read(self.source).then_some(chars.span)
            }
            Node::ProcessingInstruction(instruction) => {
                let is_here = |text: &Text| text.origin().is_some_and(|(source, _)| source.is(self.source));
                let is_as_read = is_here(&instruction.target) && is_here(&instruction.content);
                (is_as_read && !instruction.span.is_empty()).then_some(instruction.span)
            }
        }
    }

    /// Finds every element that cannot be copied.
    fn find_touched(&mut self, root: &Element, options: &ParseOptions) {
        // The content of an entity has no bytes to compare with, so the document is read once more.
        let mut again: Option<Option<Document>> = None;
        let mut open = vec![(root, root.children.iter())];
        while let Some((element, rest)) = open.last_mut() {
            if let Some(child) = rest.by_ref().find_map(Node::as_element) {
                open.push((child, child.children.iter()));
                continue;
            }
            let element = *element;
            open.pop();
            let is_expanded = self.origin(element).is_some_and(|o| o.expansion == Expansion::Inside);
            if is_expanded {
                let source = || super::document::Source::new("".into(), self.source.clone());
                let again = again.get_or_insert_with(|| Document::parse_text(source(), options).ok());
                let before = again.as_ref().and_then(|document| element_at(&document.root, element.span()));
                if before.is_some_and(|before| self.has_same_list(before, element)) {
                    self.same_lists.insert(std::ptr::from_ref(element));
                }
            }
            let mut children = element.children.iter().filter_map(Node::as_element);
            if children.any(|child| self.is_read(child) && self.is_touched(child))
                || self.has_changed(element)
            {
                self.touched.insert(std::ptr::from_ref(element));
            }
        }
    }

    fn is_touched(&self, element: &Element) -> bool {
        self.touched.contains(&std::ptr::from_ref(element))
    }

    /// Says whether an element's start tag or the list of its children differs from its bytes.
    fn has_changed(&self, element: &Element) -> bool {
        let Some(origin) = self.origin(element) else { return true };
        let (tag, end) = self.start_tag(origin.span);
        if !self.has_name(element, origin) || self.has_changed_attributes(element, &tag) {
            return true;
        }
        if origin.expansion == Expansion::Inside {
            return !self.has_kept_list(element);
        }
        let Some(close) = self.end_tag(origin.span) else { return !element.children.is_empty() };
        let mut at = end;
        for child in &element.children {
            let span = match child {
                Node::Element(child) => self.origin(child).map(|origin| origin.span),
                leaf => self.leaf_span(leaf),
            };
            let Some(span) = span else { return true };
            if !self.is_contiguous(at, span.start) {
                return true;
            }
            at = span.end;
        }
        !self.is_contiguous(at, close.start)
    }

    fn has_kept_list(&self, element: &Element) -> bool {
        self.same_lists.contains(&std::ptr::from_ref(element))
    }

    /// Compares the children of an element with those it was read with; what stands in bytes of their own is left out.
    fn has_same_list(&self, before: &Element, now: &Element) -> bool {
        let is_same = |(before, now): (&Node, &Node)| match (before, now) {
            (Node::Element(before), Node::Element(now)) => match self.origin(before) {
                Some(origin) => self.origin(now).is_some_and(|now| now.span == origin.span),
                None => before == now,
            },
            _ => before == now,
        };
        before.children.len() == now.children.len() && before.children.iter().zip(&now.children).all(is_same)
    }

    fn is_contiguous(&self, end: u32, start: u32) -> bool {
        end == start || self.dropped_before(start).is_some_and(|blanks| blanks.start == end)
    }

    fn has_name(&self, element: &Element, origin: &Origin) -> bool {
        let start = origin.span.start + 1;
        let here = Span::new(start as usize, start as usize + element.name.len());
        element.name.origin().is_some_and(|(text, span)| text.is(self.source) && span == here)
    }

    fn has_changed_attributes(&self, element: &Element, tag: &[Written]) -> bool {
        let mut attributes = element.attributes.iter();
        let is_declared = |written: &Written| declared_prefix(self.raw(written.name)).is_some();
        let same = tag.iter().filter(|written| !is_declared(written)).all(|written| {
            attributes.next().is_some_and(|attribute| {
                self.is_here(&attribute.name, written.name) && self.is_here(&attribute.value, written.value)
            })
        });
        !same || attributes.next().is_some() || self.new_declarations(element, tag).next().is_some()
    }

    /// Lists the declarations an element has beside those in its start tag.
    fn new_declarations<'e>(
        &self,
        element: &'e Element,
        tag: &'e [Written],
    ) -> impl Iterator<Item = &'e Declaration> + use<'e, '_, 'd> {
        let source = self.source;
        let scope = element.namespaces.as_ref().filter(|scope| scope.declared_at == element.span().start);
        let is_written = move |prefix: &str| {
            tag.iter().any(|w| declared_prefix(&source.as_str()[w.name.range()]) == Some(prefix))
        };
        let own = scope.map(|scope| scope.declarations.as_slice()).unwrap_or_default();
        own.iter().filter(move |(prefix, _)| !is_written(prefix))
    }

    fn is_here(&self, text: &Text, place: Span) -> bool {
        text.origin().is_some_and(|(source, span)| source.is(self.source) && span == place)
    }

    /// Takes a start tag apart, which the parser found to be well-formed; the byte after its `>` comes along.
    fn start_tag(&self, span: Span) -> (Vec<Written>, u32) {
        let bytes = self.source.as_bytes();
        let skip = |mut at: usize, wanted: &dyn Fn(u8) -> bool| {
            while bytes.get(at).is_some_and(|byte| wanted(*byte)) {
                at += 1;
            }
            at
        };
        let is_in_name = |byte: u8| !is_space(byte) && !matches!(byte, b'=' | b'/' | b'>');
        let mut tag = Vec::new();
        let mut at = skip(span.start as usize + 1, &is_in_name);
        loop {
            let name = skip(at, &is_space);
            match bytes.get(name) {
                None => return (tag, span.end),
                Some(b'/') => return (tag, Span::new(0, name + 2).end),
                Some(b'>') => return (tag, Span::new(0, name + 1).end),
                Some(_) => {}
            }
            let name_end = skip(name, &is_in_name);
            let quote = skip(name_end, &|byte| is_space(byte) || byte == b'=');
            let Some(mark) = bytes.get(quote) else { return (tag, span.end) };
            let end = skip(quote + 1, &|byte| byte != *mark);
            tag.push(Written {
                before: Span::new(at, name),
                name: Span::new(name, name_end),
                value: Span::new(quote + 1, end),
            });
            at = end + 1;
        }
    }

    /// Finds the end tag of an element; none where it is its own end tag.
    fn end_tag(&self, span: Span) -> Option<Span> {
        let raw = self.raw(span);
        if raw.ends_with("/>") {
            return None;
        }
        let at = raw.rfind("</")?;
        Some(Span::new(span.start as usize + at, span.end as usize))
    }

    /// Writes an element and everything inside it.
    fn element(&mut self, root: &'d Element, parent: Option<&Element>) {
        let mut open: Vec<Open<'d>> = Vec::new();
        open.extend(self.open(root, parent));
        while let Some(top) = open.last_mut() {
            let (element, is_read, unwritten) = (top.element, top.is_read, top.unwritten);
            let Some(node) = top.rest.next() else {
                let outside = top.outside;
                open.pop();
                if let Some(start) = unwritten
                    && let Some(close) = self.end_tag(element.span())
                {
                    self.copy(Span { start, end: close.start });
                }
                self.close(element, is_read, unwritten.is_some());
                self.writer.declared.truncate(outside);
                continue;
            };
            let span = match node {
                Node::Element(child) => self.origin(child).map(|origin| origin.span),
                leaf => self.leaf_span(leaf),
            };
            if let Some(start) = unwritten {
                if let (Node::Element(child), Some(span)) = (node, span) {
                    top.unwritten = Some(span.end);
                    self.copy(Span { start, end: span.start });
                    let next = self.open(child, Some(element));
                    open.extend(next);
                }
                continue;
            }
            let before = match span {
                Some(span) => self.dropped_before(span.start),
                None => Some(top.indentation).filter(|_| node.as_text().is_none()),
            };
            if let Some(before) = before {
                self.copy(before);
            }
            match (node, span) {
                (Node::Element(child), _) => {
                    let next = self.open(child, Some(element));
                    open.extend(next);
                }
                (_, Some(span)) => self.copy(span),
                (leaf, None) => {
                    let at = self.writer.out.len();
                    self.leaf(leaf);
                    self.part(at);
                }
            }
        }
    }

    /// Writes a start tag, or the whole element where that can be copied or has no content.
    fn open(&mut self, element: &'d Element, parent: Option<&Element>) -> Option<Open<'d>> {
        let Some(origin) = self.origin(element) else {
            let own = self.writer.child_declarations(element, parent);
            self.writer.start_tag(element, &own);
            if element.children.is_empty() {
                return None;
            }
            let outside = self.writer.declared.len();
            self.writer.declared.extend(own);
            let rest = element.children.iter();
            let indentation = Span::default();
            return Some(Open { element, rest, is_read: false, unwritten: None, indentation, outside });
        };
        let (tag, tag_end) = self.start_tag(origin.span);
        let is_written = |declaration: &Declaration| {
            tag.iter().any(|w| declared_prefix(self.raw(w.name)) == Some(&declaration.0))
                && declared_in_tag(element, origin.span).contains(declaration)
        };
        let mut missing = self.writer.child_declarations(element, parent);
        missing.retain(|declaration| !is_written(declaration));
        if missing.is_empty() && !self.is_touched(element) {
            self.copy(origin.span);
            return None;
        }
        self.write_start_tag(element, &tag, tag_end, &missing);
        if element.children.is_empty() && self.end_tag(origin.span).is_none() {
            return None;
        }
        let outside = self.writer.declared.len();
        self.writer.declared.extend(missing);
        if let Some(scope) = element.namespaces.as_ref().filter(|s| s.declared_at == origin.span.start) {
            self.writer.declared.extend(scope.declarations.iter().cloned());
        }
        let unwritten = self.has_kept_list(element).then_some(tag_end);
        let mut children = element.children.iter();
        let indentation = children.find_map(|child| self.dropped_before(child.span().start));
        // A reference that brought nothing is no indentation.
        let indentation = indentation.filter(|blanks| is_blank(self.raw(*blanks))).unwrap_or_default();
        let rest = element.children.iter();
        Some(Open { element, rest, is_read: true, unwritten, indentation, outside })
    }

    fn write_start_tag(&mut self, element: &Element, tag: &[Written], end: u32, missing: &[Declaration]) {
        self.writer.out.push('<');
        self.writer.out.push_str(&element.name);
        missing.iter().for_each(|declaration| self.writer.declaration(declaration));
        let mut is_done = vec![false; tag.len()];
        for attribute in &element.attributes {
            let found = tag.iter().position(|written| self.is_here(&attribute.name, written.name));
            let Some(found) = found.filter(|at| !is_done[*at]) else {
                self.writer.attribute(&attribute.name, &attribute.value);
                continue;
            };
            // Declarations keep their place among the attributes.
            self.write_declarations(&tag[..found], &mut is_done);
            is_done[found] = true;
            self.write_attribute(attribute, &tag[found]);
        }
        self.write_declarations(tag, &mut is_done);
        let last = tag.last().map_or(element_name_end(self.source, element), |w| w.value.end + 1);
        let rest = self.raw(Span { start: last, end });
        let is_alone = rest.ends_with("/>");
        let rest = match is_alone && !element.children.is_empty() {
            true => ">",
            false => rest,
        };
        self.writer.out.push_str(rest);
    }

    fn write_declarations(&mut self, tag: &[Written], is_done: &mut [bool]) {
        for (written, is_done) in tag.iter().zip(is_done) {
            if !*is_done && declared_prefix(self.raw(written.name)).is_some() {
                *is_done = true;
                self.copy(written.all());
            }
        }
    }

    fn write_attribute(&mut self, attribute: &Attribute, written: &Written) {
        if self.is_here(&attribute.value, written.value) {
            self.copy(written.all());
            return;
        }
        let head = Span { start: written.before.start, end: written.value.start };
        self.copy(head);
        let is_single = self.raw(head).ends_with('\'');
        let mut value = String::with_capacity(attribute.value.len());
        escape_attribute(&mut value, &attribute.value);
        if is_single {
            value = value.replace('\'', "&apos;");
        }
        self.writer.out.push_str(&value);
        self.copy(Span { start: written.value.end, end: written.value.end + 1 });
    }

    fn close(&mut self, element: &Element, is_read: bool, blanks_are_written: bool) {
        let close = if is_read { self.end_tag(element.span()) } else { None };
        let Some(close) = close else {
            self.writer.end_tag(&element.name);
            return;
        };
        if let Some(blanks) = self.dropped_before(close.start).filter(|_| !blanks_are_written) {
            self.copy(blanks);
        }
        let raw = self.raw(close).trim_start_matches("</");
        let blanks = raw.find([' ', '\t', '\n', '\r', '>']).map_or("", |at| &raw[at..]);
        self.writer.out.push_str("</");
        self.writer.out.push_str(&element.name);
        self.writer.out.push_str(blanks);
    }
}

fn element_name_end(source: &SourceText, element: &Element) -> u32 {
    let start = element.span().start as usize + 1;
    let rest = &source.as_bytes()[start..];
    let length = rest.iter().position(|b| is_space(*b) || matches!(b, b'/' | b'>')).unwrap_or(rest.len());
    Span::new(start, start + length).end
}

/// Returns the prefix that a namespace declaration is about; none for an attribute.
fn declared_prefix(name: &str) -> Option<&str> {
    if name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") }
}

/// Returns the declarations that were read from the start tag of an element; others may have been made on it since.
fn declared_in_tag(element: &Element, span: Span) -> &[Declaration] {
    let mut found: &[Declaration] = &[];
    let mut scope = element.namespaces.as_deref();
    while let Some(here) = scope {
        if here.declared_at == span.start {
            found = &here.declarations;
        }
        scope = here.outer.as_deref();
    }
    found
}

/// Finds the element with these bytes.
fn element_at(root: &Element, span: Span) -> Option<&Element> {
    let mut next = root;
    while next.span() != span {
        let inner = |child: &&Element| child.span().start <= span.start && span.end <= child.span().end;
        next = next.elements().find(inner)?;
    }
    Some(next)
}
