//! Which block of one side is which of the other.
//!
//! The same type and id make the same block, and the roots are the same block in any case. Of the blocks that are left, two of
//! the same type are one that was renamed where
//!
//! 1. everything authors wrote in them is equal, and it is more than what many blocks have, or they stand below the same
//!    parent; or
//! 2. without children, their words are at least 60 % alike, words that many blocks of the type have counting little; or
//! 3. with children, at least 60 % of these are the same, their names and other words being a quarter of the whole.
//!
//! The most alike come first, then those below the same parent, then course order: the result is always the same. Only
//! the rarest words of a block are looked up, and of a word only a few blocks, so that the search stays short.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::tree::Tree;
use super::words::{FeatureMap, Frequencies, Words};

/// From where on two blocks are one that was renamed.
const ALIKE: f64 = 0.6;
/// What two blocks must share at least: one word that no other block of the type has on its side.
const EVIDENCE: f64 = 0.999;
/// What the children of two blocks count against their words.
const CHILDREN_SHARE: f64 = 0.75;
/// How many of a block's words are looked up.
const LOOKED_UP: usize = 64;
/// A word that more blocks have leads to none of them.
const TOO_COMMON: usize = 16;
/// How many blocks a block is compared with in full.
const CANDIDATES: usize = 8;

/// Which block of one side is which of the other, by number.
pub(super) struct Pairing {
    pub(super) to_right: Vec<Option<usize>>,
    pub(super) to_left: Vec<Option<usize>>,
    /// How alike blocks are that were renamed, by their number on the left.
    pub(super) renamed: BTreeMap<usize, f64>,
}

/// Two blocks that may be one.
struct Candidate {
    likeness: f64,
    same_parent: bool,
    left: usize,
    right: usize,
}

impl Pairing {
    pub(super) fn find(left: &Tree<'_>, right: &Tree<'_>) -> Self {
        let mut pairing = Self {
            to_right: vec![None; left.len()],
            to_left: vec![None; right.len()],
            renamed: BTreeMap::new(),
        };
        pairing.by_id(left, right);
        for block_type in pairing.types_to_search(left, right) {
            pairing.by_words(left, right, &block_type);
        }
        pairing.by_children(left, right);
        pairing
    }

    fn pair(&mut self, left: usize, right: usize) {
        self.to_right[left] = Some(right);
        self.to_left[right] = Some(left);
    }

    fn by_id(&mut self, left: &Tree<'_>, right: &Tree<'_>) {
        let by_id: HashMap<(&str, &str), usize> = right
            .usages
            .iter()
            .enumerate()
            .map(|(number, usage)| ((usage.block_type(), usage.block_id()), number))
            .collect();
        if let (Some(before), Some(after)) = (left.number(left.root), right.number(right.root)) {
            self.pair(before, after);
        }
        for (number, usage) in left.usages.iter().enumerate() {
            if self.to_right[number].is_none()
                && let Some(found) = by_id.get(&(usage.block_type(), usage.block_id()))
                && self.to_left[*found].is_none()
            {
                self.pair(number, *found);
            }
        }
    }

