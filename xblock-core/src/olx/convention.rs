//! How one block type is read from OLX and written to it.

use super::definition::{Definition, DefinitionError, DefinitionForm};
use super::element::Element;
use super::error::OlxError;
use super::package::Reading;
use crate::block::BlockType;
use crate::fields::Conversion;
use crate::runtime::BlockData;

use super::plain::write_plain;
use super::write::{BlockSource, WriteError, WriteHost};

/// The OLX form of a block type.
pub trait OlxConvention: Send + Sync {
    /// Reads a block of a course; `reading` gives files, children and policy, and takes remarks.
    ///
    /// # Errors
    /// An [`OlxError`] where the type cannot use the element; the importer decides what becomes of the block.
    fn read(&self, element: Element, reading: &mut Reading<'_, '_>) -> Result<BlockData, OlxError>;

    /// Writes a block into `node`, which has the name its parent gives it, and says whether it has any XML.
    ///
    /// A type with files of its own gives them to the host and leaves a pointer in `node`. Types without XML code of their
    /// own are written by the rules of base XBlock code, which is the default.
    ///
    /// # Errors
    /// [`WriteError`] where a child cannot be read or a file cannot be written.
    fn write(
        &self,
        block: &BlockSource<'_>,
        host: &mut dyn WriteHost,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        write_plain(block, host, node)?;
        Ok(true)
    }

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
            position: root.position(),
        })
    }
}
