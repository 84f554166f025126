//! What the two kinds of databases are asked with: the same statements, with values of the same kinds.

use xblock_core::runtime::RuntimeError;

/// What is, or goes, into a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    /// Times are texts, too, as Django writes them.
    Text(String),
    /// What no column of the table has.
    Other,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

/// A connection to the database with the table, in a transaction or not.
pub(super) trait Statements {
    /// What stands behind a query for rows that are about to be changed.
    fn for_update(&self) -> &'static str;

    /// Returns the rows a query finds.
    fn rows(&mut self, sql: &str, values: &[Cell]) -> Result<Vec<Vec<Cell>>, RuntimeError>;

    /// Changes rows.
    fn execute(&mut self, sql: &str, values: &[Cell]) -> Result<(), RuntimeError>;

    /// Says whether there is a table of this name.
    fn has_table(&mut self, name: &str) -> Result<bool, RuntimeError>;
}
