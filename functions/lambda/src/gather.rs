//! What the messages of one invocation send goes out together: SQS bills a request for one message like one
//! for ten, and what is sent together is received together.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::{self, Either};
use ports::{Clock, Delivery, MAX_BATCH, Outgoing, Queue, QueueError, QueueName, Receipt};
use tokio::sync::oneshot;

/// Nobody waits longer for the others: a step takes about as long anyway.
const LINGER: Duration = Duration::from_secs(1);

/// A queue that sends when everybody who is at work waits for his messages to be sent, or when somebody has
/// waited for a second. Who sends hears when his messages are durable, as always.
pub(crate) struct Gathering {
    inner: Arc<dyn Queue>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    /// How many are at work, those that wait included.
    open: usize,
    waiting: Vec<Waiting>,
}

struct Waiting {
    messages: Vec<Outgoing>,
    told: oneshot::Sender<Result<(), QueueError>>,
}

impl Gathering {
    /// A queue for so many who are at work.
    pub(crate) fn new(inner: Arc<dyn Queue>, clock: Arc<dyn Clock>, open: usize) -> Self {
        Self { inner, clock, state: Mutex::new(State { open, waiting: Vec::new() }) }
    }

    /// One of those at work has ended.
    pub(crate) async fn ended(&self) {
        let complete = {
            let mut state = self.locked();
            state.open = state.open.saturating_sub(1);
            state.is_complete()
        };
        if complete {
            self.flush().await;
        }
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn flush(&self) {
        let waiting = std::mem::take(&mut self.locked().waiting);
        let mut by_queue: BTreeMap<&QueueName, Vec<Outgoing>> = BTreeMap::new();
        for message in waiting.iter().flat_map(|one| &one.messages) {
            by_queue.entry(&message.queue).or_default().push(message.clone());
        }
        let mut sent = Ok(());
        for batch in by_queue.values().flat_map(|all| all.chunks(MAX_BATCH)) {
            sent = sent.and(self.inner.send(batch).await);
        }
        for one in waiting {
            // One that is refused fails for its own sender alone. What goes twice is recognised.
            let sent = match &sent {
                Ok(()) => Ok(()),
                Err(_) => self.inner.send(&one.messages).await,
            };
            // Whoever is gone has been told to begin anew.
            drop(one.told.send(sent));
        }
    }
}

impl State {
    fn is_complete(&self) -> bool {
        !self.waiting.is_empty() && self.waiting.len() >= self.open
    }
}

#[async_trait]
impl Queue for Gathering {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError> {
        let (told, mut heard) = oneshot::channel();
        let complete = {
            let mut state = self.locked();
            state.waiting.push(Waiting { messages: messages.to_vec(), told });
            state.is_complete()
        };
        if !complete {
            match future::select(&mut heard, self.clock.sleep(LINGER)).await {
                Either::Left((Ok(sent), _)) => return sent,
                // Whoever sent for all was stopped in the middle of it.
                Either::Left((Err(_), _)) => return self.inner.send(messages).await,
                Either::Right(_) => {}
            }
        }
        self.flush().await;
        match heard.await {
            Ok(sent) => sent,
            Err(_) => self.inner.send(messages).await,
        }
    }

    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, QueueError> {
        self.inner.receive(queue, max, visibility).await
    }

    async fn acknowledge(&self, queue: &QueueName, receipt: &Receipt) -> Result<(), QueueError> {
        self.inner.acknowledge(queue, receipt).await
    }

    async fn defer(
        &self,
        queue: &QueueName,
        receipt: &Receipt,
        delay: Duration,
    ) -> Result<(), QueueError> {
        self.inner.defer(queue, receipt, delay).await
    }
}
