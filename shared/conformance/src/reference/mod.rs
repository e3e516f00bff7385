//! The ports in memory, deterministic and without faults: what other adapters are compared with,
//! and what stories and the fault simulation stand on.

mod clock;
mod queue;
mod random;
mod store;

pub use clock::VirtualClock;
pub use queue::ModelQueue;
pub use random::SeededRandom;
pub use store::ModelStore;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks; a panic of another holder does not matter, since no holder leaves anything half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
