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
use jiff::{SignedDuration, Timestamp};
use ports::{Clock, Delivery, Queue, QueueError, QueueName};
use serde_json::{Value, json};
use system::SystemClock;
use tokio::sync::{Notify, Semaphore, watch};

use crate::{
    Pace,
    figures::Ledger,
    fleet::Fleet,
    serve::spawn,
    stack::STACK,
    switches::{Switches, mapping_of},
};

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
        let delay = SignedDuration::try_from(delay).unwrap_or_default();
        let at = SystemClock.now() + delay;
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.entry(queue.to_owned()).or_default().insert(at);
        self.rung.notify_waiters();
    }

    /// Waits until something may be in the queue, at most so long.
    async fn wait(&self, queue: &str, most: Duration) {
        let until = SystemClock.now() + SignedDuration::try_from(most).unwrap_or_default();
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
    /// Serves every queue from now on, while its mapping is on.
    pub(crate) fn begin(self: &Arc<Self>, switches: &Switches) {
        for function in Function::all() {
            let Some(name) = function.queue().and_then(|name| QueueName::parse(&name).ok()) else {
                continue;
            };
            let (shared, on) = (Arc::clone(self), switches.follow());
            spawn(async move { shared.serve(function, name, on).await });
        }
    }

    async fn serve(
        self: Arc<Self>,
        function: Function,
        queue: QueueName,
        mut on: watch::Receiver<BTreeSet<String>>,
    ) {
        let room = Arc::new(Semaphore::new(self.concurrency));
        let physical = format!("{STACK}-{queue}");
        let most = usize::try_from(infra::batch(function)).unwrap_or(1);
        let own = mapping_of(function);
        loop {
            if on.wait_for(|on| on.contains(&own)).await.is_err() {
                return;
            }
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            let gathering = Gathering {
                queue: &queue,
                physical: &physical,
                most,
                window: self.pace.window_of(function),
                visibility: self.pace.visibility,
            };
            let received = gathering.gather(&*self.queues, &self.bells).await;
            let batch = match received {
                Ok((_, batch)) if batch.is_empty() => {
                    drop(place);
                    self.bells.wait(&physical, LOOK).await;
                    continue;
                }
                Ok((receives, batch)) => {
                    self.ledger.polled(receives, batch.len());
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

/// How a batch comes together.
struct Gathering<'a> {
    queue: &'a QueueName,
    /// The queue's name in the account.
    physical: &'a str,
    /// A full batch.
    most: usize,
    /// How long a batch waits for more, from its first message on.
    window: Duration,
    visibility: Duration,
}

impl Gathering<'_> {
    /// Takes what is there; a batch that is not full waits for more. How many requests brought
    /// something, and what.
    async fn gather(
        &self,
        queues: &dyn Queue,
        bells: &Bells,
    ) -> Result<(u64, Vec<Delivery>), QueueError> {
        let mut batch = queues.receive(self.queue, self.most, self.visibility).await?;
        let mut receives = 1;
        let until = SystemClock.now() + SignedDuration::try_from(self.window).unwrap_or_default();
        while !batch.is_empty() && batch.len() < self.most {
            let left = Duration::try_from(until.duration_since(SystemClock.now()));
            let Some(left) = left.ok().filter(|left| !left.is_zero()) else { break };
            bells.wait(self.physical, left).await;
            // What is held already is not lost by a request that fails.
            let room = self.most - batch.len();
            let more = queues.receive(self.queue, room, self.visibility).await.unwrap_or_default();
            receives += u64::from(!more.is_empty());
            batch.extend(more);
        }
        Ok((receives, batch))
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

#[cfg(test)]
mod tests {
    use conformance::reference::ModelQueue;
    use ports::Outgoing;

    use super::*;

    const QUEUE: &str = "prepare-hide-user";

    struct Desk {
        queue: ModelQueue,
        bells: Bells,
        name: QueueName,
    }

    impl Desk {
        fn new() -> Self {
            let queue = ModelQueue::new(Arc::new(SystemClock), 10);
            Self { queue, bells: Bells::default(), name: QueueName::parse(QUEUE).unwrap() }
        }

        async fn send(&self, body: &str) {
            let message = Outgoing {
                queue: self.name.clone(),
                body: body.to_owned(),
                delay: Duration::ZERO,
                group: "local".to_owned(),
            };
            self.queue.send(&[message]).await.unwrap();
            self.bells.ring(QUEUE, Duration::ZERO);
        }

        /// The bodies of one batch.
        async fn gather(&self, most: usize, window: Duration) -> Vec<String> {
            let visibility = Duration::from_mins(1);
            let gathering =
                Gathering { queue: &self.name, physical: QUEUE, most, window, visibility };
            let (_, batch) = gathering.gather(&self.queue, &self.bells).await.unwrap();
            batch.into_iter().map(|delivery| delivery.body).collect()
        }
    }

    /// A batch waits for more within its window, no longer than until it is full; an empty queue is
    /// no batch.
    #[tokio::test]
    async fn a_batch_that_is_not_full_waits_for_its_window() {
        let desk = Desk::new();
        let hour = Duration::from_hours(1);
        assert!(desk.gather(2, hour).await.is_empty());
        desk.send("one").await;
        let (batch, ()) = tokio::join!(desk.gather(2, hour), desk.send("two"));
        assert_eq!(batch, ["one", "two"]);
        desk.send("three").await;
        assert_eq!(desk.gather(2, Duration::from_millis(20)).await, ["three"]);
        desk.send("four").await;
        let (batch, ()) = tokio::join!(desk.gather(2, Duration::ZERO), desk.send("five"));
        assert_eq!(batch, ["four"], "without a window nothing is waited for");
    }
}
