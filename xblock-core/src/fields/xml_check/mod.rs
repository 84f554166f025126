//! Well-formedness of an XML document, namespaces included, as the parser of the platform judges it.
mod names;
mod tag;

use std::collections::HashSet;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::error::FieldError;
use names::{is_name, is_xml_char};

/// How deep elements may nest.
const MAX_DEPTH: usize = 256;

/// Says what is wrong; where, the reader knows.
type Problem = String;

/// Checks that a text is one well-formed XML document.
///
/// # Errors
/// [`FieldError::NotXml`] with line and column; [`FieldError::InvalidValue`] for a text that claims an encoding, which
/// only bytes have.
pub(crate) fn check(text: &str) -> Result<(), FieldError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if declares_encoding(text) {
        return Err(FieldError::InvalidValue {
            expected: "a text, as texts have no encoding to declare",
            found: "an XML document with an encoding declaration".to_owned(),
        });
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut document = Document::default();
    loop {
        let start = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => {
                let at = usize::try_from(reader.error_position()).unwrap_or(start);
                return Err(not_xml(text, at, error.to_string()));
            }
        };
        let is_end = matches!(event, Event::Eof);
        document.accept(&event, start).map_err(|problem| not_xml(text, start, problem))?;
        if is_end {
            return Ok(());
        }
    }
}

fn not_xml(text: &str, at: usize, problem: Problem) -> FieldError {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    FieldError::NotXml {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        problem,
    }
}

/// Tells whether a text begins with an XML declaration that names an encoding.
fn declares_encoding(text: &str) -> bool {
    text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")).is_some_and(|(declaration, _)| {
        declaration.split_whitespace().any(|word| word.starts_with("encoding"))
    })
}

#[derive(Default)]
struct Document {
    /// The prefixes each open element declares.
    open: Vec<Vec<String>>,
    has_root: bool,
    has_doctype: bool,
    entities: HashSet<String>,
}

impl Document {
    fn accept(&mut self, event: &Event<'_>, start: usize) -> Result<(), Problem> {
        match event {
            Event::Start(element) => self.open_element(element),
            Event::Empty(element) => {
                self.open_element(element)?;
                self.open.pop();
                Ok(())
            }
            Event::End(_) => {
                self.open.pop();
                Ok(())
            }
            Event::Text(text) => self.text(text),
            Event::CData(data) if self.open.is_empty() => {
                Err(format!("a CDATA section of {} bytes outside the root element", data.len()))
            }
            Event::CData(data) => check_characters(data),
            Event::Comment(comment) => check_characters(comment),
            Event::Decl(declaration) => {
                if start == 0 {
                    check_declaration(declaration)
                } else {
                    Err("an XML declaration that is not at the start".to_owned())
                }
            }
            Event::PI(instruction) => check_instruction(instruction),
            Event::DocType(doctype) => {
                if self.has_root || std::mem::replace(&mut self.has_doctype, true) {
                    return Err("a document type after another or after the root element".to_owned());
                }
                self.entities.extend(declared_entities(doctype));
                Ok(())
            }
            Event::GeneralRef(name) => {
                if self.open.is_empty() {
                    return Err("a reference outside the root element".to_owned());
                }
                self.check_reference(name)
            }
            Event::Eof if !self.open.is_empty() => Err("an element that is not closed".to_owned()),
            Event::Eof if !self.has_root => Err("no root element".to_owned()),
            Event::Eof => Ok(()),
        }
    }

    fn open_element(&mut self, content: &str) -> Result<(), Problem> {
        if self.open.is_empty() && self.has_root {
            return Err("a second root element".to_owned());
        }
        self.has_root = true;
        if self.open.len() >= MAX_DEPTH {
            return Err("elements nested too deeply".to_owned());
        }
        let tag = tag::parse(content)?;
        for attribute in &tag.attributes {
            self.check_value(attribute.value)?;
        }
        self.open.push(tag.declared_prefixes()?);
        tag.check_namespaces(|prefix| {
            prefix == "xml" || self.open.iter().flatten().any(|declared| declared == prefix)
        })
    }

    fn text(&self, text: &str) -> Result<(), Problem> {
        if self.open.is_empty()
            && !text.chars().all(|character| matches!(character, ' ' | '\t' | '\r' | '\n'))
        {
            return Err("text outside the root element".to_owned());
        }
        if text.contains("]]>") {
            return Err("`]]>` in text".to_owned());
        }
        check_characters(text)
    }

    /// Checks the text of an attribute: no `<`, and only references that exist.
    fn check_value(&self, value: &str) -> Result<(), Problem> {
        if value.contains('<') {
            return Err("`<` in the value of an attribute".to_owned());
        }
        check_characters(value)?;
        for part in value.split('&').skip(1) {
            match part.split_once(';') {
                Some((name, _)) => self.check_reference(name)?,
                None => return Err("a reference without `;`".to_owned()),
            }
        }
        Ok(())
    }

    fn check_reference(&self, name: &str) -> Result<(), Problem> {
        if let Some(digits) = name.strip_prefix('#') {
            let code = match digits.strip_prefix('x') {
                Some(hexadecimal) => parse_digits(hexadecimal, 16),
                None => parse_digits(digits, 10),
            };
            return match code.and_then(char::from_u32) {
                Some(character) if is_xml_char(character) => Ok(()),
                _ => Err(format!("`&{name};` is no character")),
            };
        }
        if matches!(name, "lt" | "gt" | "amp" | "apos" | "quot") || self.entities.contains(name) {
            Ok(())
        } else {
            Err(format!("unknown entity `{name}`"))
        }
    }
}

fn parse_digits(digits: &str, radix: u32) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    is_number.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
}

fn check_characters(text: &str) -> Result<(), Problem> {
    match text.chars().find(|&character| !is_xml_char(character)) {
        Some(character) => Err(format!("character U+{:04X} is not allowed", u32::from(character))),
        None => Ok(()),
    }
}

/// Checks `xml version="1.0" standalone="yes"`.
fn check_declaration(content: &str) -> Result<(), Problem> {
    let tag = tag::parse(content)?;
    let mut attributes = tag.attributes.iter();
    match attributes.next() {
        Some(version) if version.name == "version" && version.value.starts_with("1.") => {}
        _ => return Err("an XML declaration without version 1".to_owned()),
    }
    for attribute in attributes {
        match (attribute.name, attribute.value) {
            ("standalone", "yes" | "no") => {}
            (name, _) => return Err(format!("`{name}` in the XML declaration")),
        }
    }
    Ok(())
}

fn check_instruction(content: &str) -> Result<(), Problem> {
    let target = content.split([' ', '\t', '\r', '\n']).next().unwrap_or_default();
    if !is_name(target) || target.eq_ignore_ascii_case("xml") {
        return Err(format!("`{target}` cannot name a processing instruction"));
    }
    check_characters(content)
}

/// Finds the entities a document type declares with their text; those in other files are never read.
fn declared_entities(doctype: &str) -> impl Iterator<Item = String> + '_ {
    doctype.split("<!ENTITY").skip(1).filter_map(|declaration| {
        let mut words = declaration.split_whitespace();
        let name = words.next()?;
        words.next()?.starts_with(['"', '\'']).then(|| name.to_owned())
    })
}
