//! The index held against the bundles: it is made anew in memory, and the two are compared.

use std::collections::{BTreeMap, BTreeSet};

use xblock_core::block::Registry;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Branch, Finding, RuntimeError, Severity};

use super::BlockstoreRuntime;
use super::refresh::Twins;
use super::tables::{StateRow, Tables, micros};
use crate::context::LearningContexts;
use crate::database::{Access, Connection};
use crate::error::{BlockstoreError, cannot_be_read};
use crate::rows::{RowId, uuid_at};
use crate::schema::{self, Home};
use crate::store::Blockstore;

/// What a finding is called.
const CODE: &str = "index";

/// What the finding is called that two bundles say they are the same context.
const TWICE: &str = "context_twice";

/// Most rows that a finding names.
const LISTED: usize = 3;

/// The tables of a branch's rows: what names a row, and what it says, but for who edited it, which no bundle knows.
const TABLES: [(&str, &str, &str); 5] = [
    ("xblock_usage", "block_type, block_id", "hash, size, title"),
    ("xblock_include", "parent_type, parent_id, position", "child_type, child_id, link, definition"),
    (
        "xblock_included",
        "block_type, block_id",
        "bundle, version, snapshot, path, hash, size, title, problem",
    ),
    ("xblock_child", "parent_type, parent_id, position", "child_type, child_id"),
    ("xblock_asset", "asset_type, name", "hash, size, attributes"),
];

/// A part of the index that is not what the bundles say.
#[derive(Debug)]
pub struct IndexFault {
    finding: Finding,
    what: Wrong,
}

/// A context's key, and type and id of its root.
type Declared = (String, String, String);

#[derive(Debug)]
enum Wrong {
    /// Which context a bundle is, and what it is by its own word.
    Context(RowId, Option<Declared>),
    /// Two bundles say they are the same context, of which only people can be the judges.
    Twins,
    /// The rows of a context's branch.
    Branch(ContextKey, RowId, Branch),
}

impl From<IndexFault> for Finding {
    fn from(fault: IndexFault) -> Self {
        fault.finding
    }
}

impl IndexFault {
    fn new(place: String, reason: String, what: Wrong) -> Self {
        let repair = Some("the index can be made anew from the bundle".to_owned());
        let severity = Severity::Damage;
        Self { finding: Finding { severity, code: CODE, place, reason, repair, is_repaired: false }, what }
    }
}

impl BlockstoreRuntime {
    /// Holds the index of contexts, usages, children and static files against the bundles.
    ///
    /// Rows of a state that another program has changed since are no fault: whoever reads next makes them anew. What cannot
    /// be read in the bundles themselves is for [`Blockstore::fsck`].
    ///
    /// # Errors
    /// [`RuntimeError::ReadOnly`] where the store is not open for reading only; failures of the medium.
    pub fn check_index(store: Blockstore, registry: Registry) -> Result<Vec<IndexFault>, RuntimeError> {
        if store.db.access() != Access::ReadOnly {
            return Err(RuntimeError::ReadOnly);
        }
        if !store.db.read(schema::has_index)? {
            return Ok(Vec::new());
        }
        let made = Self::new(store, registry, LearningContexts::standard());
        made.index_in_memory()?;
        made.store.db.write_temporary(|db| made.faults(db))
    }

