//! A whole XML file: its tree and everything needed to say where something stands in it.

use std::borrow::Cow;

use super::diagnostic::{Diagnostic, Excerpt, Severity};
use super::element::{Element, Node};
use super::encoding::Encoding;
use super::error::Place;
use super::parse::parse_document;
use super::parse_error::ParseError;
use super::parse_options::ParseOptions;
use super::position::{FileName, Located, Position, Span};
use super::text::SourceText;

/// The text of a file, kept to quote from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file's path inside its package.
    pub file: FileName,
    /// Its text, without a byte order mark.
    pub text: SourceText,
    /// Where the text begins, for a text that is part of a file.
    pub origin: Position,
}

impl Source {
    /// Names a text.
    #[must_use]
    pub fn new(file: FileName, text: SourceText) -> Self {
        Self { file, text, origin: Position::START }
    }

    /// Returns the line a position is on.
    #[must_use]
    pub fn excerpt(&self, position: Position) -> Excerpt {
        let (text, column) = self.text.excerpt(position);
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
    pub fn place_at(&self, at: impl Located) -> Box<Place> {
        let position = at.position();
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
        at: impl Located,
        message: impl Into<String>,
    ) -> Diagnostic {
        let position = at.position();
        let mut diagnostic =
            Diagnostic::new(code, severity, message).in_file(self.file.clone()).at(self.place(position));
        diagnostic.excerpt = Some(self.excerpt(position));
        diagnostic
    }
}

/// An XML file that was read.
///
/// [`to_bytes`](Self::to_bytes) gives back the bytes it was read from. Whatever is changed in the tree is written anew,
/// and only that: every other byte stays.
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
    pub(super) encoding: Encoding,
    pub(super) options: ParseOptions,
    /// White space and references to nothing inside the root that have no node, in order.
    pub(super) dropped: Box<[Span]>,
    /// The XML declaration and the document type declaration.
    pub(super) declarations: Vec<Span>,
}

impl Document {
    /// Reads a file's bytes.
    ///
    /// They may be UTF-8, UTF-16 with a byte order mark, or what the XML declaration says: ISO-8859-1, windows-1252,
    /// US-ASCII.
    ///
    /// # Errors
    /// [`ParseError`] where they are no well-formed XML or go beyond the limits of the options.
    pub fn parse(file: FileName, bytes: &[u8], options: &ParseOptions) -> Result<Self, Box<ParseError>> {
        Self::parse_bytes(file, Cow::Borrowed(bytes), options)
    }

    /// Reads a file's bytes without copying them.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_vec(
        file: FileName,
        bytes: Vec<u8>,
        options: &ParseOptions,
    ) -> Result<Self, Box<ParseError>> {
        Self::parse_bytes(file, Cow::Owned(bytes), options)
    }

    fn parse_bytes(
        file: FileName,
        bytes: Cow<'_, [u8]>,
        options: &ParseOptions,
    ) -> Result<Self, Box<ParseError>> {
        options.check_size(&file, bytes.len())?;
        let (text, encoding) = Encoding::decode(&file, bytes)?;
        parse_document(Source::new(file, text.into()), encoding, options)
    }

    /// Reads a text, whatever encoding it says it had.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_text(source: Source, options: &ParseOptions) -> Result<Self, Box<ParseError>> {
        parse_document(source, Encoding::default(), options)
    }

    /// Returns the file's bytes: those it was read from wherever nothing was changed.
    ///
    /// In an encoding that does not have all characters, those it lacks become numeric references; names must do without
    /// them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encoding.encode(self.to_text())
    }
}
