//! What stands between a hostile script and the rest of the process.

mod allocator;
mod callbacks;
mod engine;
mod meter;
mod natives;
mod thread;

pub use allocator::MeteredAllocator;
pub use meter::Budget;

pub(crate) use engine::{MOST_PARAMETERS, MOST_SCRIPT_BYTES, build};
pub(crate) use meter::Spent;
pub(crate) use natives::{NOT_HERE, REFUSED};
pub(crate) use thread::{Lost, Started, run, start};

use crate::patch::Cost;

/// Runs a part of a call under a budget, on the present thread.
pub(crate) fn metered<T>(budget: Budget, part: impl FnOnce() -> T) -> (T, Cost, Option<Spent>) {
    meter::start(budget);
    let result = part();
    let (cost, spent) = meter::finish();
    (result, cost, spent)
}
