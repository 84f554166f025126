//! The mistakes against XML's grammar that are no matter of names, characters, attributes or tags.

use quick_xml::errors::{IllFormedError, SyntaxError as ReaderError};

/// Markup that does not follow XML's grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntaxError {
    /// The file ends inside a tag.
    #[error("the file ends inside a tag")]
    UnclosedTag,
    /// The file ends inside the value of an attribute.
    #[error("the file ends inside the value of an attribute; its closing {quote} is missing")]
    UnclosedValue {
        /// The quotation mark that is missing.
        quote: char,
    },
    /// The file ends inside a comment.
    #[error("the file ends inside a comment; its --> is missing")]
    UnclosedComment,
    /// The file ends inside a CDATA section.
    #[error("the file ends inside a CDATA section; its ]]> is missing")]
    UnclosedCData,
    /// The file ends inside a processing instruction or the XML declaration.
    #[error("the file ends inside a processing instruction; its ?> is missing")]
    UnclosedInstruction,
    /// The file ends inside the document type declaration.
    #[error("the file ends inside the document type declaration; its > is missing")]
    UnclosedDoctype,
    /// `<!` begins neither a comment nor a section nor a document type declaration.
    #[error("<! begins neither a comment nor a CDATA section nor a document type declaration")]
    UnknownMarkup,
    /// A piece of markup that does not end as it should.
    #[error("{text:?} is not well-formed")]
    IllFormed {
        /// The markup.
        text: String,
    },
    /// Two hyphens inside a comment, or one before its end.
    #[error("-- is not allowed inside a comment")]
    CommentHyphens,
    /// An XML declaration without a version.
    #[error("the XML declaration names no version")]
    DeclarationWithoutVersion,
    /// An XML declaration with something before it.
    #[error("the XML declaration is allowed only at the very start of a file")]
    MisplacedDeclaration,
    /// A second document type declaration, or one behind the root element's start.
    #[error("the document type declaration is not allowed here")]
    MisplacedDoctype,
    /// A document type declaration that cannot be read.
    #[error("the document type declaration is not well-formed")]
    IllFormedDoctype,
    /// The end of a CDATA section where none is open.
    #[error("]]> is not allowed in text")]
    SectionEnd,
    /// Text in front of the first element.
    #[error("text before the root element")]
    TextBeforeRoot,
    /// A namespace that cannot be declared so.
    #[error("{name} cannot be declared as {value:?}")]
    ReservedNamespace {
        /// The attribute.
        name: String,
        /// The namespace.
        value: String,
    },
    /// A reference without its semicolon.
    #[error("a reference does not end in ;")]
    UnclosedReference,
    /// A numeric reference without a number.
    #[error("&{reference}; is not a numeric reference")]
    NumericReference {
        /// What stands between `&` and `;`.
        reference: String,
    },
}

impl SyntaxError {
    /// Says what the reader of markup stumbled on.
    pub(super) fn from_reader(error: &quick_xml::Error) -> Self {
        match error {
            quick_xml::Error::Syntax(error) => match error {
                ReaderError::InvalidBangMarkup => Self::UnknownMarkup,
                ReaderError::UnclosedPI | ReaderError::UnclosedXmlDecl => Self::UnclosedInstruction,
                ReaderError::UnclosedComment => Self::UnclosedComment,
                ReaderError::UnclosedDoctype => Self::UnclosedDoctype,
                ReaderError::UnclosedCData => Self::UnclosedCData,
                ReaderError::UnclosedTag => Self::UnclosedTag,
                ReaderError::UnclosedSingleQuotedAttributeValue => Self::UnclosedValue { quote: '\'' },
                ReaderError::UnclosedDoubleQuotedAttributeValue => Self::UnclosedValue { quote: '"' },
            },
            quick_xml::Error::IllFormed(IllFormedError::DoubleHyphenInComment) => Self::CommentHyphens,
            quick_xml::Error::IllFormed(
                IllFormedError::MissingDeclVersion(_) | IllFormedError::UnknownVersion,
            ) => Self::DeclarationWithoutVersion,
            quick_xml::Error::IllFormed(IllFormedError::MissingDoctypeName) => Self::IllFormedDoctype,
            error => Self::IllFormed { text: error.to_string() },
        }
    }

    /// Returns what an author can do about it.
    pub(super) const fn fix(&self) -> &'static str {
        match self {
            Self::UnclosedTag => "close the tag with >, or write &lt; for a less-than sign",
            Self::UnclosedValue { .. } => "close the value with the quotation mark that opens it",
            Self::UnclosedComment => "end the comment with -->",
            Self::UnclosedCData => "end the section with ]]>",
            Self::UnclosedInstruction => "end it with ?>",
            Self::UnclosedDoctype => "end it with >, or delete it: courseware needs none",
            Self::UnknownMarkup => "write <!-- --> for a comment, and &lt; for a less-than sign",
            Self::IllFormed { .. } => "complete the markup; DOCTYPE and CDATA stand in capitals",
            Self::CommentHyphens => "write a single hyphen, or put blanks between the two",
            Self::DeclarationWithoutVersion => {
                "write <?xml version=\"1.0\" encoding=\"UTF-8\"?>, or delete it"
            }
            Self::MisplacedDeclaration => {
                "delete what stands before it, blanks included, or delete the declaration"
            }
            Self::MisplacedDoctype | Self::IllFormedDoctype => {
                "delete the declaration: courseware needs none"
            }
            Self::SectionEnd => "write ]]&gt; in text, or delete the section's end that is left over",
            Self::TextBeforeRoot => "put the text into the root element, or delete it",
            Self::ReservedNamespace { .. } => "take another prefix, or give it a namespace",
            Self::UnclosedReference => "end the reference with a semicolon",
            Self::NumericReference { .. } => {
                "write &#NUMBER; or &#xHEX;, or &amp; for an ampersand that begins no reference"
            }
        }
    }
}
