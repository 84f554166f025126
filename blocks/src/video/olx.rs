//! Videos in OLX: sources, tracks and transcripts as elements, several old spellings (blocks reference, section 5.2).

use serde_json::Map;
use xblock_core::block::BlockType;
use xblock_core::fields::{Conversion, FieldType, Json, Scope, Value};
use xblock_core::olx::{
    Attribute, BlockSource, Definition, DefinitionError, DefinitionForm, Element, OlxConvention, OlxError,
    PlainError, Reading, STRIPPED_ATTRIBUTES, WriteError, WriteHost, attribute_json, insert_field,
    resolve_pointer, stored_json,
};
use xblock_core::runtime::BlockData;

use super::olx_write;

/// How videos stand in OLX.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VideoOlx;

impl OlxConvention for VideoOlx {
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError> {
        let name = reading.name().to_owned();
        reading.rename("video", &name, &element)?;
        let (definition, _) = resolve_pointer(element, reading)?;
        let mut values = read_elements(&definition);
        read_attributes(&definition, reading.block_type(), &mut values);
        let mut data = BlockData::default();
        let mut unknown = Map::new();
        let table = reading.block_type().table().clone();
        for (name, value) in values {
            let Some((spec, shared)) = table.entry(&name) else {
                // The parser's own names are dropped where they are no fields; attributes are kept.
                if definition.attribute(&name).is_some() && !STRIPPED_ATTRIBUTES.contains(&name.as_str()) {
                    unknown.insert(name, value);
                }
                continue;
            };
            let stored = stored_json(spec, value).map_err(|(_, source)| {
                let at = definition.attribute(&name).map_or(definition.position(), |a| a.position());
                OlxError::InvalidValue { field: name, source, place: reading.place(at) }
            })?;
            insert_field(&mut data, spec, shared, stored);
        }
        if !unknown.is_empty() {
            data.settings.insert("xml_attributes".into(), Json::Object(unknown));
        }
        if let Some(Json::String(id)) = data.settings.get_mut("edx_video_id") {
            *id = id.trim().to_owned();
        }
        Ok(data)
    }

    fn write(
        &self,
        block: &BlockSource<'_>,
        host: &mut dyn WriteHost,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        olx_write::write(block, host, node)?;
        Ok(true)
    }

    fn definition_form(&self) -> DefinitionForm {
        DefinitionForm::Own
    }

    fn read_definition(
        &self,
        root: &Element,
        block_type: &BlockType,
        conversion: &Conversion,
        definition: &mut Definition,
    ) -> Result<(), DefinitionError> {
        let mut values = read_elements(root);
        read_attributes(root, block_type, &mut values);
        let mut unknown = Map::new();
        for (name, value) in values {
            let Some(spec) = block_type.field(&name) else {
                if root.attribute(&name).is_some() && !STRIPPED_ATTRIBUTES.contains(&name.as_str()) {
                    unknown.insert(name, value);
                }
                continue;
            };
            let stored =
                spec.kind.load(Value::from(&value), conversion).and_then(|native| spec.to_json(&native));
            let stored = stored.map_err(|source| {
                let position = root.attribute(&name).map_or(root.position(), |a| a.position());
                DefinitionError::Plain(PlainError::Field { field: spec.name, position, source })
            })?;
            definition.set(spec.name, spec.scope, stored);
        }
        if !unknown.is_empty() {
            definition.set("xml_attributes", Scope::Settings, Json::Object(unknown));
        }
        Ok(())
    }
}

/// Reads the child elements, which attributes override.
fn read_elements(video: &Element) -> Map<String, Json> {
    let mut values = Map::new();
    let sources: Vec<Json> =
        video.elements().filter(|e| e.name == "source").map(|e| e.get("src").into()).collect();
    if !sources.is_empty() {
        values.insert("html5_sources".into(), sources.into());
    }
    if let Some(track) = video.find("track") {
        values.insert("track".into(), track.get("src").into());
        if video.attribute("download_track").is_none() {
            values.insert("download_track".into(), true.into());
        }
    }
    if let Some(handout) = video.find("handout") {
        values.insert("handout".into(), handout.get("src").into());
    }
    let transcripts: Map<String, Json> = video
        .elements()
        .filter(|e| e.name == "transcript")
        .map(|e| (e.get("language").unwrap_or("null").to_owned(), e.get("src").into()))
        .collect();
    if !transcripts.is_empty() {
        values.insert("transcripts".into(), Json::Object(transcripts));
    }
    values
}

/// Reads the attributes in order; the later of two spellings wins.
fn read_attributes(video: &Element, block_type: &BlockType, values: &mut Map<String, Json>) {
    let has_sources = video.find("source").is_some();
    for attribute in &video.attributes {
        let Attribute { name, value, .. } = attribute;
        let name = match name.as_str() {
            name if STRIPPED_ATTRIBUTES.contains(&name) || name == "name" => continue,
            "from" => "start_time",
            "to" => "end_time",
            "youtube" => {
                for (speed, id) in youtube_ids(value) {
                    if has_sources || id.as_str() != Some("") {
                        values.insert(format!("youtube_id_{speed}"), id);
                    }
                }
                continue;
            }
            name => name,
        };
        let value = match block_type.field(name) {
            // A licence is taken as it is written.
            Some(_) if name == "license" && !value.is_empty() => Json::from(value.as_str()),
            Some(spec) => attribute_json(spec, value),
            None => Json::from(value.as_str()),
        };
        values.insert(name.to_owned(), value);
    }
}

/// Splits `0.75:id,1.00:id`; speeds come as the names of fields end.
fn youtube_ids(text: &str) -> Vec<(String, Json)> {
    let mut ids: Vec<(String, Json)> =
        ["0.75", "1.00", "1.25", "1.50"].map(|speed| (speed.to_owned(), Json::from(""))).into();
    for piece in text.split(',') {
        let mut parts = piece.split(':');
        let (Some(speed), Some(id)) = (parts.next(), parts.next()) else { continue };
        let Ok(Value::Float(speed)) = FieldType::Float.from_json(&Json::from(speed)) else {
            continue;
        };
        let speed = format!("{speed:.2}");
        let id = match serde_json::from_str::<Json>(id) {
            Ok(Json::Null) => Json::Null,
            Ok(Json::String(inner)) => Json::String(inner),
            _ => Json::from(id),
        };
        match ids.iter_mut().find(|(known, _)| *known == speed) {
            Some(found) => found.1 = id,
            None => ids.push((speed, id)),
        }
    }
    for (speed, _) in &mut ids {
        *speed = speed.strip_suffix('0').unwrap_or(speed).replace('.', "_");
    }
    ids
}
