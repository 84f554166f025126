//! Rows of what includes give: how definitions of a bundle name children that are not plainly its own, and where the
//! definitions of those lie.

use uuid::Uuid;
use xblock_core::olx::Include;
use xblock_core::runtime::{EditInfo, IncludeProblem};

use super::tables::{Tables, micros, time_at};
use crate::database::{BadValue, Row};
use crate::digest::Digest;
use crate::error::BlockstoreError;
use crate::rows::{RowId, digest_or_none, number};

type Result<T> = std::result::Result<T, BlockstoreError>;

/// A child of a block whose definition is its own, where the child's is not the one its id names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IncludeRow {
    pub(super) parent: (String, String),
    pub(super) position: usize,
    pub(super) child: (String, String),
    /// The link, none where the definition lies in the same bundle.
    pub(super) link: Option<String>,
    /// Type and folder of the definition, as the include names it.
    pub(super) definition: String,
}

impl IncludeRow {
    /// Returns the include that says this.
    pub(super) fn include(&self) -> Include {
        let (block_type, id) = self.definition.split_once('/').unwrap_or((&self.definition, ""));
        Include {
            link: self.link.clone(),
            block_type: block_type.to_owned(),
            definition_id: id.to_owned(),
            usage: Some(self.child.1.clone()),
        }
    }
}

/// One exact state of a bundle that a link is pinned to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Pinned {
    pub(super) bundle: Uuid,
    pub(super) version: u64,
    pub(super) snapshot: Digest,
}

/// What the index holds of an included block.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IncludedRow {
    /// Where its definition lies; none where that is the same state as its context's.
    pub(super) pinned: Option<Pinned>,
    /// The path of the definition.
    pub(super) path: String,
    /// Digest and size of a definition in another state.
    pub(super) file: Option<(Digest, u64)>,
    pub(super) title: Option<String>,
    pub(super) edit_info: EditInfo,
    pub(super) problem: Option<IncludeProblem>,
}

const INCLUDED: &str =
    "bundle, version, snapshot, path, hash, size, title, edited_on, problem, block_type, block_id";

fn included_at(row: &Row<'_>) -> std::result::Result<IncludedRow, BadValue> {
    let bad = |column, reason: String| BadValue { column, reason };
    let count = |column| Ok(row.get::<Option<i64>>(column)?.map(|n| u64::try_from(n).unwrap_or_default()));
    let bundle: Option<String> = row.get(0)?;
    let bundle =
        bundle.map(|text| Uuid::try_parse(&text).map_err(|error| bad(0, error.to_string()))).transpose()?;
    let pinned = match (bundle, count(1)?, digest_or_none(row, 2)?) {
        (Some(bundle), Some(version), Some(snapshot)) => Some(Pinned { bundle, version, snapshot }),
        _ => None,
    };
    let problem: Option<String> = row.get(8)?;
    Ok(IncludedRow {
        pinned,
        path: row.get(3)?,
        file: digest_or_none(row, 4)?.zip(count(5)?),
        title: row.get(6)?,
        edit_info: EditInfo { edited_on: time_at(row, 7)?, edited_by: None },
        problem: problem
            .map(|text| serde_json::from_str(&text).map_err(|error| bad(8, error.to_string())))
            .transpose()?,
    })
}

