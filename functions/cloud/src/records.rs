//! Which kinds of records the functions write, and what each costs: where a price comes from.

use std::collections::BTreeMap;

use catalogue::table::{PARTITION, SORT};
use serde::Serialize;
use serde_json::Value;

/// What was written of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Writes.
    pub writes: u64,
    /// Their items' bytes.
    pub bytes: u64,
    /// Their write units: 1 KiB each, two in a transaction.
    pub units: u64,
}

/// A write unit's bytes.
const UNIT: u64 = 1024;

/// Counts the writes of one request.
pub(crate) fn count(totals: &mut BTreeMap<String, Written>, body: &Value) {
    let parts = body.get("TransactItems").and_then(Value::as_array);
    match parts {
        Some(parts) => {
            for part in parts.iter().filter_map(Value::as_object).flat_map(|part| part.values()) {
                count_one(totals, part, 2);
            }
        }
        None => count_one(totals, body, 1),
    }
}

fn count_one(totals: &mut BTreeMap<String, Written>, part: &Value, price: u64) {
    let item = part.get("Item").or_else(|| part.get("Key"));
    let Some(item) = item.and_then(Value::as_object) else { return };
    let text = |name: &str| {
        item.get(name).and_then(|value| value.get("S")).and_then(Value::as_str).unwrap_or_default()
    };
    let mut bytes: u64 = item.iter().map(|(name, value)| length(name.len(), value)).sum();
    // An update names its new values apart.
    let values = part.get("ExpressionAttributeValues").and_then(Value::as_object);
    if part.get("UpdateExpression").is_some() {
        bytes += values.into_iter().flatten().map(|(_, value)| length(1, value)).sum::<u64>();
    }
    let total = totals.entry(kind(text(PARTITION), text(SORT)).to_owned()).or_default();
    total.writes += 1;
    total.bytes += bytes;
    total.units += bytes.div_ceil(UNIT).max(1) * price;
}

/// Bytes of an attribute as DynamoDB counts them.
fn length(name: usize, value: &Value) -> u64 {
    let text = |kind: &str| value.get(kind).and_then(Value::as_str).map(str::len);
    let value = text("S").or_else(|| text("B").map(|coded| coded / 4 * 3)).or_else(|| text("N"));
    u64::try_from(name + value.unwrap_or_default()).unwrap_or(u64::MAX)
}

/// What a record is, by its keys (`model::Keys`).
fn kind(partition: &str, sort: &str) -> &'static str {
    let tail = partition.rsplit('#').next().unwrap_or_default();
    match (tail, sort.split('#').next().unwrap_or_default()) {
        ("COPY", _) => "copy state",
        ("LIMITS", _) => "budgets and fences",
        ("USAGE" | "HOURS" | "COUNTED", _) => "usage",
        ("DEPLOYMENT", _) => "deployment",
        ("DUE", _) => "due",
        (_, "U") => "user",
        (_, "A") => "job",
        (_, "J") => "job that is over",
        (_, "L") => "journal",
        (_, "M") => "memory",
        (_, "G") => "awaited rights",
        (_, "N") => "notification",
        (_, "X") => "reservation",
        (_, "R" | "W") => "wave",
        _ => "other",
    }
}
