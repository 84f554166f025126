//! Service `field-data`: where the values of a block's fields come from (xblock reference, section 10).

use crate::fields::FieldData;

use super::Service;

/// Every block may ask for it without saying so; [`BlockFields`](crate::fields::BlockFields) is what blocks use.
impl Service for dyn FieldData {
    const NAME: &'static str = "field-data";
}
