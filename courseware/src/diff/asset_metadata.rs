//! What happened to the records an `assetstore` has about files.

use std::collections::{BTreeMap, BTreeSet};

use xblock_core::keys::{AssetKey, ContextKey};
use xblock_core::runtime::{AssetMetadata, AssetMetadataRecords, FieldMap};

use super::merge::Order;
use super::report::{AssetMetadataDiff, AttributeDiff, RecordKind};
use crate::sides::{Side, said, value_pairs};

/// A record on one side: its key there, and what it says or why it cannot be read.
type Found<'a> = (&'a AssetKey, Result<&'a AssetMetadata, String>);

/// Compares the records of two states; those of the left one are looked for under their names in the right one's context.
pub(super) fn asset_metadata_diffs(
    before: &AssetMetadataRecords,
    after: &AssetMetadataRecords,
    context: &ContextKey,
) -> Vec<(Order, AssetMetadataDiff)> {
    let (left, right) = (by_name(before, Some(context)), by_name(after, None));
    let names: BTreeSet<_> = left.keys().chain(right.keys()).collect();
    let mut found: Vec<_> =
        names.into_iter().filter_map(|name| diff(left.get(name), right.get(name))).collect();
    for (side, state) in [(Side::Left, before), (Side::Right, after)] {
        for damaged in state.damaged.iter().filter(|damaged| damaged.key.is_none()) {
            let unreadable = vec![(side, format!("{}: {}", damaged.place, damaged.reason))];
            found.push(AssetMetadataDiff { unreadable, ..AssetMetadataDiff::of(RecordKind::Unreadable) });
        }
    }
    found.into_iter().enumerate().map(|(at, diff)| ((at, 0, 0), diff)).collect()
}

/// Lists the records that name their file, by the keys the files have in a context.
fn by_name<'a>(
    state: &'a AssetMetadataRecords,
    context: Option<&ContextKey>,
) -> BTreeMap<AssetKey, Found<'a>> {
    let damaged =
        state.damaged.iter().filter_map(|damaged| Some((damaged.key.as_ref()?, Err(damaged.reason.clone()))));
    let all = damaged.chain(state.records.iter().map(|(key, metadata)| (key, Ok(metadata))));
    let mapped = |key: &AssetKey| context.and_then(|context| key.map_into_course(context).ok());
    all.map(|(key, said)| (mapped(key).unwrap_or_else(|| key.clone()), (key, said))).collect()
}

fn diff(left: Option<&Found<'_>>, right: Option<&Found<'_>>) -> Option<AssetMetadataDiff> {
    let sides = [(Side::Left, left), (Side::Right, right)];
    let wrong = |(side, found): (Side, Option<&Found<'_>>)| {
        let reason = found?.1.as_ref().err()?;
        Some((side, reason.clone()))
    };
    let unreadable: Vec<_> = sides.into_iter().filter_map(wrong).collect();
    let kind = match (left, right) {
        _ if !unreadable.is_empty() => RecordKind::Unreadable,
        (None, _) => RecordKind::Added,
        (_, None) => RecordKind::Removed,
        _ => RecordKind::Changed,
    };
    let mut members = Vec::new();
    if unreadable.is_empty() {
        let said = |found: Option<&Found<'_>>| match found {
            Some((_, Ok(metadata))) => said(metadata),
            _ => FieldMap::default(),
        };
        let (before, after) = (said(left), said(right));
        let differing = value_pairs(&before, &after).filter(|(_, before, after)| before != after);
        members.extend(differing.map(|(name, before, after)| AttributeDiff {
            name: name.clone(),
            left: before.cloned(),
            right: after.cloned(),
        }));
    }
    if kind == RecordKind::Changed && members.is_empty() {
        return None;
    }
    let key = |found: Option<&Found<'_>>| found.map(|(key, _)| (*key).clone());
    Some(AssetMetadataDiff {
        left: key(left),
        right: key(right),
        members,
        unreadable,
        ..AssetMetadataDiff::of(kind)
    })
}
