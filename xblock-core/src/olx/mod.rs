//! OLX: reading courseware from XML and writing it back.

mod attributes;
mod convention;
mod diagnostic;
mod document;
mod element;
mod entity;
mod parse;
mod parse_error;
mod position;
mod serialise;
mod xml_name;

pub use convention::{OlxConvention, RawOlx};
pub use diagnostic::{Diagnostic, Excerpt, Severity};
pub use document::{Document, Source};
pub use element::{Attribute, Chars, Element, Instruction, Namespaces, Node, XML_NAMESPACE};
pub use parse::{BlankText, CDataSections, ParseOptions};
pub use parse_error::{ParseError, ParseErrorKind};
pub use position::{FileName, Position, Span};
pub use serialise::{Charset, Layout, WriteOptions};
