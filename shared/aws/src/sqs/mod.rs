//! The queue adapter: one standard queue a step, and one of dead letters beside each.

mod receive;
mod send;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use ports::{
    Clock, Delivery, Outgoing, Queue, QueueError, QueueName, Random, Receipt, deferrable,
    receivable, sendable,
};

use crate::{Meter, Operation, retry::Retry, trouble::Trouble};

/// The queues of a deployment on SQS.
///
/// A message's customer is its `MessageGroupId`: on a standard queue it orders nothing, it makes the
/// queue fair, so that one customer's wave does not keep the others waiting.
pub struct SqsQueues {
    client: Client,
    base: String,
    retry: Retry,
    meter: Meter,
}

impl SqsQueues {
    /// The queues whose URLs begin so, for instance
    /// `https://sqs.eu-west-1.amazonaws.com/123456789012/crosswave-`; what follows is the queue's
    /// name. No request is spent on looking a URL up.
    pub fn new(
        client: Client,
        base: impl Into<String>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { client, base: base.into(), retry: Retry { clock, random }, meter: Meter::new() }
    }

    /// The same, counting into this meter.
    #[must_use]
    pub fn with_meter(mut self, meter: Meter) -> Self {
        self.meter = meter;
        self
    }

    /// What these queues have been asked for.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    fn url(&self, queue: &QueueName) -> String {
        format!("{}{queue}", self.base)
    }

    /// Asks until it is answered, or attempts are used up.
    async fn asking<T, F>(
        &self,
        operation: Operation,
        ask: impl Fn() -> F + Send,
    ) -> Result<T, QueueError>
    where
        F: Future<Output = Result<T, Trouble>> + Send,
    {
        let answer =
            self.retry.until_answered(&self.meter, operation, ask, |trouble| trouble).await;
        answer.map_err(|trouble| {
            let (Trouble::Busy(text) | Trouble::Lost(text) | Trouble::Refused(text)) = trouble;
            QueueError::Unavailable(text)
        })
    }
}

#[async_trait]
impl Queue for SqsQueues {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError> {
        sendable(messages)?;
        self.send_all(messages).await
    }

    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, QueueError> {
        receivable(max, visibility)?;
        self.receive_up_to(queue, max, visibility).await
    }

    async fn acknowledge(&self, queue: &QueueName, receipt: &Receipt) -> Result<(), QueueError> {
        self.delete(queue, receipt).await
    }

    async fn defer(
        &self,
        queue: &QueueName,
        receipt: &Receipt,
        delay: Duration,
    ) -> Result<(), QueueError> {
        deferrable(delay)?;
        self.hide(queue, receipt, delay).await
    }
}

/// Whole seconds, never fewer than asked: nothing comes before its time.
fn seconds(duration: Duration) -> i32 {
    let whole = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    i32::try_from(whole).unwrap_or(i32::MAX)
}
