//! The platform's JSON form: parallel lists of start, end and text.

use serde_json::{Value as Json, json};

use xblock_core::olx::json_line;

use super::{Cue, TranscriptError};

/// A cue whose text may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) text: Option<String>,
}

impl Line {
    /// Returns the cue, if it has a text.
    pub(super) fn into_cue(self) -> Option<Cue> {
        let Self { start, end, text } = self;
        text.map(|text| Cue { start, end, text })
    }
}

/// Writes cues; line breaks in texts become blanks.
pub(super) fn write(cues: &[Cue]) -> String {
    json_line(&json!({
        "start": cues.iter().map(|cue| cue.start).collect::<Vec<_>>(),
        "end": cues.iter().map(|cue| cue.end).collect::<Vec<_>>(),
        "text": cues.iter().map(|cue| cue.text.replace('\n', " ")).collect::<Vec<_>>(),
    }))
}

/// Reads cues; lists of unequal lengths give none, and what is no JSON gives one that says so.
pub(super) fn read(text: &str) -> Result<Vec<Line>, TranscriptError> {
    let json = parse(text);
    let (starts, ends, texts) = (list(&json, "start")?, list(&json, "end")?, list(&json, "text")?);
    if starts.len() != ends.len() || starts.len() != texts.len() {
        return Ok(Vec::new());
    }
    let times = |times: &[Json]| times.iter().map(milliseconds).collect::<Result<Vec<i64>, _>>();
    Ok(times(starts)?
        .into_iter()
        .zip(times(ends)?)
        .zip(texts)
        .map(|((start, end), text)| Line { start, end, text: printed(text) })
        .collect())
}

/// Reads the texts alone; a missing one is empty.
pub(super) fn read_texts(text: &str) -> Result<Vec<String>, TranscriptError> {
    let json = parse(text);
    Ok(list(&json, "text")?.iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect())
}

fn parse(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(
        |_| json!({"start": [1], "end": [2], "text": ["An error occured obtaining the transcript."]}),
    )
}

fn list<'j>(json: &'j Json, name: &'static str) -> Result<&'j [Json], TranscriptError> {
    json.get(name).and_then(Json::as_array).map(Vec::as_slice).ok_or(TranscriptError::NoList { list: name })
}

/// Returns a text as Python prints it; nothing for null.
fn printed(text: &Json) -> Option<String> {
    match text {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(json_line(other)),
    }
}

/// Reads a time and cuts fractions of milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "a time beyond 64 bits is nobody's")]
fn milliseconds(time: &Json) -> Result<i64, TranscriptError> {
    time.as_i64()
        .or_else(|| time.as_f64().map(|time| time as i64))
        .ok_or_else(|| TranscriptError::NotATime { found: time.to_string() })
}
