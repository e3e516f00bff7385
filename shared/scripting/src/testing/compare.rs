//! Compares what was expected with what came.

use serde::Serialize;
use serde_json::Value;

use crate::diagnostic::printable;

/// One place where the two differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Where: `attributes.displayName`, `notices.0.subject`.
    pub place: String,
    /// What the test expects.
    pub expected: Value,
    /// What came; `null` for nothing.
    pub got: Value,
}

impl Difference {
    pub(super) fn render(&self) -> String {
        format!(
            "          {}\n            - expected  {}\n            + got       {}\n",
            printable(&self.place),
            shown(&self.expected),
            shown(&self.got)
        )
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        other => printable(&other.to_string()),
    }
}

/// Everything that is expected and did not come. What is not mentioned may be anything; a key of
/// `attributes` with `"absent"` must not be there; texts that begin and end with `…` need only
/// contain what stands between. An end that nobody expects (an error, a parked or skipped user) is
/// always a difference, and the first: it explains the others.
pub(super) fn compare(expected: &Value, got: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    if !ENDS.iter().any(|end| expected.get(end).is_some())
        && let Some(end) = ENDS.iter().find(|end| got.get(end).is_some())
    {
        let mut words = got.get(end).map(plain).unwrap_or_default();
        if let (Some(line), Some(message)) = (got.get("line"), got.get("message")) {
            words = format!("{words} in line {line}: {}", plain(message));
        }
        let place = (*end).to_owned();
        found.push(Difference { place, expected: Value::Null, got: words.into() });
    }
    inside("", expected, got, &mut found);
    found
}

/// The ways in which a call ends early.
const ENDS: [&str; 3] = ["error", "parked", "skipped"];

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn inside(place: &str, expected: &Value, got: &Value, found: &mut Vec<Difference>) {
    let under = |key: &str| {
        if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
    };
    match (expected, got) {
        (Value::Object(wanted), Value::Object(present)) => {
            for (key, value) in wanted {
                inside(&under(key), value, present.get(key).unwrap_or(&Value::Null), found);
            }
        }
        (Value::Array(wanted), Value::Array(present)) if wanted.len() == present.len() => {
            for (at, (value, other)) in wanted.iter().zip(present).enumerate() {
                inside(&under(&at.to_string()), value, other, found);
            }
        }
        (expected, got) => {
            if !same(expected, got) {
                found.push(Difference {
                    place: place.to_owned(),
                    expected: expected.clone(),
                    got: got.clone(),
                });
            }
        }
    }
}

fn same(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::String(wanted), Value::Null) => wanted == "absent",
        (Value::String(wanted), Value::String(text)) => {
            let part = wanted.strip_prefix('…').and_then(|rest| rest.strip_suffix('…'));
            part.map_or(wanted == text, |part| text.contains(part))
        }
        (expected, got) => expected == got,
    }
}
