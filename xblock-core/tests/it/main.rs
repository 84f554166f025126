//! Tests of the crate through its public surface.

mod olx_xml;
