//! The contract of the queue.

mod dead_letters;
mod delivery;
mod limits;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ports::{Delivery, MAX_BATCH, Outgoing, Queue, QueueError, QueueName};

use crate::verdict::{
    Breach, Broken, Clause, Verdict, clauses, ensure, ensure_eq, judge, unexpected,
};

/// The queues that the suite uses; each has its dead-letter queue. An adapter that must make queues
/// before they are used makes these.
pub const QUEUES: [&str; 2] = ["conformance-a", "conformance-b"];

/// A queue under test.
pub struct Bench {
    /// The adapter; [`QUEUES`] are empty.
    pub queue: Arc<dyn Queue>,
    /// Lets so much time pass on the queue's clock.
    pub advance: Box<dyn Fn(Duration) + Send + Sync>,
    /// How often this queue delivers a message before it becomes a dead letter; at least 3.
    pub max_receives: u32,
}

/// Every clause of the contract; `fresh` makes an empty queue.
pub async fn suite(fresh: impl AsyncFn() -> Bench) -> Result<(), Broken> {
    const CLAUSES: &[Clause<Bench>] = clauses![
        "a receive with nothing due returns nothing" => delivery::nothing,
        "a message that was sent is delivered as it was sent" => delivery::as_sent,
        "a receive returns no more than was asked for" => delivery::at_most_max,
        "a batch is delivered whole" => delivery::batches,
        "a delayed message is delivered after its delay, not before" => delivery::delays,
        "a delivered message is hidden for its visibility time-out" => delivery::visibility,
        "each delivery counts, and has a receipt of its own" => delivery::counts,
        "of several receivers each gets other messages" => delivery::side_by_side,
        "a message that was acknowledged never comes again" => delivery::acknowledged,
        "acknowledging twice is no error" => delivery::acknowledged_twice,
        "a late acknowledgement counts while the message waits" => delivery::acknowledged_late,
        "an old receipt is no error, and the latest decides" => delivery::old_receipts,
        "a deferred message comes at its time, as the same message" => delivery::deferred,
        "a message is deferred to sooner and to later" => delivery::deferred_both_ways,
        "a message that is gone is not brought back by deferring it" => delivery::deferred_gone,
        "queues do not see each other's messages" => delivery::isolated,
        "messages of all groups are delivered" => delivery::groups,
        "a message that was received too often becomes a dead letter" => dead_letters::after_max,
        "a dead letter is a message like any other, and stays" => dead_letters::stays,
        "dead letters do not stand in the way of others" => dead_letters::out_of_the_way,
        "a send of 0 or 11 messages is refused" => limits::send_count,
        "a receive of 0 or 11 messages is refused" => limits::receive_count,
        "the longest delay is kept, more is refused" => limits::delay,
        "the longest visibility and deferral are kept, more is refused" => limits::visibility,
        "the largest body is kept, more is refused" => limits::body,
        "a body holds what XML can hold, and something" => limits::characters,
        "a fairness group is printable, or there is none" => limits::group,
        "a send that was refused sent nothing" => limits::refused_wholly,
    ];
    judge("queue", CLAUSES, fresh).await
}

/// What a queue that outlives its process must do: `open` opens the same queue each time, and the
/// suite has dropped the one before. The clock goes on.
pub async fn durability(open: impl AsyncFn() -> Bench) -> Result<(), Broken> {
    let broken = |found| {
        let clause = "messages are there after the queue was closed and opened again";
        Broken { port: "queue", breaches: vec![Breach { clause, found }] }
    };
    let bench = open().await;
    before_closing(&bench).await.map_err(broken)?;
    drop(bench);
    after_opening(&open().await).await.map_err(broken)
}

async fn before_closing(bench: &Bench) -> Verdict {
    bench.send(&["acknowledged", "deferred", "unread"]).await?;
    let delivered = bench.receive_by_body(VISIBILITY).await?;
    for (body, delivery) in delivered {
        match body.as_str() {
            "acknowledged" => bench.acknowledge(&delivery).await?,
            _ => bench.defer(&delivery, MINUTE).await?,
        }
    }
    bench.send_after("delayed", MINUTE * 2).await
}

