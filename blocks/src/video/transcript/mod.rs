//! Transcripts and their forms: SubRip, the platform's SJSON, plain text and WebVTT (blocks reference, section 6).
//!
//! - `subrip`: reading and writing SubRip.
//! - `sjson`: the platform's JSON of parallel lists.
//! - `webvtt`: what browsers play.

mod sjson;
mod subrip;
mod webvtt;

use thiserror::Error;

/// One text with the time it is shown, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cue {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) text: String,
}

/// A form of transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// SubRip.
    Srt,
    /// The platform's JSON.
    Sjson,
    /// The texts alone.
    Txt,
    /// WebVTT.
    Vtt,
}

impl Format {
    /// Returns the media type.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Srt => "application/x-subrip; charset=utf-8",
            Self::Sjson => "application/json",
            Self::Txt => "text/plain; charset=utf-8",
            Self::Vtt => "text/vtt; charset=utf-8",
        }
    }

    /// Returns the extension of files in this form.
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Srt => "srt",
            Self::Sjson => "sjson",
            Self::Txt => "txt",
            Self::Vtt => "vtt",
        }
    }

    /// Tells the form of a file by its name and first characters.
    pub(crate) fn sniff(name: &str, text: &str) -> Self {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if text.starts_with("WEBVTT") {
            Self::Vtt
        } else if name.ends_with(".sjson") || text.starts_with('{') {
            Self::Sjson
        } else {
            Self::Srt
        }
    }
}

/// A transcript that cannot be converted.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum TranscriptError {
    /// A SubRip item is not one.
    #[error("the transcript is not SubRip: {source}")]
    NotSubRip {
        /// The item.
        source: subrip::BadItem,
    },
    /// The bytes are not UTF-8.
    #[error("the transcript is not UTF-8 text")]
    NotUtf8,
    /// The JSON has not the lists of the platform's form.
    #[error("the transcript has no list `{list}`")]
    NoList {
        /// The list.
        list: &'static str,
    },
    /// A time of the platform's form is no number.
    #[error("{found} is not a time")]
    NotATime {
        /// What stands there.
        found: String,
    },
    /// Nobody converts between these forms.
    #[error("no conversion from {from} to {to}")]
    NoConversion {
        /// The form it has.
        from: &'static str,
        /// The form it should have.
        to: &'static str,
    },
}

/// Converts a transcript as the platform does; to WebVTT, which it does not know, by the rules of the format.
///
/// # Errors
/// [`TranscriptError`].
pub(crate) fn convert(content: &[u8], from: Format, to: Format) -> Result<String, TranscriptError> {
    match (from, to) {
        (Format::Srt, Format::Sjson) => {
            let cues = subrip::parse_strict(utf8(content)?)
                .map_err(|source| TranscriptError::NotSubRip { source })?;
            Ok(sjson::write(&cues))
        }
        (Format::Srt, Format::Txt) => {
            Ok(plain_text(subrip::parse_lenient(utf8(content)?).iter().map(|cue| &*cue.text)))
        }
        (Format::Srt, Format::Vtt) => Ok(webvtt::write(&subrip::parse_lenient(utf8(content)?))),
        (Format::Sjson, Format::Srt) => Ok(subrip::write(&sjson::read(&sjson_text(content))?)),
        (Format::Sjson, Format::Txt) => {
            let texts = sjson::read_texts(&sjson_text(content))?;
            Ok(plain_text(texts.iter().map(String::as_str)))
        }
        (Format::Sjson, Format::Vtt) => {
            let cues = sjson::read(&sjson_text(content))?;
            Ok(webvtt::write(&cues.into_iter().filter_map(sjson::Line::into_cue).collect::<Vec<_>>()))
        }
        (from, to) if from == to => Ok(utf8(content)?.to_owned()),
        (from, to) => Err(TranscriptError::NoConversion { from: from.extension(), to: to.extension() }),
    }
}

fn utf8(content: &[u8]) -> Result<&str, TranscriptError> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    std::str::from_utf8(content).map_err(|_| TranscriptError::NotUtf8)
}

/// Reads SJSON bytes, which may be Latin-1.
fn sjson_text(content: &[u8]) -> String {
    utf8(content).map_or_else(|_| content.iter().map(|byte| char::from(*byte)).collect(), str::to_owned)
}

/// Joins texts line by line and replaces HTML's entities, once.
fn plain_text<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let joined = texts.collect::<Vec<_>>().join("\n");
    htmlize::unescape(joined).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    fn format(case: &Json, key: &str) -> Option<Format> {
        match case[key].as_str()? {
            "srt" => Some(Format::Srt),
            "sjson" => Some(Format::Sjson),
            "txt" => Some(Format::Txt),
            _ => None,
        }
    }

    /// The platform's converter, recorded.
    #[test]
    fn conversions_are_those_of_the_platform() {
        let vectors: Json = serde_json::from_str(include_str!("../../../../tests/vectors/transcripts.json"))
            .expect("the vectors are JSON");
        let cases = vectors["conversions"].as_array().expect("there are conversions");
        let (mut run, mut failures) = (0, Vec::new());
        for case in cases.iter().filter(|case| case["converter"] == "platform") {
            // Bytes that are no text, and unconverted copies, are for the vectors command.
            let (Some(input), Some(from), Some(to)) =
                (case["input"].as_str(), format(case, "input_format"), format(case, "output_format"))
            else {
                continue;
            };
            run += 1;
            let result = convert(input.as_bytes(), from, to);
            let agrees = match (&result, case["output"].as_str()) {
                (Ok(text), Some(expected)) => text == expected,
                (Err(_), None) => true,
                _ => false,
            };
            if !agrees {
                failures.push(format!("{}: {result:?}, expected {}", case["id"], case["output"]));
            }
        }
        assert!(run > 30, "only {run} cases");
        assert!(failures.is_empty(), "{} of {run}:\n{}", failures.len(), failures.join("\n"));
    }

    #[test]
    fn subrip_becomes_webvtt() {
        let subrip = "1\r\n00:00:01,000 --> 00:00:02,500 X1:5\r\nFirst <i>line</i>\r\n\r\nbroken\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,750\r\nA & B\r\n";
        assert_eq!(
            convert(subrip.as_bytes(), Format::Srt, Format::Vtt).as_deref(),
            Ok(
                "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nFirst <i>line</i>\n\n00:00:03.000 --> 00:00:04.750\nA &amp; B\n"
            )
        );
    }
}
