//! Versions of scripts: what was published, by whom, and which one is in force.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Stored;

/// The two kinds of script; each has its own published version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptKind {
    /// What decides attributes.
    Mapping,
    /// What writes messages.
    Notifications,
}

impl ScriptKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Mapping, Self::Notifications];

    /// The word that keys, pins and the journal use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mapping => "mapping",
            Self::Notifications => "notifications",
        }
    }
}

impl std::fmt::Display for ScriptKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One version: everything that decides what it does, under the hash of that. Never changed, but
/// for [`Self::disabled`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptVersion {
    /// Which kind.
    pub kind: ScriptKind,
    /// The content hash over text, tables, schema, API version and script engine; a mapping's names
    /// the shipped script under it too.
    pub hash: String,
    /// The name that messages use: the file's.
    pub name: String,
    /// The text.
    pub text: String,
    /// The shipped script that runs first, as it was when this version was published.
    pub base: Option<BaseScript>,
    /// The data sets; their text is stored apart.
    pub tables: Vec<ScriptTable>,
    /// The files beside a notification script; they are stored apart too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub library: Vec<ScriptTable>,
    /// The version of the contract between host and script.
    pub api: u32,
    /// The version of the script engine that it was checked with.
    pub engine: String,
    /// The hash of the attributes' schema that it was checked against.
    pub schema: String,
    /// Who published it.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// Whether it is a script that Crosswave ships.
    pub shipped: bool,
    /// Why it must not run any more: it broke its worker.
    pub disabled: Option<String>,
}

impl Stored for ScriptVersion {
    const KIND: &'static str = "script version";
}

/// A shipped script under a customer's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseScript {
    /// Its name in messages.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// One of a version's data sets or files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptTable {
    /// The name that scripts use.
    pub name: String,
    /// SHA-256 of the stored text, in hexadecimal: a data set's CSV, a file's content as JSON.
    pub hash: String,
    /// In how many parts the text is stored.
    pub parts: u32,
}

/// A part of a data set's or a file's text: a record of the store has a largest size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptTablePart {
    /// The text.
    pub text: String,
}

impl Stored for ScriptTablePart {
    const KIND: &'static str = "script table";
}

/// Which version of a kind is in force, and which were before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedScript {
    /// Every publication, the present one last.
    pub history: Vec<Publication>,
}

impl PublishedScript {
    /// The version in force.
    pub fn current(&self) -> Option<&Publication> {
        self.history.last()
    }
}

impl Stored for PublishedScript {
    const KIND: &'static str = "published script";
}

/// One change of the version in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// The version's hash.
    pub hash: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub author: String,
    /// Whether it went back to an earlier version.
    pub rollback: bool,
}
