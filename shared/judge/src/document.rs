//! Finds and reads the description of Graph.

use std::{fs, io, path::PathBuf};

use serde_json::Value;
use thiserror::Error;

/// The environment variable that says where the description is.
pub const PATH_VARIABLE: &str = "CROSSWAVE_GRAPH_OPENAPI";
/// The environment variable that, set to `1`, lets tests pass without a judge.
pub const MISSING_ALLOWED_VARIABLE: &str = "CROSSWAVE_ALLOW_MISSING_JUDGE";

/// Properties that the description calls read-only and that Graph takes in requests all the same.
/// Each is the JSON pointer of a property's schema under `/components/schemas`.
const WRITABLE_AFTER_ALL: [(&str, &str); 4] = [
    // "Move a driveItem": PATCH with `parentReference: {id}`.
    ("microsoft.graph.itemReference", "id"),
    ("microsoft.graph.itemReference", "driveId"),
    // "Create Outlook category": the name is given once, on creation.
    ("microsoft.graph.outlookCategory", "displayName"),
    // "Create single-value extended property": the id says which property is written.
    ("microsoft.graph.singleValueLegacyExtendedProperty", "id"),
];

/// Why there is no judge.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// There is no such file, or it cannot be read.
    #[error(
        "no description of Microsoft Graph at `{path}`: {reason}. Set {PATH_VARIABLE} to a copy of \
         `graph-openapi-subset.json`, or {MISSING_ALLOWED_VARIABLE}=1 to test without it"
    )]
    Unreadable {
        /// Where it was looked for.
        path: PathBuf,
        /// What the file system said.
        reason: io::Error,
    },
    /// It is no OpenAPI document.
    #[error("`{path}` is no OpenAPI 3.1 document: {reason}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The description, read and corrected.
#[derive(Clone, Debug)]
pub struct Document(pub(super) Value);

impl Document {
    /// Reads the description from where [`PATH_VARIABLE`] says, else from the `shared/facts` folder
    /// beside the checkout.
    pub fn load() -> Result<Self, DocumentError> {
        let path = variable(PATH_VARIABLE).map_or_else(
            || {
                let checkout = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
                checkout.join("../../../shared/facts/graph-openapi-subset.json")
            },
            PathBuf::from,
        );
        Self::read(path)
    }

    /// [`Document::load`], but `None` with a warning when the description is missing and
    /// [`MISSING_ALLOWED_VARIABLE`] is `1`.
    #[expect(clippy::print_stderr, reason = "a run without its judge must not be a quiet one")]
    pub fn load_or_warn() -> Result<Option<Self>, DocumentError> {
        match Self::load() {
            Ok(document) => Ok(Some(document)),
            Err(reason) if variable(MISSING_ALLOWED_VARIABLE).as_deref() == Some("1") => {
                eprintln!("WARNING: NOTHING IS JUDGED AGAINST GRAPH. {reason}");
                Ok(None)
            }
            Err(reason) => Err(reason),
        }
    }

    fn read(path: PathBuf) -> Result<Self, DocumentError> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(reason) => return Err(DocumentError::Unreadable { path, reason }),
        };
        let parsed = serde_json::from_str::<Value>(&text).map_err(|reason| reason.to_string());
        let checked = parsed.and_then(|value| {
            let version = value.get("openapi").and_then(Value::as_str).unwrap_or("none");
            let right = version.starts_with("3.1");
            if right { Ok(value) } else { Err(format!("its `openapi` member is {version}")) }
        });
        match checked {
            Ok(value) => Ok(Self::of(value)),
            Err(reason) => Err(DocumentError::Malformed { path, reason }),
        }
    }

    /// A description from memory.
    pub(super) fn of(mut value: Value) -> Self {
        for (schema, property) in WRITABLE_AFTER_ALL {
            let pointer = format!("/components/schemas/{schema}/properties/{property}");
            if let Some(Value::Object(property)) = value.pointer_mut(&pointer) {
                property.remove("readOnly");
            }
        }
        Self(value)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where the tests' environment is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_description_is_named_together_with_the_ways_out() {
        let error = Document::read(PathBuf::from("/nowhere/graph.json")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/graph.json"), "{error}");
        assert!(error.contains(PATH_VARIABLE), "{error}");
        assert!(error.contains(MISSING_ALLOWED_VARIABLE), "{error}");
    }

    /// Fails where there is no description, unless the variable says that this is wanted.
    #[test]
    fn the_description_of_graph_is_here() {
        if let Err(missing) = Document::load_or_warn() {
            panic!("{missing}");
        }
    }
}
