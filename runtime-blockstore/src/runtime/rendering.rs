//! Blocks written as definition files, with their includes as they were.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;
use xblock_core::keys::{KeyError, UsageKey};
use xblock_core::olx::{ChildNaming, Include, rewrite_definition, write_definition_with};
use xblock_core::runtime::{BlockData, RuntimeError};

use super::BlockstoreRuntime;
use super::conventions::{Conventions, ReadNaming};
use crate::context::folders;

/// Fewer definitions than this are written as text by one thread.
const FEW: usize = 32;

/// A block that is to be written as text.
pub(super) struct Rendering<'b> {
    pub(super) usage: &'b UsageKey,
    pub(super) data: &'b Arc<BlockData>,
    /// Children that are not plainly the context's own, with how they are included.
    pub(super) known: HashMap<UsageKey, Include>,
    /// The file as it was, where its words are to be kept.
    pub(super) earlier: Option<Vec<u8>>,
}

/// Names the children of a definition as it is written.
struct WriteNaming<'n> {
    reading: ReadNaming<'n>,
    known: &'n HashMap<UsageKey, Include>,
}

impl ChildNaming for WriteNaming<'_> {
    fn usage_of(&self, include: &Include) -> Result<UsageKey, KeyError> {
        self.reading.usage_of(include)
    }

    fn include_of(&self, child: &UsageKey) -> Option<Include> {
        if child.context_key() != self.reading.parent.usage.context_key() {
            return None;
        }
        if let Some(known) = self.known.get(child) {
            // What is called as its definition is need not say so.
            let plain = Include { usage: None, ..known.clone() };
            let says_it = self.usage_of(&plain).is_ok_and(|usage| usage == *child);
            return Some(if says_it { plain } else { known.clone() });
        }
        let conventions = self.reading.conventions;
        if conventions.is_declared {
            return Some(Include::of(child));
        }
        let path = conventions.path(child.block_type(), child.block_id());
        let (block_type, id) = folders(&path)?;
        let plain = Include {
            link: None,
            block_type: block_type.to_owned(),
            definition_id: id.to_owned(),
            usage: None,
        };
        let says_it = self.usage_of(&plain).is_ok_and(|usage| usage == *child);
        Some(if says_it { plain } else { Include { usage: Some(child.block_id().to_owned()), ..plain } })
    }
}

impl BlockstoreRuntime {
    /// Writes a block's definition.
    pub(super) fn render(
        &self,
        conventions: &Conventions,
        own: Uuid,
        block: &Rendering<'_>,
    ) -> Result<Vec<u8>, RuntimeError> {
        let reading = ReadNaming::new(conventions, block.usage, own, own);
        let naming = WriteNaming { reading, known: &block.known };
        let written = match &block.earlier {
            Some(earlier) => rewrite_definition(earlier, block.usage, block.data, &self.registry, &naming),
            None => write_definition_with(block.usage, block.data, &self.registry, &naming)
                .map(String::into_bytes),
        };
        written.map_err(|error| RuntimeError::Unstorable {
            place: block.usage.to_string(),
            reason: error.to_string(),
        })
    }

    /// Writes definitions as text, on several threads where there are many.
    pub(super) fn render_all(
        &self,
        conventions: &Conventions,
        own: Uuid,
        blocks: &[Rendering<'_>],
    ) -> Result<Vec<Vec<u8>>, RuntimeError> {
        let render = |part: &[Rendering<'_>]| {
            part.iter().map(|block| self.render(conventions, own, block)).collect::<Result<Vec<_>, _>>()
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        if blocks.len() < FEW || threads < 2 {
            return render(blocks);
        }
        let parts = std::thread::scope(|scope| {
            let running: Vec<_> = blocks
                .chunks(blocks.len().div_ceil(threads))
                .map(|part| scope.spawn(|| render(part)))
                .collect();
            running
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect::<Result<Vec<_>, _>>()
        })?;
        Ok(parts.into_iter().flatten().collect())
    }
}