async fn after_opening(bench: &Bench) -> Verdict {
    ensure_eq!(bench.bodies().await?, [""; 0], "the messages due before their time");
    (bench.advance)(MINUTE);
    ensure_eq!(bench.bodies().await?, ["deferred", "unread"], "the deferred messages");
    (bench.advance)(MINUTE);
    ensure_eq!(bench.bodies().await?, ["delayed"], "the delayed message");
    Ok(())
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
/// The visibility time-out where a clause says nothing about it.
const VISIBILITY: Duration = Duration::from_mins(5);

/// A second less.
fn just_before(moment: Duration) -> Duration {
    moment.saturating_sub(SECOND)
}

fn name(text: &str) -> Result<QueueName, String> {
    QueueName::parse(text).map_err(unexpected)
}

/// The queue of the clauses that need only one.
fn a() -> Result<QueueName, String> {
    name(QUEUES[0])
}

fn message(queue: QueueName, body: &str, delay: Duration) -> Outgoing {
    Outgoing { queue, body: body.to_owned(), delay, group: "conformance".to_owned() }
}

/// The port's calls in the words of the clauses, on the first queue.
impl Bench {
    async fn send(&self, bodies: &[&str]) -> Verdict {
        let messages: Result<Vec<_>, _> = bodies
            .iter()
            .map(|body| a().map(|queue| message(queue, body, Duration::ZERO)))
            .collect();
        self.queue.send(&messages?).await.map_err(unexpected)
    }

    async fn send_after(&self, body: &str, delay: Duration) -> Verdict {
        self.queue.send(&[message(a()?, body, delay)]).await.map_err(unexpected)
    }

    /// Everything that is due in a queue, batch after batch.
    async fn drain(
        &self,
        queue: &QueueName,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, String> {
        let mut all = Vec::new();
        loop {
            let batch =
                self.queue.receive(queue, MAX_BATCH, visibility).await.map_err(unexpected)?;
            ensure!(batch.len() <= MAX_BATCH, "{} messages in one batch", batch.len());
            if batch.is_empty() {
                return Ok(all);
            }
            all.extend(batch);
        }
    }

    async fn receive_by_body(
        &self,
        visibility: Duration,
    ) -> Result<BTreeMap<String, Delivery>, String> {
        let deliveries = self.drain(&a()?, visibility).await?;
        let count = deliveries.len();
        let by_body: BTreeMap<_, _> =
            deliveries.into_iter().map(|delivery| (delivery.body.clone(), delivery)).collect();
        ensure_eq!(by_body.len(), count, "the count of different messages");
        Ok(by_body)
    }

    /// The bodies of everything that is due, sorted.
    async fn bodies(&self) -> Result<Vec<String>, String> {
        Ok(self.receive_by_body(VISIBILITY).await?.into_keys().collect())
    }

    /// The one message that is due.
    async fn one(&self, visibility: Duration) -> Result<Delivery, String> {
        let mut deliveries = self.drain(&a()?, visibility).await?;
        match (deliveries.pop(), deliveries.is_empty()) {
            (Some(delivery), true) => Ok(delivery),
            (last, _) => {
                Err(format!("one message was expected, found {deliveries:?} and {last:?}"))
            }
        }
    }

    async fn acknowledge(&self, delivery: &Delivery) -> Verdict {
        self.queue.acknowledge(&a()?, &delivery.receipt).await.map_err(unexpected)
    }

    async fn defer(&self, delivery: &Delivery, delay: Duration) -> Verdict {
        self.queue.defer(&a()?, &delivery.receipt, delay).await.map_err(unexpected)
    }
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, QueueError>) -> Verdict {
    match outcome {
        Err(QueueError::OutsideLimits(_)) => Ok(()),
        other => Err(format!("`OutsideLimits` was expected, found {other:?}")),
    }
}
