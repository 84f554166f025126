//! Settings as blocks use them: what is stored need not be what the field should hold.

use xblock_core::block::XBlock;
use xblock_core::block::accessors::FieldValue;
use xblock_core::fields::BlockFieldsError;

/// Returns what an accessor read, or the field's own default where the stored or inherited value is none of the field.
///
/// # Errors
/// What else keeps the field from being read, such as a store that fails.
pub(crate) fn or_default<T: FieldValue>(
    block: &dyn XBlock,
    read: Result<T, BlockFieldsError>,
) -> Result<T, BlockFieldsError> {
    let fields = block.fields();
    match read {
        Err(BlockFieldsError::Conversion { field, source }) => fields
            .spec(&field)
            .and_then(|spec| spec.default_value(fields.ids()).ok())
            .and_then(|value| T::from_value(value).ok())
            .ok_or(BlockFieldsError::Conversion { field, source }),
        read => read,
    }
}
