//! Worker processes: the last line between a script and everyone else.
//!
//! A worker is this same program in another role. It starts with an empty environment and no
//! credentials, limits its own memory and processor time before it reads anything, and serves one
//! version of one script. It may die: its caller gets a typed error, the version is disabled, and
//! nobody else notices.
//!
//! A script is checked and compiled by the host as well, a draft when it is published or previewed and a
//! version before its first call: the host must know its entry functions, and that is no call. It needs
//! no worker, for it runs nothing of the script and its cost is bounded by the limits on a text: the
//! costliest of 64 KiB that are known take 4 MiB and half a second without optimisation
//! (`tests/compile.rs`).

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
