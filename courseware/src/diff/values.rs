//! Values as they are shown, and texts line by line.

use std::borrow::Cow;

use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};
use xblock_core::fields::Json;

/// How long a text may be to be shown on one line.
const SHORT: usize = 60;
/// Longer lines are broken, so that a change inside of one can be seen.
const LONG_LINE: usize = 300;
/// Texts with more lines that differ are not laid beside each other.
const MOST_LINES: usize = 10_000;

/// Returns a field's value without what only says how its package is laid out; none where nothing else is in it.
pub(super) fn without_layout<'a>(name: &str, value: &'a Json) -> Option<Cow<'a, Json>> {
    match value {
        Json::Object(map) if name == "xml_attributes" && map.contains_key("filename") => {
            let mut map = map.clone();
            map.shift_remove("filename");
            (!map.is_empty()).then_some(Cow::Owned(Json::Object(map)))
        }
        Json::String(text) if name == "error_msg" => Some(match without_place(text) {
            message if message.len() < text.len() => Cow::Owned(Json::from(message)),
            _ => Cow::Borrowed(value),
        }),
        value => Some(Cow::Borrowed(value)),
    }
}

/// Returns what an error block says without the `file:line:column: ` where it was found: lines move with the layout.
fn without_place(message: &str) -> &str {
    let Some((place, rest)) = message.split_once(": ") else { return message };
    let mut parts = place.rsplitn(3, ':');
    let is_number = |part: Option<&str>| part.is_some_and(|part| part.parse::<u32>().is_ok());
    if is_number(parts.next()) && is_number(parts.next()) && parts.next().is_some() { rest } else { message }
}

/// Writes a value on one line, none where it is too long for that.
pub(super) fn on_one_line(value: &Json) -> Option<String> {
    let text = value.to_string();
    let is_short = text.chars().take(SHORT + 1).count() <= SHORT;
    (is_short && !text.contains("\\n")).then_some(text)
}

/// Writes a value on one line, cut where it is long.
pub(super) fn cut(value: &Json) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHORT) {
        Some((end, _)) => format!("{}... ({} characters)", &text[..end], text.chars().count()),
        None => text,
    }
}

/// Returns what is laid side by side of a value: a text as it is, anything else as indented JSON with names in order.
pub(super) fn as_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        value => serde_json::to_string_pretty(&sorted(value)).unwrap_or_default(),
    }
}

fn sorted(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(name, _)| *name);
            Json::Object(entries.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect())
        }
        Json::Array(items) => Json::Array(items.iter().map(sorted).collect()),
        plain => plain.clone(),
    }
}

/// A line of two texts laid beside each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// Where a group of lines begins: first line and number of lines, left and right.
    Hunk([usize; 4]),
    /// It is in both.
    Same(String),
    /// It is in the left one only.
    Removed(String),
    /// It is in the right one only.
    Added(String),
    /// The last line of one text ends without a line break, that of the other with one.
    EndOfText,
}

/// What two texts look like beside each other.
pub(super) enum Beside {
    /// Line by line, with some lines around each change. Long lines are broken at tags and sentences where `broken` is set.
    Lines { lines: Vec<Line>, broken: bool },
    /// They are too long: the numbers of their lines.
    TooLong(usize, usize),
}

/// Lays two texts beside each other.
pub(super) fn beside(left: &str, right: &str, context: usize) -> Beside {
    let (before, after) = (pieces(left), pieces(right));
    let lines = |text: &str| text.split('\n').count();
    let broken = before.len() > lines(left) || after.len() > lines(right);
    let same_ahead = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let same_behind = before[same_ahead..]
        .iter()
        .rev()
        .zip(after[same_ahead..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    if before.len().max(after.len()) - same_ahead - same_behind > MOST_LINES {
        return Beside::TooLong(before.len(), after.len());
    }
    let mut lines = Vec::new();
    for group in group_diff_ops(capture_diff_slices(Algorithm::Myers, &before, &after), context) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let [old, new] =
            [first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end];
        let start = |range: &std::ops::Range<usize>| range.start + usize::from(!range.is_empty());
        lines.push(Line::Hunk([start(&old), old.len(), start(&new), new.len()]));
        for op in group {
            let removed = || before[op.old_range()].iter().map(|line| Line::Removed((*line).to_owned()));
            let added = || after[op.new_range()].iter().map(|line| Line::Added((*line).to_owned()));
            match op {
                DiffOp::Equal { .. } => {
                    lines.extend(before[op.old_range()].iter().map(|line| Line::Same((*line).to_owned())));
                }
                DiffOp::Delete { .. } => lines.extend(removed()),
                DiffOp::Insert { .. } => lines.extend(added()),
                DiffOp::Replace { .. } => {
                    lines.extend(removed());
                    lines.extend(added());
                }
            }
        }
    }
    if lines.is_empty() {
        lines.push(Line::EndOfText);
    }
    Beside::Lines { lines, broken }
}

/// Breaks a text into lines, and long lines before tags and behind sentences.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    for line in text.split('\n') {
        if line.len() <= LONG_LINE {
            pieces.push(line);
            continue;
        }
        let mut start = 0;
        let bytes = line.as_bytes();
        for at in 1..line.len() {
            let before_tag = bytes[at] == b'<' && bytes.get(at + 1) != Some(&b'/');
            let behind_sentence = bytes[at] == b' ' && matches!(bytes[at - 1], b'.' | b'!' | b'?' | b';');
            if (before_tag || behind_sentence) && at > start {
                pieces.push(&line[start..at]);
                start = at;
            }
        }
        pieces.push(&line[start..]);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_an_error_stood_is_no_difference_but_what_it_says_is() {
        assert_eq!(
            without_place("course/r.xml:3:12: chapter/a.xml: no such file"),
            "chapter/a.xml: no such file"
        );
        assert_eq!(without_place("chapter/a.xml: no such file"), "chapter/a.xml: no such file");
        assert_eq!(without_place("nothing"), "nothing");
        let value = Json::from("r.xml:1:2: x");
        assert_eq!(without_layout("error_msg", &value).unwrap().as_ref(), "x");
        assert_eq!(without_layout("display_name", &value).unwrap().as_ref(), &value);
    }
}
