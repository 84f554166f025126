//! Rows that a database does not take, named: another one compares names otherwise, and has columns of another length.

use uuid::Uuid;

use super::value::Cell;
use super::{Connection, DatabaseError};
use crate::error::BlockstoreError;
use crate::rows::RowId;

type Result<T> = std::result::Result<T, BlockstoreError>;

/// By what servers say that it is the values of a row that they do not take: null, out of range, cut off, of another character
/// set, a date that is none, too long, too long a row, too large a packet, a reference to nothing, and a broken condition.
const VALUES: [u16; 11] = [1048, 1264, 1265, 1366, 1292, 1406, 1118, 1153, 1452, 3819, 4025];

/// Characters of a value that are told.
const TOLD: usize = 60;

/// Says why a server does not take the values of a row, where that is what it says.
pub(super) fn reason(error: &BlockstoreError) -> Option<&str> {
    let BlockstoreError::Database { source, .. } = error else { return None };
    match source {
        DatabaseError::Duplicate { reason, .. } => Some(reason),
        DatabaseError::Server { code, reason, .. } if VALUES.contains(code) => Some(reason),
        _ => None,
    }
}

/// Names the row of which a server says that it does not take it; other errors stay as they are.
pub(crate) fn refused(
    error: BlockstoreError,
    table: &'static str,
    row: impl Into<String>,
) -> BlockstoreError {
    match reason(&error) {
        Some(reason) => {
            let reason = reason.to_owned();
            BlockstoreError::RowRefused { table, row: row.into(), reason }
        }
        None => error,
    }
}

/// Refuses a draft whose name the database takes for that of another draft of the bundle, and names both.
pub(crate) fn find_same_draft(db: &Connection, bundle_id: RowId, bundle: Uuid, name: &str) -> Result<()> {
    let sql = "SELECT name FROM bundles_draft WHERE bundle_id = ?1 AND name = ?2";
    let other = db.one("finding a draft", sql, (bundle_id, name), |row| row.get::<String>(0))?;
    match other {
        None => Ok(()),
        Some(other) => Err(BlockstoreError::RowRefused {
            table: "bundles_draft",
            row: format!("draft {name:?} of bundle {bundle}"),
            reason: format!(
                "the database takes its name for that of draft {other:?} of the same bundle, for it compares without case, accents and \
                 blanks at the end; commit or delete one of them in the store the rows are of"
            ),
        }),
    }
}

/// Names a row that is not taken, by what its columns say.
pub(super) fn refused_row(
    to: &Connection,
    table: &'static str,
    columns: &[&str],
    values: &[Cell<'_>],
    error: BlockstoreError,
) -> BlockstoreError {
    let text = |name: &str| match columns.iter().position(|column| *column == name).map(|at| values[at]) {
        Some(Cell::Text(text) | Cell::Bytes(text)) => Some(String::from_utf8_lossy(text).into_owned()),
        Some(Cell::Int(number)) => Some(number.to_string()),
        _ => None,
    };
    let Some(reason) = reason(&error) else { return error };
    let number = |name: &str| text(name).and_then(|text| text.parse::<RowId>().ok());
    let bundle = match (table, number("bundle_id")) {
        ("bundles_bundle", _) => text("uuid"),
        (_, Some(id)) => to
            .one("finding a bundle", "SELECT uuid FROM bundles_bundle WHERE id = ?1", [id], |row| row.get(0))
            .unwrap_or_default(),
        _ => None,
    };
    let bundle = bundle.and_then(|uuid| Uuid::try_parse(&uuid).ok());
    if let ("bundles_draft", Some(id), Some(bundle), Some(name)) =
        (table, number("bundle_id"), bundle, text("name"))
        && let Err(same) = find_same_draft(to, id, bundle, &name)
    {
        return same;
    }
    let mut row = match number("id") {
        Some(id) => format!("row {id}"),
        None => "a row".to_owned(),
    };
    if let Some(bundle) = bundle {
        row.push_str(&format!(" of bundle {bundle}"));
    }
    // Servers name the column in quotes.
    let column = columns.iter().find(|column| reason.contains(&format!("'{column}'")));
    if let Some((column, value)) = column.and_then(|column| Some((column, text(column)?))) {
        let begin: String = value.chars().take(TOLD).collect();
        row.push_str(&format!(", {column} {begin:?}"));
        if begin.len() < value.len() {
            row.push_str(&format!("... of {} characters", value.chars().count()));
        }
    }
    refused(error, table, row)
}
