//! Lists that were reordered: which entries moved, as few as possible.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// How a list changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ListChanges {
    /// Places on the left of entries that are gone.
    pub(super) removed: Vec<usize>,
    /// Places on the right of entries that are new.
    pub(super) added: Vec<usize>,
    /// Places left and right of entries that stand in another order than the others.
    pub(super) moved: Vec<(usize, usize)>,
}

/// Compares two lists. Equal entries are told apart by how often they came before.
pub(super) fn list_changes<T: Hash + Eq + Clone>(left: &[T], right: &[T]) -> ListChanges {
    let (left, right) = (numbered(left), numbered(right));
    let places: HashMap<_, _> = left.iter().enumerate().map(|(place, entry)| (entry, place)).collect();
    let there: HashSet<_> = right.iter().collect();
    let removed = (0..left.len()).filter(|place| !there.contains(&left[*place])).collect();
    let (mut added, mut common) = (Vec::new(), Vec::new());
    for (place, entry) in right.iter().enumerate() {
        match places.get(entry) {
            Some(before) => common.push((*before, place)),
            None => added.push(place),
        }
    }
    let stays: HashSet<usize> =
        longest_rise(&common.iter().map(|(before, _)| *before).collect::<Vec<_>>()).into_iter().collect();
    let moved = common
        .iter()
        .enumerate()
        .filter(|(at, _)| !stays.contains(at))
        .map(|(_, (before, after))| (*before, *after))
        .collect();
    ListChanges { removed, added, moved }
}

fn numbered<T: Hash + Eq + Clone>(list: &[T]) -> Vec<(T, usize)> {
    let mut counts: HashMap<T, usize> = HashMap::new();
    list.iter()
        .map(|entry| {
            let count = counts.entry(entry.clone()).or_default();
            *count += 1;
            (entry.clone(), *count)
        })
        .collect()
}

/// Finds the longest run of places whose numbers rise.
fn longest_rise(numbers: &[usize]) -> Vec<usize> {
    // For each length, the place at which the run with the smallest end ends.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(numbers.len());
    for (place, number) in numbers.iter().enumerate() {
        let length = ends.partition_point(|end| numbers[*end] < *number);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        match ends.get_mut(length) {
            Some(end) => *end = place,
            None => ends.push(place),
        }
    }
    let mut run = Vec::with_capacity(ends.len());
    let mut at = ends.last().copied();
    while let Some(place) = at {
        run.push(place);
        at = before[place];
    }
    run.reverse();
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(left: &str, right: &str) -> ListChanges {
        list_changes(&left.chars().collect::<Vec<_>>(), &right.chars().collect::<Vec<_>>())
    }

    #[test]
    fn few_entries_move() {
        assert_eq!(changes("abcdef", "bcdefa").moved, [(0, 5)]);
        assert_eq!(changes("abcdef", "fabcde").moved, [(5, 0)]);
        assert_eq!(changes("abc", "abc"), ListChanges { removed: vec![], added: vec![], moved: vec![] });
    }

    #[test]
    fn what_came_and_went_moves_nothing() {
        let found = changes("abcd", "xbdy");
        assert_eq!(found, ListChanges { removed: vec![0, 2], added: vec![0, 3], moved: vec![] });
    }

    #[test]
    fn equal_entries_are_told_apart() {
        let found = changes("aba", "aab");
        assert_eq!((found.removed.len(), found.added.len(), found.moved.len()), (0, 0, 1));
        assert_eq!(changes("aa", "a").removed, [1]);
    }
}
