//! Random histories of a queue.

use std::{collections::BTreeMap, time::Duration};

use ports::{
    MAX_BATCH, MAX_DELAY, MAX_VISIBILITY, Outgoing, Queue, QueueError, QueueName, Random, Receipt,
};

use super::{Log, Mismatch};
use crate::{queue::QUEUES, reference::SeededRandom};

/// The two queues of a differential run.
pub struct Sides<'a> {
    /// The queue that is right.
    pub model: &'a dyn Queue,
    /// The queue under test, with the same count of deliveries before a message is dead.
    pub adapter: &'a dyn Queue,
    /// Lets time pass for both.
    pub advance: &'a (dyn Fn(Duration) + Sync),
}

/// Drives `steps` random sends, receives, acknowledgements, deferrals and advances of time through
/// both queues, which start empty, and compares every answer.
///
/// A queue promises no order, so each receive of the history takes all that is due, in batches of
/// random size, and what came is compared by body: bodies are unique.
pub async fn queue(sides: &Sides<'_>, seed: u64, steps: usize) -> Result<(), Mismatch> {
    let [Ok(one), Ok(other)] = QUEUES.map(QueueName::parse) else { return Ok(()) };
    let mut history = History {
        sides,
        queues: [one, other],
        random: SeededRandom::new(seed),
        log: Log::new(seed),
        sent: 0,
        deliveries: BTreeMap::new(),
    };
    for _ in 0..steps {
        history.step().await?;
    }
    // At the end everything comes to light: what is hidden, what waits, what is dead.
    (sides.advance)(MAX_VISIBILITY);
    history.log.add("advance to the end".to_owned());
    for queue in history.queues.clone() {
        history.receive(&queue).await?;
        history.receive(&queue.dead_letter()).await?;
    }
    Ok(())
}

struct History<'a> {
    sides: &'a Sides<'a>,
    queues: [QueueName; 2],
    random: SeededRandom,
    log: Log,
    sent: u64,
    /// By body, in the order of sending: the latest delivery, also of messages that are gone.
    deliveries: BTreeMap<u64, Both>,
}

/// One message's latest receipts: queue, the model's, the adapter's.
type Both = (QueueName, Receipt, Receipt);
type Received = BTreeMap<String, (u32, Receipt)>;

