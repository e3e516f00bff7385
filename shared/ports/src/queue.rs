//! The queue: at least once, in no promised order, with a delay, a visibility time-out and a
//! dead-letter queue. Shaped like an SQS standard queue.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use thiserror::Error;

/// Most messages in one send or receive (SQS: batches of ten).
pub const MAX_BATCH: usize = 10;
/// Longest delay of one send (SQS: `DelaySeconds` up to 900); longer waits are sent again.
pub const MAX_DELAY: Duration = Duration::from_mins(15);
/// Longest visibility time-out and deferral (SQS: 43,200 s).
pub const MAX_VISIBILITY: Duration = Duration::from_hours(12);
/// Largest message body in bytes. A baton has some hundred; this is a guard, not a budget.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// Longest fairness group in bytes (SQS: `MessageGroupId` of up to 128 characters).
pub const MAX_GROUP_BYTES: usize = 128;

/// What the name of a queue of dead letters ends in.
const DEAD_LETTER: &str = "-dead";
/// SQS: names of up to 80 characters; each queue leaves room for its dead-letter queue's name.
const MAX_NAME: usize = 80 - DEAD_LETTER.len();

/// The name of a queue: lower-case letters, digits and hyphens, at most 75 characters.
///
/// Each queue has a dead-letter queue, named after it with `-dead` at the end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueName(String);

impl QueueName {
    /// Parses a name.
    pub fn parse(name: &str) -> Result<Self, QueueError> {
        let legal = !name.is_empty()
            && name.strip_suffix(DEAD_LETTER).unwrap_or(name).len() <= MAX_NAME
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if legal {
            Ok(Self(name.to_owned()))
        } else {
            Err(QueueError::OutsideLimits(format!("`{name}` is no queue name")))
        }
    }

    /// The queue that takes the messages which were received too often; of a dead-letter queue,
    /// itself: dead letters stay where they are.
    #[must_use]
    pub fn dead_letter(&self) -> Self {
        if self.is_dead_letter() { self.clone() } else { Self(format!("{self}{DEAD_LETTER}")) }
    }

    /// Whether this is a queue of dead letters.
    pub fn is_dead_letter(&self) -> bool {
        self.0.ends_with(DEAD_LETTER)
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
    /// The text, 1 to [`MAX_BODY_BYTES`] of what XML can hold: no control characters but tab and line
    /// ends.
    pub body: String,
    /// Not to be delivered before so long, at most [`MAX_DELAY`].
    pub delay: Duration,
    /// Whose message it is: the fairness group, the customer's id, up to [`MAX_GROUP_BYTES`] of
    /// printable ASCII. Empty for a message of nobody who is known.
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
///
/// A message that has been received as often as the queue's configuration allows, and was not
/// acknowledged, is not delivered again: it moves to [`QueueName::dead_letter`] as a new message.
///
/// A receipt is good until its message is delivered again. Acknowledging or deferring with an older
/// one, or for a message that is gone, is no error and does nothing that matters: the receiver whose
/// delivery is the latest decides.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends 1 to [`MAX_BATCH`] messages. `Ok` means that all are durable; after an error some may
    /// have been sent, so the caller sends again: receivers are idempotent.
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError>;

    /// Takes up to `max` (1 to [`MAX_BATCH`]) messages that are due, and hides them for
    /// `visibility`, at most [`MAX_VISIBILITY`]. Returns at once, with none when none is due.
    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, QueueError>;

    /// Removes a delivered message for good. Acknowledging twice is no error.
    async fn acknowledge(&self, queue: &QueueName, receipt: &Receipt) -> Result<(), QueueError>;

    /// Makes a delivered message visible again after `delay`, at most [`MAX_VISIBILITY`]. It stays
    /// the same message: its receive count goes on. SQS hides no message for more than
    /// [`MAX_VISIBILITY`] after its delivery: of a longer time, the message may come early.
    async fn defer(
        &self,
        queue: &QueueName,
        receipt: &Receipt,
        delay: Duration,
    ) -> Result<(), QueueError>;
}

/// Whether a send keeps the limits of [`Queue::send`]; every adapter asks before it sends.
pub fn sendable(messages: &[Outgoing]) -> Result<(), QueueError> {
    batch(messages.len())?;
    for message in messages {
        at_most("a delay", message.delay, MAX_DELAY)?;
        let bytes = message.body.len();
        if bytes == 0 || bytes > MAX_BODY_BYTES {
            return Err(QueueError::OutsideLimits(format!(
                "a body of {bytes} bytes; 1 to {MAX_BODY_BYTES} are allowed"
            )));
        }
        if let Some(control) = message.body.chars().find(|character| !is_text(*character)) {
            return Err(QueueError::OutsideLimits(format!(
                "a body with {}",
                control.escape_unicode()
            )));
        }
        let group = &message.group;
        if group.len() > MAX_GROUP_BYTES || !group.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(QueueError::OutsideLimits(format!("`{group}` is no fairness group")));
        }
    }
    Ok(())
}

/// Whether XML, and so SQS, can hold a character.
fn is_text(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether a receive keeps the limits of [`Queue::receive`]; every adapter asks first.
pub fn receivable(max: usize, visibility: Duration) -> Result<(), QueueError> {
    batch(max)?;
    at_most("a visibility time-out", visibility, MAX_VISIBILITY)
}

/// Whether a deferral keeps the limit of [`Queue::defer`]; every adapter asks first.
pub fn deferrable(delay: Duration) -> Result<(), QueueError> {
    at_most("a deferral", delay, MAX_VISIBILITY)
}

fn batch(count: usize) -> Result<(), QueueError> {
    if (1..=MAX_BATCH).contains(&count) {
        return Ok(());
    }
    Err(QueueError::OutsideLimits(format!("{count} messages; 1 to {MAX_BATCH} are allowed")))
}

fn at_most(what: &str, duration: Duration, most: Duration) -> Result<(), QueueError> {
    if duration <= most {
        return Ok(());
    }
    let (seconds, most) = (duration.as_secs_f64(), most.as_secs());
    Err(QueueError::OutsideLimits(format!("{what} of {seconds} s; at most {most} are allowed")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_leaves_room_for_its_dead_letter_queue() {
        for name in ["cut-t1", "a", &"q".repeat(75)] {
            let dead = QueueName::parse(name).unwrap().dead_letter();
            assert_eq!(dead.as_str(), format!("{name}-dead"));
            assert_eq!(QueueName::parse(dead.as_str()), Ok(dead.clone()));
            assert_eq!(dead.dead_letter(), dead, "dead letters stay where they are");
        }
    }

    #[test]
    fn other_names_are_refused() {
        for name in ["", "CUT-T1", "a_b", "a b", "zoë", &"q".repeat(76), "-dead-dead\n"] {
            assert!(matches!(QueueName::parse(name), Err(QueueError::OutsideLimits(_))), "{name}");
        }
    }
}
