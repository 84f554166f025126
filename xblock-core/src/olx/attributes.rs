//! Reads the inside of a start tag: name, attributes, namespace declarations.

use std::collections::HashSet;
use std::sync::Arc;

use super::element::Attribute;
use super::entity::simple_reference;
use super::namespaces::XML_NAMESPACE;
use super::parse::{Builder, Failure, Place};
use super::parse_error::ParseErrorKind;
use super::syntax_error::SyntaxError;
use super::text::Text;
use super::xml_name::{ascii_name_length, is_name, is_space};

/// What a start tag says beside its attributes.
pub(super) struct StartTag {
    pub(super) name: Text,
    pub(super) attributes: Vec<Attribute>,
    pub(super) declarations: Vec<(String, Arc<str>)>,
    /// Whether the name of the element or of an attribute has a colon.
    pub(super) has_prefixes: bool,
}

/// Reads what stands between `<` and `>` or `/>`; `base` is where that begins.
pub(super) fn read_start_tag(
    builder: &mut Builder<'_>,
    tag: &str,
    base: usize,
    place: Place,
) -> Result<StartTag, Failure> {
    let bytes = tag.as_bytes();
    let at_byte = |at: usize| place.offset(base + at);
    let (name, is_plain) = name_at(tag, 0, is_space);
    let end = name.len();
    if !is_plain && !is_name(name) {
        return Err(Failure::new(ParseErrorKind::Name { name: name.into() }, at_byte(0)));
    }
    let mut has_prefixes = !is_plain && name.contains(':');
    let element = name;
    let mut declarations = Vec::new();
    let mut at = end;
    loop {
        let start = skip_blanks(bytes, at);
        if start == tag.len() {
            break;
        }
        let syntax = |message: String| Failure::new(ParseErrorKind::Attribute(message), at_byte(start));
        if start == at {
            return Err(syntax("white space is missing between attributes".into()));
        }
        let (name, is_plain) = name_at(tag, start, |byte| is_space(byte) || byte == b'=');
        let name_end = start + name.len();
        if !is_plain && !is_name(name) {
            return Err(Failure::new(ParseErrorKind::Name { name: name.into() }, at_byte(start)));
        }
        let after = skip_blanks(bytes, name_end);
        if bytes.get(after) != Some(&b'=') {
            return Err(syntax(format!("attribute {name} has no value")));
        }
        let open = skip_blanks(bytes, after + 1);
        let Some(quote) = bytes.get(open).filter(|b| matches!(b, b'"' | b'\'')) else {
            return Err(syntax(format!("the value of attribute {name} is not in quotes")));
        };
        let value_end = memchr::memchr(*quote, &bytes[open + 1..]);
        let Some(length) = value_end else {
            return Err(syntax(format!("the value of attribute {name} does not end")));
        };
        let close = open + 1 + length;
        let fail = |kind| Failure::new(kind, at_byte(start));
        let raw = &tag[open + 1..close];
        let value = if is_as_written(raw) {
            check_length(raw.len(), builder).map_err(fail)?;
            builder.text(raw, base + open + 1, place)
        } else {
            attribute_value(builder, raw, base + open + 1, place).map_err(fail)?
        };
        at = close + 1;
        let declared = if name.starts_with('x') { name.strip_prefix("xmlns") } else { None };
        match declared.map(|rest| (rest, rest.strip_prefix(':'))) {
            Some(("", _)) => declare(&mut declarations, "", name, element, &value).map_err(fail)?,
            Some((_, Some(prefix))) => {
                declare(&mut declarations, prefix, name, element, &value).map_err(fail)?;
            }
            _ => {
                has_prefixes |= !is_plain && name.contains(':');
                let name = builder.text(name, base + start, place);
                builder.attributes.push(Attribute { name, value });
            }
        }
        let limit = builder.options.max_attributes;
        if builder.attributes.len() + declarations.len() > limit {
            let kind = ParseErrorKind::TooManyAttributes { element: element.into(), limit };
            return Err(Failure::new(kind, at_byte(0)));
        }
    }
    let name = builder.text(element, base, place);
    // Moved rather than taken, so that the list has no room to spare.
    let mut attributes = Vec::with_capacity(builder.attributes.len());
    attributes.append(&mut builder.attributes);
    let tag = StartTag { name, attributes, declarations, has_prefixes };
    match repeated(&tag.attributes) {
        None => Ok(tag),
        Some(attribute) => {
            let name = attribute.name.as_str().to_owned();
            let kind = ParseErrorKind::DuplicateAttribute { name, element: element.into() };
            Err(Failure::new(kind, place.offset(start_of(attribute))))
        }
    }
}

pub(super) fn start_of(attribute: &Attribute) -> usize {
    attribute.name.span().unwrap_or_default().start as usize
}

fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| is_space(*byte)) {
        at += 1;
    }
    at
}

fn declare(
    declarations: &mut Vec<(String, Arc<str>)>,
    prefix: &str,
    name: &str,
    element: &str,
    value: &str,
) -> Result<(), ParseErrorKind> {
    if declarations.iter().any(|(p, _)| p == prefix) {
        return Err(ParseErrorKind::DuplicateAttribute { name: name.into(), element: element.into() });
    }
    let is_reserved = prefix == "xmlns" || (prefix == "xml") != (value == XML_NAMESPACE);
    if is_reserved || (value.is_empty() && !prefix.is_empty()) {
        return Err(SyntaxError::ReservedNamespace { name: name.into(), value: value.into() }.into());
    }
    if prefix != "xml" {
        declarations.push((prefix.to_owned(), value.into()));
    }
    Ok(())
}

/// Finds an attribute that has the name of one before it.
fn repeated(attributes: &[Attribute]) -> Option<&Attribute> {
    if attributes.len() <= 12 {
        let mut all = attributes.iter().enumerate();
        return all.find(|(at, a)| attributes[..*at].iter().any(|b| a.name == b.name)).map(|(_, a)| a);
    }
    let mut seen = HashSet::new();
    attributes.iter().find(|a| !seen.insert(a.name.as_str()))
}

/// Returns the name that begins at a byte and goes up to an `end`, and whether it is known to be one without a colon.
fn name_at(tag: &str, start: usize, end: impl Fn(u8) -> bool) -> (&str, bool) {
    let bytes = &tag.as_bytes()[start..];
    let known = ascii_name_length(bytes);
    let length = bytes[known..].iter().position(|byte| end(*byte)).map_or(bytes.len(), |more| known + more);
    (&tag[start..start + length], known > 0 && length == known)
}

/// Says whether a byte in an attribute's value stands for something else, or should not be there.
const fn is_special(byte: u8) -> bool {
    matches!(byte, b'&' | b'<' | b'\t' | b'\n' | b'\r')
}

/// Says whether a value is what is written. Without a way out in the middle this takes many bytes at a time.
fn is_as_written(raw: &str) -> bool {
    !raw.bytes().fold(false, |found, byte| found | is_special(byte))
}

/// Replaces entities, and white space by blanks.
fn attribute_value(
    builder: &mut Builder<'_>,
    raw: &str,
    base: usize,
    place: Place,
) -> Result<Text, ParseErrorKind> {
    let mut value = String::with_capacity(raw.len());
    append_value(builder, raw, &mut value)?;
    Ok(builder.decoded(&value, place.span(base, base + raw.len())))
}

fn append_value(builder: &mut Builder<'_>, raw: &str, value: &mut String) -> Result<(), ParseErrorKind> {
    let mut rest = raw;
    while let Some(at) = rest.bytes().position(is_special) {
        value.push_str(&rest[..at]);
        check_length(value.len(), builder)?;
        let special = &rest[at..];
        rest = &special[1..];
        match special.as_bytes()[0] {
            b'<' => {
                return Err(ParseErrorKind::Attribute("< is not allowed in an attribute; write &lt;".into()));
            }
            b'&' if let Some((c, after)) = predefined(rest) => {
                value.push(c);
                rest = after;
            }
            b'&' => {
                let Some(end) = memchr::memchr(b';', rest.as_bytes()) else {
                    return Err(ParseErrorKind::Ampersand);
                };
                let name = &rest[..end];
                rest = &rest[end + 1..];
                if let Some(c) = simple_reference(name)? {
                    value.push(c);
                    continue;
                }
                let replacement = builder.enter_entity(name)?;
                append_value(builder, &replacement, value)?;
                builder.entity_names.pop();
            }
            b'\r' => {
                value.push(' ');
                rest = rest.strip_prefix('\n').unwrap_or(rest);
            }
            _ => value.push(' '),
        }
    }
    value.push_str(rest);
    check_length(value.len(), builder)
}

/// Reads a reference to one of the entities that every document has, of which attributes can have many.
fn predefined(after: &str) -> Option<(char, &str)> {
    const ENTITIES: [(&str, char); 5] =
        [("quot;", '"'), ("lt;", '<'), ("gt;", '>'), ("amp;", '&'), ("apos;", '\'')];
    ENTITIES.iter().find_map(|(name, c)| Some((*c, after.strip_prefix(name)?)))
}

fn check_length(length: usize, builder: &Builder<'_>) -> Result<(), ParseErrorKind> {
    let limit = builder.options.max_text;
    if length > limit {
        return Err(ParseErrorKind::TooLarge { what: "an attribute's value", limit });
    }
    Ok(())
}
