//! What a block's own XML says, its children left out: the measure of what changed in it.

use std::collections::{BTreeMap, BTreeSet};

use crate::block::BlockType;
use crate::fields::Json;
use crate::keys::UsageKey;
use crate::olx::write::{BlockSource, Placement, WriteError, WriteHost};
use crate::olx::{Diagnostic, Document, Element, ParseOptions, WriteOptions};
use crate::runtime::BlockData;

/// The canonical form of one block without its children.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// The attributes of its element but its name.
    pub(super) attributes: BTreeMap<String, String>,
    /// What stands between its tags.
    pub(super) inner: String,
    /// Its files beside the one of its element.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// Settings that no attribute can hold.
    pub(super) inexact: BTreeSet<String>,
}

#[derive(Default)]
struct Collector {
    files: BTreeMap<String, Vec<u8>>,
    inexact: BTreeSet<String>,
}

impl WriteHost for Collector {
    fn placement(&self) -> Placement {
        Placement::File
    }

    fn child(&mut self, _: &UsageKey) -> Result<Option<Element>, WriteError> {
        Ok(None)
    }

    fn file(&mut self, path: &str, bytes: &[u8]) -> Result<(), WriteError> {
        self.files.insert(path.to_owned(), bytes.to_owned());
        Ok(())
    }

    fn reference(&self, key: &str) -> String {
        key.to_owned()
    }

    fn policy(&mut self, _: &UsageKey, name: &str, _: &Json) -> bool {
        self.inexact.insert(name.to_owned());
        true
    }

    // Whether remarks are called for is seen when the block is written.
    fn report(&mut self, _: Diagnostic) {}
}

/// Writes a block without its children; none where its type has no XML.
pub(super) fn own_form(usage: &UsageKey, block_type: &BlockType, data: &BlockData) -> Option<Own> {
    let data = BlockData { children: Vec::new(), ..data.clone() };
    let source = BlockSource { usage, block_type, data: &data };
    let mut collector = Collector::default();
    let mut node = Element::new(usage.block_type());
    if !block_type.class.olx.write(&source, &mut collector, &mut node).ok()? {
        return None;
    }
    if let Some(bytes) = collector.files.remove(&format!("{}.xml", source.path())) {
        node = Document::parse("own.xml".into(), &bytes, &ParseOptions::default()).ok()?.root;
    }
    let skipped = ["url_name", "filename"];
    let attributes = node
        .attributes
        .iter()
        .filter(|attribute| !skipped.contains(&&*attribute.name))
        .map(|attribute| (attribute.name.to_string(), attribute.value.to_string()))
        .collect();
    node.attributes.clear();
    let text = node.to_text(WriteOptions::default());
    let inner = text.split_once('>').map_or("", |(_, rest)| rest);
    let inner = inner.rfind("</").map_or("", |end| &inner[..end]).to_owned();
    Some(Own { attributes, inner, files: collector.files, inexact: collector.inexact })
}
