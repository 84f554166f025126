//! Writes a block as a definition file.

use crate::block::{BlockType, Registry};
use crate::fields::{Conversion, FieldSpec, FieldType, Json, Scope};
use crate::keys::UsageKey;
use crate::olx::element::{Element, Node};
use crate::olx::json_line::json_line;
use crate::olx::serialise::{WriteOptions, escape_attribute};
use crate::olx::{Document, FileName, ParseOptions, Source};
use crate::runtime::{BlockData, FieldMap};

use super::error::DefinitionError;
use super::explicit::{ATTRIBUTE, Child, Explicit};
use super::form::DefinitionForm;
use super::include::Include;
use super::naming::{ChildNaming, OwnChildren};
use super::path::definition_type;
use super::read::read_definition_parts;

/// The field that holds a type's own content in the forms that have one.
pub(super) const DATA: &str = "data";
/// The root of a file whose block type is no XML name.
const ANY_TYPE: &str = "xblock";

/// Writes a block as a definition file that [`read_definition`](super::read_definition) reads back equal.
///
/// Child blocks of the same context become includes. The result is the same for equal blocks, however their fields are
/// ordered.
///
/// # Errors
/// [`DefinitionError::Unwritable`] where the key of a child has no text that reads back.
pub fn write_definition(
    usage: &UsageKey,
    data: &BlockData,
    registry: &Registry,
) -> Result<String, DefinitionError> {
    write_definition_with(usage, data, registry, &OwnChildren(usage.context_key()))
}

/// Writes a block as a definition file, with its children named by the rules of a store.
///
/// # Errors
/// As [`write_definition`]; also where a child that is included from another place stands beside one that no include can
/// name.
pub fn write_definition_with(
    usage: &UsageKey,
    data: &BlockData,
    registry: &Registry,
    naming: &dyn ChildNaming,
) -> Result<String, DefinitionError> {
    let block_type = registry.block_type(usage.block_type());
    let read_definition = |text: &str| {
        read_definition_parts(text.as_bytes(), usage, registry, &Conversion::default())?.resolve(naming)
    };
    let mut explicit = Explicit::of(usage);
    let draft = Draft::natural(usage, data, &block_type, &mut explicit, naming);
    let text = draft.render(usage, &explicit)?;
    let before = explicit.clone();
    match read_definition(&text) {
        Ok(read) if !explicit.only => {
            explicit.add_difference(&read, data);
            if read.children != data.children {
                explicit.children = Some(children(usage, data));
            }
        }
        _ => {
            explicit = Explicit { only: true, ..Explicit::of(usage) };
            explicit.add_difference(&BlockData::default(), data);
            explicit.children = Some(children(usage, data));
        }
    }
    if explicit == before {
        return Ok(text);
    }
    if explicit.children.is_some() {
        let of_another =
            |child: &&UsageKey| naming.include_of(child).is_some_and(|i| i != Include::of(child));
        if let Some(child) = data.children.iter().find(of_another) {
            let reason =
                format!("{child} is included from another definition, and not all children can be included");
            return Err(DefinitionError::Unwritable { usage: usage.clone(), reason });
        }
    }
    let draft = if explicit.only { Draft::empty(usage.block_type()) } else { draft };
    let text = draft.render(usage, &explicit)?;
    // Only a key without a text of its own can make a difference now, and nobody should find that out when reading.
    let read = read_definition(&text)?;
    if read.children != data.children {
        let reason = "the key of a child cannot be read back from its text".to_owned();
        return Err(DefinitionError::Unwritable { usage: usage.clone(), reason });
    }
    Ok(text)
}

fn children(usage: &UsageKey, data: &BlockData) -> Vec<Child> {
    let own = usage.context_key();
    data.children.iter().map(|child| Child::new(child, &own)).collect()
}

