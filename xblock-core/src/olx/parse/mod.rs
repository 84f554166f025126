//! Reads XML into a tree, following lxml with the options edx-platform gives it.
//!
//! quick-xml finds where each piece of markup begins and ends; everything else is decided here, because a parser that
//! accepts more than libxml2 would store courses that edx-platform refuses.

mod characters;

use std::cell::RefCell;
use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::errors::IllFormedError;
use quick_xml::events::Event;

use super::attributes::{StartTag, read_start_tag, start_of};
use super::document::{Document, Source};
use super::element::{Attribute, Chars, Element, Expansion, Instruction, Node, Origin};
use super::encoding::Encoding;
use super::entity::{Entities, simple_reference};
use super::namespaces::{Namespaces, split_name};
use super::nodes::Nodes;
use super::parse_error::{ParseError, ParseErrorKind};
use super::parse_options::{MOST_BYTES, ParseOptions};
use super::position::{Position, Span};
use super::syntax_error::SyntaxError;
use super::text::{SourceText, Text};
use super::xml_name::{is_char, is_name, is_plain_name, normalise_lines};

use characters::Run;

/// Lists that are empty between two files. Each thread keeps its own, so that a small file needs no memory for them.
#[derive(Default)]
struct Lists {
    open: Vec<Open>,
    nodes: Vec<Node>,
    attributes: Vec<Attribute>,
    dropped: Vec<Span>,
}

/// How much room in a list is kept.
const KEPT: usize = 1024;

thread_local! {
    static LISTS: RefCell<Lists> = RefCell::default();
}

/// Empties a list that may be used again.
fn emptied<T>(mut list: Vec<T>) -> Vec<T> {
    list.clear();
    if list.capacity() > KEPT { Vec::new() } else { list }
}

pub(super) fn parse_document(
    source: Source,
    encoding: Encoding,
    options: &ParseOptions,
) -> Result<Document, Box<ParseError>> {
    let Lists { open, nodes, attributes, dropped } = LISTS.take();
    let mut builder = Builder {
        source: &source.text,
        options,
        entities: Entities::default(),
        expanded: 0,
        entity_names: Vec::new(),
        open,
        nodes,
        run: None,
        attributes,
        root: None,
        prolog: Vec::new(),
        epilog: Vec::new(),
        dropped,
        declarations: Vec::new(),
        doctype_seen: false,
        has_returns: false,
    };
    let failure = match builder.run() {
        Ok(root) => {
            let Builder { open, nodes, attributes, prolog, epilog, dropped: list, declarations, .. } =
                builder;
            let dropped = list.as_slice().into();
            LISTS.set(Lists {
                open: emptied(open),
                nodes: emptied(nodes),
                attributes: emptied(attributes),
                dropped: emptied(list),
            });
            let options = options.clone();
            return Ok(Document { prolog, epilog, root, encoding, options, dropped, declarations, source });
        }
        Err(failure) => failure,
    };
    let element = builder.open.last().map(|open| open.element.name.as_str().to_owned());
    let here = source.text.position(failure.offset);
    Err(Box::new(ParseError {
        kind: failure.kind,
        position: source.place(here),
        element,
        excerpt: source.excerpt(here),
        file: source.file,
    }))
}

/// What went wrong at which byte.
pub(super) struct Failure {
    pub(super) kind: ParseErrorKind,
    pub(super) offset: usize,
}

impl Failure {
    pub(super) const fn new(kind: ParseErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }
}

/// libxml2's state of `xml:space` for an element, which decides about blank text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Space {
    /// Nothing said, no text seen yet.
    Unknown,
    /// Nothing said, and text was seen: blank text stays from here on.
    TextSeen,
    /// `xml:space="default"`.
    Default,
    /// `xml:space="preserve"`.
    Preserve,
}

struct Open {
    element: Box<Element>,
    space: Space,
    /// Where its children begin in the list of nodes that wait for their parent.
    first_child: usize,
    /// Whether an entity brought more than text.
    has_expansion: bool,
}

impl Open {
    /// Takes note that text was seen, after which blank text stays.
    fn note_text(&mut self) {
        if self.space == Space::Unknown {
            self.space = Space::TextSeen;
        }
    }
}

