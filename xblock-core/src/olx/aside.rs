//! Asides in OLX: elements with `xblock-family="xblock_asides.v1"` inside their block's (xblock reference, sections 13
//! and 16).
//!
//! An aside whose class is known is read and written as base XBlock code does with a block: attributes by their field's
//! type, option elements, `content` as text. What no field takes is kept as text, and so are all values of asides nobody
//! registered, and the elements inside an aside.

use crate::block::AsideClass;
use crate::fields::{ASIDE_FAMILY, Conversion, FieldSpec, Json};
use crate::runtime::{AsideData, FieldMap};

use super::document::{Document, Source};
use super::element::{Element, Node};
use super::nodes::Nodes;
use super::parse_options::ParseOptions;
use super::plain::{FAMILY_ATTRIBUTE, OPTION_NAMESPACE, write_value};
use super::position::{FileName, Position};
use super::serialise::WriteOptions;
use super::write::{free_text, is_attribute_name, is_xml_text};

/// The field under which the elements inside an aside are kept, which base XBlock code drops.
const ELEMENTS: &str = "xml_elements";

/// A value of an aside that its field refuses; it is kept as text.
pub(super) struct RefusedValue {
    pub(super) field: &'static str,
    pub(super) problem: String,
    pub(super) position: Position,
}

/// Reads an aside.
pub(super) fn read_aside(
    element: &Element,
    class: Option<&AsideClass>,
    conversion: &Conversion,
) -> (AsideData, Vec<RefusedValue>) {
    let mut fields = FieldMap::default();
    let mut refused = Vec::new();
    let mut read = |name: &str, text: &str, position: Position, is_none: bool| {
        let value = match (spec_of(class, name), is_none) {
            (_, true) => Json::Null,
            (None, false) => Json::from(text),
            (Some(spec), false) => {
                let value = spec.kind.parse_text(text, conversion).and_then(|value| spec.to_json(&value));
                value.unwrap_or_else(|error| {
                    refused.push(RefusedValue { field: spec.name, problem: error.to_string(), position });
                    Json::from(text)
                })
            }
        };
        fields.insert(name.into(), value);
    };
    // Attributes come behind option elements, as in base XBlock code.
    for option in element.children.iter().filter_map(Node::as_element) {
        if option.namespace() == Some(OPTION_NAMESPACE) {
            let text = option.text().unwrap_or_default();
            read(option.local_name(), &text, option.position(), option.get("none") == Some("true"));
        }
    }
    for attribute in element.attributes.iter().filter(|attribute| attribute.name != FAMILY_ATTRIBUTE) {
        read(&attribute.name, &attribute.value, attribute.position(), false);
    }
    if let Some(text) = element.text().filter(|text| !text.trim().is_empty()) {
        fields.insert("content".into(), Json::from(text.trim()));
    }
    let inside = element.children.iter().filter_map(Node::as_element);
    let elements: String = inside
        .filter(|child| child.namespace() != Some(OPTION_NAMESPACE))
        .map(|child| child.to_text(WriteOptions::default()))
        .collect();
    if !elements.is_empty() {
        fields.insert(ELEMENTS.into(), Json::from(elements));
    }
    (AsideData { aside_type: element.name.as_str().into(), fields }, refused)
}

/// Writes an aside; nothing where no element can have its name.
pub(super) fn write_aside(aside: &AsideData, class: Option<&AsideClass>) -> Option<Element> {
    if !is_attribute_name(&aside.aside_type) {
        return None;
    }
    let mut element = Element::new(&*aside.aside_type);
    element.set(FAMILY_ATTRIBUTE, ASIDE_FAMILY);
    for (name, stored) in &aside.fields {
        if &**name == ELEMENTS
            && let Some(elements) = stored.as_str().and_then(read_elements)
        {
            element.children.extend(elements);
            continue;
        }
        if let Some(spec) = spec_of(class, name) {
            if &**name == "content"
                && let Some(text) = stored.as_str().filter(|text| !text.is_empty() && is_xml_text(text))
            {
                element.children.insert(0, Node::text(text));
                continue;
            }
            if spec.from_json(stored).is_ok_and(|value| write_value(spec, &value, &mut element)) {
                continue;
            }
        }
        let text = free_text(stored);
        if is_attribute_name(name) && is_xml_text(&text) {
            element.set(name, text);
        }
    }
    Some(element)
}

