//! What a mailbox keeps beside its folders: settings, rules, categories.

use serde_json::{Map, Value};

/// Settings, rules and categories in Graph's own JSON.
#[derive(Clone, Debug)]
pub(crate) struct SideData {
    /// For instance `en-US`; the default folders had their names from it.
    pub(crate) language: String,
    /// Members of `mailboxSettings` that were written.
    pub(crate) settings: Map<String, Value>,
    /// `messageRules` of the inbox, each with its id.
    pub(crate) rules: Vec<Value>,
    /// `masterCategories`, each with its id.
    pub(crate) categories: Vec<Value>,
    /// Counts rules and categories, for their ids.
    pub(crate) made: u64,
}

impl Default for SideData {
    fn default() -> Self {
        Self {
            language: "en-US".to_owned(),
            settings: Map::new(),
            rules: Vec::new(),
            categories: Vec::new(),
            made: 0,
        }
    }
}
