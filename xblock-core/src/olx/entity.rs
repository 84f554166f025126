//! Entities: those a document type declaration brings along, and their replacement.

use std::collections::HashMap;

use super::parse_error::ParseErrorKind;
use super::syntax_error::SyntaxError;
use super::xml_name::{is_char, is_plain_name, is_space};

/// The internal entities of a document; external ones are not kept, so that using them is an error.
#[derive(Debug, Default)]
pub(super) struct Entities {
    texts: HashMap<String, String>,
}

impl Entities {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// Reads what stands between `<!DOCTYPE` and its `>`.
    pub(super) fn read(&mut self, declaration: &str) -> Result<(), ParseErrorKind> {
        let Some(subset) = internal_subset(declaration) else { return Ok(()) };
        let mut rest = subset;
        loop {
            rest = rest.trim_start_matches(|c: char| u8::try_from(c).is_ok_and(is_space));
            if rest.is_empty() || rest.starts_with(']') {
                return Ok(());
            }
            let (item, after) = declaration_end(rest)?;
            if let Some(entity) = item.strip_prefix("<!ENTITY") {
                self.declare(entity)?;
            }
            rest = after;
        }
    }

    fn declare(&mut self, declaration: &str) -> Result<(), ParseErrorKind> {
        let mut rest = declaration.trim();
        if rest.starts_with('%') {
            return Ok(());
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
        let name = &rest[..end];
        if !is_plain_name(name) {
            return Err(ParseErrorKind::Name { name: name.into() });
        }
        rest = rest[end..].trim_start();
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            return Ok(());
        };
        let Some(end) = rest[1..].find(quote) else {
            return Err(SyntaxError::IllFormedDoctype.into());
        };
        let value = entity_value(&rest[1..=end])?;
        self.texts.entry(name.to_owned()).or_insert(value);
        Ok(())
    }
}

/// Returns what stands in the brackets of a document type declaration.
fn internal_subset(declaration: &str) -> Option<&str> {
    let mut quote = None;
    for (at, c) in declaration.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (None, '[') => return Some(&declaration[at + 1..]),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

/// Splits one declaration, comment or instruction off.
fn declaration_end(text: &str) -> Result<(&str, &str), ParseErrorKind> {
    let unfinished = || ParseErrorKind::from(SyntaxError::IllFormedDoctype);
    if let Some(comment) = text.strip_prefix("<!--") {
        let end = comment.find("-->").ok_or_else(unfinished)?;
        return Ok(("", &comment[end + 3..]));
    }
    if let Some(instruction) = text.strip_prefix("<?") {
        let end = instruction.find("?>").ok_or_else(unfinished)?;
        return Ok(("", &instruction[end + 2..]));
    }
    if let Some(reference) = text.strip_prefix('%') {
        let end = reference.find(';').ok_or_else(unfinished)?;
        return Err(ParseErrorKind::UnknownEntity { name: format!("%{}", &reference[..end]) });
    }
    if !text.starts_with("<!") {
        return Err(unfinished());
    }
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (None, '>') => return Ok((&text[..at], &text[at + 1..])),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    Err(unfinished())
}

/// Replaces the numeric references in an entity's value; the others are replaced where the entity is used.
fn entity_value(value: &str) -> Result<String, ParseErrorKind> {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find("&#") {
        out.push_str(&rest[..at]);
        let reference = &rest[at + 1..];
        let end = reference.find(';').ok_or(SyntaxError::UnclosedReference)?;
        out.push(numeric(&reference[..end])?);
        rest = &reference[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Returns the character of a predefined or numeric reference, given what stands between `&` and `;`.
pub(super) fn simple_reference(name: &str) -> Result<Option<char>, ParseErrorKind> {
    if name.starts_with('#') {
        return numeric(name).map(Some);
    }
    Ok(match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    })
}

fn numeric(reference: &str) -> Result<char, ParseErrorKind> {
    let digits = &reference[1..];
    let no_number = || SyntaxError::NumericReference { reference: reference.to_owned() };
    let code = match digits.strip_prefix('x') {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16),
        None if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse(),
        _ => return Err(no_number().into()),
    };
    // A number too large for 32 bits is no character either; an empty one is no number.
    let code = code.map_err(|_| no_number())?;
    char::from_u32(code).filter(|c| is_char(*c)).ok_or(ParseErrorKind::Character { code })
}
