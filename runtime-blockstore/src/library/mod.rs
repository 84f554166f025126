//! Bundles read by the rules of edx-platform's content libraries (reference/blockstore, section 14).
//!
//! A library is a bundle with a key. Its blocks are the files `{type}/{id}/definition.xml`; units include blocks of their
//! own bundle and of bundles they are linked to. What is included anywhere is no longer top level.

mod includes;

use std::collections::BTreeMap;
use std::fmt;

use uuid::Uuid;
use xblock_core::keys::{ContextKey, UsageKey};

use crate::document::Link;
use crate::error::BlockstoreError;
use crate::store::Blockstore;

use includes::Scan;

type Result<T> = std::result::Result<T, BlockstoreError>;

const DEFINITION: &str = "/definition.xml";

/// The state of a bundle in which a definition is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DefinitionState {
    /// A version; 0 is the state before the first.
    Version(u64),
    /// The draft of this name, or the latest version where there is none.
    Draft(String),
}

/// Where the definition of a block lies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DefinitionPlace {
    /// The bundle.
    pub bundle: Uuid,
    /// The state of the bundle.
    pub state: DefinitionState,
    /// The path of the OLX file in it.
    pub olx_path: String,
}

impl fmt::Display for DefinitionPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            DefinitionState::Version(number) => {
                write!(f, "{}, {} of version {number}", self.bundle, self.olx_path)
            }
            DefinitionState::Draft(name) => write!(f, "{}, {} of draft {name}", self.bundle, self.olx_path),
        }
    }
}

/// An include, or a whole definition, that gives no usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedInclude {
    /// The definition it stands in.
    pub place: DefinitionPlace,
    /// The usage there would be, where as much is known.
    pub usage: Option<UsageKey>,
    /// Why there is none.
    pub reason: String,
}

/// A library: a key and the bundle that holds its blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    key: ContextKey,
    bundle: Uuid,
}

/// What a state of a library has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LibraryView {
    /// Every path that ends in `/definition.xml`, also where it is at a depth at which it is no block.
    pub olx_files: Vec<String>,
    /// The blocks of its own that nothing includes, in the order of their paths.
    pub top_level_usages: Vec<UsageKey>,
    /// What is included, with the place of its definition; whether there is one was not looked at.
    pub included_usages: BTreeMap<UsageKey, DefinitionPlace>,
    /// Includes and definitions that give no usage.
    pub skipped: Vec<SkippedInclude>,
    /// The names of the static files of its own blocks, without `{type}/{id}/static/`.
    pub static_files: BTreeMap<UsageKey, Vec<String>>,
    own: BTreeMap<UsageKey, DefinitionPlace>,
}

impl LibraryView {
    /// Returns where the definition of a usage lies: in a file of the library's own first, or where an include says.
    #[must_use]
    pub fn definition_of(&self, usage: &UsageKey) -> Option<&DefinitionPlace> {
        self.own.get(usage).or_else(|| self.included_usages.get(usage))
    }
}

/// What a draft of a library changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LibraryChanges {
    /// Whether a file, a link or the absence of a file differs from what is published.
    pub has_unpublished_changes: bool,
    /// Whether a block is published and no longer in the draft.
    pub has_unpublished_deletes: bool,
    /// Definitions of the blocks with changed files; those only deleted are not among them.
    pub changed_definitions: Vec<String>,
}

impl Library {
    /// Names a library.
    #[must_use]
    pub fn new(key: ContextKey, bundle: Uuid) -> Self {
        Self { key, bundle }
    }

    /// Reads which usages a state has. `has_children` says of a block type whether it includes others.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleNotFound`], [`BlockstoreError::BundleVersionNotFound`], and damage of the library's own
    /// documents; what is wrong with a definition is in [`LibraryView::skipped`].
    pub fn view(
        &self,
        store: &Blockstore,
        state: &DefinitionState,
        has_children: &dyn Fn(&str) -> bool,
    ) -> Result<LibraryView> {
        let files = store.state_in(self.bundle, state)?.files;
        let mut scan = Scan::new(store, &self.key, self.bundle, has_children);
        let mut own = BTreeMap::new();
        let mut order = Vec::new();
        let mut statics = BTreeMap::new();
        for path in files.keys() {
            let Some((block_type, id)) = own_definition(path) else { continue };
            let place = DefinitionPlace { bundle: self.bundle, state: state.clone(), olx_path: path.clone() };
            let usage = match self.key.make_usage_key(block_type, id) {
                Ok(usage) => usage,
                Err(error) => {
                    scan.skip(place, None, error.to_string());
                    continue;
                }
            };
            scan.definition(&place, block_type, &usage)?;
            let folder = format!("{block_type}/{id}/static/");
            let names = files.range(folder.clone()..).map_while(|(file, _)| file.strip_prefix(&folder));
            statics.insert(usage.clone(), names.map(str::to_owned).collect());
            order.push(usage.clone());
            own.insert(usage, place);
        }
        let Scan { usages: included_usages, skipped, .. } = scan;
        order.retain(|usage| !included_usages.contains_key(usage));
        Ok(LibraryView {
            olx_files: files.into_keys().filter(|path| path.ends_with(DEFINITION)).collect(),
            top_level_usages: order,
            included_usages,
            skipped,
            static_files: statics,
            own,
        })
    }

    /// Says what a draft changes; nothing where there is no draft of the name.
    ///
    /// # Errors
    /// [`BlockstoreError::BundleNotFound`], and damage.
    pub fn changes(&self, store: &Blockstore, draft: &str) -> Result<LibraryChanges> {
        let Some(uuid) = store.get_bundle(self.bundle)?.drafts.remove(draft) else {
            return Ok(LibraryChanges::default());
        };
        let draft = store.get_draft(uuid)?;
        let (published, links) = match store.get_bundle_version(self.bundle, None)? {
            Some(version) => (version.files, version.links),
            None => Default::default(),
        };
        let gone = || published.keys().filter(|path| !draft.files.contains_key(*path));
        let direct = |links: &mut dyn Iterator<Item = (&String, &Link)>| -> BTreeMap<String, Link> {
            let only_direct = |link: &Link| Link { direct: link.direct.clone(), indirect: Vec::new() };
            links.map(|(name, link)| (name.clone(), only_direct(link))).collect()
        };
        let links_differ = direct(&mut links.iter())
            != direct(&mut draft.links.iter().map(|(name, link)| (name, &link.link)));
        let mut changed: Vec<String> = draft
            .files
            .iter()
            .filter(|(_, file)| file.modified)
            .filter_map(|(path, _)| {
                let mut parts = path.splitn(3, '/');
                let folder = (parts.next()?, parts.next()?);
                parts.next().map(|_| format!("{}/{}{DEFINITION}", folder.0, folder.1))
            })
            .collect();
        changed.sort_unstable();
        changed.dedup();
        Ok(LibraryChanges {
            has_unpublished_changes: draft.files.values().any(|file| file.modified)
                || links_differ
                || gone().next().is_some(),
            has_unpublished_deletes: gone().any(|path| path.ends_with(DEFINITION)),
            changed_definitions: changed,
        })
    }
}

/// Tells type and id of the block whose definition lies at a path; none at another depth.
fn own_definition(path: &str) -> Option<(&str, &str)> {
    let (block_type, id) = path.strip_suffix(DEFINITION)?.split_once('/')?;
    (!block_type.is_empty() && !id.is_empty() && !id.contains('/')).then_some((block_type, id))
}
