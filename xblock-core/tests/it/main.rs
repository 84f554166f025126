//! Tests of the crate through its public surface.

mod host;
mod olx_xml;
