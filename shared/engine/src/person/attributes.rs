//! A person's attributes as scripts see them, read through both of the tenant's interfaces.

use model::Stored;
use scripting::{AttributeSpec, AttributeValue, Attributes, Kind, schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenant::{exchange::Recipient, graph::GraphUser};

/// A source user as scripts see him, as discovery has kept him.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceEntry {
    /// The attributes that are set.
    pub attributes: Attributes,
}

impl Stored for SourceEntry {
    const KIND: &'static str = "source directory entry";
}

/// The attributes of a directory user, and of its recipient where Exchange knows more.
pub fn attributes_of(user: &GraphUser, recipient: Option<&Recipient>) -> Attributes {
    let mut all = Attributes::new();
    let Ok(whole) = serde_json::to_value(user) else { return all };
    for spec in schema() {
        let found =
            spec.graph.and_then(|path| at(&whole, path)).and_then(|value| typed(spec, value));
        if let Some(value) = found {
            all.set(spec.name, value);
        }
    }
    let Some(recipient) = recipient else { return all };
    if !recipient.email_addresses.is_empty() {
        let texts: Vec<String> =
            recipient.email_addresses.iter().map(ToString::to_string).collect();
        all.set("proxyAddresses", texts);
    }
    for (number, text) in &recipient.custom_attributes {
        all.set(&format!("extensionAttribute{number}"), text.as_str());
    }
    all
}

/// The value at a path such as `onPremisesExtensionAttributes.extensionAttribute1`.
fn at<'v>(whole: &'v Value, path: &str) -> Option<&'v Value> {
    path.split(['.', '/']).try_fold(whole, |value, name| value.get(name))
}

/// A JSON value as the schema's type; empty values are absent.
pub(super) fn typed(spec: &AttributeSpec, value: &Value) -> Option<AttributeValue> {
    match (spec.kind, value) {
        (Kind::Bool, Value::Bool(flag)) => Some(AttributeValue::Bool(*flag)),
        (Kind::Number, Value::Number(number)) => number.as_i64().map(AttributeValue::Number),
        (Kind::Texts, Value::Array(items)) => {
            let texts: Vec<String> =
                items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect();
            (!texts.is_empty()).then_some(AttributeValue::Texts(texts))
        }
        // Graph's businessPhones is a list of at most one; a script's attribute may be one text.
        (Kind::Text | Kind::Link | Kind::Date, Value::Array(items)) => {
            items.first().and_then(Value::as_str).map(AttributeValue::from)
        }
        (_, Value::String(text)) if !text.is_empty() => Some(AttributeValue::from(text.as_str())),
        _ => None,
    }
}
