//! `assets/assets.xml`: what an `assetstore` says about files, as edx-platform writes and reads it (modulestore reference,
//! section 11).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};

use crate::fields::{Json, MAX_DEPTH, is_too_deep};
use crate::keys::{AssetKey, ContextKey};
use crate::runtime::{AssetMetadata, FieldMap};

use super::diagnostic::{Diagnostic, Severity};
use super::document::Document;
use super::element::{Element, Node};
use super::json_line::json_line;
use super::write::{is_attribute_name, is_xml_text};

/// What stands for a value nobody set.
const NONE: &str = "None";

/// The elements that name the file.
const NAMES: [&str; 2] = ["type", "filename"];

/// Makes the element of a record, and lists what of it no XML can hold.
pub(super) fn metadata_element(key: &AssetKey, metadata: &AssetMetadata) -> (Element, Vec<String>) {
    let mut element = Element::new("asset");
    let mut left_out = Vec::new();
    let mut written = BTreeSet::new();
    for (name, text) in values(key, metadata) {
        if !is_attribute_name(&name) || !is_xml_text(&text) || !written.insert(name.clone()) {
            left_out.push(name);
            continue;
        }
        let mut field = Element::new(name);
        if !text.is_empty() {
            field.children.push(Node::text(text));
        }
        element.children.push(Node::from(field));
    }
    (element, left_out)
}

/// Lists the texts of a record by the names of their elements, in the platform's order.
fn values(key: &AssetKey, metadata: &AssetMetadata) -> Vec<(String, String)> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| NONE.to_owned());
    let number = |value: Option<i64>| value.map_or_else(|| NONE.to_owned(), |number| number.to_string());
    let locked = metadata.locked.map_or(NONE, |locked| if locked { "true" } else { "false" });
    let fields = metadata.fields.iter().map(|(name, value)| (name.to_string(), value.clone()));
    let known = [
        ("type", key.asset_type().to_owned()),
        ("filename", key.path().to_owned()),
        ("pathname", text(&metadata.pathname)),
        ("internal_name", text(&metadata.internal_name)),
        ("locked", locked.to_owned()),
        ("contenttype", text(&metadata.content_type)),
        ("thumbnail", text(&metadata.thumbnail)),
        ("fields", json_line(&Json::Object(fields.collect()))),
        ("curr_version", text(&metadata.curr_version)),
        ("prev_version", text(&metadata.prev_version)),
        ("edited_by", number(metadata.edited_by)),
        ("edited_by_email", text(&metadata.edited_by_email)),
        ("edited_on", time_text(metadata.edited_on)),
        ("created_by", number(metadata.created_by)),
        ("created_by_email", text(&metadata.created_by_email)),
        ("created_on", time_text(metadata.created_on)),
    ];
    let known = known.into_iter().map(|(name, text)| (name.to_owned(), text));
    // The platform passes over names it does not know.
    known.chain(metadata.extra.iter().map(|(name, value)| (name.to_string(), json_line(value)))).collect()
}

/// Writes a time as Python's `isoformat` does.
fn time_text(time: Option<DateTime<Utc>>) -> String {
    let Some(time) = time else { return NONE.to_owned() };
    let form = if time.timestamp_subsec_micros() == 0 { SecondsFormat::Secs } else { SecondsFormat::Micros };
    time.to_rfc3339_opts(form, false)
}

/// Reads a time, to the milliseconds that stores keep; one that names no zone is UTC.
fn read_time(text: &str) -> Option<DateTime<Utc>> {
    let time = match DateTime::parse_from_rfc3339(text) {
        Ok(time) => time.to_utc(),
        Err(_) => {
            let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
            forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?.and_utc()
        }
    };
    DateTime::from_timestamp_millis(time.timestamp_millis())
}

