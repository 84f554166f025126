//! The field that keeps what the course XML format does not know.
use crate::fields::scope::Scope;
use crate::fields::spec::FieldSpec;
use crate::fields::types::FieldType;

/// `xml_attributes`: attributes that are no fields, kept for the next export.
pub static XML_FIELDS: &[FieldSpec] = &[FieldSpec::new("xml_attributes", FieldType::Dict, Scope::Settings)
    .default("{}")
    .help("Attributes of the XML element that are no fields, kept for export.")
    .hidden()];
