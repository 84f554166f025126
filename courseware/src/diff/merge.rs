//! What is the same in several states is told once.

use std::collections::BTreeMap;

use xblock_core::keys::{AssetKey, UsageKey};

use super::report::{AssetMetadataDiff, BlockDiff, FileDiff};

/// Where something belongs in course order.
pub(super) type Order = (usize, u8, usize);

/// Something that was found in some states.
pub(super) trait Found: PartialEq {
    /// What it is about.
    type Key: Ord;
    fn key(&self) -> Self::Key;
    fn states(&mut self) -> &mut Vec<String>;
}

impl Found for BlockDiff {
    type Key = (Option<UsageKey>, Option<UsageKey>);
    fn key(&self) -> Self::Key {
        (self.left.clone(), self.right.clone())
    }
    fn states(&mut self) -> &mut Vec<String> {
        &mut self.states
    }
}

impl Found for FileDiff {
    type Key = (Option<AssetKey>, Option<AssetKey>);
    fn key(&self) -> Self::Key {
        (self.left.clone(), self.right.clone())
    }
    fn states(&mut self) -> &mut Vec<String> {
        &mut self.states
    }
}

impl Found for AssetMetadataDiff {
    type Key = (Option<AssetKey>, Option<AssetKey>);
    fn key(&self) -> Self::Key {
        (self.left.clone(), self.right.clone())
    }
    fn states(&mut self) -> &mut Vec<String> {
        &mut self.states
    }
}

/// Puts what was found in each state into one list; nothing in it names its state yet.
pub(super) fn merge<T: Found>(found: Vec<(String, Vec<(Order, T)>)>) -> Vec<T> {
    let mut merged: Vec<(Order, T, Vec<String>)> = Vec::new();
    let mut places: BTreeMap<T::Key, Vec<usize>> = BTreeMap::new();
    for (state, list) in found {
        for (order, item) in list {
            let known = places.entry(item.key()).or_default();
            match known.iter().find(|place| merged[**place].1 == item) {
                Some(place) => merged[*place].2.push(state.clone()),
                None => {
                    known.push(merged.len());
                    merged.push((order, item, vec![state.clone()]));
                }
            }
        }
    }
    merged.sort_by_key(|(order, ..)| *order);
    merged
        .into_iter()
        .map(|(_, mut item, states)| {
            *item.states() = states;
            item
        })
        .collect()
}
