//! Tests of the crate through its public surface.

mod definition;
mod host;
mod olx_xml;
