//! MAT-3: a CSV file sets matches, wave membership and per-user options, and exports the same.
//!
//! | column | cell |
//! |---|---|
//! | `source` | whom the row is about: user principal name, mail address or object id |
//! | `target` | the matched target user: user principal name or object id |
//! | `wave` | the wave |
//! | the options | see `options.rs`; any of them gives the user a profile of its own |
//!
//! An empty cell, and a column that is not there, change nothing; a hyphen takes away what is there.
//! A file is read and checked whole before the first write: one fault, and nothing of it is applied.

mod apply;
mod options;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub use self::apply::{Imported, export, import, import_into};
use self::options::OPTIONS;

/// The columns of the file, in the order of the export.
pub fn column_names() -> impl Iterator<Item = &'static str> {
    ["source", "target", "wave"].into_iter().chain(OPTIONS.iter().map(|option| option.name))
}
