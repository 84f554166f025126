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
    /// Found when a position is asked for.
    lines: OnceLock<Lines>,
}

/// How many bytes are counted together; within them characters are counted when a column is asked for.
const STRETCH: usize = 256;

/// How many characters of a line are quoted.
const QUOTED: usize = 100;

/// Where lines and characters are, so that no position costs more in a file of one long line.
struct Lines {
    /// The first byte of each line.
    starts: Box<[u32]>,
    /// How many characters begin before each stretch.
    characters: Box<[u32]>,
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
        let offset = self.as_str().floor_char_boundary(offset);
        let starts = &self.lines().starts;
        let line = starts.partition_point(|start| *start as usize <= offset).max(1);
        let start = starts.get(line - 1).map_or(0, |start| *start as usize);
        let column = self.characters_before(offset) - self.characters_before(start) + 1;
        Position { line: number(line), column: number(column) }
    }

    /// Returns the line a position is on, without its line ending and shortened where it is very long.
    ///
    /// The column of the position within the excerpt comes along.
    pub(super) fn excerpt(&self, position: Position) -> (String, u32) {
        let index = position.line.saturating_sub(1) as usize;
        let starts = &self.lines().starts;
        let start = starts.get(index).map_or(self.len(), |start| *start as usize);
        let end = starts.get(index + 1).map_or(self.len(), |next| *next as usize - 1);
        let line = self.get(start..end).unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let column = position.column.saturating_sub(1) as usize;
        let is_short = line.chars().nth(QUOTED).is_none();
        let skip = if is_short { 0 } else { column.saturating_sub(QUOTED * 2 / 3) };
        let first = self.character(self.characters_before(start) + skip).min(start + line.len());
        let rest = line.get(first - start..).unwrap_or_default();
        let shown = rest.chars().take(QUOTED).map(|c| if c == '\t' { ' ' } else { c }).collect();
        (shown, number(column - skip + 1))
    }

    fn lines(&self) -> &Lines {
        self.0.lines.get_or_init(|| Lines::new(self.as_str()))
    }

    /// Counts the characters that begin before a byte.
    fn characters_before(&self, offset: usize) -> usize {
        let known = self.lines().characters.get(offset / STRETCH).map_or(0, |count| *count as usize);
        let stretch = self.as_bytes().get(offset - offset % STRETCH..offset).unwrap_or_default();
        known + stretch.iter().filter(|byte| is_first(**byte)).count()
    }

    /// Returns the first byte of the character that so many stand before; the end where there is none.
    fn character(&self, index: usize) -> usize {
        let characters = &self.lines().characters;
        let stretch = characters.partition_point(|count| *count as usize <= index).saturating_sub(1);
        let known = characters.get(stretch).map_or(0, |count| *count as usize);
        let rest = self.as_bytes().iter().enumerate().skip(stretch * STRETCH);
        let mut firsts = rest.filter(|(_, byte)| is_first(**byte));
        firsts.nth(index - known).map_or(self.len(), |(at, _)| at)
    }

    /// Says whether both are the same text in memory, not only equal ones.
    #[must_use]
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Lines {
    fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| number(at + 1))).collect();
        let mut count = 0;
        let mut characters = vec![0];
        for stretch in text.as_bytes().chunks(STRETCH) {
            count += stretch.iter().filter(|byte| is_first(**byte)).count();
            characters.push(number(count));
        }
        Self { starts, characters: characters.into() }
    }
}

/// Says whether a character begins with a byte of UTF-8.
const fn is_first(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
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
    fn a_long_line_is_cut_around_the_position() {
        let text = format!("ä\n{}!{}\nz", "é".repeat(3000), "b".repeat(300));
        let source = SourceText::from(text.as_str());
        let position = source.position(text.find('!').expect("it is there"));
        assert_eq!(position, Position { line: 2, column: 3001 });
        let (shown, column) = source.excerpt(position);
        assert_eq!(shown.chars().count(), 100);
        assert_eq!(shown.chars().nth(column as usize - 1), Some('!'));
        assert_eq!(source.excerpt(Position { line: 3, column: 1 }), ("z".to_owned(), 1));
        assert_eq!(source.excerpt(Position { line: 9, column: 1 }), (String::new(), 1));
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
