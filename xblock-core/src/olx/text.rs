//! Pieces of text that know which bytes of a file they were read from.

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::{Serialize, Serializer};
use smol_str::SmolStr;

use super::position::{Position, Span};

/// The text of a file, shared by everything that was read from it; cheap to clone.
#[derive(Clone)]
pub struct SourceText(Arc<Inner>);

struct Inner {
    text: String,
    /// The first byte of each line, found when a position is asked for.
    lines: OnceLock<Box<[u32]>>,
}

impl SourceText {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Returns the line and the column of a byte.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let text = self.as_str();
        let offset = text.floor_char_boundary(offset);
        let lines = self.0.lines.get_or_init(|| line_starts(text));
        let line = lines.partition_point(|start| *start as usize <= offset).max(1);
        let start = lines.get(line - 1).map_or(0, |start| *start as usize);
        let column = text[start..offset].chars().count() + 1;
        let number = |n| u32::try_from(n).unwrap_or(u32::MAX);
        Position { line: number(line), column: number(column) }
    }

    /// Says whether both are the same text in memory, not only equal ones.
    #[must_use]
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

fn line_starts(text: &str) -> Box<[u32]> {
    let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    let starts = breaks.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX));
    std::iter::once(0).chain(starts).collect()
}

impl Deref for SourceText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<String> for SourceText {
    fn from(text: String) -> Self {
        Self(Arc::new(Inner { text, lines: OnceLock::new() }))
    }
}

impl From<&str> for SourceText {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Cow<'_, str>> for SourceText {
    fn from(text: Cow<'_, str>) -> Self {
        text.into_owned().into()
    }
}

impl PartialEq for SourceText {
    fn eq(&self, other: &Self) -> bool {
        self.is(other) || self.as_str() == other.as_str()
    }
}

impl Eq for SourceText {}

impl fmt::Debug for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// A name or a value: a part of a file, what a part of a file stands for, or a text made in memory.
///
/// It is compared, ordered and written as the text it holds; where it came from makes no difference.
#[derive(Clone)]
pub struct Text(Repr);

#[derive(Clone)]
enum Repr {
    /// The bytes from `start` to `end`, as they are.
    Part {
        source: SourceText,
        start: u32,
        end: u32,
    },
    Owned(Arc<Owned>),
}

struct Owned {
    value: SmolStr,
    /// The bytes it was read from, where entities or line endings were replaced.
    origin: Option<(SourceText, Span)>,
}

impl Text {
    /// Takes a part of a file as it is.
    pub(super) fn part(source: &SourceText, span: Span) -> Self {
        Self(Repr::Part { source: source.clone(), start: span.start, end: span.end })
    }

    /// Takes what a part of a file stands for.
    pub(super) fn decoded(source: &SourceText, span: Span, value: &str) -> Self {
        Self(Repr::Owned(Arc::new(Owned { value: value.into(), origin: Some((source.clone(), span)) })))
    }

    /// Returns the characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Part { source, start, end } => &source.as_str()[*start as usize..*end as usize],
            Repr::Owned(owned) => &owned.value,
        }
    }

    /// Returns the bytes it was read from; none for a text that was made in memory.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.origin().map(|(_, span)| span)
    }

    /// Returns the file it was read from, and its bytes there.
    pub(super) fn origin(&self) -> Option<(&SourceText, Span)> {
        match &self.0 {
            Repr::Part { source, start, end } => Some((source, Span { start: *start, end: *end })),
            Repr::Owned(owned) => owned.origin.as_ref().map(|(source, span)| (source, *span)),
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::from("")
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Repr::Owned(Arc::new(Owned { value: text.into(), origin: None })))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Repr::Owned(Arc::new(Owned { value: text.into(), origin: None })))
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Cow<'_, str>> for Text {
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl From<&Self> for Text {
    fn from(text: &Self) -> Self {
        text.clone()
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.as_str().to_owned()
    }
}

impl From<&Text> for String {
    fn from(text: &Text) -> Self {
        text.as_str().to_owned()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other)
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_become_lines_and_columns_in_any_order() {
        let text = SourceText::from("ab\ncé\n\nx");
        let at = |line, column| Position { line, column };
        assert_eq!(text.position(0), at(1, 1));
        assert_eq!(text.position(3), at(2, 1));
        assert_eq!(text.position(6), at(2, 3));
        assert_eq!(text.position(8), at(4, 1));
        assert_eq!(text.position(4), at(2, 2));
        assert_eq!(text.position(99), at(4, 2));
    }

    #[test]
    fn a_text_is_small_and_knows_its_bytes() {
        assert_eq!(size_of::<Text>(), 16);
        let source = SourceText::from("a&lt;b");
        let part = Text::part(&source, Span { start: 0, end: 1 });
        let decoded = Text::decoded(&source, Span { start: 1, end: 5 }, "<");
        assert_eq!((part.as_str(), part.span()), ("a", Some(Span { start: 0, end: 1 })));
        assert_eq!((decoded.as_str(), decoded.span()), ("<", Some(Span { start: 1, end: 5 })));
        assert_eq!((part, Text::from("a").span()), (Text::from("a"), None));
    }
}
