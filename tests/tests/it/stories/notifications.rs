//! Notifications: at most once, until accepted, and not in quiet hours.

#![expect(clippy::unwrap_used, reason = "a story fails where its set-up fails")]

use catalogue::Step;
use crosswave_tests::world::World;
use engine::records::load_all;
use futures_util::FutureExt;
use model::{
    Action, Blackout, DeliveryState, EventKind, JournalEvent, Keys, Notification, OutlookGate,
    QuietHours, User, UserState,
};
use simulator::FaultKind;

use super::{
    crash::{die_when, with_boundaries},
    stage::{aim, bare, fault, heal, in_target, mails, one_synced, rule, state},
};

const SEND_MAIL: &str = "/sendMail";

/// NOT-2: a throttled `sendMail` is tried again until it is accepted, and then no more.
#[tokio::test]
async fn a_refused_mail_is_sent_again_until_it_is_accepted() {
    for (status, retry_after) in [(429, Some(60)), (429, None), (503, Some(30))] {
        let (world, user) = one_synced(bare(1)).await;
        let refusal = FaultKind::Status { status, retry_after };
        fault(&world, SEND_MAIL, Some(25), refusal);
        world.perform(std::slice::from_ref(&user), Action::Cutover).await;
        assert_eq!(state(&world, &user).await, UserState::Complete, "{status} {retry_after:?}");
        let record = record(&world, EventKind::CutoverComplete).await;
        assert!(matches!(record.delivery, DeliveryState::Sent { .. }), "{record:?}");
        assert_eq!(told(&world, &user).await, 1, "{status} {retry_after:?}");
    }
}

/// NOT-2: the mail that asks for action is sent until it is accepted, also when the cutover does not
/// wait for the user.
#[tokio::test]
async fn the_call_for_action_is_sent_until_it_is_accepted() {
    for gate in [OutlookGate::Continue, OutlookGate::Wait] {
        let (world, user) = one_synced(bare(1).gate(gate)).await;
        aim(
            &world,
            simulator::FaultRule {
                path: Some(SEND_MAIL.to_owned()),
                times: Some(10),
                ..rule(FaultKind::Status { status: 429, retry_after: Some(60) })
            },
        );
        world.apply(&user, Action::Cutover).await.unwrap();
        let end = ports::Clock::now(&world.clock) + std::time::Duration::from_hours(5);
        while ports::Clock::now(&world.clock) < end && world.advance_one().await {}
        let record = record(&world, EventKind::ActionRequired).await;
        assert!(matches!(record.delivery, DeliveryState::Sent { .. }), "{gate:?}: {record:?}");
    }
}

/// NOT-2, ERR-4: a mail whose reply was lost may have been sent, so it is not sent again, and the
/// record says so; the cutover goes on.
#[tokio::test]
async fn a_mail_whose_reply_was_lost_is_not_sent_again() {
    let (world, user) = one_synced(bare(1)).await;
    fault(&world, SEND_MAIL, Some(1), FaultKind::ResetAfter);
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    assert_eq!(told(&world, &user).await, 1);
    assert_eq!(record(&world, EventKind::CutoverComplete).await.delivery, DeliveryState::Uncertain);
}

/// NOT-2, ERR-4: a process that dies while it sends leaves a mark, and the mail is not sent twice.
#[tokio::test]
async fn a_crash_while_sending_sends_nothing_twice() {
    let (world, user) = died_while_sending().await;
    world.settle().await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    assert_eq!(told(&world, &user).await, 1);
    assert_eq!(record(&world, EventKind::CutoverComplete).await.delivery, DeliveryState::Uncertain);
}

/// NOT-2: a cutover that is stopped while its notification is being sent decides it all the same.
#[tokio::test]
async fn a_stopped_cutover_leaves_no_mail_undecided() {
    let (world, user) = died_while_sending().await;
    world.apply(&user, Action::Stop).await.unwrap();
    world.settle().await;
    assert_eq!(state(&world, &user).await, UserState::Stopped);
    assert_eq!(record(&world, EventKind::CutoverComplete).await.delivery, DeliveryState::Uncertain);
    assert_eq!(told(&world, &user).await, 1);
}

/// NOT-2, ERR-4: the same where the process that stops it dies before it has announced anything. Nobody sweeps.
#[tokio::test]
async fn a_stopped_cutover_leaves_no_mail_undecided_whoever_dies() {
    let (world, user) = died_while_sending().await;
    world.apply(&user, Action::Stop).await.unwrap();
    let stopped = || {
        let user = world.user(&user).now_or_never();
        user.is_some_and(|user| user.state == UserState::Stopped)
    };
    die_when(&world, stopped).await;
    world.settle().await;
    assert_eq!(record(&world, EventKind::CutoverComplete).await.delivery, DeliveryState::Uncertain);
    assert_eq!(told(&world, &user).await, 1);
}

