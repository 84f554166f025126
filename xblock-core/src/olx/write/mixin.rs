//! The part of writing that all types of the course format share (xblock reference, section 17).

use std::borrow::Cow;

use crate::fields::{Json, Scope};
use crate::olx::aside::write_aside;
use crate::olx::json_line::sorted_keys;
use crate::olx::{Element, Node, STRIPPED_ATTRIBUTES, WriteOptions};

use super::attribute::{attribute_value, free_text, is_attribute_name, is_xml_text};
use super::host::{BlockSource, Placement, WriteError, WriteHost};

/// Settings that stand in policy files only.
const POLICY_ONLY: [&str; 1] = ["discussion_topics"];

/// How a type differs from the others in writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct XmlForm {
    /// Whether its blocks have files of their own where the host wants that; they do by default.
    pub own_file: bool,
    /// Settings whose attributes the type writes itself; none by default.
    pub own_attributes: &'static [&'static str],
    /// Whether its reader refuses a block for a value of the wrong type; readers keep such values by default.
    pub refuses_wrong_types: bool,
    /// Content the type writes itself; any other becomes an attribute, unless there is no list, for the element itself is
    /// the content. There is none by default.
    pub own_content: Option<&'static [&'static str]>,
}

impl Default for XmlForm {
    fn default() -> Self {
        Self { own_file: true, own_attributes: &[], refuses_wrong_types: false, own_content: None }
    }
}

impl XmlForm {
    /// The form of types that always stand in their parent.
    pub const INLINE: Self =
        Self { own_file: false, own_attributes: &[], refuses_wrong_types: false, own_content: None };

    /// The form of a type that writes this content itself.
    #[must_use]
    pub const fn with_content(names: &'static [&'static str]) -> Self {
        Self { own_file: true, own_attributes: &[], refuses_wrong_types: false, own_content: Some(names) }
    }

    /// Leaves values of the wrong type out, for the type's reader refuses them.
    #[must_use]
    pub const fn without_wrong_types(mut self) -> Self {
        self.refuses_wrong_types = true;
        self
    }

    /// Adds settings whose attributes the type writes itself.
    #[must_use]
    pub const fn and_attributes(mut self, names: &'static [&'static str]) -> Self {
        self.own_attributes = names;
        self
    }
}

/// Completes a type's own element with settings, unknown attributes and asides and puts it where it belongs.
///
/// # Errors
/// [`WriteError::File`].
pub fn write_xml(
    block: &BlockSource<'_>,
    host: &mut dyn WriteHost,
    mut xml: Element,
    form: XmlForm,
    node: &mut Element,
) -> Result<(), WriteError> {
    write_asides(block, &mut xml);
    let is_setting =
        |name: &str| block.block_type.field(name).is_some_and(|spec| spec.scope == Scope::Settings);
    xml.attributes.retain(|a| !is_setting(&a.name) || form.own_attributes.contains(&a.name.as_str()));
    xml.name = block.usage.block_type().into();
    write_settings(block, host, form, &mut xml);
    write_unknown_attributes(block, host, &mut xml);
    write_other_fields(block, host, form, &mut xml);
    node.name = block.usage.block_type().into();
    if form.own_file && host.placement() == Placement::File {
        host.file(&format!("{}.xml", block.path()), xml.to_text(WriteOptions::PRETTY).as_bytes())?;
    } else {
        // A name that is part of the content stands where it stood there.
        let given = xml.get("url_name").and_then(|_| node.remove("url_name"));
        for attribute in &xml.attributes {
            node.set(&attribute.name, &attribute.value);
        }
        // Content that was copied has the name of the block it was copied from.
        if let Some(given) = given.filter(|given| host.loses_nothing() && xml.get("url_name") != Some(given))
        {
            host.warn("inexact-value", block.usage, "the name in its content is another block's");
            node.set("url_name", given);
        }
        node.namespaces = xml.namespaces.or(node.namespaces.take());
        node.children.append(&mut xml.children);
    }
    if node.get("url_name").is_none() {
        node.set("url_name", block.url_name());
    }
    Ok(())
}