    fn faults(&self, db: &Connection) -> Result<Vec<IndexFault>, RuntimeError> {
        let (kept, made) = (Tables::new(db, Home::Main), Tables::new(db, Home::Temporary));
        // What no key is asked for only notes which contexts there are.
        let twins = self.scan_bundles(&made)?;
        let (said, are) = (contexts(&kept)?, contexts(&made)?);
        let unread: BTreeSet<RowId> = kept.unread_bundles()?.into_iter().map(|(id, ..)| id).collect();
        let mut faults = twins.iter().map(|twins| twice(db, twins)).collect::<Result<Vec<_>, _>>()?;
        let last = said.keys().next_back().copied().unwrap_or_default() - db.late_keys();
        for (bundle, declared) in &are {
            let noted = said.get(bundle);
            let is_told = matches!(noted, Some((Some(_), None)));
            // A bundle nobody has looked at yet will be; one that was told what it is says nothing itself.
            let is_unseen = noted.is_none() && (*bundle > last || unread.contains(bundle));
            if is_unseen || is_told || noted == Some(declared) {
                continue;
            }
            let place = format!("index of bundle number {bundle}");
            let name = |context: Option<&Context>| match context {
                Some((Some(key), Some((block_type, id)))) => format!("{key} with the root {block_type} {id}"),
                Some((Some(key), None)) => key.clone(),
                Some((None, _)) => "no context".to_owned(),
                None => "nothing".to_owned(),
            };
            let reason = format!("it says {}, the bundle {}", name(noted), name(Some(declared)));
            let declared = match declared.clone() {
                (Some(key), Some((block_type, id))) => Some((key, block_type, id)),
                _ => None,
            };
            faults.push(IndexFault::new(place, reason, Wrong::Context(*bundle, declared)));
        }
        for (bundle, context) in &said {
            let (Some(text), root) = context else { continue };
            let Some(key) = self.contexts.read_key(text) else { continue };
            if root.is_none() {
                // It was told what it is, and is that here, too.
                made.adopt(*bundle, text)?;
            } else if are.get(bundle) != Some(context) {
                continue;
            }
            match self.refresh_in(db, &key, &[]) {
                // The documents are damaged, which is found elsewhere.
                Err(error) if cannot_be_read(&error) => continue,
                result => result?,
            }
            for branch in Branch::ALL {
                let (Some(said), Some(is)) = (kept.state(*bundle, branch)?, made.state(*bundle, branch)?)
                else {
                    continue;
                };
                if said.token != is.token {
                    continue;
                }
                if let Some(reason) = differences((&kept, &said), (&made, &is))? {
                    let place = format!("index of {key}, {}", branch.name());
                    faults.push(IndexFault::new(place, reason, Wrong::Branch(key.clone(), *bundle, branch)));
                }
            }
        }
        Ok(faults)
    }

    /// Makes the faulty parts of the index anew; who edited what is kept where the rows tell it rightly.
    ///
    /// # Errors
    /// [`RuntimeError::ReadOnly`], and failures of the medium.
    pub fn mend_index(&self, faults: Vec<IndexFault>) -> Result<Vec<Finding>, RuntimeError> {
        faults
            .into_iter()
            .map(|IndexFault { mut finding, what }| {
                self.store.db.write(|db| match &what {
                    Wrong::Twins => Ok(()),
                    Wrong::Context(bundle, declared) => self.mend_context(db, *bundle, declared.as_ref()),
                    Wrong::Branch(key, bundle, branch) => self.mend_branch(db, key, *bundle, *branch),
                })?;
                finding.is_repaired = !matches!(what, Wrong::Twins);
                Ok(finding)
            })
            .collect()
    }

    fn mend_context(
        &self,
        db: &Connection,
        bundle: RowId,
        declared: Option<&Declared>,
    ) -> Result<(), RuntimeError> {
        let tables = self.tables(db);
        let action = "mending the index of contexts";
        tables.run(action, "DELETE FROM {home}.xblock_bundle WHERE bundle_id = ?1", [bundle])?;
        let names = declared.map(|(key, block_type, id)| (&**key, &**block_type, &**id));
        tables.put_bundle(bundle, names)?;
        // Which children are of the context depends on what it is.
        match declared.and_then(|(key, _, _)| self.contexts.read_key(key)) {
            Some(key) => {
                Branch::ALL.into_iter().try_for_each(|branch| self.mend_branch(db, &key, bundle, branch))
            }
            None => Ok(()),
        }
    }

