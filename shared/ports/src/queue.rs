//! The queue: at least once, in no promised order, with a delay, a visibility time-out and a
//! dead-letter queue. Shaped like an SQS standard queue.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use thiserror::Error;

/// Most messages in one send or receive (SQS: batches of ten).
pub const MAX_BATCH: usize = 10;
/// Longest delay of one send (SQS: `DelaySeconds` up to 900); longer waits are sent again.
pub const MAX_DELAY: Duration = Duration::from_mins(15);
/// Largest message body in bytes. A baton has some hundred; this is a guard, not a budget.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The name of a queue: lower-case letters, digits and hyphens, at most 80 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueName(String);

impl QueueName {
    /// Parses a name.
    pub fn parse(name: &str) -> Result<Self, QueueError> {
        let legal = !name.is_empty()
            && name.len() <= 80
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if legal {
            Ok(Self(name.to_owned()))
        } else {
            Err(QueueError::OutsideLimits(format!("`{name}` is no queue name")))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// To which queue.
    pub queue: QueueName,
    /// The text, at most [`MAX_BODY_BYTES`].
    pub body: String,
    /// Not to be delivered before so long, at most [`MAX_DELAY`].
    pub delay: Duration,
    /// Whose message it is: the fairness group, the customer's id.
    pub group: String,
}

/// What acknowledges or defers one delivery. Opaque; belongs to the adapter that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt(pub String);

/// A message as it was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The text.
    pub body: String,
    /// Acknowledges or defers this delivery.
    pub receipt: Receipt,
    /// How often the message has been delivered, this time included.
    pub receive_count: u32,
}

/// Why the queue did not do what it was asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum QueueError {
    /// The call breaks a limit of the port. A fault of the caller.
    #[error("outside the queue's limits: {0}")]
    OutsideLimits(String),
    /// The queue cannot be reached or failed inside; whether it happened is not known.
    #[error("the queue is not available: {0}")]
    Unavailable(String),
}

/// The queue port.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends 1 to [`MAX_BATCH`] messages. `Ok` means that all are durable; after an error some may
    /// have been sent, so the caller sends again: receivers are idempotent.
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError>;

    /// Takes up to `max` (1 to [`MAX_BATCH`]) messages that are due, and hides them for
    /// `visibility`. Returns at once, with none when none is due.
    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, QueueError>;

    /// Removes a delivered message for good. Acknowledging twice is no error.
    async fn acknowledge(&self, queue: &QueueName, receipt: &Receipt) -> Result<(), QueueError>;

    /// Makes a delivered message visible again after `delay`, at most 12 hours (SQS: visibility
    /// time-out up to 43,200 s). It stays the same message: its receive count goes on.
    async fn defer(
        &self,
        queue: &QueueName,
        receipt: &Receipt,
        delay: Duration,
    ) -> Result<(), QueueError>;
}
