//! What happened to static files.

use std::collections::BTreeMap;
use std::sync::Arc;

use xblock_core::keys::{AssetKey, ContextKey};

use super::content::FileState;
use super::merge::Order;
use super::report::{AttributeDiff, FileBytes, FileDiff, FileKind};
use crate::sides::{attributes, value_pairs};

/// Compares the files of two states; those of the left one are looked for under their names in the right one's context.
pub(super) fn file_diffs(
    before: &BTreeMap<AssetKey, FileState>,
    after: &BTreeMap<AssetKey, FileState>,
    context: &ContextKey,
) -> Vec<(Order, FileDiff)> {
    let mut found = Vec::new();
    // Files that are on one side only, by their bytes.
    let mut gone: BTreeMap<&Arc<str>, Vec<(&AssetKey, &FileState)>> = BTreeMap::new();
    let mut known: BTreeMap<AssetKey, (&AssetKey, &FileState)> = BTreeMap::new();
    for (key, file) in before {
        match key.map_into_course(context) {
            Ok(mapped) => drop(known.insert(mapped, (key, file))),
            Err(_) => drop(known.insert(key.clone(), (key, file))),
        }
    }
    let mut new = Vec::new();
    for (key, file) in after {
        match known.remove(key) {
            Some((old_key, old)) if old.digest != file.digest || old.data != file.data => {
                found.push(diff(FileKind::Changed, Some((old_key, old)), Some((key, file))));
            }
            Some(_) => {}
            None => new.push((key, file)),
        }
    }
    for (key, file) in known.into_values() {
        gone.entry(&file.digest).or_default().push((key, file));
    }
    // Of several files with the same bytes, the one with the same last part of its name comes first.
    let name = |key: &AssetKey| key.path().rsplit(['/', '_', '@']).next().unwrap_or_default().to_owned();
    for pass in [true, false] {
        new.retain(|(key, file)| {
            let Some(olds) = gone.get_mut(&file.digest) else { return true };
            let fits = |old: &AssetKey| !pass || name(old) == name(key);
            let Some(at) = olds.iter().position(|(old, _)| fits(old)) else { return true };
            let old = olds.remove(at);
            found.push(diff(FileKind::Moved, Some(old), Some((key, file))));
            false
        });
    }
    found.extend(new.into_iter().map(|new| diff(FileKind::Added, None, Some(new))));
    let gone = gone.into_values().flatten();
    found.extend(gone.map(|old| diff(FileKind::Removed, Some(old), None)));
    found.sort_by(|a, b| {
        let place = |diff: &FileDiff| {
            let key = diff.right.as_ref().or(diff.left.as_ref());
            key.map(|key| (key.path().to_owned(), key.asset_type().to_owned()))
        };
        place(a).cmp(&place(b)).then_with(|| a.left.cmp(&b.left))
    });
    found.into_iter().enumerate().map(|(at, diff)| ((at, 0, 0), diff)).collect()
}

fn diff(
    kind: FileKind,
    old: Option<(&AssetKey, &FileState)>,
    new: Option<(&AssetKey, &FileState)>,
) -> FileDiff {
    let bytes = |side: Option<(&AssetKey, &FileState)>| {
        side.map(|(_, file)| FileBytes { length: file.length, digest: file.digest.clone() })
    };
    let mut changed = Vec::new();
    if let (Some((_, old)), Some((_, new))) = (old, new) {
        let (old, new) = (attributes(&old.data), attributes(&new.data));
        for (name, left, right) in value_pairs(&old, &new) {
            // A file that moved is called otherwise; that is told already.
            let is_name = kind == FileKind::Moved && matches!(&**name, "display_name" | "import_path");
            if left != right && !is_name {
                changed.push(AttributeDiff {
                    name: name.clone(),
                    left: left.cloned(),
                    right: right.cloned(),
                });
            }
        }
    }
    FileDiff {
        kind,
        states: Vec::new(),
        left: old.map(|(key, _)| key.clone()),
        right: new.map(|(key, _)| key.clone()),
        left_bytes: bytes(old),
        right_bytes: bytes(new),
        attributes: changed,
    }
}
