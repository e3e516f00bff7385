//! What is wrong with a file that a person gave: where, what stands there, what was expected.

use std::fmt;

/// One fault of a file (ERR-1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFault {
    /// The file, as the person named it.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// The column: by name where the file has named columns, else its number.
    pub column: Option<String>,
    /// What stands there, shortened.
    pub found: String,
    /// What was expected, or what to do.
    pub expected: String,
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        if !self.found.is_empty() {
            write!(f, ": `{}`", self.found)?;
        }
        write!(f, ": {}", self.expected)
    }
}

/// All faults that were found in a file; there is at least one, and nothing of the file was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFaults {
    /// The faults in the order of the lines, at most [`FileFaults::SHOWN`].
    pub faults: Vec<FileFault>,
    /// How many more there are.
    pub more: usize,
}

impl FileFaults {
    /// So many are named one by one.
    pub const SHOWN: usize = 20;

    /// The faults of a file; `Ok` without one.
    pub(crate) fn check(mut faults: Vec<FileFault>) -> Result<(), Self> {
        if faults.is_empty() {
            return Ok(());
        }
        faults.sort_by_key(|fault| fault.line);
        let more = faults.len().saturating_sub(Self::SHOWN);
        faults.truncate(Self::SHOWN);
        Err(Self { faults, more })
    }
}

impl From<FileFault> for FileFaults {
    fn from(fault: FileFault) -> Self {
        Self { faults: vec![fault], more: 0 }
    }
}

impl fmt::Display for FileFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.faults {
            writeln!(f, "{fault}")?;
        }
        if self.more > 0 {
            writeln!(f, "and {} more", self.more)?;
        }
        f.write_str("nothing of the file was applied")
    }
}

impl std::error::Error for FileFaults {}