/// A file as far as the natural form goes.
struct Draft {
    name: String,
    attributes: Vec<(&'static str, String)>,
    body: Body,
}

enum Body {
    /// What stands inside the root.
    Nodes(Vec<Node>),
    /// The whole file, to which attributes are added at this byte.
    Whole { text: String, at: usize },
}

impl Draft {
    fn empty(block_type: &str) -> Self {
        let name = if is_name(block_type) { block_type } else { ANY_TYPE };
        Self { name: name.to_owned(), attributes: Vec::new(), body: Body::Nodes(Vec::new()) }
    }

    /// Says as much as possible in the natural form; what the form takes from outside it is noted in `explicit`.
    fn natural(
        usage: &UsageKey,
        data: &BlockData,
        block_type: &BlockType,
        explicit: &mut Explicit,
        naming: &dyn ChildNaming,
    ) -> Self {
        let mut draft = Self::empty(usage.block_type());
        if draft.name == ANY_TYPE {
            explicit.only = true;
            return draft;
        }
        let form = block_type.class.olx.definition_form();
        let own_body = match form {
            DefinitionForm::Markup => draft.set_markup(&data.content),
            DefinitionForm::WholeElement | DefinitionForm::Attributes => {
                draft.set_whole(&data.content, explicit)
            }
            DefinitionForm::Plain => draft.set_plain_content(&data.content, block_type),
            DefinitionForm::Own => None,
        };
        let mut fields: Vec<(&FieldSpec, &Json)> = Vec::new();
        for (map, scope) in [(&data.content, Scope::Content), (&data.settings, Scope::Settings)] {
            fields.extend(map.iter().filter_map(|(name, value)| {
                let spec = block_type.field(name)?;
                (spec.scope == scope && own_body != Some(spec.name)).then_some((spec, value))
            }));
        }
        fields.sort_unstable_by_key(|(spec, _)| spec.name);
        for (spec, value) in fields {
            // In these forms an attribute of the name of the body's field would hide the body.
            let is_body = spec.name == DATA && form != DefinitionForm::Plain;
            if is_body || draft.has_attribute(spec.name) {
                continue;
            }
            if let Some(text) = attribute_text(spec, value, form) {
                draft.attributes.push((spec.name, text));
            }
        }
        draft.add_includes(data, naming);
        draft
    }

    /// Says whether a whole file already has an attribute of this name.
    fn has_attribute(&self, name: &str) -> bool {
        match &self.body {
            Body::Nodes(_) => false,
            Body::Whole { text, at } => text[..*at].split(|c: char| c.is_ascii_whitespace()).any(|word| {
                word.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
            }),
        }
    }

    fn set_markup(&mut self, content: &FieldMap) -> Option<&'static str> {
        let text = content.get(DATA)?.as_str()?;
        if !text.chars().all(is_xml_char) {
            return None;
        }
        let mut nodes = Vec::new();
        // A parser makes every carriage return a line feed unless it is written as a reference.
        for (at, part) in text.split('\r').enumerate() {
            if at > 0 {
                nodes.push(Node::text("\r"));
            }
            if !part.is_empty() {
                nodes.push(Node::CData(part.to_owned().into()));
            }
        }
        self.body = Body::Nodes(nodes);
        Some(DATA)
    }

