//! What the bundles' documents are whole for, and what they say can all the same not be read or not be reached.

use std::collections::{BTreeSet, HashMap, HashSet};

use xblock_core::block::Registry;
use xblock_core::keys::UsageKey;
use xblock_core::runtime::{Branch, DamagedAssetMetadata, Finding, Runtime, RuntimeError, Severity};

use super::BlockstoreRuntime;
use super::view::View;
use crate::error::cannot_be_read;
use crate::rows::RowId;
use crate::store::Blockstore;

/// Type and id of a block.
type Id = (String, String);

impl BlockstoreRuntime {
    /// Names blocks, and what contexts say about static files, that nobody can read, and blocks that only hang below
    /// themselves.
    ///
    /// A context that cannot be read at all is for [`Blockstore::fsck`].
    ///
    /// # Errors
    /// Failures of the medium.
    pub fn check_contents(store: Blockstore, registry: Registry) -> Result<Vec<Finding>, RuntimeError> {
        let runtime = Self::over(store, registry)?;
        let mut findings = Vec::new();
        for context in runtime.contexts()? {
            // What both branches have is told once.
            let mut seen = BTreeSet::new();
            for branch in Branch::ALL {
                let found = runtime.look(&context, &[branch], |view| {
                    let state = view.state(branch)?;
                    let damaged = runtime.records_in(view, branch)?.damaged;
                    Ok((damaged, circles(view, state.id)?))
                });
                let (damaged, circles) = match found {
                    Err(error) if cannot_be_read(&error) || error.is_not_found() => continue,
                    found => found?,
                };
                for DamagedAssetMetadata { place, reason, .. } in damaged {
                    if seen.insert((place.clone(), reason.clone())) {
                        findings.push(finding(Severity::Damage, "asset_metadata", place, reason));
                    }
                }
                for usage in runtime.usages(&context, branch)? {
                    let reason = match runtime.block(&usage, branch) {
                        Ok(_) => continue,
                        Err(error @ RuntimeError::BrokenInclude { .. }) => error.to_string(),
                        Err(error) if cannot_be_read(&error) => error.to_string(),
                        // Others changed it meanwhile.
                        Err(error) if error.is_not_found() => continue,
                        Err(error) => return Err(error),
                    };
                    if seen.insert((usage.to_string(), reason.clone())) {
                        findings.push(finding(Severity::Warning, "block", usage.to_string(), reason));
                    }
                }
                for usage in circles {
                    let reason =
                        "it only hangs below itself, and no way from the root leads to it".to_owned();
                    if seen.insert((usage.to_string(), reason.clone())) {
                        findings.push(finding(
                            Severity::Warning,
                            "include_circle",
                            usage.to_string(),
                            reason,
                        ));
                    }
                }
            }
        }
        Ok(findings)
    }
}

fn finding(severity: Severity, code: &'static str, place: String, reason: String) -> Finding {
    Finding { severity, code, place, reason, repair: None, is_repaired: false }
}

/// Lists, for each circle of blocks of the context's own that no way from above leads into, the first block in it.
pub(super) fn circles(view: &View<'_>, state: RowId) -> Result<Vec<UsageKey>, RuntimeError> {
    let mut children: HashMap<Id, Vec<Id>> = HashMap::new();
    let mut has_parent: HashSet<Id> = HashSet::new();
    for [parent_type, parent_id, child_type, child_id] in view.tables.all_children(state)? {
        let child = (child_type, child_id);
        has_parent.insert(child.clone());
        children.entry((parent_type, parent_id)).or_default().push(child);
    }
    if children.is_empty() {
        return Ok(Vec::new());
    }
    let root = view.root()?;
    let own: BTreeSet<Id> = view.tables.usages(state)?.into_iter().collect();
    let mut reached = HashSet::new();
    let tops = own.iter().filter(|id| !has_parent.contains(*id) || is(&root, id)).cloned();
    reach(&children, tops.collect(), &mut reached);
    let mut circles = Vec::new();
    for id in &own {
        if reached.contains(id) {
            continue;
        }
        let mut below = HashSet::new();
        reach(&children, children.get(id).cloned().unwrap_or_default(), &mut below);
        if below.contains(id) {
            circles.push(view.usage(&id.0, &id.1)?);
            reached.extend(below);
        }
    }
    Ok(circles)
}

fn is(usage: &UsageKey, id: &Id) -> bool {
    usage.block_type() == id.0 && usage.block_id() == id.1
}

/// Collects what stands below some blocks, themselves included.
fn reach(children: &HashMap<Id, Vec<Id>>, mut next: Vec<Id>, reached: &mut HashSet<Id>) {
    while let Some(id) = next.pop() {
        if !reached.contains(&id) {
            next.extend(children.get(&id).into_iter().flatten().cloned());
            reached.insert(id);
        }
    }
}
