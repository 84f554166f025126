//! The scan for what is included where.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use uuid::Uuid;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::olx::{Document, Element, FileName, ParseOptions};
use xblock_core::runtime::MOST_PLACES;

use super::{DEFINITION, DefinitionPlace, DefinitionState, Result, SkippedInclude, own_definition};
use crate::error::BlockstoreError;
use crate::store::{Blockstore, State};

const INCLUDE: &str = "xblock-include";

/// Deepest nesting followed; hints and prefixes can make a few files include without end.
const DEEPEST: usize = 100;

/// Follows includes from definition to definition.
pub(super) struct Scan<'s> {
    store: &'s Blockstore,
    key: &'s ContextKey,
    /// The library's own bundle; usages below definitions of others get a prefix.
    bundle: Uuid,
    has_children: &'s dyn Fn(&str) -> bool,
    states: HashMap<(Uuid, DefinitionState), Rc<State>>,
    /// The definitions that are being read, outermost first.
    above: Vec<DefinitionPlace>,
    /// What was read already, as this usage.
    done: HashSet<(DefinitionPlace, UsageKey)>,
    pub(super) usages: BTreeMap<UsageKey, DefinitionPlace>,
    pub(super) skipped: Vec<SkippedInclude>,
}

impl<'s> Scan<'s> {
    pub(super) fn new(
        store: &'s Blockstore,
        key: &'s ContextKey,
        bundle: Uuid,
        has_children: &'s dyn Fn(&str) -> bool,
    ) -> Self {
        Self {
            store,
            key,
            bundle,
            has_children,
            states: HashMap::new(),
            above: Vec::new(),
            done: HashSet::new(),
            usages: BTreeMap::new(),
            skipped: Vec::new(),
        }
    }

    pub(super) fn skip(&mut self, place: DefinitionPlace, usage: Option<UsageKey>, reason: String) {
        self.skipped.push(SkippedInclude { place, usage, reason });
    }

    fn state(&mut self, place: &DefinitionPlace) -> Result<Rc<State>> {
        let key = (place.bundle, place.state.clone());
        if let Some(state) = self.states.get(&key) {
            return Ok(state.clone());
        }
        let state = Rc::new(self.store.state_in(place.bundle, &place.state)?);
        self.states.insert(key, state.clone());
        Ok(state)
    }

    /// Reads what a definition includes, and what that includes.
    pub(super) fn definition(
        &mut self,
        place: &DefinitionPlace,
        block_type: &str,
        usage: &UsageKey,
    ) -> Result<()> {
        if !(self.has_children)(block_type) {
            return Ok(());
        }
        if self.above.contains(place) {
            self.skip(place.clone(), Some(usage.clone()), "it includes itself".into());
            return Ok(());
        }
        if self.above.len() >= DEEPEST || self.usages.len() >= MOST_PLACES {
            self.skip(
                place.clone(),
                Some(usage.clone()),
                "includes are too deep or too many to follow".into(),
            );
            return Ok(());
        }
        if !self.done.insert((place.clone(), usage.clone())) {
            return Ok(());
        }
        let read = self.state(place).and_then(|state| {
            let includes = self.includes(&state, place)?;
            Ok((state, includes))
        });
        let (state, includes) = match read {
            Ok(read) => read,
            Err(error @ (BlockstoreError::Io { .. } | BlockstoreError::Database { .. })) => {
                return Err(error);
            }
            // A target that is not there is none of the include's business.
            Err(BlockstoreError::BundleFileNotFound { .. }) => return Ok(()),
            Err(error) => {
                self.skip(place.clone(), Some(usage.clone()), error.to_string());
                return Ok(());
            }
        };
        self.above.push(place.clone());
        let outcome =
            includes.into_iter().try_for_each(|include| self.include(place, &state, usage, include));
        self.above.pop();
        outcome
    }

    /// Lists the includes of a definition.
    fn includes(&self, state: &State, place: &DefinitionPlace) -> Result<Vec<IncludeElement>> {
        let path = &place.olx_path;
        let Some(record) = state.files.get(path) else {
            return Err(BlockstoreError::BundleFileNotFound {
                bundle: place.bundle,
                draft: None,
                path: path.clone(),
            });
        };
        let bytes = self.store.storage.read(state.place(path), path, record)?;
        let damage = |reason: String| BlockstoreError::corrupt(place, reason);
        let document = Document::parse(FileName::from(path.as_str()), &bytes, &ParseOptions::platform())
            .map_err(|error| damage(error.to_string()))?;
        let read = |element: &Element| match element.name.as_str() {
            INCLUDE => Ok(IncludeElement {
                definition: element.get("definition").map(str::to_owned),
                source: element.get("source").filter(|source| !source.is_empty()).map(str::to_owned),
                hint: element.get("usage").filter(|hint| !hint.is_empty()).map(str::to_owned),
            }),
            tag => Err(damage(format!("Expected an <{INCLUDE} /> XML node, but got <{tag}>"))),
        };
        document.root.elements().map(read).collect()
    }

    /// Takes one include into account.
    fn include(
        &mut self,
        parent: &DefinitionPlace,
        state: &State,
        parent_usage: &UsageKey,
        include: IncludeElement,
    ) -> Result<()> {
        let Some(definition) = include.definition.filter(|definition| !definition.is_empty()) else {
            let reason = format!("<{INCLUDE}> is missing the required definition=\"...\" attribute");
            self.skip(parent.clone(), None, reason);
            return Ok(());
        };
        let olx_path = format!("{definition}{DEFINITION}");
        let Some((block_type, id)) = own_definition(&olx_path) else {
            self.skip(parent.clone(), None, format!("Invalid definition attribute: {definition}"));
            return Ok(());
        };
        let own_id = include.hint.as_deref().unwrap_or(id);
        let usage_id = if parent.bundle == self.bundle {
            own_id.to_owned()
        } else {
            format!("{}-{own_id}", parent_usage.block_id())
        };
        let usage = match self.key.make_usage_key(block_type, &usage_id) {
            Ok(usage) => usage,
            Err(error) => {
                self.skip(parent.clone(), None, error.to_string());
                return Ok(());
            }
        };
        let place = match &include.source {
            None => DefinitionPlace {
                bundle: parent.bundle,
                state: parent.state.clone(),
                olx_path: olx_path.clone(),
            },
            Some(name) => match state.links.get(name) {
                None => {
                    self.skip(parent.clone(), Some(usage), format!("Link not found: {name}"));
                    return Ok(());
                }
                Some(link) => DefinitionPlace {
                    bundle: link.direct.bundle_uuid,
                    state: DefinitionState::Version(link.direct.version),
                    olx_path: olx_path.clone(),
                },
            },
        };
        self.usages.insert(usage.clone(), place.clone());
        self.definition(&place, block_type, &usage)
    }
}

/// An `<xblock-include>` as it is written.
struct IncludeElement {
    definition: Option<String>,
    source: Option<String>,
    hint: Option<String>,
}
