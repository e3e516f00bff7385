//! Operators, senders of mail, crashes and repeated messages at moments that a seed chooses.

use std::time::Duration;

use catalogue::Step;
use crosswave_tests::world::World;
use engine::{ApplyError, records::send_baton};
use model::{Action, Baton, User, UserState};
use ports::Random;
use simulator::Arrival;

use super::{
    crash::{self, Fate, with_boundaries},
    stage::{
        all_cutover_steps, cutover_steps, in_source, in_target, mails, one_synced, plain, primary,
    },
};

/// So many messages are handled before the operator leaves the cutover alone.
const RESTLESS: usize = 100;

/// CUT-4 to CUT-6, ERR-4: an operator who stops, syncs and cuts over at any moment, processes that
/// die at any boundary, messages that come twice, and mail all the while. No mail is lost or
/// doubled, the mailboxes never forward to each other, and the last cutover records all its steps.
#[tokio::test]
async fn whatever_happens_in_whatever_order_no_mail_is_lost_or_doubled() {
    for seed in [1, 2, 7, 30] {
        Box::pin(story(seed)).await;
    }
}

/// ERR-4: the process dies between the commit that starts the second delta and its first baton, and
/// the job's own baton comes from elsewhere (a late baton of the first delta wakes the job). The delta
/// starts all the same, once the baton that should have started it comes again.
#[tokio::test]
async fn a_delta_whose_first_baton_was_lost_starts_although_its_job_went_on() {
    let (mut world, user) = one_synced(plain(1)).await;
    with_boundaries(&mut world);
    accepted(&world.apply(&user, Action::Cutover).await);
    assert!(world.settle_before(Step::BeginSecondDelta).await);
    let forked = || {
        let records = world.store.records();
        records.iter().any(|record| record.key.sort.ends_with("#second-delta"))
    };
    crash::die_when(&world, forked).await;
    let job = world.user(&user).await.job.expect("a job in flight");
    let baton = Baton::new(world.key(&user), job, Step::UpdateSourceUser);
    send_baton(&*world.queue, &baton, Duration::ZERO).await.expect("the queue");
    world.settle().await;
    assert_eq!(world.user(&user).await.state, UserState::Complete);
}

async fn story(seed: u64) {
    let (mut world, user) = one_synced(plain(1).seed(seed)).await;
    with_boundaries(&mut world);
    let random = conformance::reference::SeededRandom::new(seed);
    let mut sent = Vec::new();
    let mut last_cutover = 0;
    for moment in 0.. {
        never_both(&world, &user, seed).await;
        if moment < RESTLESS {
            somebody_writes(&world, &user, &random, &mut sent).await;
            if random.below(12) == 0 {
                accepted(&world.apply(&user, Action::Stop).await);
            }
        }
        let now = world.user(&user).await;
        if now.job.is_none() {
            assert_eq!(now.problem, None, "seed {seed}");
            if now.state == UserState::Complete {
                break;
            }
            let again = moment < RESTLESS && random.below(4) == 0;
            let action = if again { Action::Sync } else { Action::Cutover };
            last_cutover = cutover_steps(&world, &user).await.len();
            accepted(&world.apply(&user, action).await);
        }
        let fate = match random.below(20) {
            0..=2 => Fate::DiesAt(1 + usize::try_from(random.below(25)).unwrap_or_default()),
            3 => Fate::ComesTwice,
            _ => Fate::Plain,
        };
        assert!(crash::advance(&world, fate).await, "seed {seed}: there is work");
    }
    while crash::advance(&world, Fate::Plain).await {}
    let mut steps = cutover_steps(&world, &user).await;
    assert_eq!(steps.split_off(last_cutover), all_cutover_steps(), "seed {seed}");
    for (subject, id) in &sent {
        let arrivals = world.simulator.arrivals(id);
        let astray = arrivals.iter().filter(|it| !matches!(it, Arrival::Mailbox { .. }));
        assert_eq!(astray.count(), 0, "seed {seed}: {subject} ended at {arrivals:?}");
        assert_eq!(mails(&world, &user, subject).await, 1, "seed {seed}: {subject} {arrivals:?}");
    }
}

/// CUT-6: the two mailboxes do not forward to each other.
async fn never_both(world: &World, user: &User, seed: u64) {
    let there = in_target(world, user).await.forwarding.target;
    let here = in_source(world, user).forwarding.target;
    assert!(here.is_none() || there.is_none(), "seed {seed}: {here:?} and {there:?}");
}

/// Now and then somebody writes to the old or to the new address.
async fn somebody_writes(
    world: &World,
    user: &User,
    random: &dyn Random,
    sent: &mut Vec<(String, String)>,
) {
    let address = match random.below(10) {
        0 | 1 => user.source.mail.clone(),
        2 => primary(&in_target(world, user).await),
        _ => return,
    };
    let subject = format!("[letter {} to {address}]", sent.len());
    let id = world.simulator.send_mail("friend@outside.example", &address, &subject);
    sent.push((subject, id));
}

/// The state table may refuse what the operator asks for; nothing else may.
fn accepted(applied: &Result<UserState, ApplyError>) {
    assert!(matches!(applied, Ok(_) | Err(ApplyError::Refused { .. })), "{applied:?}");
}
