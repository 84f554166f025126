//! A file's text, and where in it something stands.

use xblock_core::olx::{Excerpt, FileName, Position, Source, SourceText};

/// The text of a file of the package.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) name: FileName,
    pub(super) text: SourceText,
    /// The first byte that is no UTF-8, where there is one.
    pub(super) broken_at: Option<usize>,
}

impl Text {
    /// Takes a file's text, without a byte order mark; what is no UTF-8 is replaced.
    pub(super) fn new(path: &str, bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let broken_at = std::str::from_utf8(bytes).err().map(|error| error.valid_up_to());
        let text = String::from_utf8_lossy(bytes).into();
        Self { name: path.into(), text, broken_at }
    }

    pub(super) fn path(&self) -> &str {
        self.name.as_str()
    }

    /// Returns the line and column of a byte.
    pub(super) fn position(&self, offset: usize) -> Position {
        self.text.position(offset)
    }

    /// Returns the line of a position, shortened where it is very long.
    pub(super) fn excerpt(&self, position: Position) -> Excerpt {
        Source::new(self.name.clone(), self.text.clone()).excerpt(position)
    }
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
