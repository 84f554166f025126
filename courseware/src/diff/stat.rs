//! A difference in numbers.

use std::fmt::{self, Write};

use super::report::{CourseDiff, TypeCounts};

/// Writes how many blocks of each type, and how many files, something happened to.
///
/// # Errors
/// Those of the output.
pub fn write_stat(diff: &CourseDiff, out: &mut impl Write) -> fmt::Result {
    let width = diff.counts.types.keys().map(|name| name.chars().count()).max().unwrap_or_default();
    for (block_type, counts) in &diff.counts.types {
        writeln!(out, " {block_type:width$}  {}", words(counts))?;
    }
    write_totals(diff, out)
}

/// Writes what there is in all, on one line.
pub(super) fn write_totals(diff: &CourseDiff, out: &mut impl Write) -> fmt::Result {
    let counts = &diff.counts;
    for only in &diff.states_only_in {
        writeln!(out, "only the {} has a {} state", only.side, only.state)?;
    }
    write!(
        out,
        "blocks: {}; fields: {} changed; static files: {}",
        words(&counts.blocks),
        counts.fields,
        if diff.files_compared { words(&counts.files) } else { "not known of an older draft".to_owned() },
    )?;
    if !diff.asset_metadata.is_empty() {
        write!(out, "; records about files: {}", words(&counts.asset_metadata))?;
    }
    writeln!(out)
}

fn words(counts: &TypeCounts) -> String {
    let TypeCounts { added, removed, renamed, moved, changed, unreadable } = counts;
    let all = [
        (added, "added"),
        (removed, "removed"),
        (renamed, "renamed"),
        (moved, "moved"),
        (changed, "changed"),
        (unreadable, "unreadable"),
    ];
    let some: Vec<_> =
        all.iter().filter(|(count, _)| **count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if some.is_empty() { "no change".to_owned() } else { some.join(", ") }
}
