//! What includes give: followed from the bundle of a context through its links, and kept in the index.
//!
//! A link is pinned to one snapshot, which never changes. So what a state includes depends on the state alone, and is found
//! out when the state is indexed, not when a block is read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use uuid::Uuid;
use xblock_core::keys::{ContextKey, UsageKey};
use xblock_core::olx::Include;
use xblock_core::runtime::{Branch, EditInfo, IncludeProblem, MOST_PLACES, RuntimeError};

use super::BlockstoreRuntime;
use super::conventions::{Conventions, ReadNaming};
use super::definitions::{Parsed, Reader, Source};
use super::included::{IncludeRow, IncludedRow, Pinned};
use super::refresh::own_children;
use super::view::View;
use crate::database::Connection;
use crate::document::{Link, Snapshot};
use crate::error::BlockstoreError;
use crate::rows::{self, RowId};

/// Deepest nesting followed; hints and prefixes can make a few files include without end.
const DEEPEST: usize = 100;

type Links = BTreeMap<String, Link>;

/// What includes of a state give.
pub(super) type Included = BTreeMap<UsageKey, IncludedBlock>;

/// A block that an include gives.
pub(super) struct IncludedBlock {
    pub(super) row: IncludedRow,
    pub(super) children: Vec<UsageKey>,
}

/// Follows includes into other bundles.
struct Follow<'r> {
    runtime: &'r BlockstoreRuntime,
    db: &'r Connection,
    key: &'r ContextKey,
    conventions: &'r Conventions,
    /// The bundle of the context.
    own: Uuid,
    found: Included,
    /// The definitions that are being read, outermost first.
    above: Vec<(Pinned, String)>,
    /// How many usages a definition gives, with all it includes.
    sizes: HashMap<(Pinned, String), usize>,
}

/// Tells which children of a definition of its own a context names in other words than its own.
pub(super) fn include_rows(
    conventions: &Conventions,
    own: Uuid,
    parent: &UsageKey,
    includes: &[Include],
) -> Vec<IncludeRow> {
    let naming = ReadNaming::new(conventions, parent, own, own);
    let mut rows = Vec::new();
    for (position, include) in includes.iter().enumerate() {
        use xblock_core::olx::ChildNaming as _;
        let Ok(child) = naming.usage_of(include) else { continue };
        let (block_type, id) = (child.block_type(), child.block_id());
        if include.link.is_none() && conventions.path(block_type, id) == include.path() {
            continue;
        }
        rows.push(IncludeRow {
            parent: (parent.block_type().to_owned(), parent.block_id().to_owned()),
            position,
            child: (block_type.to_owned(), id.to_owned()),
            link: include.link.clone(),
            definition: format!("{}/{}", include.block_type, include.definition_id),
        });
    }
    rows
}

fn nowhere(path: String) -> IncludedRow {
    IncludedRow { pinned: None, path, file: None, title: None, edit_info: EditInfo::default(), problem: None }
}

