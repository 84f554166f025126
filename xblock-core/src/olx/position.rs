//! Where something stands in a file.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A line and a column, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl Position {
    /// The first character of a file.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl Default for Position {
    fn default() -> Self {
        Self::START
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The bytes of a file that something was read from; empty for what was made in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// Returns the span as a range of bytes.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// The path of a file inside its package, with `/` between the parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileName(pub Arc<str>);

impl FileName {
    /// Returns the path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for FileName {
    fn from(path: &str) -> Self {
        Self(path.into())
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Turns byte offsets into positions; cheap where they are asked for in rising order.
#[derive(Debug, Clone)]
pub(super) struct Locator<'a> {
    text: &'a str,
    line: u32,
    /// Offset of the first byte of `line`.
    line_start: usize,
    /// Everything before this offset was looked at.
    seen: usize,
    /// The column of `seen`.
    column: u32,
}

impl<'a> Locator<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, line: 1, line_start: 0, seen: 0, column: 1 }
    }

    pub(super) fn locate(&mut self, offset: usize) -> Position {
        let offset = floor_char_boundary(self.text, offset);
        if offset < self.line_start {
            *self = Self::new(self.text);
        } else if offset < self.seen {
            (self.seen, self.column) = (self.line_start, 1);
        }
        for (at, c) in self.text[self.seen..offset].char_indices() {
            if c == '\n' {
                self.line += 1;
                self.line_start = self.seen + at + 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.seen = offset;
        Position { line: self.line, column: self.column }
    }
}

fn floor_char_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Returns the line a position is on, without its line ending and shortened where it is very long.
///
/// The column of the position within the excerpt comes along.
pub(super) fn excerpt(text: &str, position: Position) -> (String, u32) {
    const WIDTH: usize = 100;
    let line = text.split('\n').nth(position.line.saturating_sub(1) as usize).unwrap_or("");
    let line = line.strip_suffix('\r').unwrap_or(line);
    let column = position.column.saturating_sub(1) as usize;
    let skip = column.saturating_sub(WIDTH * 2 / 3);
    let skip = if line.chars().count() <= WIDTH { 0 } else { skip };
    let shown: String =
        line.chars().skip(skip).take(WIDTH).map(|c| if c == '\t' { ' ' } else { c }).collect();
    (shown, u32::try_from(column - skip + 1).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_become_lines_and_columns_in_any_order() {
        let mut locator = Locator::new("ab\ncé\n\nx");
        let at = |line, column| Position { line, column };
        assert_eq!(locator.locate(0), at(1, 1));
        assert_eq!(locator.locate(3), at(2, 1));
        assert_eq!(locator.locate(6), at(2, 3));
        assert_eq!(locator.locate(8), at(4, 1));
        assert_eq!(locator.locate(4), at(2, 2));
        assert_eq!(locator.locate(4), at(2, 2));
        assert_eq!(locator.locate(99), at(4, 2));
    }

    #[test]
    fn a_long_line_is_cut_around_the_position() {
        let text = format!("{}!{}", "a".repeat(300), "b".repeat(300));
        let (shown, column) = excerpt(&text, Position { line: 1, column: 301 });
        assert_eq!(shown.chars().count(), 100);
        assert_eq!(shown.chars().nth(column as usize - 1), Some('!'));
    }
}