/// Reads the elements that were kept; nothing where the text is something else.
fn read_elements(text: &str) -> Option<Nodes> {
    let source = Source::new(FileName::from(ELEMENTS), format!("<{ELEMENTS}>{text}</{ELEMENTS}>").into());
    let document = Document::parse_text(source, &ParseOptions::default()).ok()?;
    let is_elements = document.root.children.iter().all(|node| node.as_element().is_some());
    is_elements.then_some(document.root.children)
}

fn spec_of(class: Option<&AsideClass>, name: &str) -> Option<&'static FieldSpec> {
    class?.fields.iter().find(|spec| spec.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::{FieldType, Scope};
    use crate::services::DeclaredServices;
    use serde_json::json;

    static NOTES: AsideClass = AsideClass {
        aside_type: "notes",
        fields: &[
            FieldSpec::new("content", FieldType::String, Scope::Content),
            FieldSpec::new("limit", FieldType::Integer, Scope::Settings),
            FieldSpec::new("prompt", FieldType::String, Scope::Settings),
            FieldSpec::new("opens", FieldType::RelativeTime, Scope::Settings),
            FieldSpec::new("words", FieldType::List, Scope::Settings),
        ],
        services: DeclaredServices::NONE,
        create: |_| unreachable!("nothing is shown here"),
    };

    const XML: &str = r#"<notes xmlns:o="http://code.edx.org/xblock/option" xblock-family="xblock_asides.v1"
        limit="5" words='["a", "b"]' other="1">Think<o:prompt none="true"/><o:opens>"00:01:30"</o:opens></notes>"#;

    fn read(xml: &str, class: Option<&AsideClass>) -> (AsideData, Vec<RefusedValue>) {
        let document = Document::parse("a.xml".into(), xml.as_bytes(), &ParseOptions::platform());
        read_aside(&document.expect("XML").root, class, &Conversion::default())
    }

    fn json_of(data: &AsideData) -> Json {
        data.fields
            .iter()
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    #[test]
    fn a_known_aside_is_read_by_its_fields_and_comes_back() {
        let (data, refused) = read(XML, Some(&NOTES));
        assert!(refused.is_empty());
        assert_eq!(
            json_of(&data),
            json!({
                "limit": 5, "words": ["a", "b"], "other": "1", "prompt": null, "content": "Think",
                "opens": "00:01:30",
            })
        );
        let element = write_aside(&data, Some(&NOTES)).expect("an element");
        let text = element.to_text(crate::olx::WriteOptions::default());
        assert_eq!(read(&text, Some(&NOTES)).0, data, "{text}");
    }

    #[test]
    fn elements_inside_an_aside_come_back() {
        let xml = r#"<notes xblock-family="xblock_asides.v1" limit="5">Think<page n="1">a &lt; <b>b</b></page><!-- c
            --><x:y xmlns:x="urn:x"/></notes>"#;
        for class in [Some(&NOTES), None] {
            let (data, _) = read(xml, class);
            assert_eq!(
                data.fields["xml_elements"],
                "<page n=\"1\">a &lt; <b>b</b></page><x:y xmlns:x=\"urn:x\"/>"
            );
            let element = write_aside(&data, class).expect("an element");
            let text = element.to_text(crate::olx::WriteOptions::default());
            assert_eq!(read(&text, class).0, data, "{text}");
        }
    }

    #[test]
    fn what_a_field_refuses_and_what_nobody_knows_stays_text() {
        let (data, refused) = read(&XML.replace("\"5\"", "\"five\""), Some(&NOTES));
        assert_eq!((refused.len(), refused[0].field), (1, "limit"));
        assert_eq!(data.fields["limit"], "five");
        let (data, refused) = read(XML, None);
        assert!(refused.is_empty());
        assert_eq!((&data.fields["limit"], &data.fields["prompt"]), (&json!("5"), &Json::Null));
    }
}
