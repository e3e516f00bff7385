//! Event source mappings: each queue's messages go to its function in batches, and only what the
//! function handled is removed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use catalogue::Function;
use jiff::Timestamp;
use ports::{Clock, Delivery, Queue, QueueName};
use serde_json::{Value, json};
use system::SystemClock;
use tokio::sync::{Notify, Semaphore, watch};

use crate::{Pace, figures::Ledger, fleet::Fleet, serve::spawn, stack::STACK};

/// A queue is looked at after so long, whatever rang: an operator's program sends past the gate.
const LOOK: Duration = Duration::from_secs(5);

/// When something is due in each queue.
#[derive(Default)]
pub(crate) struct Bells {
    due: Mutex<BTreeMap<String, BTreeSet<Timestamp>>>,
    rung: Notify,
}

impl Bells {
    /// Something will be there after so long.
    pub(crate) fn ring(&self, queue: &str, delay: Duration) {
        let delay = jiff::SignedDuration::try_from(delay).unwrap_or_default();
        let at = SystemClock.now() + delay;
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.entry(queue.to_owned()).or_default().insert(at);
        self.rung.notify_waiters();
    }

    /// Waits until something may be in the queue.
    async fn wait(&self, queue: &str) {
        let until = SystemClock.now() + jiff::SignedDuration::try_from(LOOK).unwrap_or_default();
        loop {
            let rung = self.rung.notified();
            let now = SystemClock.now();
            let next = {
                let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
                let times = due.entry(queue.to_owned()).or_default();
                let next = times.first().copied();
                times.retain(|at| *at > now);
                next
            };
            let next = next.map_or(until, |next| next.min(until));
            if next <= now {
                return;
            }
            let pause = Duration::try_from(next.duration_since(now)).unwrap_or_default();
            tokio::select! {
                () = SystemClock.sleep(pause) => return,
                () = rung => {}
            }
        }
    }
}

/// What the mappings of one cloud share.
pub(crate) struct Mappings {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) queues: Arc<dyn Queue>,
    pub(crate) bells: Arc<Bells>,
    pub(crate) pace: Pace,
    /// Invocations of one function at the same time.
    pub(crate) concurrency: usize,
    /// Counts what polling costs.
    pub(crate) ledger: Arc<Ledger>,
    /// Messages that were delivered.
    pub(crate) delivered: AtomicU64,
    /// Invocations that failed as a whole, in words.
    pub(crate) failures: Mutex<Vec<String>>,
}

impl Mappings {
    /// Serves every queue from now on, while polling is on.
    pub(crate) fn begin(self: &Arc<Self>, polling: &watch::Sender<bool>) {
        for function in Function::all() {
            let Some(name) = function.queue().and_then(|name| QueueName::parse(&name).ok()) else {
                continue;
            };
            let (shared, polling) = (Arc::clone(self), polling.subscribe());
            spawn(async move { shared.serve(function, name, polling).await });
        }
    }

    async fn serve(
        self: Arc<Self>,
        function: Function,
        queue: QueueName,
        mut polling: watch::Receiver<bool>,
    ) {
        let room = Arc::new(Semaphore::new(self.concurrency));
        let physical = format!("{STACK}-{queue}");
        let most = usize::try_from(infra::batch(function)).unwrap_or(1);
        loop {
            if polling.wait_for(|on| *on).await.is_err() {
                return;
            }
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            let received = self.queues.receive(&queue, most, self.pace.visibility).await;
            let batch = match received {
                Ok(batch) if batch.is_empty() => {
                    drop(place);
                    self.bells.wait(&physical).await;
                    continue;
                }
                Ok(batch) => {
                    // What is not removed by then is there again.
                    self.bells.ring(&physical, self.pace.visibility);
                    batch
                }
                Err(_) => {
                    drop(place);
                    SystemClock.sleep(LOOK).await;
                    continue;
                }
            };
            let shared = Arc::clone(&self);
            let queue = queue.clone();
            spawn(async move {
                shared.deliver(function, &queue, batch).await;
                drop(place);
            });
        }
    }

    async fn deliver(&self, function: Function, queue: &QueueName, batch: Vec<Delivery>) {
        let count = u64::try_from(batch.len()).unwrap_or_default();
        self.delivered.fetch_add(count, Ordering::Relaxed);
        self.ledger.polled(batch.len());
        let records: Vec<Value> = batch.iter().enumerate().map(record).collect();
        let answer = self.fleet.invoke(function, &json!({ "Records": records })).await;
        let failed = match answer {
            Ok(answer) => failed(&answer),
            Err(why) => {
                let text = format!("{}: {why}", function.handler());
                self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                // The whole batch comes again when its visibility is over.
                return;
            }
        };
        for (place, delivery) in batch.iter().enumerate() {
            if !failed.contains(&place.to_string()) {
                // What is not removed comes again, and is recognised.
                drop(self.queues.acknowledge(queue, &delivery.receipt).await);
            }
        }
    }
}

fn record((place, delivery): (usize, &Delivery)) -> Value {
    json!({
        "messageId": place.to_string(),
        "receiptHandle": delivery.receipt.0,
        "body": delivery.body,
        "attributes": { "ApproximateReceiveCount": delivery.receive_count.to_string() },
        "eventSource": "aws:sqs",
    })
}

fn failed(answer: &Value) -> BTreeSet<String> {
    let failures = answer.get("batchItemFailures").and_then(Value::as_array);
    let id = |failure: &Value| Some(failure.get("itemIdentifier")?.as_str()?.to_owned());
    failures.into_iter().flatten().filter_map(id).collect()
}
