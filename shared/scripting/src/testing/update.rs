//! Writes what was observed back into the file of tests, and leaves the rest as it is.

use serde_json::{Map, Value};
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TomlError};

use super::SuiteReport;

pub(super) fn update(text: &str, report: &SuiteReport) -> Result<String, TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let Some(cases) = document.get_mut("case").and_then(Item::as_array_of_tables_mut) else {
        return Ok(text.to_owned());
    };
    for (case, result) in cases.iter_mut().zip(&report.cases) {
        if result.differences.is_empty() && case.contains_key("expect") {
            continue;
        }
        let Some(observed) = result.observed.as_object() else { continue };
        let expect = case.entry("expect").or_insert_with(|| Item::Table(Table::new()));
        match expect.as_table_like_mut() {
            Some(table) if !table.is_empty() && !contradicts(table, observed) => {
                let keys: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
                for key in keys {
                    refresh(table, &key, observed);
                }
            }
            _ => *expect = whole(observed),
        }
    }
    Ok(document.to_string())
}

/// Whether an error is expected where a result came, or the other way round.
fn contradicts(table: &dyn toml_edit::TableLike, observed: &Map<String, Value>) -> bool {
    table.contains_key("error") != observed.contains_key("error")
}

/// One key: the same keys below it where both are tables, else the whole value.
fn refresh(table: &mut dyn toml_edit::TableLike, key: &str, observed: &Map<String, Value>) {
    let Some(value) = observed.get(key) else {
        let absent = table.get(key).and_then(Item::as_str) == Some("absent");
        if !absent {
            table.remove(key);
        }
        return;
    };
    if let (Some(inner), Some(fields)) =
        (table.get_mut(key).and_then(Item::as_table_like_mut), value.as_object())
        && !fields.contains_key("candidates")
        && !fields.contains_key("clear")
        && !inner.contains_key("candidates")
    {
        let keys: Vec<String> = inner.iter().map(|(key, _)| key.to_owned()).collect();
        for key in keys {
            refresh(inner, &key, fields);
        }
        return;
    }
    if let Some(item) = item(value) {
        table.insert(key, item);
    }
}

/// An expectation that states everything but empty lists.
fn whole(observed: &Map<String, Value>) -> Item {
    let mut table = Table::new();
    for (key, value) in observed {
        let empty = value.as_array().is_some_and(Vec::is_empty);
        match (value, item(value)) {
            _ if empty => {}
            (Value::Object(fields), _) => drop(table.insert(key, whole(fields))),
            (Value::Array(items), _) if key == "notices" => {
                let mut notices = ArrayOfTables::new();
                for fields in items.iter().filter_map(Value::as_object) {
                    if let Item::Table(notice) = whole(fields) {
                        notices.push(notice);
                    }
                }
                table.insert(key, Item::ArrayOfTables(notices));
            }
            (_, Some(item)) => drop(table.insert(key, item)),
            (_, None) => {}
        }
    }
    Item::Table(table)
}

fn item(value: &Value) -> Option<Item> {
    plain(value).map(Item::Value)
}

fn plain(value: &Value) -> Option<toml_edit::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => number.as_i64()?.into(),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().filter_map(plain).collect::<Array>().into(),
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(key, value)| Some((key.as_str(), plain(value)?)))
            .collect::<InlineTable>()
            .into(),
    })
}
