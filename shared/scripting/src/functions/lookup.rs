//! Looking values up in the customer's own tables.

use rhai::{Dynamic, Map};

use super::call::{Answer, Argument, Text, four, three, two};
use super::fault::Fault;
use super::row::{Category, Example, FunctionRow};
use super::table::Table;

/// The functions of this file. The host gives scripts the table itself: `ctx.table("costcentre")`.
pub(super) static ROWS: &[FunctionRow] = &[
    FunctionRow {
        name: "lookup",
        signature: "lookup(table: table, key: text, column_or_default?: any, default?: any) -> any",
        sentence: "The row of a key, or a default. With four arguments one column of it. A table of two columns gives the second, a wider one a map from column to text; `table[key]` does the same and gives `()` for a missing key. Keys are compared without regard to case.",
        category: Category::Lookup,
        entra: None,
        examples: &[
            Example {
                script: r#"lookup(table_of("code,name\n10,Sales"), "10")"#,
                result: r#""Sales""#,
            },
            Example {
                script: r#"lookup(table_of("code,name\n10,Sales"), "11", "none")"#,
                result: r#""none""#,
            },
            Example {
                script: r#"lookup(table_of("code,name,city\n10,Sales,Bonn"), "10", "city", "none")"#,
                result: r#""Bonn""#,
            },
        ],
        register: |engine, name| {
            two(engine, name, |table: Table, key: Text| row_of(&table, &key));
            three(engine, name, |table: Table, key: Text, default: Dynamic| {
                let found = row_of(&table, &key);
                if found.is_unit() { default } else { found }
            });
            four(engine, name, cell);
        },
    },
    FunctionRow {
        name: "has_key",
        signature: "has_key(table: table, key: text) -> bool",
        sentence: "Whether the table has a row of this key, without regard to case.",
        category: Category::Lookup,
        entra: None,
        examples: &[Example {
            script: r#"has_key(table_of("code,name\n10,Sales"), "10")"#,
            result: "true",
        }],
        register: |engine, name| {
            two(engine, name, |table: Table, key: Text| table.row(&key).is_some());
        },
    },
    FunctionRow {
        name: "table_of",
        signature: "table_of(csv: text) -> table",
        sentence: "A small table written in the script itself, as CSV whose first line names the columns. Larger ones are uploaded as data sets: `ctx.table(name)`.",
        category: Category::Lookup,
        entra: None,
        examples: &[Example {
            script: r#"table_of("from,to\na.com,b.com")["A.com"]"#,
            result: r#""b.com""#,
        }],
        register: |engine, name| super::call::one(engine, name, table_of),
    },
];

impl Argument for Table {
    const WANTED: &'static str = "a table";

    fn convert(value: Dynamic) -> Result<Self, Dynamic> {
        value.try_cast_result()
    }
}

/// What a script sees of a row: the second of two columns, or a map from column to text.
pub(super) fn row_of(table: &Table, key: &str) -> Dynamic {
    match table.row(key) {
        None => Dynamic::UNIT,
        Some([only]) => only.clone().into(),
        Some(cells) => {
            let columns = table.columns().iter().skip(1);
            let map: Map = columns
                .zip(cells)
                .map(|(column, cell)| (column.into(), cell.clone().into()))
                .collect();
            map.into()
        }
    }
}

fn cell(table: Table, key: Text, column: Text, default: Dynamic) -> Answer<Dynamic> {
    let index =
        table.columns().iter().skip(1).position(|known| known.eq_ignore_ascii_case(&column));
    let index = index.ok_or_else(|| {
        let known = table.columns().join(", ");
        Fault::Value(format!(
            "the table `{}` has no column `{column}`; it has {known}",
            table.name()
        ))
    })?;
    let found = table.row(&key).and_then(|cells| cells.get(index));
    Ok(found.map_or(default, |cell| cell.clone().into()))
}

fn table_of(csv: Text) -> Answer<Dynamic> {
    let limits = super::TableLimits { bytes: super::limits::TEXT_BYTES, rows: 500, columns: 20 };
    let table = Table::parse("in the script", &csv, limits);
    table.map(Dynamic::from).map_err(|error| Fault::Value(error.to_string()))
}
