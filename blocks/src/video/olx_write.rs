//! Writes a video (blocks reference, section 5.3).

use xblock_core::fields::{Json, Value};
use xblock_core::olx::{
    BlockSource, Element, Node, WriteError, WriteHost, XmlForm, attribute_value, json_line, write_xml,
};

/// The attribute `youtube` names these ids by the speed they are for.
const YOUTUBE_IDS: [(&str, &str); 4] = [
    ("0.75", "youtube_id_0_75"),
    ("1.00", "youtube_id_1_0"),
    ("1.25", "youtube_id_1_25"),
    ("1.50", "youtube_id_1_5"),
];
const FORM: XmlForm =
    XmlForm::with_content(&["license", "data"]).and_attributes(&["sub", "transcripts"]).without_wrong_types();

/// Writes a video.
///
/// # Errors
/// [`WriteError::File`].
pub(crate) fn write(
    block: &BlockSource<'_>,
    host: &mut dyn WriteHost,
    node: &mut Element,
) -> Result<(), WriteError> {
    let mut xml = Element::new("video");
    // The platform's reader passes over a name, cuts blanks off an id and takes one of nothing for none.
    let is_id_kept = block.own("edx_video_id").is_none_or(|id| id.as_str().is_some_and(|id| id.trim() == id));
    if host.loses_nothing() && (block.own("name").is_some() || !is_id_kept) {
        host.warn(
            "inexact-value",
            block.usage,
            "name or edx_video_id of a video does not come back as it is",
        );
    }
    let sources = strings(block.value("html5_sources"));
    let youtube = youtube(block);
    if !youtube.is_empty() && (!host.loses_nothing() || says_what_is_set(block, &sources)) {
        xml.set("youtube", youtube);
    }
    xml.set("url_name", block.url_name());
    let transcripts = transcripts(block);
    write_transcript_attributes(block, &*host, &transcripts, &mut xml);
    for name in ["license", "data"] {
        let Some(value) = block.own(name) else { continue };
        let is_written = if host.loses_nothing() {
            name != "license" || !value.is_null()
        } else {
            name == "license" && value != "" && !value.is_null()
        };
        if let Some(spec) = block.block_type.field(name).filter(|_| is_written) {
            // The reader takes a licence as it stands, so a text that reads as JSON needs no quotes.
            let licence = value.as_str().filter(|_| name == "license");
            xml.set(name, licence.map_or_else(|| attribute_value(spec, value, &*host).0, str::to_owned));
        }
    }
    let mut children: Vec<Element> = sources.iter().map(|source| with_src("source", source)).collect();
    for name in ["track", "handout"] {
        children.extend(block.text(name).filter(|src| !src.is_empty()).map(|src| with_src(name, &src)));
    }
    for (language, src) in &transcripts {
        let mut transcript = Element::new("transcript");
        transcript.set("language", *language);
        transcript.set("src", *src);
        children.push(transcript);
    }
    xml.children = children.into_iter().map(Node::from).collect();
    write_xml(block, host, xml, FORM, node)
}

fn with_src(name: &str, src: &str) -> Element {
    let mut element = Element::new(name);
    element.set("src", src);
    element
}

/// Returns the ids with their speeds, those that are empty left out.
fn youtube(block: &BlockSource<'_>) -> String {
    let ids = YOUTUBE_IDS.iter().filter_map(|(speed, field)| {
        let id = block.text(field).filter(|id| !id.is_empty())?;
        Some(format!("{speed}:{id}"))
    });
    ids.collect::<Vec<_>>().join(",")
}

/// Says whether the attribute `youtube`, read back, sets no other ids than are set: beside sources it sets all four,
/// else those it names.
fn says_what_is_set(block: &BlockSource<'_>, sources: &[String]) -> bool {
    YOUTUBE_IDS.iter().all(|(_, field)| {
        let is_named = !sources.is_empty() || block.text(field).is_some_and(|id| !id.is_empty());
        block.own(field).is_some() || !is_named
    })
}

/// Writes `sub`, which the platform empties beside an English transcript, and `transcripts`.
fn write_transcript_attributes(
    block: &BlockSource<'_>,
    host: &dyn WriteHost,
    transcripts: &[(&str, &str)],
    xml: &mut Element,
) {
    let loses_nothing = host.loses_nothing();
    if let Some(sub) = block.own("sub")
        && let Some(spec) = block.block_type.field("sub")
        && (loses_nothing || sub != "")
    {
        xml.set("sub", attribute_value(spec, sub, host).0);
    }
    if !loses_nothing && transcripts.iter().any(|(language, _)| *language == "en") {
        xml.set("sub", "");
    }
    if !transcripts.is_empty() {
        let sorted = transcripts.iter().map(|(language, src)| ((*language).to_owned(), Json::from(*src)));
        xml.set("transcripts", json_line(&Json::Object(sorted.collect())));
    } else if loses_nothing
        && let Some(value) = block.own("transcripts")
        && let Some(spec) = block.block_type.field("transcripts")
    {
        xml.set("transcripts", attribute_value(spec, value, host).0);
    }
}

/// Lists languages and files of the transcripts, sorted; nothing where one of them is no text.
fn transcripts<'a>(block: &BlockSource<'a>) -> Vec<(&'a str, &'a str)> {
    let Some(Json::Object(entries)) = block.data.own("transcripts") else { return Vec::new() };
    let mut entries: Vec<_> =
        entries.iter().filter_map(|(language, src)| Some((language.as_str(), src.as_str()?))).collect();
    entries.sort_unstable();
    entries
}

fn strings(value: Value) -> Vec<String> {
    match value {
        Value::List(items) => items
            .into_iter()
            .filter_map(|item| match item {
                Value::Str(text) => Some(text.to_string()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}
