//! Discussions in OLX: a plain XBlock, with an old file of attributes over it where there is one.

use xblock_core::fields::Json;
use xblock_core::olx::{
    Element, OlxConvention, OlxError, Reading, STRIPPED_ATTRIBUTES, attribute_json, insert_field,
    name_to_path, read_plain_block,
};
use xblock_core::runtime::BlockData;

/// How discussions stand in OLX.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DiscussionOlx;

impl OlxConvention for DiscussionOlx {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        let mut data = read_plain_block(&element, reading)?;
        let path = format!("discussion/{}.xml", name_to_path(reading.name()));
        if !reading.exists(&path)? {
            return Ok(data);
        }
        let document = reading.load_xml(&path, element.position())?;
        reading.enter(document.source);
        let mut unknown = serde_json::Map::new();
        let table = reading.block_type().table().clone();
        for attribute in &document.root.attributes {
            let name = document.root.attribute_name(attribute);
            if STRIPPED_ATTRIBUTES.contains(&&*name) {
                continue;
            }
            match table.entry(&name) {
                Some((spec, name)) => {
                    let value = attribute_json(spec, &attribute.value);
                    let value = reading.stored(spec, value, attribute);
                    insert_field(&mut data, spec, name, value);
                }
                None => {
                    unknown.insert(name.into_owned(), Json::from(attribute.value.as_str()));
                }
            }
        }
        for (name, value) in reading.policy().cloned().into_iter().flatten() {
            match table.entry(&name) {
                Some((spec, name)) => {
                    let value = reading.stored(spec, value, &document.root);
                    insert_field(&mut data, spec, name, value);
                }
                None => {
                    unknown.insert(name, value);
                }
            }
        }
        if !unknown.is_empty() {
            data.settings.insert("xml_attributes".into(), Json::Object(unknown));
        }
        Ok(data)
    }
}
