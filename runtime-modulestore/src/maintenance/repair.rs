//! What a check proposes, and doing it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use bson::oid::ObjectId;
use chrono::{DateTime, Utc};
use xblock_core::keys::ContextKey;
use xblock_core::runtime::RuntimeError;

use crate::documents::BlockKey;
use crate::operations::{Bulk, BulkOptions};
use crate::runtime::ModulestoreRuntime;
use crate::store::{ContentKind, DocumentWrites, Leftover};

/// A repair of one finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Repair {
    /// A document that a pruning took out comes back.
    PutBack { kind: ContentKind, id: ObjectId },
    /// What a writer left is done away with.
    Mend(Leftover),
    /// A child is taken out of a list.
    WithoutChild { context: ContextKey, parent: BlockKey, child: BlockKey },
    /// A block gets the content it had before.
    OlderDefinition { context: ContextKey, key: BlockKey, definition: ObjectId },
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PutBack { .. } => f.write_str("it was pruned and is put back"),
            Self::Mend(leftover) => f.write_str(leftover.repair().unwrap_or_default()),
            Self::WithoutChild { child, .. } => {
                write!(f, "{child} is taken out of the list, in a new version of the draft")
            }
            Self::OlderDefinition { definition, .. } => {
                write!(f, "its older content {definition} is taken, in a new version of the draft")
            }
        }
    }
}

/// What became of repairs, by the findings they were for.
#[derive(Default)]
pub(super) struct Outcomes {
    pub(super) done: Vec<usize>,
    /// With the reason why each could not be done.
    pub(super) failed: Vec<(usize, String)>,
}

/// Carries repairs out. One that the store refuses keeps no other from being done.
pub(super) fn carry_out(
    runtime: &ModulestoreRuntime,
    docs: &dyn DocumentWrites,
    repairs: &HashMap<usize, Repair>,
    now: DateTime<Utc>,
) -> Result<Outcomes, RuntimeError> {
    let mut outcomes = Outcomes::default();
    let mut drafts: BTreeMap<&ContextKey, Vec<(usize, &Repair)>> = BTreeMap::new();
    let mut put_back = HashSet::new();
    let mut all: Vec<_> = repairs.iter().map(|(at, repair)| (*at, repair)).collect();
    all.sort_by_key(|(at, _)| *at);
    for (at, repair) in all {
        match repair {
            // One document may be missing in several places.
            Repair::PutBack { kind, id } => {
                if put_back.contains(&(*kind, *id)) || docs.put_back(*kind, &[*id])? > 0 {
                    put_back.insert((*kind, *id));
                    outcomes.done.push(at);
                }
            }
            Repair::Mend(leftover) => match docs.mend(leftover) {
                Ok(true) => outcomes.done.push(at),
                // Somebody else was there first.
                Ok(false) => {}
                Err(RuntimeError::ReadOnly) => return Err(RuntimeError::ReadOnly),
                Err(error) => outcomes.failed.push((at, error.to_string())),
            },
            Repair::WithoutChild { context, .. } | Repair::OlderDefinition { context, .. } => {
                drafts.entry(context).or_default().push((at, repair));
            }
        }
    }
    let options = BulkOptions { message: "Repaired by fsck".into(), ..BulkOptions::default() };
    for (context, repairs) in drafts {
        let reader = runtime.reader(docs, context);
        let mut bulk = match Bulk::begin(docs, reader, &options, now) {
            // What cannot be read of one context keeps no other from being repaired.
            Err(error) if error.is_damage() => {
                outcomes.failed.extend(repairs.iter().map(|(at, _)| (*at, error.to_string())));
                continue;
            }
            begun => begun?,
        };
        for (at, repair) in repairs {
            let repaired = match repair {
                Repair::WithoutChild { parent, child, .. } => bulk.drop_child(parent, child),
                Repair::OlderDefinition { key, definition, .. } => bulk.set_definition(key, *definition),
                Repair::PutBack { .. } | Repair::Mend(_) => continue,
            };
            match repaired {
                Ok(()) => outcomes.done.push(at),
                Err(error) if error.is_damage() => outcomes.failed.push((at, error.to_string())),
                Err(error) => return Err(error),
            }
        }
        bulk.finish()?;
    }
    Ok(outcomes)
}
