//! Values as Exchange writes them: each with a sidecar that names its type.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// One object of `value`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    map: Map<String, Value>,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A text; no sidecar.
    pub(crate) fn text(mut self, name: &str, value: impl Into<String>) -> Self {
        self.map.insert(name.to_owned(), Value::String(value.into()));
        self
    }

    /// A text or null.
    pub(crate) fn maybe(mut self, name: &str, value: Option<impl Into<String>>) -> Self {
        let value = value.map_or(Value::Null, |value| Value::String(value.into()));
        self.map.insert(name.to_owned(), value);
        self
    }

    /// A GUID; nil for none, as .NET writes it.
    pub(crate) fn guid(mut self, name: &str, value: Uuid) -> Self {
        self.map.insert(format!("{name}@data.type"), json!("System.Guid"));
        self.map.insert(name.to_owned(), json!(value.to_string()));
        self
    }

    pub(crate) fn date(mut self, name: &str, value: Timestamp) -> Self {
        self.map.insert(format!("{name}@data.type"), json!("System.DateTime"));
        self.map.insert(name.to_owned(), json!(value.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
        self
    }

    pub(crate) fn flag(mut self, name: &str, value: bool) -> Self {
        self.map.insert(format!("{name}@data.type"), json!("System.Boolean"));
        self.map.insert(name.to_owned(), json!(value));
        self
    }

    pub(crate) fn number(mut self, name: &str, value: u64) -> Self {
        self.map.insert(format!("{name}@data.type"), json!("System.Int32"));
        self.map.insert(name.to_owned(), json!(value));
        self
    }

    pub(crate) fn list<S: Into<String>>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = S>,
    ) -> Self {
        let values: Vec<Value> = values.into_iter().map(|v| Value::String(v.into())).collect();
        self.map.insert(format!("{name}@odata.type"), json!("#Collection(String)"));
        self.map.insert(name.to_owned(), Value::Array(values));
        self
    }

    /// A size, `3.322 KB (3,402 bytes)`.
    pub(crate) fn size(self, name: &str, bytes: u64) -> Self {
        self.text(name, size_text(bytes))
    }

    /// A value that is JSON already.
    pub(crate) fn value(mut self, name: &str, value: Value) -> Self {
        self.map.insert(name.to_owned(), value);
        self
    }

    /// The object, reduced to the selected properties.
    pub(crate) fn into_value(self, select: Option<&[String]>) -> Value {
        let Some(names) = select else { return Value::Object(self.map) };
        let wanted = |key: &str| {
            let property = key.split('@').next().unwrap_or(key);
            names.iter().any(|name| name.eq_ignore_ascii_case(property))
        };
        Value::Object(self.map.into_iter().filter(|(key, _)| wanted(key)).collect())
    }
}

/// `0 B (0 bytes)`, `3.322 KB (3,402 bytes)`.
pub(crate) fn size_text(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KB", "MB", "GB"];
    let mut unit = 0_usize;
    let mut scale = 1_u64;
    while unit + 1 < UNITS.len() && bytes / scale >= 1_024 {
        unit += 1;
        scale = scale.saturating_mul(1_024);
    }
    let thousandths = bytes.saturating_mul(1_000) / scale;
    let name = UNITS.get(unit).copied().unwrap_or("B");
    let head = if unit == 0 {
        format!("{bytes} B")
    } else {
        let text = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
        format!("{} {name}", text.trim_end_matches('0').trim_end_matches('.'))
    };
    format!("{head} ({} bytes)", grouped(bytes))
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl Record {
    /// A property's value, its name in any case.
    pub(crate) fn property(&self, name: &str) -> Option<&Value> {
        self.map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}
