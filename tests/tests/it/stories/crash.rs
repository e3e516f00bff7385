//! A process that dies at any boundary: before and after every request, commit and send.

#![expect(clippy::expect_used, reason = "a helper that fails fails its test")]

use std::{
    collections::BTreeSet,
    future::Future,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use catalogue::Step;
use crosswave_tests::world::{World, drive};
use dispatch::AllSteps;
use engine::{EngineError, Verdict, handle, notify, records::queue_of};
use ports::{
    Change, Clock, CommitError, Delivery, Key, Outgoing, Page, Query, Queue, QueueError, QueueName,
    Receipt, Record, Store, StoreError,
};
use simulator::Lag;

/// Long enough to be a boundary, short enough to matter to nobody.
const MOMENT: Duration = Duration::from_millis(1);
/// After this long a message whose process died comes again.
const VISIBILITY: Duration = Duration::from_mins(10);

/// Makes every request, commit and send of a world take a moment, so that a process can die before
/// and after it.
pub(super) fn with_boundaries(world: &mut World) {
    world.simulator.configure(|config| config.faults.latency = Lag::millis(1, 1));
    let clock = Arc::clone(&world.host.clock);
    let store = Arc::clone(&world.host.store);
    world.host.store = Arc::new(Slow { inner: store, clock: Arc::clone(&clock) });
    let queue = Arc::clone(&world.host.queue);
    world.host.queue = Arc::new(Slow { inner: queue, clock });
}

/// A port whose writes have a boundary before and after them.
struct Slow<T: ?Sized> {
    inner: Arc<T>,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Store for Slow<dyn Store> {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.inner.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.inner.query(query).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        self.clock.sleep(MOMENT).await;
        let committed = self.inner.commit(changes).await;
        self.clock.sleep(MOMENT).await;
        committed
    }
}

#[async_trait]
impl Queue for Slow<dyn Queue> {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError> {
        self.clock.sleep(MOMENT).await;
        let sent = self.inner.send(messages).await;
        self.clock.sleep(MOMENT).await;
        sent
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

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// It is handled.
    Plain,
    /// Its process dies at a boundary, counted from 1; one with fewer boundaries is handled.
    DiesAt(usize),
    /// It is handled, and comes once more.
    ComesTwice,
}

/// Lets everything come to rest while every first delivery of a message dies at boundary number
/// `at`; those with fewer boundaries live. How many died.
pub(super) async fn settle_crashing(world: &World, at: usize) -> usize {
    let mut died = 0;
    while let Some((queue, delivery)) = next(world).await {
        let first = delivery.receive_count == 1;
        let fate = if first { Fate::DiesAt(at) } else { Fate::Plain };
        died += usize::from(!meets(world, &queue, &delivery, fate).await);
    }
    died
}

/// Lets everything come to rest while every baton comes twice, the second time so much later.
pub(super) async fn settle_doubled(world: &World, later: Duration) {
    let mut seen = BTreeSet::new();
    while let Some((queue, delivery)) = next(world).await {
        // What waits sends the same baton again and again; two lines of them are enough.
        if seen.insert(delivery.body.trim_end().to_owned()) {
            again(world, &queue, &delivery, later).await;
        }
        assert!(meets(world, &queue, &delivery, Fate::Plain).await);
    }
}

/// Handles the next message. `false`: there is none.
pub(super) async fn advance(world: &World, fate: Fate) -> bool {
    let Some((queue, delivery)) = next(world).await else { return false };
    if matches!(fate, Fate::ComesTwice) {
        again(world, &queue, &delivery, Duration::ZERO).await;
    }
    meets(world, &queue, &delivery, fate).await;
    true
}

/// Handles a delivery. `false`: its process died.
async fn meets(world: &World, queue: &QueueName, delivery: &Delivery, fate: Fate) -> bool {
    let at = if let Fate::DiesAt(at) = fate { at } else { usize::MAX };
    let Some(verdict) = polled(world, handled(world, queue, &delivery.body), at) else {
        return false;
    };
    settle(world, queue, delivery, verdict.expect("the engine")).await;
    true
}

/// Sends a message once more, marked by a space behind it, which no reader minds.
async fn again(world: &World, queue: &QueueName, delivery: &Delivery, later: Duration) {
    let copy = Outgoing {
        queue: queue.clone(),
        body: format!("{} ", delivery.body),
        delay: later,
        group: "again".to_owned(),
    };
    world.queue.send(&[copy]).await.expect("the queue");
}

/// Handles the next message, and runs `meanwhile` when that has passed so many boundaries.
pub(super) async fn interrupted(world: &World, boundaries: usize, meanwhile: impl Future) {
    let (queue, delivery) = next(world).await.expect("a message");
    let mut work = Box::pin(handled(world, &queue, &delivery.body));
    let early = polled(world, work.as_mut(), boundaries);
    assert!(early.is_none(), "it was still in hand");
    meanwhile.await;
    let verdict = drive(world, work).await.expect("the engine");
    settle(world, &queue, &delivery, verdict).await;
}

/// Handles the next message and dies at the first boundary at which `moment` is true.
pub(super) async fn die_when(world: &World, moment: impl Fn() -> bool) {
    let (queue, delivery) = next(world).await.expect("a message");
    let mut work = Box::pin(handled(world, &queue, &delivery.body));
    while !moment() {
        let early = polled(world, work.as_mut(), 1);
        assert!(early.is_none(), "the moment never came");
        let deadline = world.clock.next_deadline().expect("somebody sleeps");
        world.clock.advance_to(deadline);
    }
}

/// The next message, at the time at which it is due.
async fn next(world: &World) -> Option<(QueueName, Delivery)> {
    loop {
        let due = world.queue.next_due("")?;
        if due > world.clock.now() {
            world.clock.advance_to(due);
        }
        let mut queues: Vec<_> = Step::all().filter_map(|step| queue_of(step).ok()).collect();
        queues.extend(QueueName::parse(notify::NOTIFICATION_QUEUE));
        for queue in queues {
            let received = world.queue.receive(&queue, 1, VISIBILITY).await.expect("receive");
            if let Some(delivery) = received.into_iter().next() {
                return Some((queue, delivery));
            }
        }
    }
}

async fn handled(world: &World, queue: &QueueName, body: &str) -> Result<Verdict, EngineError> {
    if queue.as_str() == notify::NOTIFICATION_QUEUE {
        notify::handle_notification(&world.host, body).await
    } else {
        handle(&world.host, &AllSteps, body).await
    }
}

async fn settle(world: &World, queue: &QueueName, delivery: &Delivery, verdict: Verdict) {
    let receipt = &delivery.receipt;
    match verdict {
        Verdict::Acknowledge => world.queue.acknowledge(queue, receipt).await,
        Verdict::Defer(delay) => world.queue.defer(queue, receipt, delay).await,
        Verdict::Poison(why) => unreachable!("a message could not be read: {why}"),
    }
    .expect("the queue");
}

/// Polls a future until it is ready, or until it has waited `at` times: then it is dropped.
fn polled<F: Future>(world: &World, future: F, at: usize) -> Option<F::Output> {
    let mut future = std::pin::pin!(tokio::task::unconstrained(future));
    let mut context = Context::from_waker(Waker::noop());
    let mut waits = 0;
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        waits += 1;
        if waits >= at {
            return None;
        }
        let deadline = world.clock.next_deadline().expect("somebody sleeps");
        world.clock.advance_to(deadline);
    }
}
