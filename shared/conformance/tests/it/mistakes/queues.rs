//! Queues with one mistake each.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use conformance::{
    differential,
    queue::{self, Bench},
    reference::{ModelQueue, VirtualClock},
};
use ports::{Delivery, Outgoing, Queue, QueueError, QueueName, Receipt};

#[derive(Clone, Copy, Debug)]
enum Mistake {
    ForgetsDelays,
    ForgetsDeferrals,
    NeverHides,
    LosesTheTenth,
    NeverDead,
    NeverRemoves,
}

struct Wrong {
    inner: ModelQueue,
    mistake: Mistake,
}

#[async_trait]
impl Queue for Wrong {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError> {
        let mut messages = messages.to_vec();
        match self.mistake {
            Mistake::ForgetsDelays => {
                for message in &mut messages {
                    message.delay = message.delay.saturating_sub(Duration::from_mins(10));
                }
            }
            Mistake::LosesTheTenth if messages.len() == 10 => messages.truncate(9),
            _ => {}
        }
        self.inner.send(&messages).await
    }

    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, QueueError> {
        let hides = !matches!(self.mistake, Mistake::NeverHides);
        let visibility = if hides { visibility } else { visibility.min(Duration::from_secs(1)) };
        self.inner.receive(queue, max, visibility).await
    }

    async fn acknowledge(&self, queue: &QueueName, receipt: &Receipt) -> Result<(), QueueError> {
        match self.mistake {
            Mistake::NeverRemoves => Ok(()),
            _ => self.inner.acknowledge(queue, receipt).await,
        }
    }

    async fn defer(
        &self,
        queue: &QueueName,
        receipt: &Receipt,
        delay: Duration,
    ) -> Result<(), QueueError> {
        match self.mistake {
            Mistake::ForgetsDeferrals => ports::deferrable(delay),
            _ => self.inner.defer(queue, receipt, delay).await,
        }
    }
}

fn wrong(mistake: Mistake, clock: &VirtualClock) -> Wrong {
    let max_receives = if matches!(mistake, Mistake::NeverDead) { u32::MAX } else { 3 };
    Wrong { inner: ModelQueue::new(Arc::new(clock.clone()), max_receives), mistake }
}

const MISTAKES: [(Mistake, &str); 6] = [
    (Mistake::ForgetsDelays, "the longest delay is kept, more is refused"),
    (Mistake::ForgetsDeferrals, "a deferred message comes at its time, as the same message"),
    (Mistake::NeverHides, "a delivered message is hidden for its visibility time-out"),
    (Mistake::LosesTheTenth, "a batch is delivered whole"),
    (Mistake::NeverDead, "a message that was received too often becomes a dead letter"),
    (Mistake::NeverRemoves, "a message that was acknowledged never comes again"),
];

#[tokio::test]
async fn the_suite_names_the_clause_that_a_queue_breaks() {
    for (mistake, clause) in MISTAKES {
        let fresh = async || {
            let clock = VirtualClock::new();
            let queue = Arc::new(wrong(mistake, &clock));
            let advance = Box::new(move |duration| clock.advance(duration));
            Bench { queue, advance, max_receives: 3 }
        };
        let broken = queue::suite(fresh).await.expect_err("the mistake breaks the contract");
        let clauses: Vec<_> = broken.breaches.iter().map(|breach| breach.clause).collect();
        assert!(clauses.contains(&clause), "{mistake:?} broke {clauses:?}");
    }
}

#[tokio::test]
async fn a_history_finds_the_mistake() {
    for (mistake, _) in MISTAKES {
        let mut found = false;
        for seed in 0..20 {
            let clock = VirtualClock::new();
            let model = ModelQueue::new(Arc::new(clock.clone()), 3);
            let adapter = wrong(mistake, &clock);
            let advance = |duration| clock.advance(duration);
            let sides = differential::Sides { model: &model, adapter: &adapter, advance: &advance };
            found |= differential::queue(&sides, seed, 200).await.is_err();
        }
        assert!(found, "no history found {mistake:?}");
    }
}
