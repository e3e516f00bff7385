//! Lookup tables: the customer's own CSV data sets, as scripts see them.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{Dynamic, Engine, ImmutableString};

/// The tables of one run, by name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tables(Arc<BTreeMap<String, Table>>);

/// One table. The first column is the key. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Table(Arc<Parsed>);

#[derive(Debug)]
struct Parsed {
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
    #[error(
        "the table `{name}` has {found} {what}, at most {limit} are allowed: split the data set or leave columns out"
    )]
    TooLarge {
        /// The table.
        name: String,
        /// `bytes`, `rows` or `columns`.
        what: &'static str,
        /// How many there are, or how many were read before reading stopped.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The text is not CSV, or a row has more or fewer cells than the header.
    #[error("the table `{name}` cannot be read: {reason}")]
    NotCsv {
        /// The table.
        name: String,
        /// Where and why.
        reason: String,
    },
    /// The header lacks a second column, or names one twice or not at all.
    #[error(
        "the header of the table `{name}` {reason}: the first line names the key and at least one other column"
    )]
    Header {
        /// The table.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two rows have the same key, or a row has none.
    #[error(
        "line {line} of the table `{name}` {reason}: each row needs a key of its own, and case does not tell keys apart"
    )]
    Key {
        /// The table.
        name: String,
        /// The line, from one.
        line: u64,
        /// What is wrong with the key.
        reason: String,
    },
}

impl Tables {
    /// From tables whose names differ. Of two with one name the later stays.
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
    /// Reads a CSV text whose first line names the columns. Separators are commas, or semicolons where the first line
    /// has more of those. White space around cells is taken off, as is a byte order mark.
    pub fn parse(name: &str, csv: &str, limits: TableLimits) -> Result<Self, TableError> {
        let too_large =
            |what, found, limit| TableError::TooLarge { name: name.to_owned(), what, found, limit };
        if csv.len() > limits.bytes {
            return Err(too_large("bytes", csv.len(), limits.bytes));
        }
        let csv = csv.strip_prefix('\u{feff}').unwrap_or(csv);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator(csv))
            .trim(csv::Trim::All)
            .from_reader(csv.as_bytes());
        let not_csv = |error: csv::Error| TableError::NotCsv {
            name: name.to_owned(),
            reason: error.to_string(),
        };
        let header = reader.headers().map_err(not_csv)?;
        if header.len() > limits.columns {
            return Err(too_large("columns", header.len(), limits.columns));
        }
        let columns: Vec<String> = header.iter().map(str::to_owned).collect();
        check_header(name, &columns)?;
        let mut rows = BTreeMap::new();
        for record in reader.records() {
            let record = record.map_err(not_csv)?;
            let line = record.position().map_or(0, csv::Position::line);
            if rows.len() >= limits.rows {
                return Err(too_large("rows", rows.len().saturating_add(1), limits.rows));
            }
            let refused = |reason: String| TableError::Key { name: name.to_owned(), line, reason };
            let mut cells = record.iter().map(str::to_owned);
            let key = cells.next().filter(|key| !key.is_empty());
            let key = key.ok_or_else(|| refused("has no key".to_owned()))?;
            if rows.insert(key.to_lowercase(), cells.collect()).is_some() {
                return Err(refused(format!("has the key {key:?} again")));
            }
        }
        Ok(Self(Arc::new(Parsed { name: name.to_owned(), columns, rows })))
    }

    /// The name that scripts use.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The columns, the key first.
    pub fn columns(&self) -> &[String] {
        &self.0.columns
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.0.rows.len()
    }

    /// Whether there is a header alone.
    pub fn is_empty(&self) -> bool {
        self.0.rows.is_empty()
    }

    /// The cells of a row after the key. Keys are compared without regard to case.
    pub fn row(&self, key: &str) -> Option<&[String]> {
        self.0.rows.get(&key.trim().to_lowercase()).map(Vec::as_slice)
    }
}

/// Spreadsheets of many countries write semicolons.
fn separator(csv: &str) -> u8 {
    let first = csv.lines().next().unwrap_or_default();
    if first.matches(';').count() > first.matches(',').count() { b';' } else { b',' }
}

fn check_header(name: &str, columns: &[String]) -> Result<(), TableError> {
    let refused = |reason: String| Err(TableError::Header { name: name.to_owned(), reason });
    if columns.len() < 2 {
        return refused("has fewer than two columns".to_owned());
    }
    let mut seen = std::collections::BTreeSet::new();
    for column in columns {
        if column.is_empty() {
            return refused("has a column without a name".to_owned());
        }
        if !seen.insert(column.to_lowercase()) {
            return refused(format!("names {column:?} twice"));
        }
    }
    Ok(())
}

/// Gives the type its index: `table["key"]`, and `table.len`.
pub(super) fn register(engine: &mut Engine) {
    let row = |table: &mut Table, key: ImmutableString| super::lookup::row_of(table, &key);
    let numbered =
        |table: &mut Table, key: i64| -> Dynamic { super::lookup::row_of(table, &key.to_string()) };
    engine
        .register_type_with_name::<Table>("table")
        .register_indexer_get(row)
        .register_indexer_get(numbered)
        .register_get("len", |table: &mut Table| i64::try_from(table.len()).unwrap_or(i64::MAX));
}

#[cfg(test)]
mod tests {
    use super::{Table, TableError, TableLimits};

    fn parse(csv: &str) -> Result<Table, TableError> {
        Table::parse("departments", csv, TableLimits { bytes: 200, rows: 3, columns: 3 })
    }

    #[test]
    fn keys_are_found_without_regard_to_case_and_outer_spaces() {
        let table = parse("\u{feff}code;name\r\nA1 ; Sales, EMEA\r\n").unwrap();
        assert_eq!(table.row(" a1").unwrap(), ["Sales, EMEA"]);
        assert_eq!(table.columns(), ["code", "name"]);
        assert!(table.row("a2").is_none());
    }

    #[test]
    fn a_data_set_over_a_limit_is_refused_with_the_limit() {
        let rows = parse("k,v\n1,a\n2,b\n3,c\n4,d\n").unwrap_err();
        assert!(matches!(rows, TableError::TooLarge { what: "rows", limit: 3, .. }), "{rows}");
        let columns = parse("k,a,b,c\n").unwrap_err();
        assert!(
            matches!(columns, TableError::TooLarge { what: "columns", found: 4, .. }),
            "{columns}"
        );
        let bytes = parse(&"x".repeat(201)).unwrap_err();
        assert!(matches!(bytes, TableError::TooLarge { what: "bytes", found: 201, .. }), "{bytes}");
    }

    #[test]
    fn a_faulty_data_set_names_the_line_and_the_reason() {
        let cases = [
            ("k,v\n1,a\n1,b\n", "line 3 of the table `departments` has the key \"1\" again"),
            ("k,v\nx,1\nX,b\n", "line 3"),
            ("k,v\n,b\n", "line 2 of the table `departments` has no key"),
            ("k,v\n1,a,b\n", "line: 2"),
            ("k\n1\n", "fewer than two columns"),
            ("k,V,v\n", "names \"v\" twice"),
            ("k,\n", "without a name"),
            ("", "fewer than two columns"),
        ];
        for (csv, expected) in cases {
            let message = parse(csv).unwrap_err().to_string();
            assert!(message.contains(expected), "{csv:?}: {message}");
        }
    }
}
