//! How one block type is read from OLX and written to it.

use super::definition::{Definition, DefinitionError, DefinitionForm};
use super::element::Element;
use crate::block::BlockType;
use crate::fields::Conversion;

/// The OLX form of a block type.
pub trait OlxConvention: Send + Sync {
    /// Returns how the type stands in a definition file.
    fn definition_form(&self) -> DefinitionForm {
        DefinitionForm::Plain
    }

    /// Reads the root of a definition file, for types whose form is their own.
    ///
    /// # Errors
    /// [`DefinitionError`] where the type refuses the element.
    fn read_definition(
        &self,
        root: &Element,
        block_type: &BlockType,
        conversion: &Conversion,
        definition: &mut Definition,
    ) -> Result<(), DefinitionError> {
        let _ = (block_type, conversion, definition);
        Err(DefinitionError::Refused {
            reason: "this type has no definition form".into(),
            position: root.position,
        })
    }
}

/// The form of types that keep their whole element as text (annotatable, word_cloud, lti, raw and unknown types).
#[derive(Debug, Clone, Copy)]
pub struct RawOlx;

impl OlxConvention for RawOlx {
    fn definition_form(&self) -> DefinitionForm {
        DefinitionForm::WholeElement
    }
}
