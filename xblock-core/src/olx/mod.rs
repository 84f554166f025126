//! OLX: reading courseware from XML and writing it back.

mod attributes;
mod convention;
mod definition;
mod diagnostic;
mod document;
mod element;
mod entity;
mod export;
mod json_line;
mod parse;
mod parse_error;
mod plain;
mod position;
mod serialise;
mod write;
mod xml_name;

pub use convention::{OlxConvention, PlainOlx, RawOlx, SequenceOlx};
pub use definition::{
    Definition, DefinitionError, DefinitionForm, Include, block_id_of, definition_id, definition_path,
    read_definition, read_definition_parts, write_definition,
};
pub use diagnostic::{Diagnostic, Excerpt, Severity};
pub use document::{Document, Source};
pub use element::{Attribute, Chars, Element, Instruction, Namespaces, Node, XML_NAMESPACE};
pub use export::{ExportOptions, ExportReport, ExportStep, MemorySink, PackageSink, write_course};
pub use json_line::json_line;
pub use parse::{BlankText, CDataSections, ParseOptions};
pub use parse_error::{ParseError, ParseErrorKind};
pub use plain::{
    BLOCK_NAMESPACE, FAMILY_ATTRIBUTE, OPTION_NAMESPACE, PlainBlock, PlainError, PlainField, read_plain,
    write_plain,
};
pub use position::{FileName, Position, Span};
pub use serialise::{Charset, Layout, WriteOptions};
pub use write::{
    BlockSource, Placement, WriteError, WriteHost, XmlForm, attribute_value, is_attribute_name, is_xml_text,
    parse_data, write_asides, write_children, write_raw, write_sequence, write_xml,
};