    fn mend_branch(
        &self,
        db: &Connection,
        key: &ContextKey,
        bundle: RowId,
        branch: Branch,
    ) -> Result<(), RuntimeError> {
        let action = "mending the index of a branch";
        let tables = self.tables(db);
        let Some(before) = tables.state(bundle, branch)? else { return Ok(()) };
        let last = tables.last_change()?;
        tables.run(action, "UPDATE {home}.xblock_state SET token = '' WHERE state_id = ?1", [before.id])?;
        self.refresh_in(db, key, &[branch])?;
        let is_same = tables.state(bundle, branch)?.is_some_and(|now| now.token == before.token);
        if is_same {
            // It is the version it was: who made it is told as before, and nobody is told of it again.
            tables.run(
                action,
                "UPDATE {home}.xblock_state SET previous = ?2, message = ?3, edited_on = ?4, edited_by = ?5 \
                 WHERE state_id = ?1",
                (
                    before.id,
                    &before.previous,
                    &before.message,
                    micros(before.edit_info.edited_on),
                    before.edit_info.edited_by,
                ),
            )?;
            let sql = "DELETE FROM {home}.xblock_change WHERE \"cursor\" > ?1 AND context_key = ?2";
            tables.run(action, sql, (crate::rows::number(last), key.to_string()))?;
        }
        Ok(())
    }
}

/// Names both bundles that say they are the same context.
fn twice(db: &Connection, twins: &Twins) -> Result<IndexFault, BlockstoreError> {
    let uuid = |id: RowId| {
        let sql = "SELECT uuid FROM main.bundles_bundle WHERE id = ?1";
        db.one("finding a bundle", sql, [id], |row| uuid_at(row, 0)).map(Option::unwrap_or_default)
    };
    let (first, second) = (uuid(twins.first)?, uuid(twins.second)?);
    let finding = Finding {
        severity: Severity::Damage,
        code: TWICE,
        place: format!("bundle {second}"),
        reason: format!("it says it is {}, as bundle {first} does, which is served", twins.context),
        repair: Some("delete one of the two bundles".to_owned()),
        is_repaired: false,
    };
    Ok(IndexFault { finding, what: Wrong::Twins })
}

/// A context's key, and its root where the bundle itself names it.
type Context = (Option<String>, Option<(String, String)>);

fn contexts(tables: &Tables<'_>) -> Result<BTreeMap<RowId, Context>, BlockstoreError> {
    let rows = tables.all(
        "listing the index of contexts",
        "SELECT x.bundle_id, x.context_key, x.root_type, x.root_id FROM {home}.xblock_bundle x \
         JOIN main.bundles_bundle b ON b.id = x.bundle_id",
        (),
        |row| {
            let root = row.get::<Option<String>>(2)?.zip(row.get::<Option<String>>(3)?);
            Ok((row.get::<RowId>(0)?, (row.get::<Option<String>>(1)?, root)))
        },
    )?;
    Ok(rows.into_iter().collect())
}

/// Says how the rows of a branch differ from what they should be.
fn differences(
    (kept, said): (&Tables<'_>, &StateRow),
    (made, is): (&Tables<'_>, &StateRow),
) -> Result<Option<String>, BlockstoreError> {
    let mut found = Vec::new();
    for (table, name, content) in TABLES {
        let (said, is) =
            (rows(kept, table, name, content, said.id)?, rows(made, table, name, content, is.id)?);
        for name in said.keys().chain(is.keys().filter(|name| !said.contains_key(*name))) {
            let what = match (said.get(name), is.get(name)) {
                (Some(said), Some(is)) if said == is => continue,
                (Some(_), Some(_)) => "is another",
                (Some(_), None) => "should not be there",
                _ => "is missing",
            };
            found.push(format!("{table} {name} {what}"));
        }
    }
    let more = found.len().saturating_sub(LISTED);
    found.truncate(LISTED);
    Ok((!found.is_empty()).then(|| match more {
        0 => found.join(", "),
        more => format!("{} and {more} more", found.join(", ")),
    }))
}

fn rows(
    tables: &Tables<'_>,
    table: &str,
    name: &str,
    content: &str,
    state: RowId,
) -> Result<BTreeMap<String, String>, BlockstoreError> {
    let rows = tables.all(
        "listing the rows of an index",
        &format!(
            "SELECT concat_ws(' ', {name}), concat_ws(' ', {content}) FROM {{home}}.{table} WHERE state_id = ?1"
        ),
        [state],
        |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)),
    )?;
    Ok(rows.into_iter().collect())
}