fn write_settings(block: &BlockSource<'_>, host: &mut dyn WriteHost, form: XmlForm, xml: &mut Element) {
    let mut names: Vec<_> = block.data.settings.keys().collect();
    names.sort_unstable();
    for name in names {
        let name = &**name;
        if STRIPPED_ATTRIBUTES.contains(&name)
            || POLICY_ONLY.contains(&name)
            || form.own_attributes.contains(&name)
        {
            continue;
        }
        let value = &block.data.settings[name];
        let Some(spec) = block.block_type.field(name).filter(|spec| spec.scope == Scope::Settings) else {
            continue;
        };
        let (text, is_exact) = attribute_value(spec, value, host);
        let is_refused = form.refuses_wrong_types && spec.from_json(value).is_err();
        let is_in_policy = !is_exact || block.usage.block_type() == "course";
        let text =
            if is_in_policy { attribute_value(spec, &as_in_policy(value, host), host).0 } else { text };
        if is_xml_text(&text) && !is_refused {
            xml.set(name, text);
        }
        if (!is_exact || is_refused) && !host.policy(block.usage, name, value) {
            host.warn("inexact-value", block.usage, &format!("no attribute can hold the value of {name}"));
        }
    }
}

fn write_unknown_attributes(block: &BlockSource<'_>, host: &mut dyn WriteHost, xml: &mut Element) {
    let Some(Json::Object(attributes)) = block.own("xml_attributes") else { return };
    let mut attributes: Vec<_> = attributes.iter().collect();
    // A course's stand in its policy, too.
    if host.loses_nothing() && block.usage.block_type() == "course" {
        attributes.sort_unstable_by_key(|(name, _)| *name);
    }
    for (name, value) in attributes {
        if STRIPPED_ATTRIBUTES.contains(&name.as_str()) {
            continue;
        }
        let text = free_text(&as_in_policy(value, host));
        let fits = is_attribute_name(name) && is_xml_text(&text);
        if fits {
            xml.set_clark(name, text);
        }
        let is_exact = fits && value.is_string();
        if !is_exact && !host.policy(block.usage, name, value) {
            host.warn("inexact-value", block.usage, &format!("no attribute can hold the value of {name}"));
        }
    }
}

/// Orders the keys of a value that a policy file holds, too: there they are sorted, and that is what is read again.
fn as_in_policy<'v>(value: &'v Json, host: &dyn WriteHost) -> Cow<'v, Json> {
    match host.loses_nothing() && matches!(value, Json::Array(_) | Json::Object(_)) {
        true => Cow::Owned(sorted_keys(value)),
        false => Cow::Borrowed(value),
    }
}

/// Writes what edx-platform leaves out: content the type itself does not write, and fields nobody knows.
fn write_other_fields(block: &BlockSource<'_>, host: &mut dyn WriteHost, form: XmlForm, xml: &mut Element) {
    if !host.loses_nothing() {
        return;
    }
    let content = block.data.content.iter().map(|entry| (Scope::Content, entry));
    let settings = block.data.settings.iter().map(|entry| (Scope::Settings, entry));
    let mut fields: Vec<_> = content.chain(settings).collect();
    fields.sort_unstable_by_key(|(_, (name, _))| *name);
    for (scope, (name, value)) in fields {
        let spec = block.block_type.field(name).filter(|spec| spec.scope == scope);
        let (text, is_exact) = match spec {
            Some(_) if scope == Scope::Settings => continue,
            Some(spec) => match form.own_content {
                Some(own) if !own.contains(&&**name) => attribute_value(spec, value, host),
                _ => continue,
            },
            // An attribute would become part of an element that is itself the content.
            None if form.own_content.is_none() && host.policy(block.usage, name, value) => continue,
            None => (free_text(value), false),
        };
        if is_attribute_name(name)
            && is_xml_text(&text)
            && xml.get(name).is_none()
            && !STRIPPED_ATTRIBUTES.contains(&&**name)
        {
            xml.set(name, text);
            if !is_exact && spec.is_none() {
                host.warn(
                    "unknown-field",
                    block.usage,
                    &format!("field {name} is not known and becomes an attribute"),
                );
            }
        } else {
            host.warn("unknown-field", block.usage, &format!("field {name} has no place and is left out"));
        }
    }
}

/// Appends the asides of a block to its element.
pub fn write_asides(block: &BlockSource<'_>, xml: &mut Element) {
    let asides = block.data.asides.iter();
    let elements =
        asides.filter_map(|aside| write_aside(aside, block.block_type.aside_type(&aside.aside_type)));
    xml.children.extend(elements.map(Node::from));
}
