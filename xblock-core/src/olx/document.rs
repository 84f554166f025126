//! A whole XML file: its tree and everything needed to say where something stands in it.

use std::sync::Arc;

use super::diagnostic::{Diagnostic, Excerpt, Severity};
use super::element::{Element, Node};
use super::error::Place;
use super::parse::parse_document;
use super::parse_error::ParseError;
use super::parse_options::ParseOptions;
use super::position::{FileName, Position, excerpt};

/// The text of a file, kept to quote from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file's path inside its package.
    pub file: FileName,
    /// Its text, without a byte order mark.
    pub text: Arc<str>,
    /// Where the text begins, for a text that is part of a file.
    pub origin: Position,
}

impl Source {
    /// Names a text.
    #[must_use]
    pub fn new(file: FileName, text: Arc<str>) -> Self {
        Self { file, text, origin: Position::START }
    }

    /// Returns the line a position is on.
    #[must_use]
    pub fn excerpt(&self, position: Position) -> Excerpt {
        let (text, column) = excerpt(&self.text, position);
        Excerpt { text, column }
    }

    /// Returns where a position of this text is in its file.
    #[must_use]
    pub const fn place(&self, position: Position) -> Position {
        if position.line == 1 {
            Position { line: self.origin.line, column: self.origin.column + position.column - 1 }
        } else {
            Position { line: self.origin.line + position.line - 1, column: position.column }
        }
    }

    /// Returns a place of this text in its file, with its line.
    #[must_use]
    pub fn place_at(&self, position: Position) -> Box<Place> {
        Box::new(Place {
            file: self.file.clone(),
            position: self.place(position),
            excerpt: self.excerpt(position),
        })
    }

    /// Makes a remark about a place in this text.
    #[must_use]
    pub fn diagnostic(
        &self,
        code: &'static str,
        severity: Severity,
        position: Position,
        message: impl Into<String>,
    ) -> Diagnostic {
        let mut diagnostic =
            Diagnostic::new(code, severity, message).in_file(self.file.clone()).at(self.place(position));
        diagnostic.excerpt = Some(self.excerpt(position));
        diagnostic
    }
}

/// An XML file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its text and name.
    pub source: Source,
    /// Comments and instructions before the root element.
    pub prolog: Vec<Node>,
    /// The root element.
    pub root: Element,
    /// Comments and instructions after the root element.
    pub epilog: Vec<Node>,
}

impl Document {
    /// Reads a file's bytes, which must be UTF-8; a byte order mark is dropped.
    ///
    /// # Errors
    /// [`ParseError`] where they are no well-formed XML or go beyond the limits of the options.
    pub fn parse(file: FileName, bytes: &[u8], options: &ParseOptions) -> Result<Self, Box<ParseError>> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|e| Box::new(ParseError::encoding(&file, bytes, e)))?;
        Self::parse_text(Source::new(file, text.into()), options)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_text(source: Source, options: &ParseOptions) -> Result<Self, Box<ParseError>> {
        parse_document(source, options)
    }
}
