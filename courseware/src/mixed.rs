//! Several stores behind one another, as edx-platform's mixed modulestore has them (modulestore reference, section 17).
//!
//! A context is in the store that a mapping names, else in the first that has it; a new one goes where a mapping says,
//! else to the first store. Which store has a context is asked each time and not remembered: a context that moves is
//! found where it is.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use xblock_core::block::Registry;
use xblock_core::clock::Clock;
use xblock_core::keys::{AssetKey, ContextKey, DefinitionKey, UsageKey};
use xblock_core::runtime::{
    AssetMetadataRecords, AssetReader, AssetRecord, Base, BlockAsset, BlockRecord, Branch, Change, Commit,
    ContextRecord, Cursor, DefinitionRecord, Edit, Origin, Runtime, RuntimeError, Unlisted, VersionContent,
    VersionId, VersionRecord,
};

use crate::dead_store::DeadStore;
use crate::forward::forward;
use crate::opening::{OpenMode, StoreError};
use crate::store_url::{StoreUrl, StoreUrlError};

/// Reads and writes several stores as one, each context in the one it belongs to.
///
/// Cursors of the common change feed hold a place in each store's own feed, as many bits for each as there are: with two
/// stores each feed may have 4 billion entries, with three 2 million.
pub struct MixedRuntime {
    stores: Vec<Arc<dyn Runtime>>,
    /// Keys, or beginnings of keys with a star behind, each with the place of its store; the first that fits counts.
    mappings: Vec<(String, usize)>,
}

/// Why a file does not tell which stores a site has.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SiteError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It is not the JSON it should be.
    #[error("{} says not which stores there are", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// It names no store, or more than cursors have room for.
    #[error("{} names {count} stores; there may be 1 to 4", path.display())]
    Count {
        /// The file.
        path: PathBuf,
        /// How many it names.
        count: usize,
    },
    /// Two stores have one name, by which mappings could mean either.
    #[error("{}: two stores are called {name:?}", path.display())]
    SameName {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// A mapping leads nowhere.
    #[error("{}: the mapping of {key} names the store {store:?}, which is none of its stores", path.display())]
    UnknownStore {
        /// The file.
        path: PathBuf,
        /// The mapping's key.
        key: String,
        /// What it names.
        store: String,
    },
    /// The name of a store is none.
    #[error("{}: the store {name:?}", path.display())]
    Url {
        /// The file.
        path: PathBuf,
        /// The store.
        name: String,
        /// Why not.
        #[source]
        source: Box<StoreUrlError>,
    },
    /// A store does not open.
    #[error("{}: the store {name:?}", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// The store.
        name: String,
        /// Why not.
        #[source]
        source: Box<StoreError>,
    },
}

impl SiteError {
    /// Says whether one of the stores is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Store { source, .. } if matches!(**source, StoreError::NoSuchStore { .. }))
    }
}

/// The file of a site.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Site {
    stores: Vec<SiteStore>,
    #[serde(default)]
    mappings: indexmap::IndexMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteStore {
    name: String,
    url: String,
}

/// How many stores cursors have room for.
const MAX_STORES: usize = 4;

impl MixedRuntime {
    /// Makes one runtime of several. Mappings are keys of contexts, or their beginnings with a star behind, each with the
    /// place of a store: a key counts before beginnings, a longer beginning before a shorter one. Without stores there are no contexts.
    #[must_use]
    pub fn new(stores: Vec<Arc<dyn Runtime>>, mappings: Vec<(String, usize)>) -> Self {
        let mut mappings: Vec<_> = mappings.into_iter().filter(|(_, store)| *store < stores.len()).collect();
        mappings.sort_by_key(|(pattern, _)| (pattern.ends_with('*'), Reverse(pattern.len())));
        Self { stores, mappings }
    }

