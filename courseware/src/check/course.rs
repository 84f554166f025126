//! What the rules look at: the package as it was read, its files, and where each block stands in them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use xblock_core::block::Registry;
use xblock_core::keys::{UsageKey, clean_asset_name};
use xblock_core::olx::{
    Attribute, CDataSections, Document, Element, Package, PackageSource, ParseOptions, is_pointer,
};
use xblock_core::runtime::BlockData;

use super::html;
use super::links::{self, Link};
use super::text::Text;

/// A file of the package that was read as part of the course.
#[derive(Debug)]
pub(super) struct File {
    pub(super) text: Text,
    /// Its tree, where it is XML.
    pub(super) document: Option<Document>,
    /// Where its tags and scripts stand, where it is HTML: what is outside is text, which may well show a link.
    markup: Option<Vec<Range<usize>>>,
}

impl File {
    /// Takes a file's bytes; an XML file is parsed.
    pub(super) fn new(path: &str, bytes: &[u8]) -> Self {
        let text = Text::new(path, bytes);
        let options = ParseOptions::default().cdata(CDataSections::Keep);
        let is_xml = path.ends_with(".xml");
        let document = is_xml.then(|| Document::parse(path.into(), bytes, &options).ok()).flatten();
        let markup = path.ends_with(".html").then(|| html::markup(&text.text));
        Self { text, document, markup }
    }

    /// Finds the links of the file.
    pub(super) fn links(&self) -> Vec<Link> {
        let mut links = links::find(&self.text.text);
        if let Some(markup) = &self.markup {
            links.retain(|link| {
                let before = markup.partition_point(|range| range.start <= link.offset);
                before.checked_sub(1).is_some_and(|last| markup[last].contains(&link.offset))
            });
        }
        links
    }
}

/// Where a block stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockPlace<'c> {
    pub(super) block_type: &'c str,
    pub(super) file: &'c File,
    pub(super) element: &'c Element,
}

impl BlockPlace<'_> {
    /// Returns the first byte of an attribute's value, else of the element.
    pub(super) fn value_offset(&self, name: &str) -> usize {
        self.element
            .attribute(name)
            .map_or(self.element.span().range().start, |a| value_offset(&self.file.text, a))
    }
}

/// Returns the first byte of an attribute's value.
pub(super) fn value_offset(text: &Text, attribute: &Attribute) -> usize {
    let written = text.text.get(attribute.span().range()).unwrap_or_default();
    attribute.span().range().start + written.find(['"', '\'']).map_or(0, |quote| quote + 1)
}

/// A pointer to a block's own file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pointer<'c> {
    pub(super) file: &'c File,
    pub(super) parent: &'c Element,
    pub(super) element: &'c Element,
}

/// A package that was read, and everything the rules ask of it.
pub(super) struct Course<'c> {
    pub(super) package: &'c Package,
    pub(super) registry: &'c Registry,
    pub(super) source: &'c dyn PackageSource,
    /// All paths of the package.
    pub(super) paths: &'c BTreeSet<String>,
    /// The files that were read, in order of their paths.
    pub(super) files: &'c BTreeMap<String, File>,
    /// The blocks in order of their places.
    pub(super) blocks: Vec<BlockPlace<'c>>,
    /// The pointers in published files, in order of their places.
    pub(super) pointers: Vec<Pointer<'c>>,
    /// The places of the blocks by type and name.
    places: HashMap<(String, String), usize>,
    /// The names of all blocks.
    names: HashSet<&'c str>,
    /// The keys of the static files, without what they have in common.
    assets: HashSet<&'c str>,
}

impl<'c> Course<'c> {
    pub(super) fn new(
        package: &'c Package,
        registry: &'c Registry,
        source: &'c dyn PackageSource,
        paths: &'c BTreeSet<String>,
        files: &'c BTreeMap<String, File>,
    ) -> Self {
        let mut finder =
            Finder { registry, blocks: Vec::new(), pointers: Vec::new(), places: HashMap::new() };
        for (path, file) in files {
            if let Some(document) = &file.document {
                finder.root(path, file, &document.root);
            }
        }
        let usages = package.published.keys().chain(package.draft.keys());
        Self {
            package,
            registry,
            source,
            paths,
            files,
            blocks: finder.blocks,
            pointers: finder.pointers,
            places: finder.places,
            names: usages.map(UsageKey::block_id).collect(),
            assets: package.assets.iter().map(|asset| asset.key.path()).collect(),
        }
    }

