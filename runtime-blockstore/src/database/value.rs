//! Values that go into statements and come out of rows, the same for every database.

use std::str;

use mysql::consts::ColumnType;
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

/// One value of a statement or a row, borrowed from where it lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'v> {
    Null,
    Int(i64),
    /// Text as its bytes; rows of a damaged database may hold what is no UTF-8.
    Text(&'v [u8]),
    Bytes(&'v [u8]),
    /// A number with a fraction, a date: kinds that no column of these tables has.
    Other,
}

/// A value on its way from one database to another.
pub(crate) enum OwnedCell {
    Null,
    Int(i64),
    Text(Vec<u8>),
    Bytes(Vec<u8>),
}

impl OwnedCell {
    /// Takes a value of a column that holds text or numbers.
    pub(crate) fn plain(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Null | Cell::Other => Self::Null,
            Cell::Int(number) => Self::Int(number),
            Cell::Text(bytes) | Cell::Bytes(bytes) => Self::Text(bytes.to_vec()),
        }
    }

    /// Returns how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Null | Self::Int(_) => 8,
            Self::Text(bytes) | Self::Bytes(bytes) => bytes.len(),
        }
    }
}

impl ToCell for OwnedCell {
    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Int(number) => Cell::Int(*number),
            Self::Text(text) => Cell::Text(text),
            Self::Bytes(bytes) => Cell::Bytes(bytes),
        }
    }
}

/// A value that is none of the kind its column should have.
#[derive(Debug, thiserror::Error)]
#[error("column {column}: {reason}")]
pub(crate) struct BadValue {
    pub(crate) column: usize,
    pub(crate) reason: String,
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null | Self::Other => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(number),
            Self::Text(text) => ValueRef::Text(text),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl<'v> From<ValueRef<'v>> for Cell<'v> {
    fn from(value: ValueRef<'v>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Int(number),
            ValueRef::Text(text) => Self::Text(text),
            ValueRef::Blob(bytes) => Self::Bytes(bytes),
            ValueRef::Real(_) => Self::Other,
        }
    }
}

/// What may be given to a statement.
pub(crate) trait ToCell {
    fn cell(&self) -> Cell<'_>;
}

impl ToCell for Cell<'_> {
    fn cell(&self) -> Cell<'_> {
        *self
    }
}

impl ToCell for str {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self.as_bytes())
    }
}

impl ToCell for String {
    fn cell(&self) -> Cell<'_> {
        Cell::Text(self.as_bytes())
    }
}

impl ToCell for Vec<u8> {
    fn cell(&self) -> Cell<'_> {
        Cell::Bytes(self)
    }
}

impl ToCell for i64 {
    fn cell(&self) -> Cell<'_> {
        Cell::Int(*self)
    }
}

impl ToCell for u32 {
    fn cell(&self) -> Cell<'_> {
        Cell::Int(i64::from(*self))
    }
}

impl ToCell for bool {
    fn cell(&self) -> Cell<'_> {
        Cell::Int(i64::from(*self))
    }
}

impl<T: ToCell> ToCell for Option<T> {
    fn cell(&self) -> Cell<'_> {
        self.as_ref().map_or(Cell::Null, ToCell::cell)
    }
}

impl<T: ToCell + ?Sized> ToCell for &T {
    fn cell(&self) -> Cell<'_> {
        (**self).cell()
    }
}