/// Returns what stands between the marks of a piece of markup.
fn inside<'t>(raw: &'t str, start: &str, end: &str) -> Result<&'t str, ParseErrorKind> {
    raw.strip_prefix(start)
        .and_then(|rest| rest.strip_suffix(end))
        .ok_or_else(|| SyntaxError::IllFormed { text: raw.to_owned() }.into())
}

/// A piece of text being read: the file itself or an entity's replacement.
#[derive(Clone, Copy)]
pub(super) enum Place {
    File,
    /// The reference that is being replaced.
    Entity(Span),
}

impl Place {
    pub(super) fn span(self, start: usize, end: usize) -> Span {
        match self {
            Self::File => Span::new(start, end),
            Self::Entity(reference) => reference,
        }
    }

    pub(super) const fn offset(self, at: usize) -> usize {
        match self {
            Self::File => at,
            Self::Entity(reference) => reference.start as usize,
        }
    }

    /// The bytes of a node that is no element: one out of an entity has none of its own.
    fn own_span(self, start: usize, end: usize) -> Span {
        match self {
            Self::File => Span::new(start, end),
            Self::Entity(_) => Span::default(),
        }
    }
}

pub(super) struct Builder<'a> {
    source: &'a SourceText,
    pub(super) options: &'a ParseOptions,
    pub(super) entities: Entities,
    expanded: usize,
    /// The entities being replaced, outermost first.
    pub(super) entity_names: Vec<String>,
    open: Vec<Open>,
    /// The nodes whose parent is not complete.
    nodes: Vec<Node>,
    /// The text being read, which comes after all nodes.
    run: Option<Run>,
    /// The attributes of the start tag being read.
    pub(super) attributes: Vec<Attribute>,
    root: Option<Element>,
    prolog: Vec<Node>,
    epilog: Vec<Node>,
    dropped: Vec<Span>,
    /// The XML declaration and the document type declaration.
    declarations: Vec<Span>,
    doctype_seen: bool,
    /// Whether the file has a carriage return anywhere.
    has_returns: bool,
}

