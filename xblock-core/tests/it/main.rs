//! Tests of the crate through its public surface.

mod definition;
mod document;
mod fields;
mod host;
mod keys;
mod model;
mod olx_xml;
mod xml_mistakes;