    /// Opens the stores a file names: `{"stores": [{"name": .., "url": ..}], "mappings": {KEY: NAME}}`.
    ///
    /// A store that does not open is an error of those contexts that may be in it, and told by
    /// [`damaged_contexts`](Runtime::damaged_contexts); the others can be read and written.
    ///
    /// # Errors
    /// [`SiteError`] where the file says nothing that can be used, or none of the stores opens.
    pub fn open(
        path: &Path,
        mode: OpenMode,
        registry: &Registry,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, SiteError> {
        let at = || path.to_path_buf();
        let text = std::fs::read(path).map_err(|source| SiteError::Unreadable { path: at(), source })?;
        let site: Site =
            serde_json::from_slice(&text).map_err(|source| SiteError::Malformed { path: at(), source })?;
        if site.stores.is_empty() || site.stores.len() > MAX_STORES {
            return Err(SiteError::Count { path: at(), count: site.stores.len() });
        }
        for (at_place, store) in site.stores.iter().enumerate() {
            if site.stores[..at_place].iter().any(|other| other.name == store.name) {
                return Err(SiteError::SameName { path: at(), name: store.name.clone() });
            }
        }
        let mut mappings = Vec::new();
        for (key, store) in site.mappings {
            match site.stores.iter().position(|known| known.name == store) {
                Some(place) => mappings.push((key, place)),
                None => return Err(SiteError::UnknownStore { path: at(), key, store }),
            }
        }
        let mut stores: Vec<Arc<dyn Runtime>> = Vec::new();
        let (mut is_any_open, mut refused) = (false, None);
        for SiteStore { name, url } in site.stores {
            let url: StoreUrl = match url.parse() {
                // A site within a site could be itself.
                Ok(StoreUrl::Mixed(_)) => Err(StoreUrlError::SiteWithinSite),
                parsed => parsed,
            }
            .map_err(|source| SiteError::Url {
                path: at(),
                name: name.clone(),
                source: Box::new(source),
            })?;
            let wrong =
                |source: StoreError, name| SiteError::Store { path: at(), name, source: source.into() };
            match url.open(mode, registry, clock) {
                Ok(store) => {
                    is_any_open = true;
                    stores.push(store);
                }
                Err(error @ (StoreError::Open { .. } | StoreError::NoSuchStore { .. })) => {
                    let action = format!("opening the store {name:?} of {}", path.display());
                    stores.push(Arc::new(DeadStore::new(action, &error)));
                    refused.get_or_insert(wrong(error, name));
                }
                // What the site or its environment says is wrong.
                Err(error) => return Err(wrong(error, name)),
            }
        }
        match refused {
            Some(refused) if !is_any_open => Err(refused),
            _ => Ok(Self::new(stores, mappings)),
        }
    }

    /// Returns the place of the store that a mapping names for a context.
    fn mapped(&self, context: &ContextKey) -> Option<usize> {
        if self.mappings.is_empty() {
            return None;
        }
        let text = context.to_string();
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(beginning) => text.starts_with(beginning),
            None => text == pattern,
        };
        self.mappings.iter().find(|(pattern, _)| fits(pattern)).map(|(_, store)| *store)
    }

    /// Finds the store that has a context. One that fails is not passed over: a later one may hold an old copy.
    fn store_of(&self, context: &ContextKey) -> Result<&dyn Runtime, RuntimeError> {
        if let Some(place) = self.mapped(context) {
            return Ok(&*self.stores[place]);
        }
        for store in &self.stores {
            match store.context(context) {
                Err(RuntimeError::NoSuchContext { .. } | RuntimeError::UnsupportedKey { .. }) => {}
                Err(error) if !error.is_damage() => return Err(error),
                // Damaged, it is there all the same.
                _ => return Ok(&**store),
            }
        }
        Err(RuntimeError::NoSuchContext { key: context.clone() })
    }

    /// Returns how many bits of a cursor each store has.
    fn bits(&self) -> u32 {
        64 / u32::try_from(self.stores.len().max(1)).unwrap_or(1)
    }

    fn unpack(&self, cursor: Cursor) -> Vec<u64> {
        let bits = self.bits();
        let count = u32::try_from(self.stores.len()).unwrap_or(0);
        // What does not fit into the others' bits counts for the first, which then refuses it.
        (0..count)
            .map(|at| {
                let shifted = cursor.0 >> (bits * (count - 1 - at));
                if at == 0 || bits == 64 { shifted } else { shifted & ((1 << bits) - 1) }
            })
            .collect()
    }