impl Follow<'_> {
    fn put(&mut self, usage: UsageKey, row: IncludedRow, children: Vec<UsageKey>) {
        self.found.insert(usage, IncludedBlock { row, children });
    }

    /// Notes an include that leads nowhere; where another one gives a block of the same key, that is read.
    fn broken(&mut self, usage: UsageKey, path: String, pinned: Option<Pinned>, problem: IncludeProblem) {
        if self.found.get(&usage).is_some_and(|known| known.row.problem.is_none()) {
            return;
        }
        let row = IncludedRow { pinned, problem: Some(problem), ..nowhere(path) };
        self.put(usage, row, Vec::new());
    }

    /// Takes an include of a definition into account whose state has these links; without a link the child lies where its
    /// parent does, which is `here`.
    fn include(
        &mut self,
        usage: UsageKey,
        include: &Include,
        here: Option<(&Pinned, &Arc<Snapshot>)>,
        links: &Links,
    ) -> Result<(), BlockstoreError> {
        let path = include.path();
        let (pinned, snapshot) = match (&include.link, here) {
            (None, None) => {
                self.put(usage, nowhere(path), Vec::new());
                return Ok(());
            }
            (None, Some((pinned, snapshot))) => (pinned.clone(), snapshot.clone()),
            (Some(name), _) => {
                let Some(link) = links.get(name) else {
                    self.broken(usage, path, None, IncludeProblem::NoLink { name: name.clone() });
                    return Ok(());
                };
                let direct = &link.direct;
                let (bundle, snapshot) = (direct.bundle_uuid, direct.snapshot_digest);
                let mut pinned = Pinned { bundle, version: direct.version, snapshot };
                match self.runtime.store.snapshot(bundle, snapshot) {
                    Ok(found) => {
                        if pinned.version == 0 {
                            pinned.version =
                                rows::version_of_snapshot(self.db, bundle, snapshot)?.unwrap_or(0);
                        }
                        (pinned, found)
                    }
                    Err(BlockstoreError::Missing { place: reason }) => {
                        let reason = format!("{reason} is missing");
                        return self.no_version(usage, path, pinned, reason);
                    }
                    Err(BlockstoreError::Corrupt { reason, .. }) => {
                        return self.no_version(usage, path, pinned, reason);
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        self.enter(usage, path, &pinned, &snapshot)
    }

    fn no_version(
        &mut self,
        usage: UsageKey,
        path: String,
        pinned: Pinned,
        reason: String,
    ) -> Result<(), BlockstoreError> {
        let problem =
            IncludeProblem::NoVersion { bundle: pinned.bundle.to_string(), version: pinned.version, reason };
        self.broken(usage, path, Some(pinned), problem);
        Ok(())
    }

    /// Says whether an include of the context's own would give more usages than there is room for; found out before any of
    /// them is made.
    fn is_too_many(
        &mut self,
        path: &str,
        pinned: &Pinned,
        snapshot: &Arc<Snapshot>,
    ) -> Result<bool, BlockstoreError> {
        if !self.above.is_empty() {
            return Ok(false);
        }
        Ok(self.size(path, pinned, snapshot, &mut Vec::new())? > MOST_PLACES - self.found.len())
    }

    /// Counts the usages a definition gives, reading each definition once. What cannot be followed counts as one.
    fn size(
        &mut self,
        path: &str,
        pinned: &Pinned,
        snapshot: &Arc<Snapshot>,
        above: &mut Vec<(Pinned, String)>,
    ) -> Result<usize, BlockstoreError> {
        let place = (pinned.clone(), path.to_owned());
        if let Some(known) = self.sizes.get(&place) {
            return Ok(*known);
        }
        let (Some(record), Some((block_type, id))) = (
            snapshot.files.get(path),
            path.strip_suffix("/definition.xml").and_then(|at| at.split_once('/')),
        ) else {
            return Ok(1);
        };
        if above.len() >= DEEPEST || above.contains(&place) {
            return Ok(1);
        }
        let source = Source { bundle: pinned.bundle, draft: None };
        let reader = Reader { conventions: self.conventions, context: self.own, source };
        let Ok(usage) = self.key.make_usage_key(block_type, id) else { return Ok(1) };
        let Ok(parsed) = self.runtime.read_at(&reader, &usage, path, record.hash, record.size) else {
            return Ok(1);
        };
        above.push(place);
        let mut size: usize = 1;
        let mut seen = BTreeSet::new();
        for (include, child) in parsed.includes.iter().zip(&parsed.data.children) {
            if !seen.insert(child) {
                continue;
            }
            let below = match &include.link {
                None => self.size(&include.path(), pinned, snapshot, above)?,
                Some(name) => match snapshot.links.get(name).map(|link| &link.direct) {
                    None => 1,
                    Some(direct) => {
                        match self.runtime.store.snapshot(direct.bundle_uuid, direct.snapshot_digest) {
                            Ok(found) => {
                                let pinned = Pinned {
                                    bundle: direct.bundle_uuid,
                                    version: direct.version,
                                    snapshot: direct.snapshot_digest,
                                };
                                self.size(&include.path(), &pinned, &found, above)?
                            }
                            Err(BlockstoreError::Missing { .. } | BlockstoreError::Corrupt { .. }) => 1,
                            Err(error) => return Err(error),
                        }
                    }
                },
            };
            size = size.saturating_add(below);
        }
        if let Some(place) = above.pop() {
            self.sizes.insert(place, size);
        }
        Ok(size)
    }

    /// Reads a definition in a pinned snapshot, and what it includes.
    fn enter(
        &mut self,
        usage: UsageKey,
        path: String,
        pinned: &Pinned,
        snapshot: &Arc<Snapshot>,
    ) -> Result<(), BlockstoreError> {
        let bundle = || pinned.bundle.to_string();
        if let Some(known) = self.found.get(&usage)
            && (known.row.pinned.as_ref(), &known.row.path) == (Some(pinned), &path)
        {
            return Ok(());
        }
        let problem = if self.above.iter().any(|(state, above)| state == pinned && *above == path) {
            Some(IncludeProblem::Cycle { bundle: bundle(), path: path.clone() })
        } else if self.above.len() >= DEEPEST
            || self.found.len() >= MOST_PLACES
            || self.is_too_many(&path, pinned, snapshot)?
        {
            Some(IncludeProblem::TooMany)
        } else {
            None
        };
        let record = snapshot.files.get(&path);
        let problem = problem.or_else(|| {
            record.is_none().then(|| IncludeProblem::NoDefinition {
                bundle: bundle(),
                version: pinned.version,
                path: path.clone(),
            })
        });
        let (None, Some(record)) = (&problem, record) else {
            let problem = problem.unwrap_or(IncludeProblem::TooMany);
            self.broken(usage, path, Some(pinned.clone()), problem);
            return Ok(());
        };
        let mut row = IncludedRow {
            pinned: Some(pinned.clone()),
            file: Some((record.hash, record.size)),
            edit_info: EditInfo { edited_on: snapshot.created(), edited_by: None },
            ..nowhere(path.clone())
        };
        let reader = Reader {
            conventions: self.conventions,
            context: self.own,
            source: Source { bundle: pinned.bundle, draft: None },
        };
        // What cannot be read includes nothing; reading the block itself tells what is wrong.
        let Ok(parsed) = self.runtime.read_at(&reader, &usage, &path, record.hash, record.size) else {
            self.put(usage, row, Vec::new());
            return Ok(());
        };
        row.title = parsed.data.display_name().map(str::to_owned);
        self.put(usage.clone(), row, parsed.data.children.clone());
        self.above.push((pinned.clone(), path));
        let Parsed { data, includes } = parsed;
        let outcome = includes.iter().zip(&data.children).try_for_each(|(include, child)| {
            self.include(child.clone(), include, Some((pinned, snapshot)), &snapshot.links)
        });
        self.above.pop();
        outcome
    }
}

impl BlockstoreRuntime {
    /// Finds out what the includes of a state give.
    pub(super) fn follow_includes(
        &self,
        view: &View<'_>,
        rows: &[IncludeRow],
        links: &Links,
    ) -> Result<Included, RuntimeError> {
        let mut follow = Follow {
            runtime: self,
            db: view.tables.db,
            key: &view.key,
            conventions: &view.conventions,
            own: view.row.bundle,
            found: BTreeMap::new(),
            above: Vec::new(),
            sizes: HashMap::new(),
        };
        for row in rows {
            let usage = view.usage(&row.child.0, &row.child.1)?;
            follow.include(usage, &row.include(), None, links)?;
        }
        Ok(follow.found)
    }

    /// Writes the rows of what the includes of a state give anew.
    pub(super) fn index_includes(
        &self,
        view: &View<'_>,
        state: RowId,
        links: &Links,
    ) -> Result<(), RuntimeError> {
        let tables = &view.tables;
        tables.clear_included(state)?;
        let rows = tables.includes(state)?;
        for (usage, block) in self.follow_includes(view, &rows, links)? {
            let (block_type, id) = (usage.block_type(), usage.block_id());
            let IncludedBlock { row, mut children } = block;
            if row.pinned.is_none()
                && row.problem.is_none()
                && let Some((own_type, own_id)) = view.conventions.block_at(&row.path)
            {
                // The same definition under another name has the same children.
                children = view.children(state, &own_type, &own_id)?;
            }
            tables.put_included(state, block_type, id, &row)?;
            if tables.usage(state, block_type, id)?.is_none() {
                tables.put_children(state, block_type, id, own_children(&view.key, &children))?;
            }
        }
        Ok(())
    }

    /// Returns the links of a branch.
    pub(super) fn links_of(&self, view: &View<'_>, branch: Branch) -> Result<Links, RuntimeError> {
        let row = &view.row;
        if let (Branch::Draft, Some(draft)) = (branch, row.draft) {
            let (document, _) = self.store.draft_now(view.tables.db, draft)?;
            let base =
                document.base_snapshot.map(|base| self.store.snapshot(row.bundle, base)).transpose()?;
            return Ok(document.composed_links(base.as_deref()));
        }
        match row.latest {
            Some((_, digest)) => Ok(self.store.snapshot(row.bundle, digest)?.links.clone()),
            None => Ok(Links::new()),
        }
    }
}
