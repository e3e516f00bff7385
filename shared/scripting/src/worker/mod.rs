//! Worker processes: the last line between a script and everyone else.
//!
//! A worker is this same program in another role. It starts with an empty environment and no
//! credentials, limits its own memory and processor time before it reads anything, and serves one
//! version of one script. It may die: its caller gets a typed error, the version is disabled, and
//! nobody else notices.

mod frame;
mod limits;
mod pool;
mod process;
mod serve;
mod suite;
mod trial;

pub use frame::Tried;
pub use pool::{WorkerPool, Workers};
pub use serve::run_worker;
pub use suite::{SuiteOf, Tested};
pub use trial::try_isolated;
