//! SubRip, read as pysrt 1.1.2 reads it (blocks reference, section 6.1).

use std::fmt;

use xblock_core::fields::{FieldType, Json};

use super::{Cue, sjson};

/// An item that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadItem {
    /// The line at which the item ended, counted from 0.
    line: usize,
    /// The item as it is written.
    source: String,
}

impl fmt::Display for BadItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {:?}", self.line, self.source)
    }
}

impl std::error::Error for BadItem {}

/// Reads a file and stops at the first bad item.
pub(super) fn parse_strict(text: &str) -> Result<Vec<Cue>, BadItem> {
    items(text)
        .map(|(line, lines)| item(&lines).ok_or_else(|| BadItem { line, source: lines.join("\n") }))
        .collect()
}

/// Reads a file and leaves bad items out.
pub(super) fn parse_lenient(text: &str) -> Vec<Cue> {
    items(text).filter_map(|(_, lines)| item(&lines)).collect()
}

/// Parts a file into items at its blank lines, each with the number of the line that ended it.
fn items(text: &str) -> impl Iterator<Item = (usize, Vec<&str>)> {
    let mut items = Vec::new();
    let mut current: Vec<&str> = Vec::new();
    let mut last = 0;
    for (number, line) in lines(text).into_iter().enumerate() {
        last = number;
        if !line.trim().is_empty() {
            current.push(line);
        } else if !current.is_empty() {
            items.push((number, std::mem::take(&mut current)));
        }
    }
    if !current.is_empty() {
        items.push((last + 1, current));
    }
    items.into_iter()
}

/// Splits at every line boundary of Unicode, as Python's `splitlines` does.
fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if !matches!(
            character,
            '\n' | '\r'
                | '\u{b}'
                | '\u{c}'
                | '\u{1c}'
                | '\u{1d}'
                | '\u{1e}'
                | '\u{85}'
                | '\u{2028}'
                | '\u{2029}'
        ) {
            continue;
        }
        lines.push(&text[start..at]);
        if character == '\r' && matches!(characters.peek(), Some((_, '\n'))) {
            characters.next();
        }
        start = characters.peek().map_or(text.len(), |(next, _)| *next);
    }
    if start < text.len() {
        lines.push(&text[start..]);
    }
    lines
}

fn item(lines: &[&str]) -> Option<Cue> {
    if lines.len() < 2 {
        return None;
    }
    let mut lines = lines.iter().map(|line| line.trim_end());
    let mut times = lines.next()?;
    if !times.contains("-->") {
        times = lines.next()?;
    }
    let (start, end) = times.split_once("-->")?;
    if end.contains("-->") {
        return None;
    }
    // Only blanks part the end from the position that may follow it.
    let end = end.split(' ').find(|token| !token.is_empty())?;
    Some(Cue { start: time(start)?, end: time(end)?, text: lines.collect::<Vec<_>>().join("\n") })
}

/// Reads `HH:MM:SS,mmm`; milliseconds are a whole number, so `,5` is 5 of them.
fn time(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.split([':', '.', ',']).collect();
    let [hours, minutes, seconds, milliseconds] = parts.as_slice() else {
        return None;
    };
    let seconds = (number(hours) * 60 + number(minutes)) * 60 + number(seconds);
    Some(seconds.saturating_mul(1000).saturating_add(number(milliseconds)))
}

/// Reads an integer as Python does, else the digits a text begins with, else 0; what is no time at all ends at a day
/// nobody's video reaches.
fn number(text: &str) -> i64 {
    let digits_end = text.find(|c: char| !c.is_numeric()).unwrap_or(text.len());
    integer(text)
        .or_else(|| integer(&text[..digits_end]))
        .unwrap_or_default()
        .clamp(-1_000_000_000, 1_000_000_000)
}

fn integer(text: &str) -> Option<i64> {
    FieldType::Integer.from_json(&Json::from(text)).ok()?.as_int()
}

/// Writes cues as the platform does: counted from 0, a blank line after each.
pub(super) fn write(lines: &[sjson::Line]) -> String {
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        let text = line.text.as_deref().unwrap_or("None");
        out.push_str(&format!("{index}\n{} --> {}\n{text}\n\n", clock(line.start), clock(line.end)));
    }
    out
}

fn clock(milliseconds: i64) -> String {
    let time = milliseconds.max(0);
    let (seconds, rest) = (time / 1000, time % 1000);
    format!("{:02}:{:02}:{:02},{rest:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
