//! No mail is lost and none goes round, whenever it is sent.

use std::time::Duration;

use catalogue::Step;
use crosswave_tests::world::World;
use model::{Action, JobKind, User, UserState};
use simulator::{Arrival, Part};

use super::stage::{in_source, in_target, mails, one_synced, plain, primary, state};

const FRIEND: &str = "friend@outside.example";

/// CUT-6: a message sent to the old and to the new address before every step of the cutover is in
/// the target mailbox once it is complete.
#[tokio::test]
async fn mail_sent_before_any_step_of_the_cutover_arrives() {
    let (world, user) = one_synced(plain(1)).await;
    let mut sent = Vec::new();
    write(&world, &user, "before the cutover", &mut sent).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    for step in JobKind::Cutover.plan() {
        assert!(world.settle_before(step).await);
        write(&world, &user, &format!("before {}", step.spec().spec), &mut sent).await;
    }
    world.settle().await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    write(&world, &user, "after the cutover", &mut sent).await;
    arrived(&world, &user, &sent).await;
}

/// CUT-6: a cutover that is stopped and done again loses no mail either, also not in between.
#[tokio::test]
async fn mail_arrives_when_the_cutover_is_stopped_and_done_again() {
    let (world, user) = one_synced(plain(1)).await;
    let mut sent = Vec::new();
    for stop_before in [4, 12, 14, 16] {
        let step = JobKind::Cutover.plan()[stop_before];
        world.apply(&user, Action::Cutover).await.unwrap();
        assert!(world.settle_before(step).await);
        write(&world, &user, &format!("{step} in hand"), &mut sent).await;
        world.apply(&user, Action::Stop).await.unwrap();
        world.settle().await;
        write(&world, &user, &format!("stopped before {step}"), &mut sent).await;
    }
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    arrived(&world, &user, &sent).await;
}

/// CUT-6, SYN-1: mail that was kept and forwarded, and is filed in the old mailbox before the copier
/// looks, is in the new one once: where it was filed.
#[tokio::test]
async fn mail_that_was_forwarded_and_then_filed_is_there_once() {
    let (world, user) = one_synced(plain(1)).await;
    let tenant = world.source.tenant_id;
    let mut sent = Vec::new();
    world.apply(&user, Action::Cutover).await.unwrap();
    for step in JobKind::Cutover.plan() {
        assert!(world.settle_before(step).await);
        let from = sent.len();
        write(&world, &user, &format!("before {}", step.spec().spec), &mut sent).await;
        for (subject, _) in sent.iter().skip(from) {
            let upn = &user.source.user_principal_name;
            world.simulator.file_message(tenant, upn, subject, "Filed").unwrap();
        }
    }
    world.settle().await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    arrived(&world, &user, &sent).await;
    let new = world.simulator.mailbox_view(
        world.target.tenant_id,
        &primary(&in_target(&world, &user).await),
        Part::Primary,
    );
    let filed = new.unwrap().folders.into_iter().find(|(path, _)| path.ends_with("Filed"));
    let filed = filed.map(|(_, folder)| folder.items.len()).unwrap_or_default();
    assert!(filed > 14, "all of the old address up to the last look, not {filed}");
}

/// CUT-6, SYN-1: the same where an earlier cutover has made the source forward: what came while the second
/// one was not there yet is known too.
#[tokio::test]
async fn mail_that_an_earlier_cutover_forwarded_is_there_once_when_it_is_filed() {
    let (world, user) = one_synced(plain(1)).await;
    let mut sent = Vec::new();
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::CreateSourceContact).await);
    world.apply(&user, Action::Stop).await.unwrap();
    world.settle().await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::SetStoreAndForward).await);
    write(&world, &user, "late in the second cutover", &mut sent).await;
    let upn = &user.source.user_principal_name;
    for (subject, _) in &sent {
        world.simulator.file_message(world.source.tenant_id, upn, subject, "Filed").unwrap();
    }
    world.clock.advance(Duration::from_hours(3));
    world.settle().await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    arrived(&world, &user, &sent).await;
}

/// CUT-6: whenever one looks, the two mailboxes do not forward to each other.
#[tokio::test]
async fn at_no_moment_do_both_forwardings_hold() {
    let (world, user) = one_synced(plain(1)).await;
    let mut seen = Vec::new();
    for stop_after in [20, 30, usize::MAX] {
        world.apply(&user, Action::Cutover).await.unwrap();
        for handled in 0.. {
            let there = in_target(&world, &user).await.forwarding.target.is_some();
            let here = in_source(&world, &user).forwarding.target.is_some();
            assert!(!(here && there), "both forward");
            seen.push((here, there));
            if handled == stop_after {
                world.apply(&user, Action::Stop).await.unwrap();
            }
            if !world.advance_one().await {
                break;
            }
        }
    }
    assert_eq!(state(&world, &user).await, UserState::Complete);
    seen.dedup();
    assert_eq!(seen, [(false, true), (false, false), (true, false)], "each in its time");
}

/// One message to the old and one to the new address.
async fn write(world: &World, user: &User, when: &str, sent: &mut Vec<(String, String)>) {
    let new = primary(&in_target(world, user).await);
    for (address, which) in [(&user.source.mail, "old"), (&new, "new")] {
        let subject = format!("[{which} address, {when}]");
        let id = world.simulator.send_mail(FRIEND, address, &subject);
        sent.push((subject, id));
    }
}

/// Everything that was sent lies in the target mailbox, once, and nothing bounced or went round.
async fn arrived(world: &World, user: &User, sent: &[(String, String)]) {
    for (subject, id) in sent {
        let arrivals = world.simulator.arrivals(id);
        let astray = arrivals.iter().filter(|it| !matches!(it, Arrival::Mailbox { .. }));
        assert_eq!(astray.count(), 0, "{subject} ended at {arrivals:?}");
        let copies = mails(world, user, subject).await;
        assert_eq!(copies, 1, "{subject}");
    }
}
