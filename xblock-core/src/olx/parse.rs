//! Reads XML into a tree, following lxml with the options edx-platform gives it.
//!
//! quick-xml finds where each piece of markup begins and ends; everything else is decided here, because a parser that
//! accepts more than libxml2 would store courses that edx-platform refuses.

use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::attributes::{StartTag, read_start_tag};
use super::document::{Document, Source};
use super::element::{Chars, Element, Instruction, Namespaces, Node, split_name};
use super::entity::{Entities, simple_reference};
use super::position::{Locator, Span};
use super::xml_name::{is_blank, is_char, is_name, is_plain_name, normalise_lines};

use super::parse_error::{ParseError, ParseErrorKind};
use super::parse_options::{BlankText, CDataSections, ParseOptions};

pub(super) fn parse_document(source: Source, options: &ParseOptions) -> Result<Document, Box<ParseError>> {
    let text: Arc<str> = source.text.clone();
    let mut builder = Builder {
        text: &text,
        options,
        entities: Entities::default(),
        expanded: 0,
        entity_names: Vec::new(),
        open: Vec::new(),
        root: None,
        prolog: Vec::new(),
        epilog: Vec::new(),
        locator: Locator::new(&text),
        doctype_seen: false,
    };
    match builder.run() {
        Ok(root) => Ok(Document { prolog: builder.prolog, epilog: builder.epilog, root, source }),
        Err(failure) => {
            let mut here = Locator::new(&text).locate(failure.offset);
            let excerpt = source.excerpt(here);
            here = source.place(here);
            Err(Box::new(ParseError {
                kind: failure.kind,
                position: here,
                element: builder.open.last().map(|o| o.element.name.clone()),
                file: source.file,
                excerpt,
            }))
        }
    }
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
    element: Element,
    space: Space,
}

impl Open {
    /// Takes note that text was seen, after which blank text stays.
    fn note_text(&mut self) {
        if self.space == Space::Unknown {
            self.space = Space::TextSeen;
        }
    }
}

/// Says whether libxml2 takes blank text at this place for indentation (its heuristic `areBlanks`).
fn is_indentation(open: &Open, is_before_end: bool) -> bool {
    let children = &open.element.children;
    let is_only_text = children.is_empty() && is_before_end;
    let is_text = |node: Option<&Node>| node.is_some_and(|node| node.as_text().is_some());
    let is_mixed = is_text(children.first()) || is_text(children.last());
    matches!(open.space, Space::Unknown | Space::Default) && !is_only_text && !is_mixed
}

/// Returns what stands between the marks of a piece of markup.
fn inside<'t>(raw: &'t str, start: &str, end: &str) -> Result<&'t str, ParseErrorKind> {
    raw.strip_prefix(start)
        .and_then(|rest| rest.strip_suffix(end))
        .ok_or_else(|| ParseErrorKind::Syntax(format!("{raw:?} is not well-formed")))
}

/// Divides text as libxml2's quick path does: before each `\r\n`, of which only `\n` counts; from a single `\r`, a
/// second `\r\n` right after one, or a character beyond ASCII on it stays in one piece.
fn pieces(raw: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while let Some(at) = raw[start..].find(|c: char| c == '\r' || !c.is_ascii()).map(|at| start + at) {
        if raw.as_bytes()[at] != b'\r' {
            break;
        }
        pieces.push(&raw[start..at]);
        let is_pair = raw.as_bytes().get(at + 1) == Some(&b'\n');
        start = if is_pair { at + 1 } else { at };
        let goes_on = raw.as_bytes().get(at + 2).is_none_or(|next| *next != b'\r' && next.is_ascii());
        if !is_pair || !goes_on {
            break;
        }
    }
    pieces.push(&raw[start..]);
    pieces
}

/// A piece of text being read: the file itself or an entity's replacement.
#[derive(Clone, Copy)]
enum Place {
    File,
    /// The reference that is being replaced.
    Entity(Span),
}

impl Place {
    const fn span(self, start: usize, end: usize) -> Span {
        match self {
            Self::File => Span { start, end },
            Self::Entity(reference) => reference,
        }
    }
}

pub(super) struct Builder<'a> {
    text: &'a str,
    pub(super) options: &'a ParseOptions,
    pub(super) entities: Entities,
    expanded: usize,
    /// The entities being replaced, outermost first.
    pub(super) entity_names: Vec<String>,
    open: Vec<Open>,
    root: Option<Element>,
    prolog: Vec<Node>,
    epilog: Vec<Node>,
    locator: Locator<'a>,
    doctype_seen: bool,
}

