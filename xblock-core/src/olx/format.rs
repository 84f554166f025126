//! The canonical layout of single files: the same document with other white space around it.
//!
//! Containers get a line for each child and their settings in order; every other element keeps what stands inside it byte
//! for byte, for its white space may mean something. Comments, instructions and what is written with entities stay.

use super::Document;
use super::element::{Attribute, Element, Node};
use super::json_line::json_indented;
use super::parse_error::ParseError;
use super::parse_options::{CDataSections, ParseOptions};
use super::plain::FAMILY_ATTRIBUTE;
use super::serialise::escape_attribute;
use super::{FileName, Source};
use crate::block::Registry;
use crate::fields::{Json, Scope};

/// The types that hold nothing but blocks and elements of their own, so that blank text in them means nothing.
const CONTAINERS: [&str; 10] = [
    "chapter",
    "course",
    "itembank",
    "library",
    "library_content",
    "randomize",
    "sequential",
    "vertical",
    "videosequence",
    "wrapper",
];

/// Lays out an OLX file as the canonical writer would, as far as that changes no text anybody wrote.
///
/// The result means the same and is its own canonical layout.
///
/// # Errors
/// [`ParseError`] where the bytes are no XML.
pub fn format_olx(file: FileName, bytes: &[u8], registry: &Registry) -> Result<Vec<u8>, Box<ParseError>> {
    let mark: &[u8] = b"\xef\xbb\xbf";
    let has_mark = bytes.starts_with(mark);
    let document = Document::parse(file, bytes, &ParseOptions::default().cdata(CDataSections::Keep))?;
    let Source { text, .. } = &document.source;
    let root = document.root.span().range();
    let (Some(before), Some(after)) = (text.get(..root.start), text.get(root.end..)) else {
        return Ok(bytes.to_vec());
    };
    let mut formatter = Formatter { text, registry, out: String::with_capacity(text.len()) };
    if !before.trim().is_empty() {
        formatter.out.push_str(before.trim());
        formatter.out.push('\n');
    }
    if formatter.element(&document.root, 0).is_none() {
        return Ok(bytes.to_vec());
    }
    let mut out = formatter.out;
    if !after.trim().is_empty() {
        out.push('\n');
        out.push_str(after.trim());
    }
    if after.ends_with('\n') {
        out.push('\n');
    }
    let mut whole = if has_mark { mark.to_vec() } else { Vec::new() };
    whole.extend_from_slice(out.as_bytes());
    Ok(whole)
}

/// Lays out a policy file as the canonical writer does; none where that could change what it says.
#[must_use]
pub fn format_policy(bytes: &[u8]) -> Option<Vec<u8>> {
    // Longer numbers may be more than is kept of them.
    let is_long = |run: &[u8]| run.len() >= 16 && run.iter().all(u8::is_ascii_digit);
    if bytes.windows(16).any(is_long) {
        return None;
    }
    let value: Json = serde_json::from_slice(bytes).ok()?;
    let mut out = json_indented(&value);
    if bytes.ends_with(b"\n") {
        out.push('\n');
    }
    (serde_json::from_str::<Json>(&out).ok()? == value).then_some(out.into_bytes())
}

struct Formatter<'d> {
    text: &'d str,
    registry: &'d Registry,
    out: String,
}

