//! What every adapter of a port must do, as suites that run against any of them.
//!
//! An adapter's test is a few lines: hand the suite a way to make a fresh adapter and unwrap the
//! result. A failure names the clauses of the contract that were broken and what was found.
//!
//! ```
//! # use std::sync::Arc;
//! # use futures_util::FutureExt;
//! # use conformance::reference::ModelStore;
//! # async {
//! conformance::store::suite(async || Arc::new(ModelStore::new()) as Arc<dyn ports::Store>).await
//! # }.now_or_never();
//! ```
//!
//! [`mod@reference`] holds adapters in memory that keep the contract to the letter; [`differential`]
//! drives random histories through two adapters and compares every answer.

pub mod clock;
pub mod differential;
pub mod queue;
pub mod random;
pub mod reference;
pub mod store;
pub mod transport;
mod verdict;

pub use verdict::{Breach, Broken};
