//! The blocks of a state in course order, with the places they stand in.

use std::collections::HashMap;
use std::sync::Arc;

use xblock_core::fields::Json;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::runtime::{BlockData, FieldMap};

use super::content::{CourseContent, StateContent};
use super::report::Place;

/// How far up names are looked for; damaged data may go in circles.
const MAX_DEPTH: usize = 64;

/// The blocks of a state. A block is known by its number in course order: the tree from its root, depth first, then what
/// hangs nowhere, in key order.
pub(super) struct Tree<'a> {
    pub(super) context: &'a ContextKey,
    pub(super) root: &'a UsageKey,
    pub(super) usages: Vec<&'a UsageKey>,
    /// What authors wrote, none where it cannot be read.
    pub(super) data: Vec<Option<Arc<BlockData>>>,
    /// Whose child each block is, and where in the list.
    pub(super) places: Vec<Vec<(usize, usize)>>,
    numbers: HashMap<&'a UsageKey, usize>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(course: &'a CourseContent, state: &'a StateContent) -> Self {
        let mut numbers = HashMap::new();
        let mut usages: Vec<&UsageKey> = Vec::new();
        let all = std::iter::once(&course.root).chain(state.blocks.keys()).chain(state.unreadable.keys());
        // Orphans come as the subtrees they are: first those that are nobody's child.
        let children: std::collections::HashSet<&UsageKey> =
            state.blocks.values().flat_map(|data| &data.children).collect();
        let (tops, others): (Vec<_>, Vec<_>) = all.partition(|usage| !children.contains(usage));
        let mut seen = std::collections::HashSet::new();
        for top in tops.into_iter().chain(others) {
            let mut stack = vec![top];
            while let Some(usage) = stack.pop() {
                // The key as the state has it, which lives as long as the state.
                let (found, below) = match state.blocks.get_key_value(usage) {
                    Some((found, data)) => (found, &data.children[..]),
                    None => match state.unreadable.get_key_value(usage) {
                        Some((found, _)) => (found, &[][..]),
                        None => continue,
                    },
                };
                if seen.insert(found) {
                    numbers.insert(found, usages.len());
                    usages.push(found);
                    stack.extend(below.iter().rev());
                }
            }
        }
        let data: Vec<_> = usages.iter().map(|usage| state.blocks.get(*usage).cloned()).collect();
        let mut places = vec![Vec::new(); usages.len()];
        for (parent, data) in data.iter().enumerate() {
            for (position, child) in data.iter().flat_map(|data| &data.children).enumerate() {
                if let Some(child) = numbers.get(child) {
                    places[*child].push((parent, position));
                }
            }
        }
        Self { context: &course.context, root: &course.root, usages, data, places, numbers }
    }

    /// Returns the number of a block.
    pub(super) fn number(&self, usage: &UsageKey) -> Option<usize> {
        self.numbers.get(usage).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.usages.len()
    }

    /// Says whether some block cannot be read, so that nobody knows its children.
    pub(super) fn has_gaps(&self) -> bool {
        self.data.iter().any(Option::is_none)
    }

    pub(super) fn children(&self, block: usize) -> &[UsageKey] {
        self.data[block].as_ref().map_or(&[], |data| &data.children)
    }

    /// Returns a block's name, or its id.
    pub(super) fn name(&self, block: usize) -> String {
        let name = self.data[block].as_ref().and_then(|data| data.display_name());
        name.filter(|name| !name.trim().is_empty())
            .unwrap_or_else(|| self.usages[block].block_id())
            .to_owned()
    }

    /// Lists the blocks above one, nearest first; of several parents the first one counts.
    pub(super) fn above(&self, block: usize) -> Vec<usize> {
        let mut above = Vec::new();
        let mut at = block;
        while let Some((parent, _)) = self.places[at].first()
            && above.len() < MAX_DEPTH
        {
            above.push(*parent);
            at = *parent;
        }
        above
    }

    /// Lists the names of the blocks above one, from below the root.
    pub(super) fn path(&self, block: usize) -> Vec<String> {
        let above = self.above(block);
        let below_root = above.iter().rev().filter(|above| self.usages[**above] != self.root);
        below_root.map(|above| self.name(*above)).collect()
    }

    pub(super) fn place(&self, (parent, position): (usize, usize)) -> Place {
        Place { parent: self.usages[parent].clone(), parent_name: self.name(parent), position }
    }

    /// Rewrites keys of the tree's own context inside values as if it were another one.
    pub(super) fn speak_of(&mut self, other: &ContextKey) {
        if self.context == other {
            return;
        }
        let Some(rewriter) = Rewriter::new(self.context, other) else { return };
        for data in self.data.iter_mut().flatten() {
            if let Some(rewritten) = rewriter.block(data) {
                *data = Arc::new(rewritten);
            }
        }
    }
}

/// Turns keys of one context into those of another: what a rerun does to a course.
struct Rewriter<'a> {
    from: &'a ContextKey,
    to: &'a ContextKey,
    /// How usages and assets begin, in both contexts.
    beginnings: Vec<(String, String)>,
}

impl<'a> Rewriter<'a> {
    fn new(from: &'a ContextKey, to: &'a ContextKey) -> Option<Self> {
        const MARK: &str = "zzz";
        let usage = |context: &ContextKey| context.make_usage_key(MARK, MARK).ok().map(|key| key.to_string());
        let asset = |context: &ContextKey| context.make_asset_key(MARK).ok().map(|key| key.to_string());
        let beginning = |text: String| text.split(MARK).next().map(str::to_owned);
        let mut beginnings = Vec::new();
        for (from, to) in [(usage(from), usage(to)), (asset(from), asset(to))] {
            if let (Some(from), Some(to)) = (from.and_then(beginning), to.and_then(beginning)) {
                beginnings.push((from, to));
            }
        }
        (!beginnings.is_empty()).then_some(Self { from, to, beginnings })
    }

    /// Returns a block's data in the other context, none where nothing in it changes.
    fn block(&self, data: &BlockData) -> Option<BlockData> {
        let mut found = data.clone();
        let mut is_changed = false;
        let asides = found.asides.iter_mut().map(|aside| &mut aside.fields);
        let maps: Vec<&mut FieldMap> = [&mut found.content, &mut found.settings, &mut found.defaults]
            .into_iter()
            .chain(asides)
            .collect();
        for value in maps.into_iter().flat_map(|map| map.values_mut()) {
            is_changed |= self.value(value);
        }
        is_changed.then_some(found)
    }

    fn value(&self, value: &mut Json) -> bool {
        match value {
            Json::String(text) => match self.text(text) {
                Some(rewritten) => {
                    *text = rewritten;
                    true
                }
                None => false,
            },
            // Every one is to be visited.
            Json::Array(items) => items.iter_mut().fold(false, |is, item| self.value(item) | is),
            Json::Object(map) => map.values_mut().fold(false, |is, item| self.value(item) | is),
            _ => false,
        }
    }

    fn text(&self, text: &str) -> Option<String> {
        if !self.beginnings.iter().any(|(from, _)| text.contains(from)) {
            return None;
        }
        if let Ok(usage) = text.parse::<UsageKey>()
            && usage.context_key() == *self.from
        {
            return usage.map_into_course(self.to).ok().map(|usage| usage.to_string());
        }
        // Old and new keys are built differently; inside of texts only the beginning is replaced.
        if self.from.is_deprecated() != self.to.is_deprecated() {
            return None;
        }
        Some(self.beginnings.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to)))
    }
}
