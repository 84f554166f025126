//! Blocks read from one element, without a package's root around it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Map;

use crate::block::Registry;
use crate::fields::Json;
use crate::keys::{ContextKey, UsageKey};
use crate::runtime::BlockData;

use super::super::diagnostic::Diagnostic;
use super::super::document::{Document, Source};
use super::super::error::OlxError;
use super::importer::Importer;
use super::options::ReadOptions;
use super::source::PackageSource;

/// An element and what stands below it, read into blocks.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockTree {
    /// The block the element became.
    pub root: UsageKey,
    /// All blocks.
    pub blocks: BTreeMap<UsageKey, Arc<BlockData>>,
    /// What is to be said about them.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads one element into blocks of a context, following pointers to files of the package.
///
/// `policy` maps `type/name` to settings that override attributes.
///
/// # Errors
/// [`OlxError::Xml`] where the text is no XML, [`OlxError::Source`], and where broken blocks are left out, whatever is
/// wrong with the root.
pub fn read_blocks(
    text: Source,
    package: &dyn PackageSource,
    registry: &Registry,
    options: &ReadOptions,
    context: ContextKey,
    policy: Map<String, Json>,
) -> Result<BlockTree, OlxError> {
    let mut importer = Importer::new(package, registry, options, context);
    importer.policy = Arc::new(policy.into());
    let document = Document::parse_text(text, &importer.parse)?;
    let root = importer.top(&document.root, &document.source)?;
    Ok(BlockTree { root, blocks: importer.blocks, diagnostics: importer.diagnostics })
}
