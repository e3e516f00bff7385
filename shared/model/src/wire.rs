//! The stored form of a record: JSON with a version, read strictly.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;

/// A record that cannot be read or written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WireError {
    /// A newer Crosswave wrote it.
    #[error("a {kind} record has version {found}; this Crosswave knows versions up to {known}")]
    Newer {
        /// Which record.
        kind: &'static str,
        /// Its version.
        found: u32,
        /// The newest version that is known here.
        known: u32,
    },
    /// It is not what it should be.
    #[error("a {kind} record cannot be read: {text}")]
    Unreadable {
        /// Which record.
        kind: &'static str,
        /// The parser's words.
        text: String,
    },
}

#[derive(Serialize)]
struct EnvelopeOut<'a, T> {
    v: u32,
    #[serde(flatten)]
    data: &'a T,
}

#[derive(Deserialize)]
struct VersionOnly {
    v: u32,
}

/// The version, where it stands first, as it is written: so that a record is read once, not twice.
fn leading_version(bytes: &[u8]) -> Option<u32> {
    let rest = bytes.strip_prefix(br#"{"v":"#)?;
    let digits = rest.split(|byte| matches!(byte, b',' | b'}')).next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A record with a stored form. The version goes up when an old reader would misread a new record;
/// added fields with a default keep it.
pub trait Stored: Serialize + DeserializeOwned {
    /// The record's name in error messages.
    const KIND: &'static str;
    /// The version that is written.
    const VERSION: u32 = 1;

    /// The stored bytes.
    fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
        serde_json::to_vec(&EnvelopeOut { v: Self::VERSION, data: self })
            .map_err(|error| WireError::Unreadable { kind: Self::KIND, text: error.to_string() })
    }

    /// Reads stored bytes.
    fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let unreadable = |error: serde_json::Error| WireError::Unreadable {
            kind: Self::KIND,
            text: error.to_string(),
        };
        let v = match leading_version(bytes) {
            Some(v) => v,
            None => serde_json::from_slice::<VersionOnly>(bytes).map_err(unreadable)?.v,
        };
        if v > Self::VERSION {
            return Err(WireError::Newer { kind: Self::KIND, found: v, known: Self::VERSION });
        }
        serde_json::from_slice(bytes).map_err(unreadable)
    }
}