    fn pack(&self, places: &[u64]) -> Result<Cursor, RuntimeError> {
        let bits = self.bits();
        let mut packed = 0_u64;
        for place in places {
            if bits < 64 && *place >= 1 << bits {
                return Err(RuntimeError::storage(
                    "reading the change feeds of several stores",
                    format!("a feed has more than {} entries", 1_u64 << bits),
                ));
            }
            packed = if bits == 64 { *place } else { packed << bits | place };
        }
        Ok(Cursor(packed))
    }
}

#[deny(clippy::missing_trait_methods)]
impl Runtime for MixedRuntime {
    forward! { by store_of:
        context, usages, unlisted, block, parents, assets, asset_metadata, asset, read_asset, open_asset, block_assets,
        read_block_asset, open_block_asset, history, version, origin, keep_origin,
    }

    fn contexts(&self) -> Result<Vec<ContextKey>, RuntimeError> {
        let (mut found, mut failed) = (BTreeSet::new(), None);
        for (place, store) in self.stores.iter().enumerate() {
            match store.contexts() {
                // What a mapping looks for in another store is not to be had from this one.
                Ok(contexts) => found.extend(
                    contexts.into_iter().filter(|key| self.mapped(key).is_none_or(|mapped| mapped == place)),
                ),
                Err(error) => drop(failed.get_or_insert(error)),
            }
        }
        if let Some(error) = failed {
            // One that a store out of reach may have, too, cannot be read.
            found.retain(|context| self.store_of(context).is_ok());
            if found.is_empty() {
                return Err(error);
            }
        }
        Ok(found.into_iter().collect())
    }

    fn damaged_contexts(&self) -> Result<Vec<RuntimeError>, RuntimeError> {
        let mut found = Vec::new();
        for store in &self.stores {
            match store.damaged_contexts() {
                Ok(damaged) => found.extend(damaged),
                // Whatever is in it cannot be read.
                Err(error) => found.push(error),
            }
        }
        Ok(found)
    }

    /// Asks the stores in their order: a definition's key names no context.
    fn definition(&self, key: &DefinitionKey) -> Result<DefinitionRecord, RuntimeError> {
        let mut failed = None;
        for store in &self.stores {
            match store.definition(key) {
                Err(RuntimeError::NoSuchDefinition { .. } | RuntimeError::UnsupportedKey { .. }) => {}
                // Its key says the same in every store.
                Err(error) if !error.is_damage() => drop(failed.get_or_insert(error)),
                outcome => return outcome,
            }
        }
        Err(failed.unwrap_or_else(|| RuntimeError::NoSuchDefinition { key: key.clone() }))
    }

    /// Reads the feeds of all stores: those of the first, then those of the next.
    fn changes(&self, after: Cursor, limit: usize) -> Result<Vec<Change>, RuntimeError> {
        let mut places = self.unpack(after);
        let mut found = Vec::new();
        for (at, store) in self.stores.iter().enumerate() {
            let changes = store.changes(Cursor(places[at]), limit - found.len());
            let changes = changes.map_err(|error| match error {
                RuntimeError::NoSuchCursor { .. } => RuntimeError::NoSuchCursor { cursor: after },
                other => other,
            })?;
            for change in changes {
                places[at] = change.cursor.0;
                found.push(Change { cursor: self.pack(&places)?, ..change });
            }
        }
        Ok(found)
    }

    fn is_feed_behind(&self) -> Result<bool, RuntimeError> {
        for store in &self.stores {
            if store.is_feed_behind()? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn commit(&self, edit: Edit) -> Result<Commit, RuntimeError> {
        let Base::New { .. } = edit.base else { return self.store_of(&edit.context)?.commit(edit) };
        match self.store_of(&edit.context) {
            Err(RuntimeError::NoSuchContext { key }) => match self.stores.first() {
                Some(first) => first.commit(edit),
                None => Err(RuntimeError::NoSuchContext { key }),
            },
            store => store?.commit(edit),
        }
    }
}
