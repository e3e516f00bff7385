//! The queue adapter.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use ports::{
    Delivery, Outgoing, Queue, QueueError, QueueName, Receipt, deferrable, receivable, sendable,
};
use redb::ReadTransaction;
use tokio::sync::watch;

use crate::{
    database::Inner,
    messages::{self, Acknowledge, Defer, Receive, Redrive, Send},
    overview,
};

pub use crate::overview::{DeadLetter, Depth};

/// Most dead letters that one transaction moves back.
const REDRIVE_AT_ONCE: usize = 500;

/// The queue in the file of an [`Embedded`](crate::Embedded).
///
/// Beside the port it tells a host when to look again ([`next_due`](Self::next_due),
/// [`arrivals`](Self::arrivals)), and an operator what is waiting and what is dead.
pub struct EmbeddedQueue {
    pub(crate) inner: Arc<Inner>,
}

/// Wakes a host when a message may have become due earlier than it knew.
#[derive(Debug)]
pub struct Arrivals(watch::Receiver<u64>);

impl Arrivals {
    /// Ready when something was sent, deferred or moved back since this was made or was last ready.
    /// When the file has been closed it is never ready again.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl EmbeddedQueue {
    /// A handle that is woken by every send. Make it before the receive that finds nothing, so that
    /// no arrival falls between the two.
    pub fn arrivals(&self) -> Arrivals {
        Arrivals(self.inner.arrivals.subscribe())
    }

    /// When the next message becomes visible in any queue whose name starts with `prefix`: a time
    /// that may have passed; `None` when these queues are empty. Messages in flight count with the
    /// end of their visibility time-out; dead letters do not count.
    pub fn next_due(&self, prefix: &str) -> Result<Option<Timestamp>, QueueError> {
        let due = self.look(|transaction| overview::next_due(transaction, prefix))?;
        Ok(due.map(|due| Timestamp::from_nanosecond(due).unwrap_or(Timestamp::MAX)))
    }

    /// How many messages each queue holds, by queue name; empty queues are not listed.
    pub fn depths(&self) -> Result<Vec<Depth>, QueueError> {
        let now = self.inner.clock.now().as_nanosecond();
        self.look(|transaction| overview::depths(transaction, now))
    }

    /// The oldest dead letters of a queue, at most `limit`. They stay where they are.
    pub fn dead_letters(
        &self,
        queue: &QueueName,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, QueueError> {
        let dead = queue.dead_letter();
        self.look(|transaction| overview::dead_letters(transaction, dead.as_str(), limit))
    }

    /// Moves a queue's dead letters back into it, due at once and with a new receive count.
    /// Returns how many.
    pub async fn redrive(&self, queue: &QueueName) -> Result<usize, QueueError> {
        let mut total = 0;
        if queue.is_dead_letter() {
            return Ok(total);
        }
        loop {
            let now = self.inner.clock.now();
            let redrive = Redrive { queue: queue.clone(), max: REDRIVE_AT_ONCE, now };
            let moved = self.inner.writer.ask(redrive).await.map_err(QueueError::Unavailable)?;
            total += moved;
            self.announce(moved > 0);
            if moved < REDRIVE_AT_ONCE {
                return Ok(total);
            }
        }
    }

    fn look<T>(
        &self,
        look: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, QueueError> {
        self.inner.read(look).map_err(|error| QueueError::Unavailable(error.to_string()))
    }

    fn announce(&self, any: bool) {
        if any {
            self.inner.arrivals.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}

#[async_trait]
impl Queue for EmbeddedQueue {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError> {
        sendable(messages)?;
        let send = Send { messages: messages.to_vec(), now: self.inner.clock.now() };
        self.inner.writer.ask(send).await.map_err(QueueError::Unavailable)?;
        self.announce(true);
        Ok(())
    }

    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, QueueError> {
        receivable(max, visibility)?;
        let now = self.inner.clock.now();
        // Most looks find nothing; they need not wait for the writer.
        let due =
            |transaction: &_| messages::any_due(transaction, queue.as_str(), now.as_nanosecond());
        if !self.look(due)? {
            return Ok(Vec::new());
        }
        let max_receives = self.inner.max_receives;
        let receive = Receive { queue: queue.clone(), max, visibility, max_receives, now };
        self.inner.writer.ask(receive).await.map_err(QueueError::Unavailable)
    }

    async fn acknowledge(&self, queue: &QueueName, receipt: &Receipt) -> Result<(), QueueError> {
        let acknowledge = Acknowledge { queue: queue.clone(), receipt: receipt.clone() };
        self.inner.writer.ask(acknowledge).await.map_err(QueueError::Unavailable)
    }

    async fn defer(
        &self,
        queue: &QueueName,
        receipt: &Receipt,
        delay: Duration,
    ) -> Result<(), QueueError> {
        deferrable(delay)?;
        let due = messages::due_after(self.inner.clock.now(), delay);
        let defer = Defer { queue: queue.clone(), receipt: receipt.clone(), due };
        self.inner.writer.ask(defer).await.map_err(QueueError::Unavailable)?;
        self.announce(true);
        Ok(())
    }
}
