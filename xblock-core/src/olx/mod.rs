//! OLX: reading courseware from XML and writing it back.

mod aside;
mod asset_metadata;
mod attributes;
mod convention;
mod course_xml;
mod definition;
mod diagnostic;
mod diagnostic_code;
mod document;
mod element;
mod encoding;
mod entity;
mod error;
mod export;
mod format;
mod forms;
mod inline;
mod json_line;
mod namespaces;
mod nodes;
mod package;
mod parse;
mod parse_error;
mod parse_options;
mod plain;
mod position;
mod rewrite;
mod serialise;
mod syntax_error;
mod text;
mod unknown;
mod write;
mod xml_name;

pub use convention::OlxConvention;
pub use course_xml::{
    Body, CourseXml, Loaded, STRIPPED_ATTRIBUTES, attribute_json, insert_field, is_pointer, name_to_path,
    pointer_path, read_course_xml, read_definition_element, remove_settings, resolve_pointer, stored_json,
};
pub use definition::{
    ChildNaming, Definition, DefinitionError, DefinitionForm, Include, OwnChildren, block_id_of,
    block_type_of, definition_id, definition_path, definition_type, is_shortened, read_definition,
    read_definition_owner, read_definition_parts, rewrite_definition, write_definition,
    write_definition_with,
};
pub use diagnostic::{Diagnostic, Excerpt, Outcome, Severity};
pub use diagnostic_code::{DiagnosticCode, READ_CODES, WRITE_CODES, diagnostic_code};
pub use document::{Document, Source};
pub use element::{Attribute, Chars, Element, Instruction, Node};
pub use error::{OlxError, Place};
pub use export::{
    ExportOptions, ExportReport, ExportStep, MemorySink, PackageSink, write_block, write_course,
};
pub use format::{format_olx, format_policy};
pub use forms::{EmptyRawOlx, PlainOlx, RawOlx, SequenceOlx, VerticalOlx, read_plain_block};
pub use inline::{InlineBlock, InlineForm, write_inline};
pub use json_line::json_line;
pub use namespaces::{Namespaces, XML_NAMESPACE};
pub use nodes::Nodes;
pub use package::{
    BlockTree, BrokenBlocks, Contents, Counts, Fidelity, Links, MemoryPackage, Names, Package, PackageAsset,
    PackageSource, PointerChildren, ReadOptions, Reading, SourceError, Threads, UnknownTypes, read_blocks,
    read_course,
};
pub use parse_error::{ParseError, ParseErrorKind};
pub use parse_options::{BlankText, CDataSections, ParseOptions};
pub use plain::{
    BLOCK_NAMESPACE, FAMILY_ATTRIBUTE, OPTION_NAMESPACE, PlainBlock, PlainError, PlainField, read_plain,
    write_plain,
};
pub use position::{FileName, Located, Mark, Position, Span};
pub use serialise::{Charset, Layout, WriteOptions};
pub use syntax_error::SyntaxError;
pub use text::{SourceText, Text};
pub use unknown::UnknownOlx;
pub use write::{
    BlockSource, Placement, WriteError, WriteHost, XmlForm, attribute_value, is_attribute_name, is_xml_text,
    parse_data, write_asides, write_children, write_raw, write_sequence, write_xml,
};