impl Builder<'_> {
    fn run(&mut self) -> Result<Element, Failure> {
        let text = self.text;
        if text.len() > self.options.max_size {
            let kind = ParseErrorKind::TooLarge { what: "the file", limit: self.options.max_size };
            return Err(Failure::new(kind, 0));
        }
        check_characters(text)?;
        self.content(text, Place::File)?;
        if let Some(open) = self.open.last() {
            let kind =
                ParseErrorKind::Unclosed { name: open.element.name.clone(), opened: open.element.position };
            return Err(Failure::new(kind, text.len()));
        }
        self.root.take().ok_or(Failure::new(ParseErrorKind::Empty, 0))
    }

    /// Reads a file's text or an entity's replacement, which must close what it opens.
    fn content(&mut self, text: &str, place: Place) -> Result<(), Failure> {
        let floor = self.open.len();
        // The reader would take it for a byte order mark and drop it.
        let mut text = text;
        while let Some(rest) = text.strip_prefix('\u{feff}') {
            self.push_text("\u{feff}", place.span(0, 3))?;
            text = rest;
        }
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        loop {
            let start = offset(reader.buffer_position());
            let event = reader.read_event();
            let end = offset(reader.buffer_position());
            let span = place.span(start, end);
            let fail = |kind| Failure::new(kind, span.start);
            let event = match event {
                Ok(event) => event,
                Err(error) => {
                    let at = place.span(offset(reader.error_position()), end).start;
                    return Err(Failure::new(ParseErrorKind::Syntax(error.to_string()), at));
                }
            };
            let raw = &text[start..end];
            match event {
                Event::Start(_) => self.start(&raw[1..raw.len() - 1], start + 1, place, span, false)?,
                Event::Empty(_) => self.start(&raw[1..raw.len() - 2], start + 1, place, span, true)?,
                Event::End(_) => {
                    let name = raw[2..raw.len() - 1].trim_end_matches([' ', '\t', '\n', '\r']);
                    if self.open.len() == floor {
                        return Err(fail(ParseErrorKind::Unopened { name: name.into() }));
                    }
                    self.end(name, span)?;
                }
                Event::Text(_) => {
                    let is_before_tag = text.as_bytes().get(end) == Some(&b'<');
                    let is_before_end = text[end..].starts_with("</");
                    self.characters(raw, span, is_before_tag, is_before_end)?;
                }
                Event::GeneralRef(_) => self.reference(&raw[1..raw.len() - 1], span)?,
                Event::CData(_) => {
                    let value = inside(raw, "<![CDATA[", "]]>").map_err(fail)?;
                    self.cdata(normalise_lines(value).into_owned(), span)?;
                }
                Event::Comment(_) => {
                    let value = inside(raw, "<!--", "-->").map_err(fail)?;
                    if value.contains("--") || value.ends_with('-') {
                        return Err(fail(ParseErrorKind::Syntax(
                            "-- is not allowed inside a comment".into(),
                        )));
                    }
                    let value = normalise_lines(value).into_owned();
                    self.add(Node::Comment(Chars { value, span }));
                }
                Event::PI(_) => self.instruction(inside(raw, "<?", "?>").map_err(fail)?, span)?,
                Event::Decl(declaration) if matches!(place, Place::File) && start == 0 => {
                    if declaration.version().is_err() {
                        let message = "the XML declaration names no version";
                        return Err(fail(ParseErrorKind::Syntax(message.into())));
                    }
                }
                Event::Decl(_) => {
                    let message = "the XML declaration is allowed only at the very start of a file";
                    return Err(fail(ParseErrorKind::Syntax(message.into())));
                }
                Event::DocType(_) => {
                    if self.doctype_seen || self.root.is_some() || !self.open.is_empty() {
                        let message = "the document type declaration is not allowed here";
                        return Err(fail(ParseErrorKind::Syntax(message.into())));
                    }
                    self.doctype_seen = true;
                    let declaration = inside(raw, "<!DOCTYPE", ">").map_err(fail)?;
                    self.entities.read(declaration).map_err(fail)?;
                }
                Event::Eof => {
                    if let Place::Entity(reference) = place
                        && self.open.len() > floor
                    {
                        let open = &self.open[self.open.len() - 1].element;
                        let kind =
                            ParseErrorKind::Unclosed { name: open.name.clone(), opened: open.position };
                        return Err(Failure::new(kind, reference.start));
                    }
                    return Ok(());
                }
            }
        }
    }

    fn start(
        &mut self,
        tag: &str,
        base: usize,
        place: Place,
        span: Span,
        is_empty: bool,
    ) -> Result<(), Failure> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(Failure::new(ParseErrorKind::TrailingContent, span.start));
        }
        if self.open.len() >= self.options.max_depth {
            let kind = ParseErrorKind::TooDeep { limit: self.options.max_depth };
            return Err(Failure::new(kind, span.start));
        }
        let position = self.locator.locate(span.start);
        let StartTag { name, mut attributes, declarations } = read_start_tag(self, tag, &|at| match place {
            Place::File => base + at,
            Place::Entity(reference) => reference.start,
        })?;
        if matches!(place, Place::File) {
            for attribute in &mut attributes {
                attribute.position = self.locator.locate(attribute.span.start);
            }
        } else {
            attributes.iter_mut().for_each(|a| a.position = position);
        }
        let outer = self.open.last();
        let around = outer.and_then(|o| o.element.namespaces.clone());
        let namespaces = if declarations.is_empty() {
            around
        } else {
            Some(Arc::new(Namespaces { declarations, outer: around, declared_at: span.start }))
        };
        let space = match attributes.iter().find(|a| a.name == "xml:space").map(|a| a.value.as_str()) {
            Some("preserve") => Space::Preserve,
            Some("default") => Space::Default,
            _ => match outer.map_or(Space::Unknown, |o| o.space) {
                Space::TextSeen => Space::Unknown,
                inherited => inherited,
            },
        };
        let element = Element { name, attributes, children: Vec::new(), namespaces, position, span };
        check_prefixes(&element)?;
        if is_empty {
            self.finish(element);
        } else {
            self.open.push(Open { element, space });
        }
        Ok(())
    }

    fn end(&mut self, name: &str, span: Span) -> Result<(), Failure> {
        let Some(mut open) = self.open.pop() else {
            return Err(Failure::new(ParseErrorKind::Unopened { name: name.into() }, span.start));
        };
        if open.element.name != name {
            let kind = if is_name(name) {
                ParseErrorKind::Mismatch {
                    expected: open.element.name.clone(),
                    opened: open.element.position,
                    found: name.into(),
                }
            } else {
                ParseErrorKind::Name { name: name.into() }
            };
            self.open.push(open);
            return Err(Failure::new(kind, span.start));
        }
        open.element.span.end = span.end;
        self.finish(open.element);
        Ok(())
    }

    /// Puts a complete element where it belongs.
    fn finish(&mut self, element: Element) {
        match self.open.last_mut() {
            Some(parent) => parent.element.children.push(Node::Element(element)),
            None => self.root = Some(element),
        }
    }

    /// Puts a comment or an instruction where it belongs.
    fn add(&mut self, node: Node) {
        match self.open.last_mut() {
            Some(parent) => parent.element.children.push(node),
            None if self.root.is_some() => self.epilog.push(node),
            None => self.prolog.push(node),
        }
    }

    /// Takes text that is written out in the file.
    fn characters(
        &mut self,
        raw: &str,
        span: Span,
        is_before_tag: bool,
        is_before_end: bool,
    ) -> Result<(), Failure> {
        if let Some(at) = raw.find("]]>") {
            let kind = ParseErrorKind::Syntax("]]> is not allowed in text".into());
            return Err(Failure::new(kind, span.start + at));
        }
        let is_blank = is_blank(raw);
        let Some(open) = self.open.last_mut() else {
            if is_blank {
                return Ok(());
            }
            let blanks = raw.len() - raw.trim_start_matches([' ', '\t', '\n', '\r']).len();
            let kind = match self.root {
                Some(_) => ParseErrorKind::TrailingContent,
                None => ParseErrorKind::Syntax("text before the root element".into()),
            };
            return Err(Failure::new(kind, span.start + blanks));
        };
        let keep_blank = self.options.blank_text == BlankText::Keep;
        if keep_blank || !raw.contains('\r') {
            if !keep_blank && is_blank && is_before_tag && is_indentation(open, is_before_end) {
                return Ok(());
            }
            open.note_text();
            return self.push_text(&normalise_lines(raw), span);
        }
        // libxml2 judges the pieces between line endings of two characters one by one.
        let pieces = pieces(raw);
        for (number, piece) in pieces.iter().enumerate() {
            let Some(open) = self.open.last_mut() else { return Ok(()) };
            let is_last = number + 1 == pieces.len();
            let may_go = !is_last || is_before_tag;
            let is_indentation = may_go && is_indentation(open, is_last && is_before_end);
            let is_dropped = piece.is_empty() || (is_indentation && self::is_blank(piece));
            if !is_dropped {
                open.note_text();
                self.push_text(&normalise_lines(piece), span)?;
            }
        }
        Ok(())
    }

    /// Takes text from wherever it came; adjacent pieces become one node.
    fn push_text(&mut self, text: &str, span: Span) -> Result<(), Failure> {
        let limit = self.options.max_text;
        let Some(open) = self.open.last_mut() else {
            let kind = match self.root {
                Some(_) => ParseErrorKind::TrailingContent,
                None => ParseErrorKind::Syntax("text before the root element".into()),
            };
            return Err(Failure::new(kind, span.start));
        };
        let children = &mut open.element.children;
        let length = match children.last_mut() {
            Some(Node::Text(chars)) => {
                chars.value.push_str(text);
                chars.span.end = span.end;
                chars.value.len()
            }
            _ => {
                children.push(Node::Text(Chars { value: text.to_owned(), span }));
                text.len()
            }
        };
        if length > limit {
            return Err(Failure::new(ParseErrorKind::TooLarge { what: "a text", limit }, span.start));
        }
        Ok(())
    }

    fn cdata(&mut self, value: String, span: Span) -> Result<(), Failure> {
        match self.options.cdata {
            CDataSections::AsText => self.push_text(&value, span),
            CDataSections::Keep => {
                if self.open.is_empty() {
                    return self.push_text(&value, span);
                }
                self.add(Node::CData(Chars { value, span }));
                Ok(())
            }
        }
    }

    fn reference(&mut self, name: &str, span: Span) -> Result<(), Failure> {
        let fail = |kind| Failure::new(kind, span.start);
        if let Some(c) = simple_reference(name).map_err(fail)? {
            return self.push_text(c.encode_utf8(&mut [0; 4]), span);
        }
        if self.open.is_empty() {
            return self.push_text("", span);
        }
        let replacement = self.enter_entity(name).map_err(fail)?;
        let space = self.open.last().map(|open| open.space);
        self.content(&replacement, Place::Entity(span))?;
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
            return Err(ParseErrorKind::Syntax(
                "& must begin a reference; write &amp; for the character".into(),
            ));
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
            self.options.max_expansion.max(self.options.max_amplification.saturating_mul(self.text.len()));
        if self.expanded > most {
            return Err(ParseErrorKind::Expansion);
        }
        let text = text.to_owned();
        self.entity_names.push(name.to_owned());
        Ok(text)
    }

    fn instruction(&mut self, raw: &str, span: Span) -> Result<(), Failure> {
        let end = raw.find([' ', '\t', '\n', '\r']).unwrap_or(raw.len());
        let (target, content) = raw.split_at(end);
        if !is_name(target) || target.eq_ignore_ascii_case("xml") {
            return Err(Failure::new(ParseErrorKind::Name { name: target.into() }, span.start));
        }
        let content = content.trim_start_matches([' ', '\t', '\n', '\r']);
        let content = normalise_lines(content).into_owned();
        self.add(Node::ProcessingInstruction(Instruction { target: target.into(), content, span }));
        Ok(())
    }
}

/// Refuses characters XML does not allow, wherever they stand.
fn check_characters(text: &str) -> Result<(), Failure> {
    let is_suspect = |b: u8| b < b' ' && !matches!(b, b'\t' | b'\n' | b'\r') || b == 0xEF;
    if !text.bytes().any(is_suspect) {
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
    if let Some(failure) = unknown(&element.name, element.span.start) {
        return Err(failure);
    }
    let mut prefixed = Vec::new();
    for attribute in element.attributes.iter().filter(|a| a.name.contains(':')) {
        if let Some(failure) = unknown(&attribute.name, attribute.span.start) {
            return Err(failure);
        }
        let name = element.attribute_name(attribute);
        if prefixed.contains(&name) {
            let kind = ParseErrorKind::DuplicateAttribute {
                name: attribute.name.clone(),
                element: element.name.clone(),
            };
            return Err(Failure::new(kind, attribute.span.start));
        }
        prefixed.push(name);
    }
    Ok(())
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
