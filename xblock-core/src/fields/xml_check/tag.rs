//! The inside of a start tag: its name and attributes.
use super::Problem;
use super::names::{is_name, qualified};

pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
}

pub(super) struct Tag<'a> {
    name: &'a str,
    pub(super) attributes: Vec<Attribute<'a>>,
}

const fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

/// Parts the inside of a tag, without its brackets and closing slash.
pub(super) fn parse(content: &str) -> Result<Tag<'_>, Problem> {
    let end = content.find(is_blank).unwrap_or(content.len());
    let (name, mut rest) = content.split_at(end);
    if !is_name(name) {
        return Err(format!("`{name}` cannot name an element"));
    }
    let mut attributes: Vec<Attribute<'_>> = Vec::new();
    loop {
        let trimmed = rest.trim_start_matches(is_blank);
        if trimmed.is_empty() {
            return Ok(Tag { name, attributes });
        }
        if trimmed.len() == rest.len() {
            return Err("no blank before an attribute".to_owned());
        }
        let (attribute, after) = parse_attribute(trimmed)?;
        if attributes.iter().any(|other| other.name == attribute.name) {
            return Err(format!("attribute `{}` twice", attribute.name));
        }
        attributes.push(attribute);
        rest = after;
    }
}

fn parse_attribute(text: &str) -> Result<(Attribute<'_>, &str), Problem> {
    let end = text.find(|character| is_blank(character) || character == '=').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if !is_name(name) {
        return Err(format!("`{name}` cannot name an attribute"));
    }
    let value = rest
        .trim_start_matches(is_blank)
        .strip_prefix('=')
        .map(|value| value.trim_start_matches(is_blank))
        .ok_or_else(|| format!("attribute `{name}` has no value"))?;
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
    let quote = quote.ok_or_else(|| format!("the value of attribute `{name}` has no quotes"))?;
    let (value, rest) = value[1..]
        .split_once(quote)
        .ok_or_else(|| format!("the value of attribute `{name}` is not closed"))?;
    Ok((Attribute { name, value }, rest))
}

impl Tag<'_> {
    /// Returns the prefixes the tag declares.
    pub(super) fn declared_prefixes(&self) -> Result<Vec<String>, Problem> {
        let mut prefixes = Vec::new();
        for attribute in &self.attributes {
            if let Some(prefix) = attribute.name.strip_prefix("xmlns:") {
                if attribute.value.is_empty() {
                    return Err(format!("prefix `{prefix}` for no namespace"));
                }
                prefixes.push(prefix.to_owned());
            }
        }
        Ok(prefixes)
    }

    /// Checks that all prefixes are declared, and that no two attributes are the same under different prefixes.
    pub(super) fn check_namespaces(&self, is_declared: impl Fn(&str) -> bool) -> Result<(), Problem> {
        let check = |name: &str| match qualified(name) {
            None => Err(format!("`{name}` is no qualified name")),
            Some((Some(prefix), _)) if prefix != "xmlns" && !is_declared(prefix) => {
                Err(format!("prefix `{prefix}` is not declared"))
            }
            Some(_) => Ok(()),
        };
        check(self.name)?;
        self.attributes.iter().try_for_each(|attribute| check(attribute.name))?;
        let namespace = |prefix: &str| {
            let declaration =
                self.attributes.iter().find(|other| other.name.strip_prefix("xmlns:") == Some(prefix));
            declaration.map(|declaration| declaration.value)
        };
        let mut seen = Vec::new();
        for attribute in &self.attributes {
            if let Some((Some(prefix), local)) = qualified(attribute.name)
                && let Some(namespace) = namespace(prefix)
            {
                if seen.contains(&(namespace, local)) {
                    return Err(format!("attribute `{local}` of one namespace twice"));
                }
                seen.push((namespace, local));
            }
        }
        Ok(())
    }
}
