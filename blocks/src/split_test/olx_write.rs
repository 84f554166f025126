//! Writes a content experiment: two attributes of its own beside the children.

use xblock_core::fields::Json;
use xblock_core::olx::{
    BlockSource, Element, WriteError, WriteHost, XmlForm, attribute_value, write_children, write_xml,
};

/// Writes a content experiment.
///
/// # Errors
/// [`WriteError`].
pub(crate) fn write(
    block: &BlockSource<'_>,
    host: &mut dyn WriteHost,
    node: &mut Element,
) -> Result<(), WriteError> {
    let mut xml = Element::new("split_test");
    for name in ["group_id_to_child", "user_partition_id"] {
        let Some(spec) = block.block_type.field(name) else { continue };
        let value = block.own(name).cloned().or_else(|| spec.default_json().ok()).unwrap_or(Json::Null);
        xml.set(name, attribute_value(spec, &value, &*host).0);
    }
    write_children(block, host, &mut xml)?;
    write_xml(block, host, xml, XmlForm::with_content(&["group_id_to_child", "user_partition_id"]), node)
}
