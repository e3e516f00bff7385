//! The parameters of a cmdlet, in the JSON that the endpoint binds.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// The parameters of one cmdlet.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Parameters(Map<String, Value>);

impl Parameters {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// The object that the cmdlet is about; best its GUID.
    pub fn identity(identity: &str) -> Self {
        Self::new().set("Identity", identity)
    }

    /// A value; an array replaces a multi-valued property.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// A value, if there is one.
    #[must_use]
    pub fn set_some(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    /// A switch that is present.
    #[must_use]
    pub fn switch(self, name: &str) -> Self {
        self.set(name, true)
    }

    /// Clears a property.
    #[must_use]
    pub fn clear(self, name: &str) -> Self {
        self.set(name, Value::Null)
    }

    /// Answers "are you sure" beforehand; destructive cmdlets want it.
    #[must_use]
    pub fn confirmed(self) -> Self {
        self.set("Confirm", false)
    }

    /// Adds to and removes from a multi-valued property: `@{Add=…;Remove=…}`. An empty list is
    /// left out.
    #[must_use]
    pub fn add_remove<T: AsRef<str>>(self, name: &str, add: &[T], remove: &[T]) -> Self {
        // Without this annotation the binder refuses the object.
        let mut table = Map::new();
        table.insert("@odata.type".to_owned(), json!("#Exchange.GenericHashTable"));
        for (key, values) in [("Add", add), ("Remove", remove)] {
            if !values.is_empty() {
                let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
                table.insert(key.to_owned(), json!(values));
            }
        }
        self.set(name, Value::Object(table))
    }

    /// The parameters as JSON.
    pub fn as_json(&self) -> &Map<String, Value> {
        &self.0
    }
}
