//! The ports with faults in front of them.

mod queue;
mod store;
mod transport;

pub(crate) use queue::FaultyQueue;
pub(crate) use store::FaultyStore;
pub(crate) use transport::FaultyTransport;
