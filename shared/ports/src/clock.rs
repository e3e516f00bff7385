//! Time as a port, so that tests run in virtual time and a trace replays from its seed.

use std::{future::Future, pin::Pin, time::Duration};

use jiff::Timestamp;

/// The future that [`Clock::sleep`] returns.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What time it is, and the only way to wait for a later one.
///
/// Steps never sleep: they return `Wait`. The tenant client sleeps for a second or two inside one
/// request's retries, hosts sleep between polls.
pub trait Clock: Send + Sync {
    /// The present moment, UTC.
    fn now(&self) -> Timestamp;

    /// A future that is ready once `duration` has passed on this clock.
    fn sleep(&self, duration: Duration) -> Sleep;
}
