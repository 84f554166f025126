//! A problem's XML as a tree in which each text hangs on the element before it, as in lxml: the rules of the platform
//! for what is shown and what is lost are about such tails.

use xblock_core::olx;

use crate::escape;

/// An element, or a comment or instruction where `name` is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    /// The text before the first child.
    pub(super) text: String,
    pub(super) children: Vec<Node>,
    /// The text after the element.
    pub(super) tail: String,
    pub(super) line: u32,
    /// The line on which the text of a script begins.
    pub(super) text_line: u32,
    pub(super) mark: Mark,
}

/// What the problem's numbering made of an element.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mark {
    /// Markup.
    #[default]
    None,
    /// The response with this index.
    Response(usize),
    /// An input, by the indexes of its response and of itself in it.
    Input(usize, usize),
    /// The solution with this number, counted from 1.
    Solution(usize),
    /// A solution that is shown among the feedback.
    Explanation,
}

impl Node {
    /// Makes an element without content.
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Takes the root of a document.
    pub(super) fn from_document(document: &olx::Document) -> Self {
        Self::from_element(&document.root, &document.source.text)
    }

    fn from_element(element: &olx::Element, source: &olx::SourceText) -> Self {
        let mut node = Self::new(&element.name);
        node.line = element.position().line;
        if &*element.name == "script"
            && let Some(olx::Node::Text(chars) | olx::Node::CData(chars)) = element.children.first()
        {
            node.text_line = source.position(chars.span.range().start).line;
        }
        node.attributes =
            element.attributes.iter().map(|a| (a.name.to_string(), a.value.to_string())).collect();
        for child in &element.children {
            match child {
                olx::Node::Text(chars) | olx::Node::CData(chars) => {
                    let text = node.children.last_mut().map_or(&mut node.text, |last| &mut last.tail);
                    text.push_str(&chars.value);
                }
                olx::Node::Element(element) => node.children.push(Self::from_element(element, source)),
                olx::Node::Comment(_) | olx::Node::ProcessingInstruction(_) => {
                    node.children.push(Self::default())
                }
            }
        }
        node
    }

    /// Tells whether this is an element.
    pub(super) fn is_element(&self) -> bool {
        !self.name.is_empty()
    }

    /// Returns the value of an attribute.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Sets an attribute, in place where it is there already.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self.attributes.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.attributes.push((name.to_owned(), value)),
        }
    }

    /// Lists the child elements.
    pub(super) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(|child| child.is_element())
    }

    /// Lists the child elements of a name.
    pub(super) fn all<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Self> {
        self.elements().filter(move |child| child.name == name)
    }

    /// Visits every element below this one in document order.
    pub(super) fn descendants(&self) -> Vec<&Self> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'n>(&'n self, found: &mut Vec<&'n Self>) {
        for child in self.elements() {
            found.push(child);
            child.collect(found);
        }
    }

    /// Visits this element and every one below it, in document order, to change it.
    pub(super) fn for_each_mut(&mut self, change: &mut impl FnMut(&mut Self)) {
        change(self);
        for child in self.children.iter_mut().filter(|child| child.is_element()) {
            child.for_each_mut(change);
        }
    }

    /// Returns what is inside as markup. The leading text is taken as it reads, so escaped markup in it becomes
    /// markup, where it is any; a comment takes the text after it along.
    pub(super) fn inner_xml(&self) -> String {
        let mut out = markup(&self.text);
        for child in self.elements() {
            child.write(&mut out);
            escape_text(&child.tail, &mut out);
        }
        out
    }

    /// Returns all text inside, that of comments excepted.
    pub(super) fn all_text(&self) -> String {
        let mut text = self.text.clone();
        for child in &self.children {
            if child.is_element() {
                text.push_str(&child.all_text());
            }
            text.push_str(&child.tail);
        }
        text
    }

    /// Writes the element without its tail, as HTML that is XML, too.
    pub(super) fn write(&self, out: &mut String) {
        if !self.is_element() {
            return;
        }
        open_tag(out, &self.name, &self.attributes);
        // HTML takes the text of these as it stands.
        if matches!(self.name.as_str(), "script" | "style") {
            out.push_str(&self.text);
        } else {
            escape_text(&self.text, out);
        }
        for child in &self.children {
            child.write(out);
            escape_text(&child.tail, out);
        }
        close_tag(out, &self.name);
    }
}

/// Takes a text for the markup it is; one that is no markup is escaped.
pub(super) fn markup(text: &str) -> String {
    if !text.contains(['<', '&']) {
        return text.to_owned();
    }
    if is_markup(text) {
        return text.to_owned();
    }
    let mut escaped = String::with_capacity(text.len());
    escape_text(text, &mut escaped);
    escaped
}

/// Tells whether a text is well-formed markup.
pub(super) fn is_markup(text: &str) -> bool {
    let source = olx::Source::new(olx::FileName::from("markup"), format!("<m>{text}</m>").into());
    olx::Document::parse_text(source, &olx::ParseOptions::default()).is_ok()
}

/// Returns the text of markup without its tags; what is no markup is text already.
pub(super) fn plain_text(html: &str) -> String {
    if !html.contains(['<', '&']) {
        return html.to_owned();
    }
    let source = olx::Source::new(olx::FileName::from("markup"), format!("<m>{html}</m>").into());
    match olx::Document::parse_text(source, &olx::ParseOptions::default()) {
        Ok(document) => Node::from_document(&document).all_text(),
        Err(_) => html.to_owned(),
    }
}

/// The elements of HTML that have no content.
const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// Writes a start tag.
pub(super) fn open_tag(out: &mut String, name: &str, attributes: &[(String, String)]) {
    out.push('<');
    out.push_str(name);
    for (name, value) in attributes {
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        out.push_str(&escape::html(value));
        out.push('"');
    }
    out.push_str(if VOID.contains(&name) { "/>" } else { ">" });
}

/// Writes an end tag, where the element has one.
pub(super) fn close_tag(out: &mut String, name: &str) {
    if !VOID.contains(&name) {
        out.push_str("</");
        out.push_str(name);
        out.push('>');
    }
}

/// Escapes text for the content of an element.
pub(super) fn escape_text(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use xblock_core::olx::{Document, FileName, ParseOptions, Source};

    use super::*;

    fn tree(xml: &str) -> Node {
        let source = Source::new(FileName::from("problem.xml"), xml.into());
        Node::from_document(&Document::parse_text(source, &ParseOptions::default()).expect("it is XML"))
    }

    #[test]
    fn texts_hang_on_the_element_before_them() {
        let node = tree("<p>a<b>c</b>d<!-- e -->f</p>");
        assert_eq!(
            (node.text.as_str(), node.children[0].tail.as_str(), node.children[1].tail.as_str()),
            ("a", "d", "f")
        );
        assert_eq!(node.inner_xml(), "a<b>c</b>d");
    }

    #[test]
    fn markup_is_html_and_xml() {
        let mut out = String::new();
        tree("<p a='\"&lt;'>x &amp; y<br/><i/></p>").write(&mut out);
        assert_eq!(out, "<p a=\"&#34;&lt;\">x &amp; y<br/><i></i></p>");
    }
}