impl Builder<'_> {
    /// Makes a text of what stands at a byte as it is.
    pub(super) fn text(&self, raw: &str, at: usize, place: Place) -> Text {
        match place {
            Place::File => Text::part(self.source, Span::new(at, at + raw.len())),
            Place::Entity(reference) => Text::decoded(self.source, reference, raw),
        }
    }

    /// Makes a text of what some bytes stand for.
    pub(super) fn decoded(&self, value: &str, span: Span) -> Text {
        Text::decoded(self.source, span, value)
    }

    fn position(&self, element: &Element) -> Position {
        self.source.position(element.span().start as usize)
    }

    fn run(&mut self) -> Result<Element, Failure> {
        let text = self.source.as_str();
        let limit = self.options.max_size.min(MOST_BYTES);
        if text.len() > limit {
            return Err(Failure::new(ParseErrorKind::TooLarge { what: "the file", limit }, 0));
        }
        check_characters(text)?;
        self.has_returns = memchr::memchr(b'\r', text.as_bytes()).is_some();
        self.content(text, Place::File)?;
        if let Some(open) = self.open.last() {
            let name = open.element.name.as_str().to_owned();
            let kind = ParseErrorKind::Unclosed { name, opened: self.position(&open.element) };
            return Err(Failure::new(kind, text.len()));
        }
        self.root.take().ok_or(Failure::new(ParseErrorKind::Empty, 0))
    }

    /// Reads a file's text or an entity's replacement, which must close what it opens.
    fn content(&mut self, text: &str, place: Place) -> Result<(), Failure> {
        let floor = self.open.len();
        // The reader takes it for a byte order mark and drops it.
        let body = text.trim_start_matches('\u{feff}');
        let skipped = text.len() - body.len();
        if skipped > 0 {
            self.push_text(&text[..skipped], Some(0), place, place.span(0, skipped))?;
        }
        let mut reader = Reader::from_str(body);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        loop {
            let start = skipped + offset(reader.buffer_position());
            let event = reader.read_event();
            let end = skipped + offset(reader.buffer_position());
            let fail = |kind| Failure::new(kind, place.offset(start));
            let event = match event {
                Ok(event) => event,
                Err(error) => {
                    let at = place.offset(skipped + offset(reader.error_position()));
                    let kind = match error {
                        quick_xml::Error::IllFormed(IllFormedError::UnclosedReference) => {
                            ParseErrorKind::Ampersand
                        }
                        error => SyntaxError::from_reader(&error).into(),
                    };
                    return Err(Failure::new(kind, at));
                }
            };
            let raw = &text[start..end];
            match event {
                Event::Start(_) => self.start(&raw[1..raw.len() - 1], (start, end), place, false)?,
                Event::Empty(_) => self.start(&raw[1..raw.len() - 2], (start, end), place, true)?,
                Event::End(_) => {
                    let name = raw[2..raw.len() - 1].trim_end_matches([' ', '\t', '\n', '\r']);
                    if self.open.len() == floor {
                        return Err(fail(ParseErrorKind::Unopened { name: name.into() }));
                    }
                    self.end(name, place.span(start, end))?;
                }
                Event::Text(_) => {
                    let is_before_tag = text.as_bytes().get(end) == Some(&b'<');
                    let is_before_end = is_before_tag && text.as_bytes().get(end + 1) == Some(&b'/');
                    self.characters(raw, start, place, is_before_tag, is_before_end)?;
                }
                Event::GeneralRef(_) => {
                    let nodes = self.nodes.len();
                    let span = place.span(start, end);
                    self.reference(&raw[1..raw.len() - 1], span)?;
                    self.keep_empty_reference(nodes, span, place);
                }
                Event::CData(_) => {
                    let value = inside(raw, "<![CDATA[", "]]>").map_err(fail)?;
                    self.cdata(value, (start, end), place)?;
                }
                Event::Comment(_) => {
                    let value = inside(raw, "<!--", "-->").map_err(fail)?;
                    if value.contains("--") || value.ends_with('-') {
                        return Err(fail(SyntaxError::CommentHyphens.into()));
                    }
                    let value = self.lines(value, start + 4, place);
                    let span = place.own_span(start, end);
                    self.add(Node::Comment(Chars { value, span }), place);
                }
                Event::PI(_) => {
                    let content = inside(raw, "<?", "?>").map_err(fail)?;
                    self.instruction(content, (start, end), place)?;
                }
                Event::Decl(declaration) if matches!(place, Place::File) && start == 0 => {
                    if declaration.version().is_err() {
                        return Err(fail(SyntaxError::DeclarationWithoutVersion.into()));
                    }
                    self.declarations.push(Span::new(start, end));
                }
                Event::Decl(_) => {
                    return Err(fail(SyntaxError::MisplacedDeclaration.into()));
                }
                Event::DocType(_) => {
                    if self.doctype_seen || self.root.is_some() || !self.open.is_empty() {
                        return Err(fail(SyntaxError::MisplacedDoctype.into()));
                    }
                    self.doctype_seen = true;
                    let declaration = inside(raw, "<!DOCTYPE", ">").map_err(fail)?;
                    self.entities.read(declaration).map_err(fail)?;
                    self.declarations.push(Span::new(start, end));
                }
                Event::Eof => {
                    if let Place::Entity(reference) = place
                        && self.open.len() > floor
                    {
                        let open = &self.open[self.open.len() - 1].element;
                        let name = open.name.as_str().to_owned();
                        let kind = ParseErrorKind::Unclosed { name, opened: self.position(open) };
                        return Err(Failure::new(kind, reference.start as usize));
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Makes a text of some bytes after making their line endings newlines.
    fn lines(&self, raw: &str, at: usize, place: Place) -> Text {
        match normalise_lines(raw) {
            std::borrow::Cow::Borrowed(raw) => self.text(raw, at, place),
            std::borrow::Cow::Owned(value) => self.decoded(&value, place.span(at, at + raw.len())),
        }
    }

    fn start(
        &mut self,
        tag: &str,
        (start, end): (usize, usize),
        place: Place,
        is_empty: bool,
    ) -> Result<(), Failure> {
        let span = place.span(start, end);
        let at = place.offset(start);
        if self.open.is_empty() && self.root.is_some() {
            return Err(Failure::new(ParseErrorKind::TrailingContent, at));
        }
        if self.open.len() >= self.options.max_depth {
            let kind = ParseErrorKind::TooDeep { limit: self.options.max_depth };
            return Err(Failure::new(kind, at));
        }
        let StartTag { name, attributes, declarations, has_prefixes } =
            read_start_tag(self, tag, start + 1, place)?;
        self.end_run();
        let outer = self.open.last();
        let around = outer.and_then(|o| o.element.namespaces.clone());
        let namespaces = if declarations.is_empty() {
            around
        } else {
            Some(Arc::new(Namespaces { declarations, outer: around, declared_at: span.start }))
        };
        let own_space = || attributes.iter().find(|a| a.name == "xml:space").map(|a| a.value.as_str());
        let space = match has_prefixes.then(own_space).flatten() {
            Some("preserve") => Space::Preserve,
            Some("default") => Space::Default,
            _ => match outer.map_or(Space::Unknown, |o| o.space) {
                Space::TextSeen => Space::Unknown,
                inherited => inherited,
            },
        };
        let expansion = if matches!(place, Place::File) { Expansion::None } else { Expansion::Itself };
        let origin = Some(Origin { text: self.source.clone(), span, expansion });
        let children = Nodes::default();
        let element = Box::new(Element { name, attributes, children, namespaces, origin });
        if has_prefixes {
            check_prefixes(&element)?;
        }
        if let (Place::Entity(_), Some(parent)) = (place, self.open.last_mut()) {
            parent.has_expansion = true;
        }
        if is_empty {
            self.finish(element);
        } else {
            let first_child = self.nodes.len();
            self.open.push(Open { element, space, first_child, has_expansion: false });
        }
        Ok(())
    }

    fn end(&mut self, name: &str, span: Span) -> Result<(), Failure> {
        let at = span.start as usize;
        let Some(open) = self.open.last() else {
            return Err(Failure::new(ParseErrorKind::Unopened { name: name.into() }, at));
        };
        if open.element.name != name {
            let kind = if is_name(name) {
                ParseErrorKind::Mismatch {
                    expected: open.element.name.as_str().to_owned(),
                    opened: self.position(&open.element),
                    found: name.into(),
                }
            } else {
                ParseErrorKind::Name { name: name.into() }
            };
            return Err(Failure::new(kind, at));
        }
        self.end_run();
        let Some(Open { mut element, first_child, has_expansion, .. }) = self.open.pop() else {
            return Ok(());
        };
        if first_child < self.nodes.len() {
            element.children = self.nodes.split_off(first_child).into();
        }
        if let Some(origin) = &mut element.origin {
            origin.span.end = span.end;
            if has_expansion && origin.expansion == Expansion::None {
                origin.expansion = Expansion::Inside;
            }
            // Texts beside a reference that brought markup share its bytes; texts in it have none.
            if origin.expansion != Expansion::None {
                for node in &mut *element.children {
                    if let Node::Text(chars) = node {
                        chars.span = Span::default();
                    }
                }
            }
        }
        self.finish(element);
        Ok(())
    }

    /// Puts a complete element where it belongs.
    fn finish(&mut self, element: Box<Element>) {
        if self.open.is_empty() {
            self.root = Some(*element);
        } else {
            self.nodes.push(Node::Element(element));
        }
    }

    /// Puts a comment, a section or an instruction where it belongs.
    fn add(&mut self, node: Node, place: Place) {
        self.end_run();
        match self.open.last_mut() {
            Some(parent) => {
                parent.has_expansion |= matches!(place, Place::Entity(_));
                self.nodes.push(node);
            }
            None if self.root.is_some() => self.epilog.push(node),
            None => self.prolog.push(node),
        }
    }

    fn reference(&mut self, name: &str, span: Span) -> Result<(), Failure> {
        let fail = |kind| Failure::new(kind, span.start as usize);
        let place = Place::Entity(span);
        if let Some(c) = simple_reference(name).map_err(fail)? {
            return self.push_text(c.encode_utf8(&mut [0; 4]), None, place, span);
        }
        if self.open.is_empty() {
            return self.push_text("", None, place, span);
        }
        let replacement = self.enter_entity(name).map_err(fail)?;
        let space = self.open.last().map(|open| open.space);
        self.content(&replacement, place)?;
        self.entity_names.pop();
        // Text that an entity brings does not count for the blank text around it.
        if let (Some(open), Some(space)) = (self.open.last_mut(), space) {
            open.space = space;
        }
        Ok(())
    }

    /// Returns an entity's replacement and takes note that it is being replaced.
    pub(super) fn enter_entity(&mut self, name: &str) -> Result<String, ParseErrorKind> {
        if !is_plain_name(name) {
            return Err(ParseErrorKind::Ampersand);
        }
        let Some(text) = self.entities.get(name) else {
            return Err(ParseErrorKind::UnknownEntity { name: name.into() });
        };
        if self.entity_names.iter().any(|n| n == name)
            || self.entity_names.len() >= self.options.max_entity_depth
        {
            return Err(ParseErrorKind::EntityLoop { name: name.into() });
        }
        // Each reference costs something, as in libxml2, so that many empty entities end too.
        self.expanded += text.len() + 20;
        let most =
            self.options.max_expansion.max(self.options.max_amplification.saturating_mul(self.source.len()));
        if self.expanded > most {
            return Err(ParseErrorKind::Expansion);
        }
        let text = text.to_owned();
        self.entity_names.push(name.to_owned());
        Ok(text)
    }

    fn instruction(&mut self, raw: &str, (start, end): (usize, usize), place: Place) -> Result<(), Failure> {
        let name_end = raw.find([' ', '\t', '\n', '\r']).unwrap_or(raw.len());
        let (target, content) = raw.split_at(name_end);
        if !is_name(target) || target.eq_ignore_ascii_case("xml") {
            return Err(Failure::new(ParseErrorKind::Name { name: target.into() }, place.offset(start)));
        }
        let content = content.trim_start_matches([' ', '\t', '\n', '\r']);
        let content = self.lines(content, end - "?>".len() - content.len(), place);
        let target = self.text(target, start + "<?".len(), place);
        let instruction = Instruction { target, content, span: place.own_span(start, end) };
        self.add(Node::ProcessingInstruction(Box::new(instruction)), place);
        Ok(())
    }
}

/// Refuses characters XML does not allow, wherever they stand.
fn check_characters(text: &str) -> Result<(), Failure> {
    // Without a way out in the middle this takes many bytes at a time.
    let is_suspect = |chunk: &[u8]| {
        chunk.iter().fold(false, |found, b| {
            found | ((*b < b' ') & (*b != b'\t') & (*b != b'\n') & (*b != b'\r')) | (*b == 0xEF)
        })
    };
    if !text.as_bytes().chunks(256).any(is_suspect) {
        return Ok(());
    }
    match text.char_indices().find(|(_, c)| !is_char(*c)) {
        Some((at, c)) => Err(Failure::new(ParseErrorKind::Character { code: u32::from(c) }, at)),
        None => Ok(()),
    }
}

/// Refuses prefixes nobody declared and attributes that are the same once prefixes are replaced.
fn check_prefixes(element: &Element) -> Result<(), Failure> {
    let unknown = |name: &str, at: usize| {
        let (prefix, _) = split_name(name);
        let is_known = prefix.is_empty() || element.resolve(prefix).is_some();
        (!is_known).then(|| {
            Failure::new(ParseErrorKind::UnknownPrefix { prefix: prefix.into(), name: name.into() }, at)
        })
    };
    if let Some(failure) = unknown(&element.name, element.span().start as usize) {
        return Err(failure);
    }
    let mut prefixed = Vec::new();
    for attribute in element.attributes.iter().filter(|a| a.name.contains(':')) {
        if let Some(failure) = unknown(&attribute.name, start_of(attribute)) {
            return Err(failure);
        }
        let name = element.attribute_name(attribute);
        if prefixed.contains(&name) {
            let kind = ParseErrorKind::DuplicateAttribute {
                name: attribute.name.as_str().to_owned(),
                element: element.name.as_str().to_owned(),
            };
            return Err(Failure::new(kind, start_of(attribute)));
        }
        prefixed.push(name);
    }
    Ok(())
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
