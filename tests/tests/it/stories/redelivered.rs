//! Messages that come again after everything else is over, and messages that come in vain.

#![expect(clippy::unwrap_used, reason = "a story fails where its set-up fails")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use catalogue::Step;
use crosswave_tests::world::{World, drive};
use dispatch::AllSteps;
use engine::{
    Verdict, handle,
    records::{load_all, load_job, queue_of},
};
use model::{
    Action, Branch, DeliveryState, EventKind, JobKind, Keys, Lease, Notification, Stored, User,
    UserState,
};
use ports::{Change, Delivery, Outgoing, Queue, QueueError, QueueName, Receipt, Store};

use super::{
    stage::{plain, state},
    support::discovered,
};

/// A queue that takes nothing in.
struct Deaf(Arc<dyn Queue>);

#[async_trait]
impl Queue for Deaf {
    async fn send(&self, _messages: &[Outgoing]) -> Result<(), QueueError> {
        Err(QueueError::Unavailable("the queue takes nothing in".to_owned()))
    }

    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, QueueError> {
        self.0.receive(queue, max, visibility).await
    }

    async fn acknowledge(&self, queue: &QueueName, receipt: &Receipt) -> Result<(), QueueError> {
        self.0.acknowledge(queue, receipt).await
    }

    async fn defer(
        &self,
        queue: &QueueName,
        receipt: &Receipt,
        delay: Duration,
    ) -> Result<(), QueueError> {
        self.0.defer(queue, receipt, delay).await
    }
}

/// One person whose Prepare stands before its last step, and that step's message.
async fn before_the_end() -> (World, User, QueueName, Delivery) {
    let (world, users) = discovered(plain(1)).await;
    world.match_all().await;
    let user = users.into_iter().next().unwrap();
    world.apply(&user, Action::Prepare).await.unwrap();
    let last: Step = JobKind::Prepare.plan().last().copied().unwrap();
    assert!(world.settle_before(last).await);
    let queue = queue_of(last).unwrap();
    let received = world.queue.receive(&queue, 1, Duration::from_mins(10)).await.unwrap();
    (world, user, queue, received.into_iter().next().unwrap())
}

async fn prepared_told(world: &World) -> DeliveryState {
    let partition = Keys::project_partition(&world.project.customer, &world.project.id);
    let all = load_all::<Notification>(&*world.host.store, &partition, Keys::NOTIFICATIONS).await;
    let kind = EventKind::PrepareDone;
    let told = all.unwrap().into_iter().find(|record| record.value.event.kind == kind);
    told.unwrap().value.delivery
}

/// NOT-2, ERR-4: the job is over and the process died before anybody was told. The last baton comes
/// again, finds no job, and the end is told; once more, and nobody is told twice.
#[tokio::test]
async fn an_end_that_was_not_told_is_told_when_the_last_baton_comes_again() {
    let (mut world, user, queue, baton) = before_the_end().await;
    let hearing = Arc::clone(&world.host.queue);
    world.host.queue = Arc::new(Deaf(Arc::clone(&hearing)));
    let failed = drive(&world, handle(&world.host, &AllSteps, &baton.body)).await;
    assert!(failed.is_err(), "the end could not be told: {failed:?}");
    assert_eq!(state(&world, &user).await, UserState::Prepared, "and the job is over");
    assert_eq!(prepared_told(&world).await, DeliveryState::Pending);

    world.host.queue = hearing;
    for _ in 0..2 {
        let again = drive(&world, handle(&world.host, &AllSteps, &baton.body)).await;
        assert_eq!(again.unwrap(), Verdict::Acknowledge);
        world.queue.acknowledge(&queue, &baton.receipt).await.ok();
        world.settle().await;
        let told = prepared_told(&world).await;
        assert!(
            matches!(told, DeliveryState::Sent { .. } | DeliveryState::Nothing),
            "it was told: {told:?}"
        );
    }
}

/// ERR-4: a baton that meets the lease of another run is deferred; that counts as a delivery, and after
/// so many it is a dead letter. It carried nothing: whoever holds the lease sends the next one, and if it
/// died, the sweeper does.
#[tokio::test]
async fn a_baton_that_is_deferred_until_it_is_a_dead_letter_stops_nobody() {
    let (mut world, user, queue, baton) = before_the_end().await;
    world.host.identity.sole = false;
    let key = world.key(&user);
    let job = load_job(&*world.host.store, &key, Branch::Main).await.unwrap().unwrap();
    let mut held = job.value.clone();
    let until = ports::Clock::now(&world.clock) + Duration::from_mins(12);
    held.lease = Some(Lease { holder: "somebody else's run".to_owned(), until });
    let (partition, sort) = Keys::job(&key, Branch::Main);
    let lease = Change::put(ports::Key { partition, sort }, held.to_bytes().unwrap());
    world.store.commit(&[lease]).await.unwrap();

    let mut receipt = baton.receipt;
    for _ in 0..100 {
        let verdict = drive(&world, handle(&world.host, &AllSteps, &baton.body)).await.unwrap();
        assert!(matches!(verdict, Verdict::Defer(_)), "another run has the step: {verdict:?}");
        world.queue.defer(&queue, &receipt, Duration::ZERO).await.unwrap();
        let again = world.queue.receive(&queue, 1, Duration::from_mins(1)).await.unwrap();
        let Some(delivery) = again.into_iter().next() else { break };
        receipt = delivery.receipt;
    }
    assert_eq!(world.queue.next_due(""), None, "its last message is a dead letter");
    assert_eq!(state(&world, &user).await, UserState::Preparing);

    world.clock.advance(Duration::from_hours(1));
    let project = &world.project;
    let swept =
        engine::sweep(&world.host, &project.customer, &project.id, engine::STALE_AFTER).await;
    assert_eq!(swept.unwrap(), 1, "the sweeper sends the baton of the job that stands still");
    world.settle().await;
    assert_eq!(state(&world, &user).await, UserState::Prepared);
}