/// Reads the records; what is none, and values that are none of their attribute, are passed over with a remark.
pub(super) fn read_asset_metadata(
    document: &Document,
    context: &ContextKey,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(AssetKey, AssetMetadata)> {
    let mut found = BTreeMap::new();
    let mut remark = |element: &Element, message: String| {
        diagnostics.push(document.source.diagnostic(
            "invalid-asset-record",
            Severity::Warning,
            element,
            message,
        ));
    };
    if document.root.name != "assets" {
        let message = format!("the records of files stand in <assets>, not in <{}>", document.root.name);
        remark(&document.root, message);
        return Vec::new();
    }
    for element in document.root.elements() {
        if element.name != "asset" {
            remark(element, format!("<{}> is no record of a file; an <asset> is", element.name));
            continue;
        }
        let name = |tag: &str| element.find(tag).and_then(Element::text).unwrap_or_default().into_owned();
        let [asset_type, filename] = NAMES.map(name);
        if asset_type.is_empty() || filename.is_empty() {
            remark(element, "the record does not name the type and the filename of its file".to_owned());
            continue;
        }
        let key = match AssetKey::new(context.clone(), &asset_type, &filename) {
            Ok(key) => key,
            Err(error) => {
                remark(element, format!("no file can be called {asset_type:?}, {filename:?}: {error}"));
                continue;
            }
        };
        let mut metadata = AssetMetadata::default();
        for value in element.elements().filter(|value| !NAMES.contains(&&*value.name)) {
            let text = value.text().unwrap_or_default();
            if let Err(reason) = set(&mut metadata, &value.name, &text) {
                remark(value, format!("{key}: {} is {text:?}: {reason}", value.name));
            }
        }
        if found.insert(key.clone(), metadata).is_some() {
            remark(element, format!("there are several records of {key}; the last one stays"));
        }
    }
    found.into_iter().collect()
}

/// Sets the attribute an element is for.
fn set(metadata: &mut AssetMetadata, name: &str, text: &str) -> Result<(), String> {
    let value = (text != NONE).then_some(text);
    let owned = value.map(str::to_owned);
    let time = |value: Option<&str>| match value {
        Some(text) => read_time(text).map(Some).ok_or("no time"),
        None => Ok(None),
    };
    let number = |value: Option<&str>| match value {
        Some(text) => text.trim().parse().map(Some).map_err(|_| "no number"),
        None => Ok(None),
    };
    match name {
        "pathname" => metadata.pathname = owned,
        "internal_name" => metadata.internal_name = owned,
        "locked" => metadata.locked = value.map(|value| value == "true"),
        "contenttype" => metadata.content_type = owned,
        "thumbnail" => metadata.thumbnail = owned,
        "fields" => metadata.fields = value.map(read_fields).transpose()?.unwrap_or_default(),
        "curr_version" => metadata.curr_version = owned,
        "prev_version" => metadata.prev_version = owned,
        "edited_by" => metadata.edited_by = number(value)?,
        "edited_by_email" => metadata.edited_by_email = owned,
        "edited_on" => metadata.edited_on = time(value)?,
        "created_by" => metadata.created_by = number(value)?,
        "created_by_email" => metadata.created_by_email = owned,
        "created_on" => metadata.created_on = time(value)?,
        other => {
            let value = serde_json::from_str(text).ok().filter(|value| !is_too_deep(value));
            let value = value.unwrap_or_else(|| text.into());
            metadata.extra.insert(other.into(), value);
        }
    }
    Ok(())
}

fn read_fields(text: &str) -> Result<FieldMap, String> {
    match serde_json::from_str(text) {
        Ok(Json::Object(fields)) => {
            if fields.values().any(is_too_deep) {
                return Err(format!("nested deeper than {MAX_DEPTH} levels"));
            }
            Ok(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
        }
        Ok(_) => Err("no object of fields".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What edx-platform wrote of a golden course.
    const PLATFORM: &str = "<assets><asset><type>asset</type><filename>picture.jpg</filename><pathname>pix/archive</pathname>\
        <internal_name>EKMND332DDBK</internal_name><locked>true</locked><contenttype>image/jpeg</contenttype>\
        <thumbnail>None</thumbnail><fields>{\"cite\": \"nobody\"}</fields><curr_version>v2.0</curr_version>\
        <prev_version>v1.0</prev_version><edited_by>11</edited_by><edited_by_email>author@example.com</edited_by_email>\
        <edited_on>2026-11-22T10:38:59.258000+00:00</edited_on><created_by>None</created_by>\
        <created_by_email>None</created_by_email><created_on>2015-04-01T00:00:00+00:00</created_on></asset></assets>";

    fn context() -> ContextKey {
        "course-v1:edX+toy+2012".parse().expect("a key")
    }

    fn read(text: &str) -> (Vec<(AssetKey, AssetMetadata)>, Vec<Diagnostic>) {
        let document =
            Document::parse("assets/assets.xml".into(), text.as_bytes(), &Default::default()).expect("XML");
        let mut diagnostics = Vec::new();
        (read_asset_metadata(&document, &context(), &mut diagnostics), diagnostics)
    }

    fn written(records: &[(AssetKey, AssetMetadata)]) -> String {
        let mut root = Element::new("assets");
        for (key, metadata) in records {
            let (element, left_out) = metadata_element(key, metadata);
            assert!(left_out.is_empty());
            root.children.push(Node::from(element));
        }
        root.to_text(Default::default())
    }

    #[test]
    fn a_record_of_the_platform_comes_back_as_it_was() {
        let (records, diagnostics) = read(PLATFORM);
        assert_eq!(diagnostics, []);
        let [(key, metadata)] = &records[..] else { panic!("one record: {records:?}") };
        assert_eq!((key.asset_type(), key.path()), ("asset", "picture.jpg"));
        assert_eq!((metadata.locked, metadata.thumbnail.as_deref()), (Some(true), None));
        assert_eq!((metadata.edited_by, metadata.created_by), (Some(11), None));
        assert_eq!(written(&records), PLATFORM);
    }

    #[test]
    fn what_the_platform_does_not_know_comes_back_too() {
        let text = "<assets><asset><type>asset</type><filename>a</filename><basename>\"a\"</basename></asset></assets>";
        let (records, diagnostics) = read(text);
        assert_eq!(diagnostics, []);
        assert_eq!(records[0].1.extra["basename"], "a");
        assert_eq!(read(&written(&records)).0, records);
    }

    #[test]
    fn what_is_no_record_is_named() {
        let (records, diagnostics) = read(
            "<assets><asset><type>asset</type></asset><file/><asset><type>asset</type><filename>b</filename>\
             <edited_by>me</edited_by><edited_on>then</edited_on><fields>[1]</fields></asset>\
             <asset><type>asset</type><filename>b</filename></asset></assets>",
        );
        let [(key, metadata)] = &records[..] else { panic!("one record: {records:?}") };
        assert_eq!((key.path(), metadata), ("b", &AssetMetadata::default()));
        let messages: Vec<_> = diagnostics.iter().map(|remark| remark.message.as_str()).collect();
        for (message, part) in messages.iter().zip([
            "the type and the filename",
            "<file>",
            "edited_by",
            "edited_on",
            "fields",
            "several",
        ]) {
            assert!(message.contains(part), "{message}");
        }
        assert_eq!(messages.len(), 6);
    }

    #[test]
    fn what_no_xml_can_hold_is_named() {
        let key = AssetKey::new(context(), "asset", "a").expect("a key");
        let metadata = AssetMetadata { pathname: Some("a\u{1}b".to_owned()), ..AssetMetadata::default() };
        assert_eq!(metadata_element(&key, &metadata).1, ["pathname"]);
    }
}