/// NOT-2, ERR-4: a host that is alone knows at its start that the sender is dead, and waits for
/// nobody.
#[tokio::test]
async fn after_a_restart_a_sole_host_settles_an_unfinished_mail_at_once() {
    let (mut world, user) = died_while_sending().await;
    world.host.identity.incarnation = "second life".to_owned();
    let due = world.queue.next_due("").unwrap();
    world.settle().await;
    let record = record(&world, EventKind::CutoverComplete).await;
    assert_eq!(record.delivery, DeliveryState::Uncertain);
    let journal = world.journal(&user).await;
    let told_of = |entry: &&model::JournalEntry| {
        entry.step == Some(Step::NotifyUser) && matches!(entry.event, JournalEvent::Done { .. })
    };
    let waited = journal.iter().find(told_of).unwrap().at.duration_since(due);
    assert!(waited < jiff::SignedDuration::from_secs(30), "{waited}");
    assert_eq!(state(&world, &user).await, UserState::Complete);
    assert_eq!(told(&world, &user).await, 1);
}

/// NOT-2: quiet hours hold the mail back until they end; then it is sent, once.
#[tokio::test]
async fn quiet_hours_hold_a_mail_back_until_they_end() {
    let (mut world, user) = one_synced(bare(1)).await;
    // 08:00 UTC is 10:00 in Berlin: quiet until 18:30 there.
    let hours =
        Blackout { days: Vec::new(), from: "07:00".parse().unwrap(), to: "18:30".parse().unwrap() };
    world.project.quiet_hours =
        Some(QuietHours { zone: "Europe/Berlin".to_owned(), hours: vec![hours] });
    control::store_project(&world.host, &world.project).await.unwrap();
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    let record = record(&world, EventKind::CutoverComplete).await;
    let DeliveryState::Sent { at } = record.delivery else { panic!("{record:?}") };
    let end: jiff::Timestamp = "2026-06-01T16:30:00Z".parse().unwrap();
    assert!(at >= end && at.duration_since(end).as_mins() < 30, "{at}");
    assert_eq!(told(&world, &user).await, 1);
}

/// NOT-2: a sender that does not exist is a definite refusal: recorded, told as a warning, and no
/// reason to fail the cutover.
#[tokio::test]
async fn a_mail_that_cannot_be_sent_does_not_fail_the_cutover() {
    let (mut world, user) = one_synced(bare(1)).await;
    world.project.notification_sender = Some("nobody@fabrikam.example".to_owned());
    control::store_project(&world.host, &world.project).await.unwrap();
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    let record = record(&world, EventKind::CutoverComplete).await;
    assert!(matches!(record.delivery, DeliveryState::Failed { .. }), "{record:?}");
    heal(&world);
    // The operator mends it and sends the mail again (CUT-2).
    world.project.notification_sender = Some("notifications@fabrikam.example".to_owned());
    control::store_project(&world.host, &world.project).await.unwrap();
    world.perform(std::slice::from_ref(&user), Action::SendCutoverEmail).await;
    assert_eq!(told(&world, &user).await, 1);
}

/// A process that has died when the final mail was accepted, before it could write that down.
async fn died_while_sending() -> (World, User) {
    let (mut world, user) = one_synced(bare(1)).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::NotifyUser).await);
    with_boundaries(&mut world);
    let before = accepted(&world);
    die_when(&world, || accepted(&world) > before).await;
    (world, user)
}

/// The delivery record of the only event of a kind.
async fn record(world: &World, kind: EventKind) -> Notification {
    let project = &world.project;
    let partition = Keys::project_partition(&project.customer, &project.id);
    let records =
        load_all::<Notification>(&*world.host.store, &partition, Keys::NOTIFICATIONS).await;
    let mut records = records.unwrap();
    records.retain(|record| record.value.event.kind == kind);
    assert_eq!(records.len(), 1);
    records.remove(0).value
}

/// How many final notifications lie in the person's new mailbox.
async fn told(world: &World, user: &User) -> usize {
    let english = mails(world, user, "Your mailbox has moved").await;
    assert!(in_target(world, user).await.mailbox.is_some());
    english + mails(world, user, "Ihr Postfach ist umgezogen").await
}

/// How many mails the simulator has accepted.
fn accepted(world: &World) -> usize {
    let requests = world.simulator.requests();
    requests.iter().filter(|it| it.path.ends_with(SEND_MAIL) && it.status == 202).count()
}
