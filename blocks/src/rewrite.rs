//! Addresses in authored HTML, made real for the host that shows it (blocks reference, section 8).

use xblock_core::block::{BlockContext, BlockError};
use xblock_core::fields::{BlockFields, BlockFieldsError};
use xblock_core::services::replace_addresses;

/// Rewrites the static files, course pages and jumps that a text names.
///
/// # Errors
/// A field that cannot be read.
pub(crate) fn addresses(
    html: &str,
    fields: &BlockFields,
    context: &dyn BlockContext,
) -> Result<String, BlockError> {
    let folder = match fields.spec("static_asset_path") {
        Some(_) => match fields.str("static_asset_path") {
            // What is no text names no folder.
            Err(BlockFieldsError::Conversion { .. }) => "".into(),
            folder => folder?,
        },
        None => "".into(),
    };
    let (asset, jump) = (|path: &str| context.asset_url(path), |id: &str| context.jump_url(id));
    Ok(replace_addresses(html, &folder, &asset, Some(&jump)))
}
