//! Attributes of a person: names from one schema, values with a type.
//!
//! The names are Microsoft Graph's where Graph has one, else the Exchange parameter's name in
//! camelCase, so that a script reads like both vendors' documents.

mod graph;
mod schema;
mod table;
mod validate;

use std::borrow::{Borrow, Cow};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize};

pub use schema::{AttributeSpec, Format, Kind, Writer, find, schema, schema_hash, suggest};
pub use validate::{Refusal, validate};
pub(crate) use validate::{holds_addresses, is_address};

/// The name of an attribute, as scripts write it: `displayName`, `extensionAttribute5`. Those of the
/// schema are shared, so that copies of a person cost no memory for names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct AttributeName(Cow<'static, str>);

impl AttributeName {
    /// Takes any text as a name; whether the schema knows it is what [`find`] answers.
    pub fn new(name: &str) -> Self {
        Self(find(name).map_or_else(|| Cow::Owned(name.to_owned()), |spec| spec.name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for AttributeName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for AttributeName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<&AttributeSpec> for AttributeName {
    fn from(spec: &AttributeSpec) -> Self {
        Self(spec.name.into())
    }
}

impl<'de> Deserialize<'de> for AttributeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = AttributeName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an attribute")
            }

            fn visit_str<E>(self, name: &str) -> Result<AttributeName, E> {
                Ok(AttributeName::new(name))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// The value of one attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// Yes or no: `accountEnabled`.
    Bool(bool),
    /// A whole number: `seniorityIndex`.
    Number(i64),
    /// One text: most attributes. Dates are RFC 3339 text, links are the other object's id.
    Text(String),
    /// A list of texts: `proxyAddresses`.
    Texts(Vec<String>),
}

/// Its JSON form says which it is, so it is read at once: the derived way reads everything twice, and
/// a preview reads millions.
impl<'de> Deserialize<'de> for AttributeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value;
        impl<'de> Visitor<'de> for Value {
            type Value = AttributeValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, a whole number, a text or a list of texts")
            }

            fn visit_bool<E>(self, value: bool) -> Result<AttributeValue, E> {
                Ok(AttributeValue::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<AttributeValue, E> {
                Ok(AttributeValue::Number(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<AttributeValue, E> {
                let number = i64::try_from(value);
                number
                    .map(AttributeValue::Number)
                    .map_err(|_too_large| E::invalid_value(Unexpected::Unsigned(value), &self))
            }

            fn visit_str<E>(self, text: &str) -> Result<AttributeValue, E> {
                Ok(AttributeValue::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<AttributeValue, E> {
                Ok(AttributeValue::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<AttributeValue, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(AttributeValue::Texts)
            }
        }
        deserializer.deserialize_any(Value)
    }
}

impl AttributeValue {
    /// The text of a one-text value.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The texts of a list, or the one text as a list of one.
    pub fn as_texts(&self) -> &[String] {
        match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::Texts(texts) => texts,
            Self::Bool(_) | Self::Number(_) => &[],
        }
    }
}

impl fmt::Display for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(value) => f.write_str(value),
            Self::Texts(values) => write!(f, "[{}]", values.join(", ")),
        }
    }
}

impl From<&str> for AttributeValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for AttributeValue {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<bool> for AttributeValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for AttributeValue {
    fn from(value: i64) -> Self {
        Self::Number(value)
    }
}

impl From<Vec<String>> for AttributeValue {
    fn from(values: Vec<String>) -> Self {
        Self::Texts(values)
    }
}

/// Attributes by name, in the order of their names. Cheap to clone: copies share them until one is
/// changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(
    #[serde(with = "crate::shared")] Arc<BTreeMap<AttributeName, AttributeValue>>,
);

impl Attributes {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one attribute and returns the set, so that literals chain.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<AttributeValue>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets one attribute.
    pub fn set(&mut self, name: &str, value: impl Into<AttributeValue>) {
        Arc::make_mut(&mut self.0).insert(name.into(), value.into());
    }

    /// One attribute's value, if there is one.
    pub fn get(&self, name: &str) -> Option<&AttributeValue> {
        self.0.get(name)
    }

    /// One attribute's text, if it has one.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(AttributeValue::as_text)
    }

    /// All attributes, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&AttributeName, &AttributeValue)> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<(AttributeName, AttributeValue)> for Attributes {
    fn from_iter<T: IntoIterator<Item = (AttributeName, AttributeValue)>>(items: T) -> Self {
        Self(Arc::new(items.into_iter().collect()))
    }
}
