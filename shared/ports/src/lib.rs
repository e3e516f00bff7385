//! The ports: everything through which Crosswave touches the world.
//!
//! Five narrow traits. The same step runs in Lambda, on one machine and under seeded fault
//! simulation because it sees these and nothing else. Each port has one conformance suite
//! (`shared/conformance`) that every adapter passes.
//!
//! Deliberately absent: optional methods, capability flags, AWS or HTTP-library types.

mod clock;
mod queue;
mod random;
mod store;
mod transport;

pub use clock::{Clock, Sleep};
pub use queue::{
    Delivery, MAX_BATCH, MAX_BODY_BYTES, MAX_DELAY, MAX_GROUP_BYTES, MAX_VISIBILITY, Outgoing,
    Queue, QueueError, QueueName, Receipt, deferrable, receivable, sendable,
};
pub use random::Random;
pub use store::{
    Change, CommitError, Expect, Key, MAX_CHANGES, MAX_COMMIT_BYTES, MAX_PARTITION_BYTES,
    MAX_RECORD_BYTES, MAX_SORT_BYTES, Page, Query, Record, Store, StoreError, within_limits,
};
pub use transport::{
    BodyStream, BodyTail, HttpRequest, HttpResponse, Transport, TransportError, TransportErrorKind,
};