    /// Lists the types of which blocks without a partner are on both sides.
    fn types_to_search(&self, left: &Tree<'_>, right: &Tree<'_>) -> BTreeSet<String> {
        let types = |tree: &Tree<'_>, partners: &[Option<usize>]| -> BTreeSet<String> {
            (0..tree.len())
                .filter(|number| partners[*number].is_none())
                .map(|number| tree.usages[number].block_type().to_owned())
                .collect()
        };
        let left = types(left, &self.to_right);
        left.intersection(&types(right, &self.to_left)).cloned().collect()
    }

    /// Says whether two blocks have a parent in common.
    fn same_parent(&self, left: &Tree<'_>, right: &Tree<'_>, pair: (usize, usize)) -> bool {
        let parents = &right.places[pair.1];
        left.places[pair.0].iter().any(|(parent, _)| {
            self.to_right[*parent].is_some_and(|parent| parents.iter().any(|(other, _)| *other == parent))
        })
    }

    /// Pairs blocks without children by what is written in them.
    fn by_words(&mut self, left: &Tree<'_>, right: &Tree<'_>, block_type: &str) {
        let mut frequencies = Frequencies::default();
        let mut open: [BTreeMap<usize, Words>; 2] = Default::default();
        for (side, (tree, partners)) in
            [(left, &self.to_right), (right, &self.to_left)].into_iter().enumerate()
        {
            for number in (0..tree.len()).filter(|number| tree.usages[*number].block_type() == block_type) {
                let Some(data) = &tree.data[number] else { continue };
                let words = Words::of(data);
                frequencies.add(side, &words);
                if partners[number].is_none() && data.children.is_empty() {
                    open[side].insert(number, words);
                }
            }
        }
        let [mut before, mut after] = open;
        self.equal_ones(left, right, &mut before, &mut after, &frequencies);
        let candidates = self.alike_ones(left, right, &before, &after, &frequencies);
        self.take(candidates);
    }

    /// Pairs blocks that are equal.
    fn equal_ones(
        &mut self,
        left: &Tree<'_>,
        right: &Tree<'_>,
        before: &mut BTreeMap<usize, Words>,
        after: &mut BTreeMap<usize, Words>,
        frequencies: &Frequencies,
    ) {
        let mut equal: BTreeMap<u64, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for (number, words) in before.iter() {
            equal.entry(words.exact).or_default().0.push(*number);
        }
        for (number, words) in after.iter() {
            equal.entry(words.exact).or_default().1.push(*number);
        }
        for (mut lefts, mut rights) in equal.into_values() {
            let mut found = Vec::new();
            // Those below the same parent first, in order; many equal blocks have many parents.
            let mut by_parent: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            for block in rights.iter().rev() {
                for (parent, _) in &right.places[*block] {
                    by_parent.entry(*parent).or_default().push(*block);
                }
            }
            for block in &lefts {
                let parents = left.places[*block].iter().filter_map(|(parent, _)| self.to_right[*parent]);
                for parent in parents {
                    let partner = by_parent.get_mut(&parent).and_then(Vec::pop);
                    if let Some(partner) = partner
                        && self.to_left[partner].is_none()
                    {
                        self.pair(*block, partner);
                        found.push((*block, partner));
                        break;
                    }
                }
            }
            lefts.retain(|block| self.to_right[*block].is_none());
            rights.retain(|block| self.to_left[*block].is_none());
            for (block, partner) in lefts.into_iter().zip(rights) {
                let (_, evidence) = frequencies.likeness(&before[&block], &after[&partner]);
                if evidence >= EVIDENCE {
                    self.pair(block, partner);
                    found.push((block, partner));
                }
            }
            for (block, partner) in found {
                before.remove(&block);
                after.remove(&partner);
                self.renamed.insert(block, 1.0);
            }
        }
    }

    fn alike_ones(
        &self,
        left: &Tree<'_>,
        right: &Tree<'_>,
        before: &BTreeMap<usize, Words>,
        after: &BTreeMap<usize, Words>,
        frequencies: &Frequencies,
    ) -> Vec<Candidate> {
        let mut holders: FeatureMap<Vec<usize>> = FeatureMap::default();
        for (number, words) in after {
            for feature in &words.features {
                holders.entry(*feature).or_default().push(*number);
            }
        }
        let mut candidates = Vec::new();
        for (number, words) in before {
            let mut known: Vec<_> = words
                .features
                .iter()
                .filter_map(|feature| {
                    holders
                        .get(feature)
                        .filter(|found| found.len() <= TOO_COMMON)
                        .map(|found| (feature, found))
                })
                .collect();
            known.sort_by(|(a, _), (b, _)| {
                frequencies.weight(**b).total_cmp(&frequencies.weight(**a)).then(a.cmp(b))
            });
            let mut shared: BTreeMap<usize, f64> = BTreeMap::new();
            for (feature, holders) in known.into_iter().take(LOOKED_UP) {
                for holder in holders {
                    *shared.entry(*holder).or_default() += frequencies.weight(*feature);
                }
            }
            let mut best: Vec<_> = shared.into_iter().collect();
            best.sort_by(|(a, left), (b, right)| right.total_cmp(left).then(a.cmp(b)));
            for (other, _) in best.into_iter().take(CANDIDATES) {
                let (likeness, evidence) = frequencies.likeness(words, &after[&other]);
                if likeness >= ALIKE && evidence >= EVIDENCE {
                    let same_parent = self.same_parent(left, right, (*number, other));
                    // Only what is equal is told as such.
                    candidates.push(Candidate {
                        likeness: likeness.min(0.99),
                        same_parent,
                        left: *number,
                        right: other,
                    });
                }
            }
        }
        candidates
    }

    /// Takes candidates, the best first.
    fn take(&mut self, mut candidates: Vec<Candidate>) {
        candidates.sort_by(|a, b| {
            b.likeness
                .total_cmp(&a.likeness)
                .then(b.same_parent.cmp(&a.same_parent))
                .then((a.left, a.right).cmp(&(b.left, b.right)))
        });
        for Candidate { likeness, left, right, .. } in candidates {
            if self.to_right[left].is_none() && self.to_left[right].is_none() {
                self.pair(left, right);
                self.renamed.insert(left, likeness);
            }
        }
    }

    /// Pairs blocks with children by these, from the lowest up.
    fn by_children(&mut self, left: &Tree<'_>, right: &Tree<'_>) {
        let heights = heights(left);
        let mut levels: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, height) in heights.into_iter().enumerate() {
            if self.to_right[number].is_none() && !left.children(number).is_empty() {
                levels.entry(height).or_default().push(number);
            }
        }
        for blocks in levels.into_values() {
            let mut candidates = Vec::new();
            for block in blocks {
                let block_type = left.usages[block].block_type();
                let children: BTreeSet<usize> = left
                    .children(block)
                    .iter()
                    .filter_map(|child| left.number(child).and_then(|child| self.to_right[child]))
                    .collect();
                let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
                for child in &children {
                    let parents: BTreeSet<usize> =
                        right.places[*child].iter().map(|(parent, _)| *parent).collect();
                    for parent in parents {
                        *shared.entry(parent).or_default() += 1;
                    }
                }
                for (other, shared) in shared {
                    if self.to_left[other].is_some() || right.usages[other].block_type() != block_type {
                        continue;
                    }
                    let all = left.children(block).len() + right.children(other).len();
                    let children = 2.0 * shared as f64 / all as f64;
                    let words = match (&left.data[block], &right.data[other]) {
                        (Some(before), Some(after)) => likeness_of_two(&Words::of(before), &Words::of(after)),
                        _ => 0.0,
                    };
                    let likeness = CHILDREN_SHARE * children + (1.0 - CHILDREN_SHARE) * words;
                    if likeness >= ALIKE {
                        let same_parent = self.same_parent(left, right, (block, other));
                        candidates.push(Candidate { likeness, same_parent, left: block, right: other });
                    }
                }
            }
            self.take(candidates);
        }
    }
}

/// Returns how alike two blocks are where every word counts the same; two without words are.
fn likeness_of_two(left: &Words, right: &Words) -> f64 {
    match left.exact == right.exact {
        true => 1.0,
        false => Frequencies::default().likeness(left, right).0,
    }
}

/// Returns how many levels of blocks stand below each; in data that goes in circles, some number.
fn heights(tree: &Tree<'_>) -> Vec<usize> {
    let mut heights = vec![0; tree.len()];
    // Below a block comes, in course order, what stands below it, unless it stands below another one before.
    for block in (0..tree.len()).rev() {
        let below = tree.children(block).iter().filter_map(|child| tree.number(child));
        heights[block] = below.map(|child| heights[child] + 1).max().unwrap_or_default();
    }
    heights
}