impl History<'_> {
    async fn step(&mut self) -> Result<(), Mismatch> {
        match self.random.below(12) {
            0..=2 => self.send().await,
            3..=5 => {
                let queue = self.queue();
                self.receive(&queue).await
            }
            6..=7 => self.acknowledge().await,
            8..=9 => self.defer().await,
            _ => {
                let duration = self.duration(Duration::from_mins(20));
                self.log.add(format!("advance {duration:?}"));
                (self.sides.advance)(duration);
                Ok(())
            }
        }
    }

    fn queue(&self) -> QueueName {
        let live = if self.random.below(4) == 0 { &self.queues[1] } else { &self.queues[0] };
        if self.random.below(6) == 0 { live.dead_letter() } else { live.clone() }
    }

    /// Often nothing, else up to `most` and now and then a little more.
    fn duration(&self, most: Duration) -> Duration {
        let most = most.as_secs();
        match self.random.below(10) {
            0..=3 => Duration::ZERO,
            4..=8 => Duration::from_secs(self.random.below(most.saturating_add(1))),
            _ => Duration::from_secs(most + self.random.below(2)),
        }
    }

    async fn send(&mut self) -> Result<(), Mismatch> {
        let mut messages = Vec::new();
        for _ in 0..self.random.below(12) {
            self.sent += 1;
            messages.push(Outgoing {
                queue: self.queue(),
                body: format!("m{}", self.sent),
                delay: if self.random.below(2) == 0 {
                    Duration::ZERO
                } else {
                    self.duration(MAX_DELAY)
                },
                group: format!("C#{}", self.random.below(2)),
            });
        }
        let words: Vec<_> = messages
            .iter()
            .map(|message| {
                format!("{} to {} after {:?}", message.body, message.queue, message.delay)
            })
            .collect();
        self.log.add(format!("send {}", words.join(", ")));
        let model = self.sides.model.send(&messages).await.map_err(without_words);
        let adapter = self.sides.adapter.send(&messages).await.map_err(without_words);
        self.log.compare(&model, &adapter)
    }

    async fn receive(&mut self, queue: &QueueName) -> Result<(), Mismatch> {
        let max = usize::try_from(self.random.below(12)).unwrap_or(1);
        // Not zero: a message that is visible again at once would be received without end.
        let visibility = self.duration(MAX_VISIBILITY) + Duration::from_secs(1);
        self.log.add(format!("receive all of {queue} by {max}, hidden for {visibility:?}"));
        let model = drain(self.sides.model, queue, max, visibility).await;
        let adapter = drain(self.sides.adapter, queue, max, visibility).await;
        let seen = |received: &Result<Received, QueueError>| {
            received.as_ref().map_err(|error| without_words(error.clone())).map(|received| {
                received.iter().map(|(body, (count, _))| (body.clone(), *count)).collect::<Vec<_>>()
            })
        };
        self.log.compare(&seen(&model), &seen(&adapter))?;
        let (Ok(model), Ok(mut adapter)) = (model, adapter) else { return Ok(()) };
        for (body, (_, receipt)) in model {
            if let Some((_, other)) = adapter.remove(&body) {
                let number = body.trim_start_matches('m').parse().unwrap_or(0);
                self.deliveries.insert(number, (queue.clone(), receipt, other));
            }
        }
        Ok(())
    }

    /// The latest delivery of a message, mostly of one of the last.
    fn delivery(&self) -> Option<Both> {
        let among = if self.random.below(4) == 0 { self.deliveries.len() } else { 12 };
        let back = self.random.below(u64::try_from(among).unwrap_or(u64::MAX));
        let back = usize::try_from(back).unwrap_or(0);
        self.deliveries.values().rev().nth(back).cloned()
    }

    async fn acknowledge(&mut self) -> Result<(), Mismatch> {
        let Some((queue, model, adapter)) = self.delivery() else { return Ok(()) };
        self.log.add(format!("acknowledge {} of {queue}", model.0));
        let model = self.sides.model.acknowledge(&queue, &model).await.map_err(without_words);
        let adapter = self.sides.adapter.acknowledge(&queue, &adapter).await.map_err(without_words);
        self.log.compare(&model, &adapter)
    }

    async fn defer(&mut self) -> Result<(), Mismatch> {
        let Some((queue, model, adapter)) = self.delivery() else { return Ok(()) };
        let delay = self.duration(MAX_VISIBILITY);
        self.log.add(format!("defer {} of {queue} for {delay:?}", model.0));
        let model = self.sides.model.defer(&queue, &model, delay).await.map_err(without_words);
        let adapter = self.sides.adapter.defer(&queue, &adapter, delay).await;
        self.log.compare(&model, &adapter.map_err(without_words))
    }
}

async fn drain(
    side: &dyn Queue,
    queue: &QueueName,
    max: usize,
    visibility: Duration,
) -> Result<Received, QueueError> {
    let mut received = BTreeMap::new();
    loop {
        let batch = side.receive(queue, max, visibility).await?;
        if batch.is_empty() {
            return Ok(received);
        }
        if batch.len() > MAX_BATCH.min(max) {
            return Err(QueueError::Unavailable(format!("{} messages at once", batch.len())));
        }
        for delivery in batch {
            received.insert(delivery.body, (delivery.receive_count, delivery.receipt));
        }
    }
}

/// The words of an error are each adapter's own.
fn without_words(error: QueueError) -> QueueError {
    match error {
        QueueError::OutsideLimits(_) => QueueError::OutsideLimits(String::new()),
        QueueError::Unavailable(text) => QueueError::Unavailable(text),
    }
}
