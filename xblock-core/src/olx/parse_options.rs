//! What the XML parser accepts, and what it makes of white space.

use super::parse_error::{ParseError, ParseErrorKind};
use super::position::FileName;

/// What places in a file can be counted with.
pub(super) const MOST_BYTES: usize = u32::MAX as usize - 1;

/// What becomes of text that is nothing but white space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BlankText {
    /// It stays.
    #[default]
    Keep,
    /// It goes wherever libxml2 takes it for indentation (`remove_blank_text` of lxml).
    Remove,
}

/// What becomes of CDATA sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CDataSections {
    /// They become text (lxml's default).
    #[default]
    AsText,
    /// They stay sections.
    Keep,
}

/// What a parser accepts and how it treats white space. The defaults are those of lxml.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseOptions {
    /// What becomes of blank text; it stays by default.
    pub blank_text: BlankText,
    /// What becomes of CDATA sections; they become text by default.
    pub cdata: CDataSections,
    /// How deep elements may be nested; 256, as in libxml2.
    pub max_depth: usize,
    /// How many bytes a file may have; 64 MiB.
    pub max_size: usize,
    /// How many bytes a text or an attribute's value may have; ten million, as in libxml2.
    pub max_text: usize,
    /// How many attributes an element may have; 10,000.
    pub max_attributes: usize,
    /// How many bytes entities may always expand to; a million, as in libxml2.
    pub max_expansion: usize,
    /// How many times its own size a document may grow to by entities beyond that; 5, as in libxml2.
    pub max_amplification: usize,
    /// How deep entities may be nested; 40, as in libxml2.
    pub max_entity_depth: usize,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self {
            blank_text: BlankText::default(),
            cdata: CDataSections::default(),
            max_depth: 256,
            max_size: 64 << 20,
            max_text: 10_000_000,
            max_attributes: 10_000,
            max_expansion: 1_000_000,
            max_amplification: 5,
            max_entity_depth: 40,
        }
    }
}

impl ParseOptions {
    /// Returns the options edx-platform reads courses with: blank text goes.
    #[must_use]
    pub fn platform() -> Self {
        Self { blank_text: BlankText::Remove, ..Self::default() }
    }

    /// Refuses a file by its size alone, before anything is made of it.
    ///
    /// # Errors
    /// [`ParseErrorKind::TooLarge`].
    pub fn check_size(&self, file: &FileName, size: usize) -> Result<(), Box<ParseError>> {
        let limit = self.max_size.min(MOST_BYTES);
        if size <= limit {
            return Ok(());
        }
        let kind = ParseErrorKind::TooLarge { what: "the file", limit };
        Err(Box::new(ParseError::encoding(file, kind, "")))
    }

    /// Replaces how deep elements may be nested.
    #[must_use]
    pub const fn max_depth(mut self, max_depth: usize) -> Self {
        self.max_depth = max_depth;
        self
    }

    /// Replaces how many bytes a file may have.
    #[must_use]
    pub const fn max_size(mut self, max_size: usize) -> Self {
        self.max_size = max_size;
        self
    }

    /// Replaces what becomes of blank text.
    #[must_use]
    pub const fn blank_text(mut self, blank_text: BlankText) -> Self {
        self.blank_text = blank_text;
        self
    }

    /// Replaces what becomes of CDATA sections.
    #[must_use]
    pub const fn cdata(mut self, cdata: CDataSections) -> Self {
        self.cdata = cdata;
        self
    }
}
