//! A file's text, and where in it something stands.

use std::sync::Arc;

use xblock_core::olx::{Excerpt, FileName, Position, Source};

/// The text of a file of the package.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) name: FileName,
    pub(super) text: Arc<str>,
    /// The first byte of each line.
    lines: Vec<usize>,
    /// The first byte that is no UTF-8, where there is one.
    pub(super) broken_at: Option<usize>,
}

impl Text {
    /// Takes a file's text, without a byte order mark; what is no UTF-8 is replaced.
    pub(super) fn new(path: &str, bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let broken_at = std::str::from_utf8(bytes).err().map(|error| error.valid_up_to());
        let text: Arc<str> = String::from_utf8_lossy(bytes).into();
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(breaks).collect();
        Self { name: path.into(), text, lines, broken_at }
    }

    pub(super) fn path(&self) -> &str {
        self.name.as_str()
    }

    /// Returns the line and column of a byte.
    pub(super) fn position(&self, offset: usize) -> Position {
        let line = self.lines.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.lines.get(line).copied().unwrap_or_default();
        let before = self.text.get(start..offset).map_or(0, |text| text.chars().count());
        Position { line: number(line + 1), column: number(before + 1) }
    }

    /// Returns the line of a position, shortened where it is very long.
    pub(super) fn excerpt(&self, position: Position) -> Excerpt {
        let index = (position.line as usize).saturating_sub(1);
        let start = self.lines.get(index).copied().unwrap_or(self.text.len());
        let end = self.lines.get(index + 1).map_or(self.text.len(), |next| next - 1);
        let line = self.text.get(start..end).unwrap_or_default();
        Source::new(self.name.clone(), line.into()).excerpt(Position { line: 1, column: position.column })
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_positions() {
        let text = Text::new("a.xml", "\u{feff}ab\ncé!\n".as_bytes());
        let at = text.text.find('!').expect("it is there");
        assert_eq!(text.position(at), Position { line: 2, column: 3 });
        assert_eq!(text.excerpt(text.position(at)).text, "cé!");
        assert_eq!(text.position(99), Position { line: 3, column: 1 });
    }
}