    /// Finds where a block stands.
    pub(super) fn place(&self, usage: &UsageKey) -> Option<&BlockPlace<'c>> {
        self.find(usage.block_type(), usage.block_id())
    }

    /// Finds where a block stands by its type and name.
    pub(super) fn find(&self, block_type: &str, name: &str) -> Option<&BlockPlace<'c>> {
        self.blocks.get(*self.places.get(&(block_type.to_owned(), name.to_owned()))?)
    }

    /// Lists the blocks of a type as authors see them: the draft where there is one.
    pub(super) fn of_type<'t>(
        &'t self,
        block_type: &'t str,
    ) -> impl Iterator<Item = (&'c UsageKey, &'c Arc<BlockData>)> + 't {
        self.all_blocks().filter(move |(usage, _)| usage.block_type() == block_type)
    }

    /// Lists all blocks as authors see them: the draft where there is one.
    pub(super) fn all_blocks(&self) -> impl Iterator<Item = (&'c UsageKey, &'c Arc<BlockData>)> {
        let package = self.package;
        let published = package.published.iter().filter(|(usage, _)| !package.draft.contains_key(*usage));
        published.chain(&package.draft)
    }

    /// Says whether a block of this name exists.
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Says whether a block exists, in either branch.
    pub(super) fn has_block(&self, usage: &UsageKey) -> bool {
        self.package.published.contains_key(usage) || self.package.draft.contains_key(usage)
    }

    /// Says whether there is a static file of this path below `static/`.
    pub(super) fn has_asset(&self, path: &str) -> bool {
        self.assets.contains(clean_asset_name(path).as_str()) || self.assets.contains(path)
    }
}

/// Finds the blocks in the trees of files.
struct Finder<'c> {
    registry: &'c Registry,
    blocks: Vec<BlockPlace<'c>>,
    pointers: Vec<Pointer<'c>>,
    places: HashMap<(String, String), usize>,
}

impl<'c> Finder<'c> {
    fn root(&mut self, path: &str, file: &'c File, root: &'c Element) {
        if is_pointer(root) {
            return;
        }
        let block_type: &str = &root.name;
        let folder = format!("{block_type}/");
        let below = path.strip_prefix("drafts/").unwrap_or(path);
        let by_path = below.strip_prefix(&folder).and_then(|name| name.strip_suffix(".xml"));
        let is_root = matches!(path, "course.xml" | "library.xml");
        let name = match (by_path, root.get("url_name")) {
            // A library's root, and a course's, are called as their type.
            _ if is_root || block_type == "course" => Some(block_type.to_owned()),
            (Some(name), _) if path == below => Some(name.replace('/', ":")),
            (_, Some(name)) => Some(name.to_owned()),
            (Some(name), None) => Some(name.replace('/', ":")),
            (None, None) => None,
        };
        // Files of other kinds hold no blocks, such as the records of static files.
        if is_root || by_path.is_some() || path.starts_with("drafts/") {
            self.block(file, root, name);
        }
    }

    fn block(&mut self, file: &'c File, element: &'c Element, name: Option<String>) {
        let block_type: &'c str = &element.name;
        if let Some(name) = name {
            self.places.entry((block_type.to_owned(), name)).or_insert(self.blocks.len());
        }
        self.blocks.push(BlockPlace { block_type, file, element });
        let known = self.registry.block_type(block_type);
        if !known.is_known || !known.class.has_children {
            return;
        }
        let is_draft = file.text.path().starts_with("drafts/");
        for child in element.elements() {
            if is_pointer(child) {
                // A draft repeats what its published block points to.
                if !is_draft {
                    self.pointers.push(Pointer { file, parent: element, element: child });
                }
                continue;
            }
            // A course says more of itself in elements that are no blocks.
            if block_type != "course" || self.registry.block_type(&child.name).is_known {
                self.block(file, child, child.get("url_name").map(str::to_owned));
            }
        }
    }
}
