//! Messages between host and worker: a length of four bytes, then JSON.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::suite::{SuiteOf, Tested};
use crate::call::{Answer, Call};
use crate::context::RunContext;
use crate::entry::Entry;
use crate::script::ScriptOptions;
use crate::trial::{Trial, TrialInput};

/// The most bytes of a message: a script with its largest tables.
const MOST_BYTES: usize = 32 << 20;

/// What the host asks of a worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request<'a> {
    /// Compile this script; it is the only one of this worker.
    Load { name: Cow<'a, str>, text: Cow<'a, str>, options: Cow<'a, ScriptOptions> },
    /// Call it, once for each of these.
    Calls { run: Cow<'a, RunContext>, calls: Cow<'a, [Call]> },
    /// Compile and call a script once, for a person to look at.
    Try {
        name: Cow<'a, str>,
        text: Cow<'a, str>,
        options: Cow<'a, ScriptOptions>,
        entry: Option<Entry>,
        input: Box<Cow<'a, TrialInput>>,
    },
    /// Run the tests beside a script.
    Test(SuiteOf<'a>),
}

/// What a worker answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// The script is compiled; its version.
    Loaded(String),
    /// The script does not compile here, although it did at the host.
    NotLoaded,
    /// What came of a trial.
    Tried(Tried),
    /// What came of the tests beside a script.
    Tested(Tested),
    /// Each call's end.
    Called(Vec<Answer>),
}

/// A trial, for people: as text and as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tried {
    /// Whether the script did what it was asked for.
    pub passed: bool,
    /// As text.
    pub text: String,
    /// As JSON.
    pub json: serde_json::Value,
}

impl From<&Trial> for Tried {
    fn from(trial: &Trial) -> Self {
        let passed = trial.passed();
        // A trial has texts for keys and no floats, so it always has a JSON form.
        let mut json = serde_json::to_value(trial).unwrap_or_default();
        if let Some(fields) = json.as_object_mut() {
            fields.insert("passed".to_owned(), passed.into());
        }
        Self { passed, text: trial.render(), json }
    }
}

/// Writes one message.
pub(super) fn write(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    if bytes.len() > MOST_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the message is too long"));
    }
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(&bytes)?;
    to.flush()
}

/// Reads one message; `None` when the other side has closed.
pub(super) fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
    if length > MOST_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too long"));
    }
    // Grown as the bytes arrive: a length alone takes no memory.
    let mut bytes = Vec::new();
    from.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&bytes)?))
}
