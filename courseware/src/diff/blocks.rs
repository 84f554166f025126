//! What happened to each block.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use xblock_core::block::Registry;
use xblock_core::fields::{Scope, is_inheritable};
use xblock_core::keys::UsageKey;
use xblock_core::runtime::BlockData;

use super::content::{CourseContent, StateContent};
use super::merge::Order;
use super::order::list_changes;
use super::pairing::Pairing;
use super::report::{
    AsidesDiff, BlockDiff, BlockKind, ChildDiff, ChildOp, Fallback, FieldDiff, FieldState, Move, Place,
};
use super::tree::Tree;
use super::values::without_layout;
use crate::description::{Origin, value_of};
use crate::error::CoursewareError;
use crate::progress::{Progress, Stage};
use crate::sides::{FieldPair, FieldPlace, Side, asides, field_pairs};

/// Compares the blocks of two states.
pub(super) struct BlockDiffer<'a> {
    left: Tree<'a>,
    right: Tree<'a>,
    states: [&'a StateContent; 2],
    pairing: Pairing,
    registry: &'a Registry,
    /// Blocks that stay below their parent at another place there, by number on the right.
    reordered: BTreeMap<usize, Vec<(Place, Place)>>,
}

/// A child in a list, in the same words for both sides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Child {
    /// A block of both sides, by its number on the right.
    Both(usize),
    /// A block of this side alone, by its number.
    Alone(Side2, usize),
    /// No block of the state: type and id, or the whole key where it is of another context.
    Dangling(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Side2 {
    Left,
    Right,
}

impl<'a> BlockDiffer<'a> {
    pub(super) fn new(
        left: (&'a CourseContent, &'a StateContent),
        right: (&'a CourseContent, &'a StateContent),
        registry: &'a Registry,
    ) -> Self {
        let mut before = Tree::new(left.0, left.1);
        let after = Tree::new(right.0, right.1);
        before.speak_of(after.context);
        let pairing = Pairing::find(&before, &after);
        let states = [left.1, right.1];
        Self { left: before, right: after, states, pairing, registry, reordered: BTreeMap::new() }
    }

    /// Compares everything; what is found names no state yet.
    pub(super) fn run(
        &mut self,
        progress: &Progress<'_>,
    ) -> Result<Vec<(Order, BlockDiff)>, CoursewareError> {
        let mut found = Vec::new();
        let mut children: BTreeMap<usize, Vec<ChildDiff>> = BTreeMap::new();
        for after in 0..self.right.len() {
            if let Some(before) = self.pairing.to_left[after] {
                let changed = self.children(before, after);
                if !changed.is_empty() {
                    children.insert(after, changed);
                }
            }
        }
        let total = self.right.len() as u64;
        for after in 0..self.right.len() {
            progress.step(Stage::CompareBlocks, after as u64, Some(total))?;
            let diff = match self.pairing.to_left[after] {
                Some(before) => self.both(before, after, children.remove(&after).unwrap_or_default()),
                None => Some(self.added(after)),
            };
            found.extend(diff.map(|diff| ((after, 1, 0), diff)));
        }
        progress.step(Stage::CompareBlocks, total, Some(total))?;
        let mut last = None;
        for before in 0..self.left.len() {
            match self.pairing.to_right[before] {
                Some(after) => last = Some(after),
                None => {
                    let order = last.map_or((0, 0, before), |after| (after, 2, before));
                    found.push((order, self.removed(before)));
                }
            }
        }
        Ok(found)
    }

    fn plain(&self, kind: BlockKind, before: Option<usize>, after: Option<usize>) -> BlockDiff {
        let (tree, number) = match (before, after) {
            (_, Some(after)) => (&self.right, after),
            (before, None) => (&self.left, before.unwrap_or_default()),
        };
        BlockDiff {
            kind,
            states: Vec::new(),
            block_type: tree.usages[number].block_type().to_owned(),
            left: before.map(|before| self.left.usages[before].clone()),
            right: after.map(|after| self.right.usages[after].clone()),
            display_name: tree.data[number].as_ref().and_then(|data| data.display_name()).map(str::to_owned),
            path: tree.path(number),
            at: Vec::new(),
            similarity: None,
            moved: None,
            fields: Vec::new(),
            asides: None,
            children: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    fn added(&self, after: usize) -> BlockDiff {
        let at = self.right.places[after].iter().map(|place| self.right.place(*place)).collect();
        let unreadable = self.reasons(None, Some(after));
        BlockDiff { at, unreadable, ..self.plain(BlockKind::Added, None, Some(after)) }
    }

    fn removed(&self, before: usize) -> BlockDiff {
        let at = self.left.places[before].iter().map(|place| self.left.place(*place)).collect();
        let unreadable = self.reasons(Some(before), None);
        BlockDiff { at, unreadable, ..self.plain(BlockKind::Removed, Some(before), None) }
    }

    /// Says why a block cannot be read.
    fn reasons(&self, before: Option<usize>, after: Option<usize>) -> Vec<(Side, String)> {
        let before = before.map(|before| (Side::Left, self.states[0], self.left.usages[before]));
        let after = after.map(|after| (Side::Right, self.states[1], self.right.usages[after]));
        let sides = [before, after].into_iter().flatten();
        sides.filter_map(|(side, state, usage)| Some((side, state.unreadable.get(usage)?.clone()))).collect()
    }

    fn both(&self, before: usize, after: usize, children: Vec<ChildDiff>) -> Option<BlockDiff> {
        let unreadable = self.reasons(Some(before), Some(after));
        let kind = if unreadable.is_empty() { BlockKind::Changed } else { BlockKind::Unreadable };
        let similarity = self.pairing.renamed.get(&before).copied();
        let moved = self.moved(before, after);
        let (mut fields, mut other_asides) = (Vec::new(), None);
        if let (Some(left), Some(right)) = (&self.left.data[before], &self.right.data[after]) {
            fields = self.fields((before, left), (after, right));
            if left.asides != right.asides {
                other_asides = Some(AsidesDiff { left: asides(left), right: asides(right) });
            }
        }
        let is_same = kind == BlockKind::Changed
            && similarity.is_none()
            && moved.is_none()
            && fields.is_empty()
            && other_asides.is_none()
            && children.is_empty();
        if is_same {
            return None;
        }
        let plain = self.plain(kind, Some(before), Some(after));
        Some(BlockDiff { similarity, moved, fields, asides: other_asides, children, unreadable, ..plain })
    }

    /// Finds the places a block lost and got.
    fn moved(&self, before: usize, after: usize) -> Option<Move> {
        let mut from = self.left.places[before].clone();
        let mut to = self.right.places[after].clone();
        // A place below the same parent is the same place; its number in the list is another matter.
        from.retain(|(parent, _)| {
            let kept = self.pairing.to_right[*parent]
                .and_then(|parent| to.iter().position(|(other, _)| *other == parent));
            kept.map(|kept| to.remove(kept)).is_none()
        });
        // Children of a block that cannot be read are not known.
        let is_unknown = |tree: &Tree<'_>, places: &[(usize, usize)]| places.is_empty() && tree.has_gaps();
        let (mut from, mut to) = if is_unknown(&self.left, &self.left.places[before])
            || is_unknown(&self.right, &self.right.places[after])
        {
            (Vec::new(), Vec::new())
        } else {
            (
                from.into_iter().map(|place| self.left.place(place)).collect::<Vec<_>>(),
                to.into_iter().map(|place| self.right.place(place)).collect::<Vec<_>>(),
            )
        };
        for (left, right) in self.reordered.get(&after).into_iter().flatten() {
            from.push(left.clone());
            to.push(right.clone());
        }
        (!from.is_empty() || !to.is_empty()).then_some(Move { from, to })
    }

    fn fields(&self, left: (usize, &Arc<BlockData>), right: (usize, &Arc<BlockData>)) -> Vec<FieldDiff> {
        if Arc::ptr_eq(left.1, right.1) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for FieldPair { place, name, left: before, right: after } in field_pairs(left.1, right.1) {
            if before == after {
                continue;
            }
            let before = before.and_then(|value| without_layout(name, value));
            let after = after.and_then(|value| without_layout(name, value));
            if before == after {
                continue;
            }
            let state =
                |tree: &Tree<'_>, (number, data): (usize, &Arc<BlockData>), value: Option<_>| match value {
                    Some(value) => FieldState::Set { value: std::borrow::Cow::into_owned(value) },
                    None => FieldState::Unset { fallback: self.fallback(tree, number, data, place, name) },
                };
            let before = state(&self.left, left, before);
            let after = state(&self.right, right, after);
            let same_effect = match (&before, &after) {
                (FieldState::Set { value }, FieldState::Unset { fallback: Some(other) })
                | (FieldState::Unset { fallback: Some(other) }, FieldState::Set { value }) => {
                    *value == other.value
                }
                _ => false,
            };
            let name = name.clone();
            found.push(FieldDiff { name, scope: place, left: before, right: after, same_effect });
        }
        found
    }

    /// Finds what holds where a field is not set.
    fn fallback(
        &self,
        tree: &Tree<'_>,
        number: usize,
        data: &BlockData,
        place: FieldPlace,
        name: &str,
    ) -> Option<Fallback> {
        let scope = match place {
            FieldPlace::Content => Scope::Content,
            FieldPlace::Settings => Scope::Settings,
            FieldPlace::Defaults => return None,
        };
        let above: Vec<(UsageKey, Arc<BlockData>)> = match is_inheritable(name) {
            true => tree
                .above(number)
                .into_iter()
                .filter_map(|above| Some((tree.usages[above].clone(), tree.data[above].clone()?)))
                .collect(),
            false => Vec::new(),
        };
        let found = value_of(data, &above, name, scope);
        let declared = || {
            let block_type = self.registry.block_type(tree.usages[number].block_type());
            let default = block_type.field(name)?.default_json().ok()?;
            Some((Origin::Default, default))
        };
        found.or_else(declared).map(|(origin, value)| Fallback { origin, value })
    }

    /// Lists a block's children in words that are the same on both sides.
    fn list(&self, side: Side2, block: usize) -> Vec<Child> {
        let (tree, own) = match side {
            Side2::Left => (&self.left, self.left.context),
            Side2::Right => (&self.right, self.right.context),
        };
        let name = |child: &UsageKey| match child.context_key() == *own {
            true => format!("{}\0{}", child.block_type(), child.block_id()),
            false => child.to_string(),
        };
        tree.children(block)
            .iter()
            .map(|child| match (tree.number(child), side) {
                (None, _) => Child::Dangling(name(child)),
                (Some(number), Side2::Left) => {
                    self.pairing.to_right[number].map_or(Child::Alone(side, number), Child::Both)
                }
                (Some(number), Side2::Right) => match self.pairing.to_left[number] {
                    Some(_) => Child::Both(number),
                    None => Child::Alone(side, number),
                },
            })
            .collect()
    }

    /// Compares the children of a block: notes blocks that moved within the list, returns what no block can tell.
    fn children(&mut self, before: usize, after: usize) -> Vec<ChildDiff> {
        let (left, right) = (self.list(Side2::Left, before), self.list(Side2::Right, after));
        if left == right {
            return Vec::new();
        }
        let changes = list_changes(&left, &right);
        let (old, new) = (self.left.children(before), self.right.children(after));
        let mut told = Vec::new();
        // A block that is still, or was already, another time in the list did not come or go.
        let [lefts, rights]: [BTreeSet<usize>; 2] = [&left, &right].map(|list| {
            list.iter()
                .filter_map(|child| match child {
                    Child::Both(number) => Some(*number),
                    _ => None,
                })
                .collect()
        });
        for place in changes.removed {
            let by_block = match &left[place] {
                Child::Both(number) => !rights.contains(number),
                Child::Alone(..) => true,
                Child::Dangling(_) => false,
            };
            if !by_block {
                let usage = old[place].clone();
                told.push(ChildDiff { op: ChildOp::Removed, usage, from: Some(place), to: None });
            }
        }
        for place in changes.added {
            let by_block = match &right[place] {
                Child::Both(number) => !lefts.contains(number),
                Child::Alone(..) => true,
                Child::Dangling(_) => false,
            };
            if !by_block {
                let usage = new[place].clone();
                told.push(ChildDiff { op: ChildOp::Added, usage, from: None, to: Some(place) });
            }
        }
        let mut reordered = Vec::new();
        for (from, to) in changes.moved {
            match &right[to] {
                Child::Both(number) => {
                    let places = (self.left.place((before, from)), self.right.place((after, to)));
                    reordered.push((*number, places));
                }
                _ => told.push(ChildDiff {
                    op: ChildOp::Moved,
                    usage: new[to].clone(),
                    from: Some(from),
                    to: Some(to),
                }),
            }
        }
        for (number, places) in reordered {
            self.reordered.entry(number).or_default().push(places);
        }
        told
    }
}
