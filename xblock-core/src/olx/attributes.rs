//! Reads the inside of a start tag: name, attributes, namespace declarations.

use std::collections::HashSet;
use std::sync::Arc;

use super::element::{Attribute, XML_NAMESPACE};
use super::entity::simple_reference;
use super::parse::{Builder, Failure};
use super::parse_error::ParseErrorKind;
use super::position::{Position, Span};
use super::xml_name::{is_name, is_space};

/// What a start tag says; the attributes have no positions yet.
pub(super) struct StartTag {
    pub(super) name: String,
    pub(super) attributes: Vec<Attribute>,
    pub(super) declarations: Vec<(String, Arc<str>)>,
}

/// Reads what stands between `<` and `>` or `/>`; `offset` turns a byte of it into a byte of the file.
pub(super) fn read_start_tag(
    builder: &mut Builder<'_>,
    tag: &str,
    offset: &dyn Fn(usize) -> usize,
) -> Result<StartTag, Failure> {
    let bytes = tag.as_bytes();
    let end = bytes.iter().position(|b| is_space(*b)).unwrap_or(tag.len());
    let name = &tag[..end];
    if !is_name(name) {
        return Err(Failure::new(ParseErrorKind::Name { name: name.into() }, offset(0)));
    }
    let mut result = StartTag { name: name.to_owned(), attributes: Vec::new(), declarations: Vec::new() };
    let mut at = end;
    loop {
        let blanks = bytes[at..].iter().take_while(|b| is_space(**b)).count();
        let start = at + blanks;
        if start == tag.len() {
            break;
        }
        let syntax = |message: String| Failure::new(ParseErrorKind::Syntax(message), offset(start));
        if blanks == 0 {
            return Err(syntax("white space is missing between attributes".into()));
        }
        let name_end =
            bytes[start..].iter().position(|b| is_space(*b) || *b == b'=').map_or(tag.len(), |n| start + n);
        let name = &tag[start..name_end];
        if !is_name(name) {
            return Err(Failure::new(ParseErrorKind::Name { name: name.into() }, offset(start)));
        }
        let after = name_end + bytes[name_end..].iter().take_while(|b| is_space(**b)).count();
        if bytes.get(after) != Some(&b'=') {
            return Err(syntax(format!("attribute {name} has no value")));
        }
        let open = after + 1 + bytes[after + 1..].iter().take_while(|b| is_space(**b)).count();
        let Some(quote) = bytes.get(open).filter(|b| matches!(b, b'"' | b'\'')) else {
            return Err(syntax(format!("the value of attribute {name} is not in quotes")));
        };
        let Some(length) = bytes[open + 1..].iter().position(|b| b == quote) else {
            return Err(syntax(format!("the value of attribute {name} does not end")));
        };
        let close = open + 1 + length;
        let value = attribute_value(builder, &tag[open + 1..close])
            .map_err(|kind| Failure::new(kind, offset(start)))?;
        at = close + 1;
        let span = Span { start: offset(start), end: offset(at) };
        result.add(name, value, span).map_err(|kind| Failure::new(kind, span.start))?;
        if result.attributes.len() + result.declarations.len() > builder.options.max_attributes {
            let limit = builder.options.max_attributes;
            return Err(Failure::new(
                ParseErrorKind::TooManyAttributes { element: result.name, limit },
                offset(0),
            ));
        }
    }
    check_duplicates(&result)?;
    Ok(result)
}

impl StartTag {
    fn add(&mut self, name: &str, value: String, span: Span) -> Result<(), ParseErrorKind> {
        let prefix = if name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") };
        let Some(prefix) = prefix else {
            self.attributes.push(Attribute { name: name.to_owned(), value, position: Position::START, span });
            return Ok(());
        };
        if self.declarations.iter().any(|(p, _)| p == prefix) {
            return Err(ParseErrorKind::DuplicateAttribute { name: name.into(), element: self.name.clone() });
        }
        let is_reserved = prefix == "xmlns" || (prefix == "xml") != (value == XML_NAMESPACE);
        if is_reserved || (value.is_empty() && !prefix.is_empty()) {
            return Err(ParseErrorKind::Syntax(format!("{name} cannot be declared as {value:?}")));
        }
        if prefix != "xml" {
            self.declarations.push((prefix.to_owned(), value.into()));
        }
        Ok(())
    }
}

fn check_duplicates(tag: &StartTag) -> Result<(), Failure> {
    let attributes = &tag.attributes;
    let twice = if attributes.len() <= 12 {
        attributes
            .iter()
            .enumerate()
            .find(|(at, a)| attributes[..*at].iter().any(|b| a.name == b.name))
            .map(|(_, a)| a)
    } else {
        let mut seen = HashSet::new();
        attributes.iter().find(|a| !seen.insert(&a.name))
    };
    match twice {
        None => Ok(()),
        Some(attribute) => {
            let kind = ParseErrorKind::DuplicateAttribute {
                name: attribute.name.clone(),
                element: tag.name.clone(),
            };
            Err(Failure::new(kind, attribute.span.start))
        }
    }
}

/// Replaces entities, and white space by blanks.
fn attribute_value(builder: &mut Builder<'_>, raw: &str) -> Result<String, ParseErrorKind> {
    if !raw.bytes().any(|b| matches!(b, b'&' | b'<' | b'\t' | b'\n' | b'\r')) {
        check_length(raw.len(), builder)?;
        return Ok(raw.to_owned());
    }
    let mut value = String::with_capacity(raw.len());
    append_value(builder, raw, &mut value)?;
    Ok(value)
}

fn append_value(builder: &mut Builder<'_>, raw: &str, value: &mut String) -> Result<(), ParseErrorKind> {
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '<', '\t', '\n', '\r']) {
        value.push_str(&rest[..at]);
        check_length(value.len(), builder)?;
        let special = &rest[at..];
        rest = &special[1..];
        match special.as_bytes()[0] {
            b'<' => {
                return Err(ParseErrorKind::Syntax("< is not allowed in an attribute; write &lt;".into()));
            }
            b'&' => {
                let Some(end) = rest.find(';') else {
                    let message = "& must begin a reference; write &amp; for the character";
                    return Err(ParseErrorKind::Syntax(message.into()));
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

fn check_length(length: usize, builder: &Builder<'_>) -> Result<(), ParseErrorKind> {
    let limit = builder.options.max_text;
    if length > limit {
        return Err(ParseErrorKind::TooLarge { what: "an attribute's value", limit });
    }
    Ok(())
}