    fn set_whole(&mut self, content: &FieldMap, explicit: &mut Explicit) -> Option<&'static str> {
        let text = content.get(DATA)?.as_str()?;
        let at = end_of_root_tag(text, &self.name)?;
        self.body = Body::Whole { text: text.to_owned(), at };
        explicit.verbatim = Some(DATA.to_owned());
        Some(DATA)
    }

    fn set_plain_content(&mut self, content: &FieldMap, block_type: &BlockType) -> Option<&'static str> {
        let spec = block_type.field("content").filter(|spec| spec.scope == Scope::Content)?;
        let text = content.get(spec.name)?.as_str()?;
        if text.is_empty() || text.trim() != text || !text.chars().all(is_xml_char) {
            return None;
        }
        self.body = Body::Nodes(vec![Node::text(text)]);
        Some(spec.name)
    }

    fn add_includes(&mut self, data: &BlockData, naming: &dyn ChildNaming) {
        let Body::Nodes(nodes) = &mut self.body else { return };
        let fits = |child: &UsageKey| {
            let include = naming.include_of(child)?;
            let texts = [include.link.as_deref(), Some(&*include.definition_id), include.usage.as_deref()];
            let fits = is_name(&include.block_type)
                && definition_type(&include.block_type) == include.block_type
                && texts.into_iter().flatten().all(|text| text.chars().all(is_xml_char))
                && naming.usage_of(&include).is_ok_and(|read| read == *child);
            fits.then_some(include)
        };
        if let Some(includes) = data.children.iter().map(fits).collect::<Option<Vec<_>>>() {
            nodes.extend(includes.iter().map(|include| Node::from(include.element())));
        }
    }

    fn render(&self, usage: &UsageKey, explicit: &Explicit) -> Result<String, DefinitionError> {
        let explicit = if explicit.is_empty() { None } else { Some(explicit.to_text(usage)?) };
        match &self.body {
            Body::Whole { text, at } => {
                let mut out = String::with_capacity(text.len() + 256);
                out.push_str(&text[..*at]);
                let explicit = explicit.iter().map(|text| (ATTRIBUTE, text));
                for (name, value) in explicit.chain(self.attributes.iter().map(|(name, text)| (*name, text)))
                {
                    out.push(' ');
                    out.push_str(name);
                    out.push_str("=\"");
                    escape_attribute(&mut out, value);
                    out.push('"');
                }
                out.push_str(&text[*at..]);
                Ok(out)
            }
            Body::Nodes(nodes) => {
                let mut root = Element::new(&self.name);
                for (name, text) in &self.attributes {
                    root.set(name, text);
                }
                if let Some(text) = explicit {
                    root.set(ATTRIBUTE, text);
                }
                root.children = nodes.clone().into();
                let mut out = root.to_text(WriteOptions::PRETTY);
                if !out.ends_with('\n') {
                    out.push('\n');
                }
                Ok(out)
            }
        }
    }
}

/// Finds the text of an attribute that reads back as a value, if there is one.
fn attribute_text(spec: &FieldSpec, value: &Json, form: DefinitionForm) -> Option<String> {
    let plain = value.as_str().map(str::to_owned);
    let json = (!spec.kind.is_text()).then(|| json_line(value));
    plain.into_iter().chain(json).find(|text| {
        text.chars().all(is_xml_char) && read_attribute(spec, text, form).is_some_and(|read| read == *value)
    })
}

fn read_attribute(spec: &FieldSpec, text: &str, form: DefinitionForm) -> Option<Json> {
    match form {
        DefinitionForm::Own => match serde_json::from_str::<Json>(text) {
            Ok(Json::Null) => Some(Json::Null),
            Ok(value) if spec.from_json(&value).is_ok() => Some(value),
            _ => Some(text.into()),
        },
        _ if spec.kind == FieldType::Any => None,
        _ => {
            let read = spec.kind.parse_text(text, &Conversion::default()).ok()?;
            spec.to_json(&read).ok()
        }
    }
}

/// Finds the byte before the end of a document's first tag, none where the text is no document of this root.
///
/// A declaration, a byte order mark and a document type are left to other forms, for a reader may not keep them.
fn end_of_root_tag(text: &str, name: &str) -> Option<usize> {
    if text.starts_with(['\u{feff}']) || text.trim_start().starts_with("<?xml") || text.contains("<!DOCTYPE")
    {
        return None;
    }
    let source = Source::new(FileName::from("definition.xml"), text.into());
    let document = Document::parse_text(source, &ParseOptions::default()).ok()?;
    let root = &document.root;
    if root.name != name || root.get(ATTRIBUTE).is_some() {
        return None;
    }
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate().skip(root.span().start as usize) {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            (None, b'>') => return Some(if text.as_bytes()[at - 1] == b'/' { at - 1 } else { at }),
            _ => {}
        }
    }
    None
}

/// Says whether XML 1.0 can hold a character.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// Says whether a block type can be an element's name as it is.
fn is_name(block_type: &str) -> bool {
    block_type.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && block_type.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && !block_type.eq_ignore_ascii_case("xml")
}