impl Tables<'_> {
    /// Writes how a block's definition names its children, as far as they are not plainly its own; returns whether that
    /// differs from what was written of it before.
    pub(super) fn put_includes(
        &self,
        state: RowId,
        parent: (&str, &str),
        includes: &[IncludeRow],
    ) -> Result<bool> {
        if self.includes_of(state, parent)? == includes {
            return Ok(false);
        }
        self.run(
            "forgetting includes",
            "DELETE FROM {home}.xblock_include WHERE state_id = ?1 AND parent_type = ?2 AND parent_id = ?3",
            (state, parent.0, parent.1),
        )?;
        self.insert_includes(state, includes)?;
        Ok(true)
    }

    /// Adds includes to a state.
    pub(super) fn insert_includes(&self, state: RowId, includes: &[IncludeRow]) -> Result<()> {
        let rows = includes.iter().map(|row| {
            let (parent, child, position) = (&row.parent, &row.child, number(row.position as u64));
            (state, &parent.0, &parent.1, position, &child.0, &child.1, &row.link, &row.definition)
        });
        let into = "INSERT INTO {home}.xblock_include \
                    (state_id, parent_type, parent_id, position, child_type, child_id, link, definition)";
        self.insert("writing includes", into, rows)
    }

    /// Forgets all includes of a state.
    pub(super) fn clear_includes(&self, state: RowId) -> Result<()> {
        let sql = "DELETE FROM {home}.xblock_include WHERE state_id = ?1";
        self.run("forgetting includes", sql, [state]).map(drop)
    }

    /// Says whether a state has definitions that are used under a second name.
    pub(super) fn has_aliases(&self, state: RowId) -> Result<bool> {
        let sql = "SELECT 1 FROM {home}.xblock_include WHERE state_id = ?1 AND link IS NULL LIMIT 1";
        self.one("looking for includes", sql, [state], |_| Ok(())).map(|found| found.is_some())
    }

    pub(super) fn includes_of(&self, state: RowId, parent: (&str, &str)) -> Result<Vec<IncludeRow>> {
        self.all(
            "reading includes",
            "SELECT parent_type, parent_id, position, child_type, child_id, link, definition \
             FROM {home}.xblock_include WHERE state_id = ?1 AND parent_type = ?2 AND parent_id = ?3 \
             ORDER BY position",
            (state, parent.0, parent.1),
            include_at,
        )
    }

    /// Finds how some block's definition names a child.
    pub(super) fn include_of(&self, state: RowId, child: (&str, &str)) -> Result<Option<IncludeRow>> {
        self.one(
            "reading includes",
            "SELECT parent_type, parent_id, position, child_type, child_id, link, definition \
             FROM {home}.xblock_include WHERE state_id = ?1 AND child_type = ?2 AND child_id = ?3 \
             ORDER BY parent_type, parent_id, position LIMIT 1",
            (state, child.0, child.1),
            include_at,
        )
    }

    /// Lists all includes of a state, by parent and place.
    pub(super) fn includes(&self, state: RowId) -> Result<Vec<IncludeRow>> {
        self.all(
            "reading includes",
            "SELECT parent_type, parent_id, position, child_type, child_id, link, definition \
             FROM {home}.xblock_include WHERE state_id = ?1 ORDER BY parent_type, parent_id, position",
            [state],
            include_at,
        )
    }

    /// Says whether a state has any includes that are not plain.
    pub(super) fn has_includes(&self, state: RowId) -> Result<bool> {
        let sql = "SELECT 1 FROM {home}.xblock_include WHERE state_id = ?1 LIMIT 1";
        self.one("looking for includes", sql, [state], |_| Ok(())).map(|found| found.is_some())
    }

    pub(super) fn included(&self, state: RowId, block_type: &str, id: &str) -> Result<Option<IncludedRow>> {
        let sql = format!(
            "SELECT {INCLUDED} FROM {{home}}.xblock_included WHERE state_id = ?1 AND block_type = ?2 AND block_id = ?3"
        );
        self.one("finding an included block", &sql, (state, block_type, id), included_at)
    }

    /// Lists the included blocks of a state with their types and ids.
    pub(super) fn all_included(&self, state: RowId) -> Result<Vec<((String, String), IncludedRow)>> {
        let sql = format!("SELECT {INCLUDED} FROM {{home}}.xblock_included WHERE state_id = ?1");
        self.all("listing included blocks", &sql, [state], |row| {
            Ok(((row.get(9)?, row.get(10)?), included_at(row)?))
        })
    }

    pub(super) fn put_included(
        &self,
        state: RowId,
        block_type: &str,
        id: &str,
        row: &IncludedRow,
    ) -> Result<()> {
        let problem = row
            .problem
            .as_ref()
            .map(|problem| serde_json::to_string(problem).expect("a problem is made of texts and numbers"));
        let pinned = row.pinned.as_ref();
        self.run(
            "writing an included block",
            "REPLACE INTO {home}.xblock_included (state_id, block_type, block_id, bundle, version, snapshot, \
             path, hash, size, title, edited_on, problem) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            (
                state,
                block_type,
                id,
                pinned.map(|pinned| pinned.bundle.to_string()),
                pinned.map(|pinned| number(pinned.version)),
                pinned.map(|pinned| pinned.snapshot.to_string()),
                &row.path,
                row.file.map(|(hash, _)| hash.to_string()),
                row.file.map(|(_, size)| number(size)),
                &row.title,
                micros(row.edit_info.edited_on),
                problem,
            ),
        )
        .map(drop)
    }

    /// Forgets what includes of a state give; the children of its own blocks stay.
    pub(super) fn clear_included(&self, state: RowId) -> Result<()> {
        for ((block_type, id), _) in self.all_included(state)? {
            if self.usage(state, &block_type, &id)?.is_none() {
                self.put_children(state, &block_type, &id, std::iter::empty())?;
            }
        }
        let sql = "DELETE FROM {home}.xblock_included WHERE state_id = ?1";
        self.run("forgetting included blocks", sql, [state]).map(drop)
    }
}

fn include_at(row: &Row<'_>) -> std::result::Result<IncludeRow, BadValue> {
    let position: i64 = row.get(2)?;
    Ok(IncludeRow {
        parent: (row.get(0)?, row.get(1)?),
        position: usize::try_from(position).unwrap_or_default(),
        child: (row.get(3)?, row.get(4)?),
        link: row.get(5)?,
        definition: row.get(6)?,
    })
}
