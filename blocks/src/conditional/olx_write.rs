//! Writes conditional content: what it depends on as attributes, blocks shown from elsewhere by their keys.

use serde_json::Map;
use xblock_core::fields::Json;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::olx::{
    BlockSource, Element, Node, WriteError, WriteHost, XmlForm, is_attribute_name, is_xml_text, write_xml,
};

use super::olx::listed;

/// Writes conditional content.
///
/// # Errors
/// [`WriteError`].
pub(crate) fn write(
    block: &BlockSource<'_>,
    host: &mut dyn WriteHost,
    node: &mut Element,
) -> Result<(), WriteError> {
    let mut xml = Element::new("conditional");
    let shown = keys(block, "show_tag_list");
    for (child, is_shown) in block.data.children.iter().zip(stand_for_shown(&block.data.children, &shown)) {
        if is_shown {
            continue;
        }
        if let Some(element) = host.child(child)? {
            xml.children.push(Node::from(element));
        }
    }
    if !shown.is_empty() {
        let mut show = Element::new("show");
        show.set("sources", references(&shown, &*host));
        xml.children.push(Node::from(show));
    }
    let mut data = block.data.clone();
    let attributes =
        data.settings.entry("xml_attributes".into()).or_insert_with(|| Json::Object(Map::default()));
    if let Json::Object(attributes) = attributes {
        write_condition(block, &*host, attributes);
    }
    let block = BlockSource { data: &data, ..*block };
    write_xml(
        &block,
        host,
        xml,
        XmlForm::with_content(&[
            "conditional_attr",
            "conditional_message",
            "conditional_value",
            "show_tag_list",
            "sources_list",
        ]),
        node,
    )
}

/// Says of each child whether `<show>`, which is written last, stands for it. A child that is listed oftener than it is
/// shown keeps its first places.
fn stand_for_shown(children: &[UsageKey], shown: &[&str]) -> Vec<bool> {
    let mut left = shown.to_vec();
    let mut stands: Vec<_> = children
        .iter()
        .rev()
        .map(|child| match left.iter().rposition(|key| is_same(key, child)) {
            Some(at) => {
                left.remove(at);
                true
            }
            None => false,
        })
        .collect();
    stands.reverse();
    stands
}

/// Puts what the content depends on among the unknown attributes, as the platform does.
fn write_condition(block: &BlockSource<'_>, host: &dyn WriteHost, attributes: &mut Map<String, Json>) {
    // An absent attribute comes back as absent, or as the empty message; the platform writes defaults.
    let is_wanted = |field: &str| !host.loses_nothing() || block.own(field).is_some();
    let sources = keys(block, "sources_list");
    let given = attributes.get("sources").and_then(Json::as_str).filter(|_| host.loses_nothing());
    // Sources that still mean the same stay as they were given: in another form, or as keys of another course.
    let is_same = given.is_some_and(|given| means(given, &sources, &block.usage.context_key()));
    if is_wanted("sources_list") && !is_same {
        attributes.insert("sources".into(), references(&sources, host).into());
    }
    let condition = block.text("conditional_attr").unwrap_or_default();
    if is_attribute_name(&condition) && (is_wanted("conditional_attr") || is_wanted("conditional_value")) {
        let value = block.text("conditional_value").unwrap_or_default();
        attributes.insert(condition.to_string(), value.as_ref().into());
    }
    let message = block.text("conditional_message").unwrap_or_default();
    let is_implied = host.loses_nothing() && message.is_empty() && !attributes.contains_key("message");
    if is_xml_text(&message) && !is_implied {
        attributes.insert("message".into(), message.as_ref().into());
    }
}

/// Says whether a text lists these keys, once it is read into a course.
fn means(text: &str, keys: &[&str], context: &ContextKey) -> bool {
    let mapped = |text: &str| text.parse::<UsageKey>().ok()?.map_into_course(context).ok();
    let is_key = |(text, key): (&str, &&str)| {
        text == *key || mapped(text).is_some_and(|usage| usage.to_string() == **key)
    };
    listed(text).count() == keys.len() && listed(text).zip(keys).all(is_key)
}

fn keys<'a>(block: &BlockSource<'a>, name: &str) -> Vec<&'a str> {
    block.data.own(name).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect()
}

fn references(keys: &[&str], host: &dyn WriteHost) -> String {
    keys.iter().map(|key| host.reference(key)).collect::<Vec<_>>().join(";")
}

/// Says whether a stored key names a child, in either form of key.
fn is_same(key: &str, child: &UsageKey) -> bool {
    key.parse::<UsageKey>().is_ok_and(|key| {
        key == *child
            || (key.is_deprecated()
                && key.block_type() == child.block_type()
                && key.block_id() == child.block_id())
    })
}
