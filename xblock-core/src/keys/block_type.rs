//! Keys of block types: which class of blocks, of which family.

use std::sync::Arc;

use smol_str::SmolStr;

use super::text::key_text;
use super::{KeyError, Scalar};

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BlockTypeFields {
    pub(crate) deprecated: bool,
    pub(crate) block_family: SmolStr,
    pub(crate) block_type: Scalar,
}

/// The key of a block type: `problem`, or `block-type-v1:<family>:<type>` outside the family `xblock.v1` (`BlockTypeKeyV1`).
///
/// Any text can be read as one: what is not of the second form is a type of the family `xblock.v1`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockTypeKey(pub(crate) Arc<BlockTypeFields>);

pub(crate) const CLASS: &str = "BlockTypeKeyV1";

/// The family of ordinary blocks, whose types are written bare.
const XBLOCK: &str = "xblock.v1";

/// The family of the XBlocks' forerunners, taken for the same.
const XMODULE: &str = "xmodule.v1";

impl BlockTypeKey {
    /// Namespace of the long form.
    pub const NAMESPACE: &str = "block-type-v1";

    /// Makes a key.
    ///
    /// # Errors
    /// [`KeyError::InvalidField`] when the family contains `:`.
    pub fn new(block_family: &str, block_type: &str) -> Result<BlockTypeKey, KeyError> {
        BlockTypeKey::build(&block_family.into(), block_type.into())
    }

    pub(crate) fn build(block_family: &Scalar, block_type: Scalar) -> Result<BlockTypeKey, KeyError> {
        let block_family = match block_family {
            Scalar::Text(family) if family.contains(':') => {
                return Err(KeyError::field(CLASS, "block_family", family));
            }
            Scalar::Text(family) if family == XMODULE => SmolStr::new_static(XBLOCK),
            Scalar::Text(family) => family.clone(),
            other => return Err(KeyError::wrong_type(CLASS, "block_family", other)),
        };
        let block_type = super::block_usage::unchecked_type(CLASS, "block_type", block_type)?;
        let deprecated = block_family == XBLOCK;
        Ok(BlockTypeKey(Arc::new(BlockTypeFields { deprecated, block_family, block_type })))
    }

    /// Reads the text after `block-type-v1:`.
    pub(crate) fn parse_rest(rest: &str) -> Option<BlockTypeKey> {
        let (family, block_type) = rest.split_once(':')?;
        BlockTypeKey::new(family, block_type).ok()
    }

    /// Takes the whole text for a type of the family `xblock.v1`.
    pub fn of_xblock(block_type: &str) -> BlockTypeKey {
        BlockTypeKey(Arc::new(BlockTypeFields {
            deprecated: true,
            block_family: SmolStr::new_static(XBLOCK),
            block_type: block_type.into(),
        }))
    }

    /// Returns the family.
    pub fn block_family(&self) -> &str {
        &self.0.block_family
    }

    /// Returns the type.
    pub fn block_type(&self) -> &str {
        self.0.block_type.shown()
    }

    pub(crate) fn write_to(&self, out: &mut String) -> Result<(), KeyError> {
        if self.0.deprecated {
            self.0.block_type.write_to(out);
            return match self.0.block_type {
                Scalar::Text(_) => Ok(()),
                _ => Err(KeyError::Unwritable { class: CLASS, field: "block_type" }),
            };
        }
        out.push_str("block-type-v1:");
        out.push_str(&self.0.block_family);
        out.push(':');
        self.0.block_type.write_to(out);
        Ok(())
    }
}

key_text!(BlockTypeKey, "BlockTypeKey", |text| super::KeyRegistry::BUILTIN.block_type_key(text));
