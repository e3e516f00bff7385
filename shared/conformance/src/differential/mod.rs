//! Random histories through two adapters, every answer compared.
//!
//! A history comes from a seed, so a mismatch can be run again. It ends at the first difference:
//! what is printed is the shortest prefix that shows it.

mod queue;
mod store;

use std::fmt;

use thiserror::Error;

pub use queue::{Sides, queue};
pub use store::store;

/// The two adapters answered differently.
///
/// `Debug` is made for people too, since tests unwrap.
#[derive(Clone, Error, PartialEq, Eq)]
#[error("seed {seed}: the answers differ after {} operations:\n{}\n  model:   {model}\n  adapter: {adapter}", history.len(), history.join("\n"))]
pub struct Mismatch {
    /// The seed of the history.
    pub seed: u64,
    /// The operations up to the one whose answers differ, in words.
    pub history: Vec<String>,
    /// The model's answer.
    pub model: String,
    /// The adapter's answer.
    pub adapter: String,
}

impl fmt::Debug for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What has been done so far.
struct Log {
    seed: u64,
    history: Vec<String>,
}

impl Log {
    fn new(seed: u64) -> Self {
        Self { seed, history: Vec::new() }
    }

    fn add(&mut self, operation: String) {
        self.history.push(operation);
    }

    /// Compares the answers to the operation that was added last.
    fn compare<T: PartialEq + fmt::Debug>(&self, model: &T, adapter: &T) -> Result<(), Mismatch> {
        if model == adapter {
            return Ok(());
        }
        Err(Mismatch {
            seed: self.seed,
            history: self.history.clone(),
            model: format!("{model:?}"),
            adapter: format!("{adapter:?}"),
        })
    }
}
