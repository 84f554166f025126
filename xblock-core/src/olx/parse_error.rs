//! Why a text is no XML, and where.

use std::fmt;

use super::diagnostic::{Diagnostic, Excerpt, Severity};
use super::position::{FileName, Position};
use super::syntax_error::SyntaxError;
use super::text::SourceText;

/// What is wrong with a text that should be XML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The bytes are not UTF-8.
    #[error("the file is not UTF-8")]
    Encoding,
    /// The XML declaration names an encoding that is not known here.
    #[error("the encoding {name} is not known")]
    UnknownEncoding {
        /// The encoding.
        name: String,
    },
    /// There is no element at all.
    #[error("the document is empty")]
    Empty,
    /// Something stands after the root element.
    #[error("content after the end of the document")]
    TrailingContent,
    /// Markup that does not follow XML's grammar.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// An ampersand that begins no reference.
    #[error("& must begin a reference; write &amp; for the character")]
    Ampersand,
    /// An attribute that does not follow XML's grammar.
    #[error("{0}")]
    Attribute(String),
    /// A name XML does not allow.
    #[error("{name:?} is not a name XML allows")]
    Name {
        /// The name as it was written.
        name: String,
    },
    /// A character XML does not allow.
    #[error("character U+{code:04X} is not allowed in XML")]
    Character {
        /// The character's number.
        code: u32,
    },
    /// A closing tag for another element than the innermost open one.
    #[error("<{expected}> opened at {opened} is closed by </{found}>")]
    Mismatch {
        /// The innermost open element.
        expected: String,
        /// Where it was opened.
        opened: Position,
        /// The name in the closing tag.
        found: String,
    },
    /// A closing tag where nothing is open.
    #[error("</{name}> closes nothing")]
    Unopened {
        /// The name in the closing tag.
        name: String,
    },
    /// The text ends inside an element.
    #[error("<{name}> opened at {opened} is never closed")]
    Unclosed {
        /// The innermost open element.
        name: String,
        /// Where it was opened.
        opened: Position,
    },
    /// An attribute stands twice on an element.
    #[error("attribute {name} stands twice on <{element}>")]
    DuplicateAttribute {
        /// The attribute.
        name: String,
        /// The element.
        element: String,
    },
    /// A prefix without a namespace.
    #[error("namespace prefix {prefix} of {name} is not declared")]
    UnknownPrefix {
        /// The prefix.
        prefix: String,
        /// The whole name.
        name: String,
    },
    /// A reference to an entity nobody declared, or one outside the file.
    #[error("entity &{name}; is not defined")]
    UnknownEntity {
        /// The entity.
        name: String,
    },
    /// An entity that contains itself.
    #[error("entity &{name}; contains itself")]
    EntityLoop {
        /// The entity.
        name: String,
    },
    /// Entities that would make the document many times larger than its file.
    #[error("entities would make the document larger than the limit allows")]
    Expansion,
    /// Elements inside elements beyond the limit.
    #[error("elements are nested more than {limit} deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A file, a text or an attribute's value beyond the limit.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// More attributes on one element than the limit allows.
    #[error("<{element}> has more than {limit} attributes")]
    TooManyAttributes {
        /// The element.
        element: String,
        /// The limit.
        limit: usize,
    },
}

/// A text that is no XML: why and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// The file.
    pub file: FileName,
    /// Where the part that is wrong begins.
    pub position: Position,
    /// The innermost element that was open.
    pub element: Option<String>,
    /// The line.
    pub excerpt: Excerpt,
}

impl ParseError {
    /// Makes the error of bytes that cannot be read as text after a good beginning.
    pub(super) fn encoding(file: &FileName, kind: ParseErrorKind, good: &str) -> Self {
        let line = good.matches('\n').count() + 1;
        let last = good.rsplit('\n').next().unwrap_or("");
        let column = last.chars().count() + 1;
        let number = |n| u32::try_from(n).unwrap_or(u32::MAX);
        let position = Position { line: number(line), column: number(column) };
        let (text, column) = SourceText::from(last).excerpt(Position { line: 1, ..position });
        Self { kind, file: file.clone(), position, element: None, excerpt: Excerpt { text, column } }
    }

    /// Returns the error as a remark about the package.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let mut message = self.kind.to_string();
        if let Some(element) = &self.element {
            message = format!("{message} (inside <{element}>)");
        }
        let mut diagnostic = Diagnostic::new(self.kind.code(), Severity::Error, message)
            .in_file(self.file.clone())
            .at(self.position);
        diagnostic.excerpt = Some(self.excerpt.clone());
        diagnostic.fix = Some(self.kind.fix().into());
        diagnostic
    }
}

impl ParseErrorKind {
    /// Returns the stable code of the situation.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooDeep { .. }
            | Self::TooLarge { .. }
            | Self::TooManyAttributes { .. }
            | Self::Expansion => "too-large",
            _ => "invalid-xml",
        }
    }

    /// Returns what an author can do about it.
    const fn fix(&self) -> &'static str {
        match self {
            Self::Encoding | Self::UnknownEncoding { .. } => "save the file as UTF-8",
            Self::UnknownEntity { .. } => {
                "XML knows only &lt; &gt; &amp; &quot; &apos; and numeric references; write others as numbers"
            }
            Self::Mismatch { .. } | Self::Unclosed { .. } => "add the closing tag",
            Self::Unopened { .. } => "delete the closing tag, or add the opening one",
            Self::Ampersand => "write &amp; for the character, or put a script into a CDATA section",
            // What follows a less-than sign in a formula or script is taken for a name.
            Self::Name { .. } => {
                "write &lt; for a less-than sign, or put a script into a CDATA section; correct other names"
            }
            Self::Attribute(_) => {
                "write attributes as name=\"value\", with blanks between them and < as &lt;"
            }
            Self::DuplicateAttribute { .. } => "delete one of the two",
            Self::UnknownPrefix { .. } => "declare the prefix with xmlns:PREFIX, or take it off",
            Self::Character { .. } => "delete the character; it often comes with pasted text",
            Self::Empty => "write the element into the file, or delete the file and what points to it",
            Self::TrailingContent => "put everything into the one root element, or delete what is after it",
            Self::EntityLoop { .. } | Self::Expansion => "write the text out in place of the entities",
            Self::TooDeep { .. } | Self::TooLarge { .. } | Self::TooManyAttributes { .. } => {
                "divide what the file holds"
            }
            Self::Syntax(error) => error.fix(),
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.position, self.kind)
    }
}

impl std::error::Error for ParseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.kind)
    }
}