/// The values of a statement's parameters `?1`, `?2` and so on.
pub(crate) trait Params {
    fn with<R>(&self, job: impl FnOnce(&[Cell<'_>]) -> R) -> R;
}

impl Params for () {
    fn with<R>(&self, job: impl FnOnce(&[Cell<'_>]) -> R) -> R {
        job(&[])
    }
}

impl<P: Params> Params for &P {
    fn with<R>(&self, job: impl FnOnce(&[Cell<'_>]) -> R) -> R {
        (**self).with(job)
    }
}

impl<T: ToCell> Params for Vec<T> {
    fn with<R>(&self, job: impl FnOnce(&[Cell<'_>]) -> R) -> R {
        job(&self.iter().map(ToCell::cell).collect::<Vec<_>>())
    }
}

impl<T: ToCell, const N: usize> Params for [T; N] {
    fn with<R>(&self, job: impl FnOnce(&[Cell<'_>]) -> R) -> R {
        job(&self.each_ref().map(ToCell::cell))
    }
}

macro_rules! tuples_are_params {
    ($(($($name:ident $at:tt),+);)+) => {$(
        impl<$($name: ToCell),+> Params for ($($name,)+) {
            fn with<R>(&self, job: impl FnOnce(&[Cell<'_>]) -> R) -> R {
                job(&[$(self.$at.cell()),+])
            }
        }
    )+};
}

tuples_are_params! {
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
}

/// A kind of value that columns have.
pub(crate) trait FromCell: Sized {
    fn from_cell(cell: Cell<'_>) -> Result<Self, String>;
}

impl FromCell for i64 {
    fn from_cell(cell: Cell<'_>) -> Result<Self, String> {
        match cell {
            Cell::Int(number) => Ok(number),
            other => Err(format!("{} is no number", kind(other))),
        }
    }
}

impl FromCell for u32 {
    fn from_cell(cell: Cell<'_>) -> Result<Self, String> {
        let number = i64::from_cell(cell)?;
        Self::try_from(number).map_err(|_| format!("{number} is no number from 0 on"))
    }
}

impl FromCell for bool {
    fn from_cell(cell: Cell<'_>) -> Result<Self, String> {
        i64::from_cell(cell).map(|number| number != 0)
    }
}

impl FromCell for String {
    fn from_cell(cell: Cell<'_>) -> Result<Self, String> {
        match cell {
            // Columns that compare byte by byte hold text as bytes on MySQL.
            Cell::Text(text) | Cell::Bytes(text) => {
                str::from_utf8(text).map(str::to_owned).map_err(|error| error.to_string())
            }
            other => Err(format!("{} is no text", kind(other))),
        }
    }
}

impl FromCell for Vec<u8> {
    fn from_cell(cell: Cell<'_>) -> Result<Self, String> {
        match cell {
            Cell::Text(bytes) | Cell::Bytes(bytes) => Ok(bytes.to_vec()),
            other => Err(format!("{} is no bytes", kind(other))),
        }
    }
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: Cell<'_>) -> Result<Self, String> {
        match cell {
            Cell::Null => Ok(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}

fn kind(cell: Cell<'_>) -> &'static str {
    match cell {
        Cell::Null => "NULL",
        Cell::Int(_) => "a number",
        Cell::Text(_) => "a text",
        Cell::Bytes(_) => "bytes",
        Cell::Other => "a value of another kind",
    }
}

/// A row of an answer.
pub(crate) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Mysql(&'r mysql::Row),
}

impl Row<'_> {
    /// Returns the value of a column as it lies there.
    pub(crate) fn cell(&self, column: usize) -> Result<Cell<'_>, BadValue> {
        let missing = || BadValue { column, reason: "there is no such column".into() };
        match self {
            Self::Sqlite(row) => row.get_ref(column).map(Cell::from).map_err(|_| missing()),
            Self::Mysql(row) => {
                let value = row.as_ref(column).ok_or_else(missing)?;
                match value {
                    // What is computed of numbers without sign is a decimal number, which comes as text.
                    mysql::Value::Bytes(digits)
                        if row.columns_ref()[column].column_type() == ColumnType::MYSQL_TYPE_NEWDECIMAL =>
                    {
                        let number = str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
                        Ok(number.map_or(Cell::Other, Cell::Int))
                    }
                    value => Ok(from_mysql(value)),
                }
            }
        }
    }

    /// Returns the name of a column.
    pub(super) fn column_name(&self, column: usize) -> String {
        let name = match self {
            Self::Sqlite(row) => row.as_ref().column_name(column).ok().map(str::to_owned),
            Self::Mysql(row) => row.columns_ref().get(column).map(|column| column.name_str().into_owned()),
        };
        name.unwrap_or_else(|| format!("column {column}"))
    }

    /// Returns the value of a column as a kind.
    pub(crate) fn get<T: FromCell>(&self, column: usize) -> Result<T, BadValue> {
        T::from_cell(self.cell(column)?).map_err(|reason| BadValue { column, reason })
    }
}

fn from_mysql(value: &mysql::Value) -> Cell<'_> {
    match value {
        mysql::Value::NULL => Cell::Null,
        mysql::Value::Int(number) => Cell::Int(*number),
        // Larger ones than SQLite has are in no column of these tables.
        mysql::Value::UInt(number) => i64::try_from(*number).map_or(Cell::Other, Cell::Int),
        mysql::Value::Bytes(bytes) => Cell::Text(bytes),
        _ => Cell::Other,
    }
}

/// Makes a value fit for MySQL.
pub(super) fn to_mysql(cell: Cell<'_>) -> mysql::Value {
    match cell {
        Cell::Null | Cell::Other => mysql::Value::NULL,
        Cell::Int(number) => mysql::Value::Int(number),
        Cell::Text(bytes) | Cell::Bytes(bytes) => mysql::Value::Bytes(bytes.to_vec()),
    }
}
