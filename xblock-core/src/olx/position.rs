//! Where something stands in a file.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::text::SourceText;

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
    /// The first byte. Files of 4 GiB are never read.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// Makes a span of a text that was found to be small enough.
    pub(super) fn new(start: usize, end: usize) -> Self {
        let small = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: small(start), end: small(end) }
    }

    /// Returns the span as a range of bytes.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Says whether it has no bytes, as that of what was made in memory.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// What stands somewhere in a file. Where that is, is worked out only when it is asked for.
pub trait Located {
    /// Returns the line and the column.
    fn position(&self) -> Position;
}

impl Located for Position {
    fn position(&self) -> Position {
        *self
    }
}

impl<T: Located + ?Sized> Located for &T {
    fn position(&self) -> Position {
        (**self).position()
    }
}

/// A place in a text, kept while what stands there is taken apart.
#[derive(Debug, Clone, Default)]
pub struct Mark {
    pub(super) text: Option<SourceText>,
    pub(super) offset: u32,
}

impl Located for Mark {
    fn position(&self) -> Position {
        self.text.as_ref().map_or(Position::START, |text| text.position(self.offset as usize))
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