impl Formatter<'_> {
    /// Writes an element; none where its text is not what was expected.
    fn element(&mut self, element: &Element, depth: usize) -> Option<()> {
        let raw = self.text.get(element.span().range())?;
        let (close, is_empty) = start_tag(raw, element.name.len() + 1)?;
        let is_container = CONTAINERS.contains(&&*element.name) && is_blank_between(element);
        let tag = &raw[..close];
        // Declarations of namespaces are no attributes; what is beside them stays, too.
        if tag.contains("xmlns") {
            self.out.push_str(tag.trim_end());
        } else {
            self.out.push('<');
            self.out.push_str(&element.name);
            for attribute in self.attributes(element, is_container) {
                self.out.push(' ');
                self.out.push_str(&attribute.name);
                self.out.push_str("=\"");
                let written = self.text.get(attribute.span().range())?;
                self.attribute(written, &attribute.value)?;
                self.out.push('"');
            }
        }
        if is_empty {
            self.out.push_str("/>");
            return Some(());
        }
        let inner = close + 1..raw.rfind("</")?;
        if !is_container {
            self.out.push('>');
            self.out.push_str(raw.get(inner)?);
        } else if element.children.iter().all(|node| node.as_text().is_some()) {
            self.out.push_str("/>");
            return Some(());
        } else {
            self.out.push('>');
            self.children(element, depth)?;
        }
        self.out.push_str("</");
        self.out.push_str(&element.name);
        self.out.push('>');
        Some(())
    }

    /// Writes an attribute's value as it was, where the quotes around it allow that.
    fn attribute(&mut self, written: &str, value: &str) -> Option<()> {
        let (_, quoted) = written.split_once('=')?;
        let quoted = quoted.trim();
        let inside = quoted.get(1..quoted.len().checked_sub(1)?)?;
        if quoted.starts_with('"') && !inside.contains(['\n', '\r', '\t', '<', '>']) {
            self.out.push_str(inside);
        } else {
            escape_attribute(&mut self.out, value);
        }
        Some(())
    }

    /// Writes what stands in a container, a line for each.
    fn children(&mut self, element: &Element, depth: usize) -> Option<()> {
        let mut blank_lines = 0;
        let mut is_first = true;
        for node in &element.children {
            match node {
                Node::Text(chars) | Node::CData(chars) => {
                    let raw = self.text.get(chars.span.range())?;
                    blank_lines = raw.matches('\n').count().saturating_sub(1);
                    continue;
                }
                _ if blank_lines > 0 && !is_first => self.out.push_str("\n\n"),
                _ => self.out.push('\n'),
            }
            (blank_lines, is_first) = (0, false);
            (0..=depth).for_each(|_| self.out.push_str("  "));
            match node {
                Node::Element(child) => self.element(child, depth + 1)?,
                Node::Comment(chars) => self.out.push_str(self.text.get(chars.span.range())?),
                Node::ProcessingInstruction(instruction) => {
                    self.out.push_str(self.text.get(instruction.span.range())?);
                }
                Node::Text(_) | Node::CData(_) => {}
            }
        }
        self.out.push('\n');
        (0..depth).for_each(|_| self.out.push_str("  "));
        Some(())
    }

    /// Lists the attributes of an element; those of containers begin with the name, then come the settings in order.
    fn attributes<'e>(&self, element: &'e Element, is_container: bool) -> Vec<&'e Attribute> {
        let mut attributes: Vec<_> = element.attributes.iter().collect();
        if is_container {
            let block_type = self.registry.block_type(&element.name);
            let is_setting =
                |name: &str| block_type.field(name).is_some_and(|spec| spec.scope == Scope::Settings);
            attributes.sort_by(|a, b| {
                let rank = |attribute: &Attribute| match &*attribute.name {
                    "url_name" => 0,
                    FAMILY_ATTRIBUTE => 1,
                    name if is_setting(name) => 2,
                    _ => 3,
                };
                let by_name = || if rank(a) == 2 { a.name.cmp(&b.name) } else { std::cmp::Ordering::Equal };
                rank(a).cmp(&rank(b)).then_with(by_name)
            });
        }
        attributes
    }
}

/// Says whether there is nothing but blank text between the children.
fn is_blank_between(element: &Element) -> bool {
    element.children.iter().all(|node| match node {
        Node::Text(chars) => chars.value.trim().is_empty(),
        Node::CData(_) => false,
        _ => true,
    })
}

/// Finds the `>` or `/>` that ends a start tag, and whether the element ends there, too.
fn start_tag(raw: &str, name_end: usize) -> Option<(usize, bool)> {
    let mut quote = None;
    for (at, byte) in raw.bytes().enumerate().skip(name_end) {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            (None, b'>') => {
                let is_empty = raw[..at].ends_with('/');
                return Some((at - usize::from(is_empty), is_empty));
            }
            _ => {}
        }
    }
    None
}
