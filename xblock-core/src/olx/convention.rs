//! How one block type is read from OLX and written to it.

use super::definition::{Definition, DefinitionError, DefinitionForm};
use super::element::Element;
use crate::block::BlockType;
use crate::fields::Conversion;

use super::plain::write_plain;
use super::write::{BlockSource, WriteError, WriteHost, XmlForm, write_raw, write_sequence};

/// The OLX form of a block type.
pub trait OlxConvention: Send + Sync {
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
            position: root.position,
        })
    }
}

/// The form of types that keep their whole element as text (annotatable, word_cloud, lti, raw and unknown types).
#[derive(Debug, Clone, Copy)]
pub struct RawOlx;

impl OlxConvention for RawOlx {
    fn write(
        &self,
        block: &BlockSource<'_>,
        host: &mut dyn WriteHost,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        write_raw(block, host, XmlForm::default(), node)?;
        Ok(true)
    }

    fn definition_form(&self) -> DefinitionForm {
        DefinitionForm::WholeElement
    }
}

/// The form of types without XML code of their own: third-party XBlocks, pdf, discussion, library.
#[derive(Debug, Clone, Copy)]
pub struct PlainOlx;

impl OlxConvention for PlainOlx {}

/// The form of containers whose element holds nothing but their children.
#[derive(Debug, Clone, Copy)]
pub struct SequenceOlx;

impl OlxConvention for SequenceOlx {
    fn write(
        &self,
        block: &BlockSource<'_>,
        host: &mut dyn WriteHost,
        node: &mut Element,
    ) -> Result<bool, WriteError> {
        write_sequence(block, host, node)?;
        Ok(true)
    }
}
