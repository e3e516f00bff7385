//! The queue in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use ports::{
    Clock, Delivery, Outgoing, Queue, QueueError, QueueName, Receipt, deferrable, receivable,
    sendable,
};

use super::lock;

/// A queue that delivers in the order of the due times, and in the order of sending among equals.
pub struct ModelQueue {
    clock: Arc<dyn Clock>,
    max_receives: u32,
    messages: Mutex<Messages>,
}

#[derive(Default)]
struct Messages {
    /// By number, in the order of sending.
    all: BTreeMap<u64, Message>,
    next: u64,
}

#[derive(Clone)]
struct Message {
    queue: QueueName,
    body: String,
    group: String,
    due: Timestamp,
    receive_count: u32,
}

impl ModelQueue {
    /// A queue on a clock, which delivers a message at most `max_receives` times before it becomes
    /// a dead letter.
    pub fn new(clock: Arc<dyn Clock>, max_receives: u32) -> Self {
        Self { clock, max_receives: max_receives.max(1), messages: Mutex::default() }
    }

    /// When the next message becomes visible in any queue whose name starts with `prefix`: a time
    /// that may have passed; `None` when these queues are empty. Dead letters do not count.
    pub fn next_due(&self, prefix: &str) -> Option<Timestamp> {
        let messages = lock(&self.messages);
        let counted = |message: &&Message| {
            message.queue.as_str().starts_with(prefix) && !message.queue.is_dead_letter()
        };
        messages.all.values().filter(counted).map(|message| message.due).min()
    }

    /// The queues in which a message is visible now, by name. Dead letters do not count.
    pub fn due_now(&self) -> BTreeSet<QueueName> {
        let now = self.clock.now();
        let messages = lock(&self.messages);
        let due = messages.all.values().filter(|message| message.due <= now);
        let queues = due.map(|message| &message.queue).filter(|queue| !queue.is_dead_letter());
        queues.cloned().collect()
    }

    /// Everything that a queue holds, in flight or not, in the order of sending; the delay is what
    /// is left of it. What a checker looks at after a run.
    pub fn contents(&self, queue: &QueueName) -> Vec<Outgoing> {
        let now = self.clock.now();
        let messages = lock(&self.messages);
        let there = messages.all.values().filter(|message| message.queue == *queue);
        let outgoing = |message: &Message| Outgoing {
            queue: message.queue.clone(),
            body: message.body.clone(),
            delay: Duration::try_from(message.due.duration_since(now)).unwrap_or_default(),
            group: message.group.clone(),
        };
        there.map(outgoing).collect()
    }

    fn due(&self, delay: Duration) -> Timestamp {
        self.clock.now().checked_add(delay).unwrap_or(Timestamp::MAX)
    }
}

impl Messages {
    fn add(&mut self, message: Message) {
        self.next += 1;
        self.all.insert(self.next, message);
    }

    /// The message of a receipt, if this was its latest delivery and it is still there.
    fn delivered(&mut self, queue: &QueueName, receipt: &Receipt) -> Option<(u64, &mut Message)> {
        let (number, count) = receipt.0.split_once('.')?;
        let (number, count) = (number.parse().ok()?, count.parse::<u32>().ok()?);
        let message = self.all.get_mut(&number)?;
        (message.queue == *queue && message.receive_count == count).then_some((number, message))
    }
}

#[async_trait]
impl Queue for ModelQueue {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError> {
        sendable(messages)?;
        let mut there = lock(&self.messages);
        for message in messages {
            there.add(Message {
                queue: message.queue.clone(),
                body: message.body.clone(),
                group: message.group.clone(),
                due: self.due(message.delay),
                receive_count: 0,
            });
        }
        Ok(())
    }

    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, QueueError> {
        receivable(max, visibility)?;
        let now = self.clock.now();
        let mut messages = lock(&self.messages);
        let mut due: Vec<_> = messages
            .all
            .iter()
            .filter(|(_, message)| message.queue == *queue && message.due <= now)
            .map(|(number, message)| (message.due, *number))
            .collect();
        due.sort_unstable();
        let mut deliveries = Vec::new();
        for (_, number) in due {
            if deliveries.len() >= max {
                break;
            }
            let Some(message) = messages.all.get_mut(&number) else { continue };
            if message.receive_count >= self.max_receives && !queue.is_dead_letter() {
                let dead = Message {
                    queue: queue.dead_letter(),
                    due: now,
                    receive_count: 0,
                    ..message.clone()
                };
                messages.all.remove(&number);
                messages.add(dead);
                continue;
            }
            message.receive_count += 1;
            message.due = self.due(visibility);
            deliveries.push(Delivery {
                body: message.body.clone(),
                receipt: Receipt(format!("{number}.{}", message.receive_count)),
                receive_count: message.receive_count,
            });
        }
        Ok(deliveries)
    }

    async fn acknowledge(&self, queue: &QueueName, receipt: &Receipt) -> Result<(), QueueError> {
        let mut messages = lock(&self.messages);
        if let Some((number, _)) = messages.delivered(queue, receipt) {
            messages.all.remove(&number);
        }
        Ok(())
    }

    async fn defer(
        &self,
        queue: &QueueName,
        receipt: &Receipt,
        delay: Duration,
    ) -> Result<(), QueueError> {
        deferrable(delay)?;
        let due = self.due(delay);
        if let Some((_, message)) = lock(&self.messages).delivered(queue, receipt) {
            message.due = due;
        }
        Ok(())
    }
}
