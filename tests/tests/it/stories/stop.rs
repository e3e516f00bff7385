//! Stop at every boundary of a cutover, and the cutover after it.

#![expect(clippy::unwrap_used, reason = "a story fails where its set-up fails")]

use catalogue::Step;
use crosswave_tests::world::World;
use engine::records::load_job;
use model::{Action, Branch, JobKind, OutlookGate, ResetTo, User, UserState};
use simulator::{FaultKind, Lag, Part};

use super::stage::{
    all_cutover_steps, bare, contact_in, cutover_steps, fault, holders, holds_x500, in_source,
    in_target, one_synced, plain, state,
};

/// CUT-4, CUT-5: before whichever step a cutover is stopped, the finished steps stay finished, no
/// further one runs, and the next cutover begins with T1 again and needs no sync.
#[tokio::test]
async fn a_cutover_can_be_stopped_before_every_step_and_done_again() {
    let (world, user) = one_synced(bare(1)).await;
    let contact = contact_in(&world, &world.target, &user).unwrap().legacy_exchange_dn;
    let mut recorded = Vec::new();
    for (finished, step) in JobKind::Cutover.plan().into_iter().enumerate() {
        world.apply(&user, Action::Cutover).await.unwrap();
        assert!(world.settle_before(step).await, "{step} comes");
        assert_eq!(state(&world, &user).await, UserState::Finalizing);
        stop(&world, &user).await;
        recorded.extend_from_slice(&all_cutover_steps()[..finished]);
        assert_eq!(cutover_steps(&world, &user).await, recorded, "stopped before {step}");
    }
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    recorded.extend(all_cutover_steps());
    assert_eq!(cutover_steps(&world, &user).await, recorded, "all 19 again");
    // The contact went in one of the first cutovers; its name is on the user all the same.
    assert!(holds_x500(&in_target(&world, &user).await, &contact));
    assert_eq!(holders(&world, &world.target, &contact).len(), 1);
}

/// CUT-5: a restart between T6, which destroys the contact's LegacyExchangeDN, and T7, which needs
/// it, loses nothing.
#[tokio::test]
async fn a_restart_between_t6_and_t7_keeps_the_contacts_legacy_dn() {
    let (world, user) = one_synced(bare(1)).await;
    let contact = contact_in(&world, &world.target, &user).unwrap().legacy_exchange_dn;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::StampContactX500).await);
    stop(&world, &user).await;
    assert!(!holds_x500(&in_target(&world, &user).await, &contact), "not yet");
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    assert!(holds_x500(&in_target(&world, &user).await, &contact));
}

/// CUT-4: a delta beside the steps ends with the cutover that it belongs to.
#[tokio::test]
async fn a_stop_ends_the_delta_beside_the_steps_too() {
    let (world, user) = one_synced(plain(1)).await;
    let content = "/admin/exchange/mailboxes";
    fault(&world, content, None, FaultKind::Status { status: 429, retry_after: Some(900) });
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::HideContact).await);
    let key = world.key(&user);
    let side = load_job(&*world.host.store, &key, Branch::FirstDelta).await.unwrap().unwrap();
    assert!(!side.value.status.is_over());
    let asked = |world: &World| {
        let requests = world.simulator.requests();
        requests.iter().filter(|request| request.path.contains(content)).count()
    };
    let before = asked(&world);
    stop(&world, &user).await;
    assert_eq!(asked(&world), before, "nothing more was copied");
}

/// CUT-4: a stop while a step is in hand lets it end, or rolls back to before it; nothing after it
/// runs.
#[tokio::test]
async fn a_stop_while_a_step_is_in_hand_lets_no_further_step_start() {
    let (world, user) = one_synced(bare(1)).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::RemoveForwarding).await);
    let millisecond = Lag::millis(1, 1);
    world.simulator.configure(|config| config.faults.latency = millisecond);
    let asked = ports::Clock::now(&world.clock);
    super::crash::interrupted(&world, 1, async {
        world.apply(&user, Action::Stop).await.unwrap();
    })
    .await;
    world.settle().await;
    assert_eq!(state(&world, &user).await, UserState::Stopped);
    let took = ports::Clock::now(&world.clock).duration_since(asked);
    assert!(took < jiff::SignedDuration::from_secs(30), "nobody waits for a lease: {took}");
    let steps = cutover_steps(&world, &user).await;
    assert!(steps.len() == 3 || steps.len() == 4, "{steps:?}");
    assert_eq!(steps, all_cutover_steps()[..steps.len()]);
}

/// CUT-4: a cutover that waits for the user can be stopped.
#[tokio::test]
async fn a_stop_ends_the_wait_for_the_user() {
    let (world, user) = one_synced(bare(1).gate(OutlookGate::Wait)).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    while state(&world, &user).await != UserState::WaitingForUser {
        assert!(world.advance_one().await);
    }
    stop(&world, &user).await;
    assert_eq!(cutover_steps(&world, &user).await, all_cutover_steps()[..9]);
}

/// CUT-4, SYN-3: a sync can be stopped, and the next sync or cutover goes on from there.
#[tokio::test]
async fn a_sync_can_be_stopped() {
    let (world, user) = one_synced(plain(1)).await;
    let content = "/admin/exchange/mailboxes";
    fault(&world, content, None, FaultKind::Status { status: 429, retry_after: Some(900) });
    world.apply(&user, Action::Sync).await.unwrap();
    assert!(world.advance_one().await);
    assert_eq!(state(&world, &user).await, UserState::Syncing);
    stop(&world, &user).await;
    super::stage::heal(&world);
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
}

/// Stops the user's job, and everything is at rest: state, job and side branches.
async fn stop(world: &World, user: &User) {
    assert_eq!(world.apply(user, Action::Stop).await.unwrap(), UserState::Stopping);
    world.settle().await;
    assert_eq!(state(world, user).await, UserState::Stopped);
    for branch in Branch::ALL {
        let job = load_job(&*world.host.store, &world.key(user), branch).await.unwrap();
        assert!(job.is_none(), "the {branch} is over");
    }
}

/// SYN-1, CUT-1: a sync that was stopped before it enabled the archive leaves a person whose cutover would
/// leave the archive behind. It ends before any source step instead, and its advice can be followed.
#[tokio::test]
async fn a_cutover_does_not_leave_an_archive_behind_for_which_the_target_has_none() {
    let mut setup = super::support::plain(1);
    setup.population.archives = 1;
    setup.config.lags.mailbox_provisioning = Lag::seconds(600, 600);
    let (world, people) = super::support::discovered(setup).await;
    let mut movers = people.into_iter().filter(|user| user.source.mailbox.archive);
    let user = movers.next().unwrap();
    super::support::fill(&world, std::slice::from_ref(&user));
    world.perform(std::slice::from_ref(&user), Action::Prepare).await;
    world.apply(&user, Action::Sync).await.unwrap();
    assert!(world.settle_before(Step::AssignLicenses).await);
    assert!(world.advance_one().await, "the licence is assigned, the mailbox awaited");
    stop(&world, &user).await;
    world.clock.advance(std::time::Duration::from_hours(1));

    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    let parked = world.user(&user).await;
    assert_eq!(parked.state, UserState::CutoverError, "{:?}", parked.problem);
    let problem = parked.problem.unwrap();
    assert_eq!((problem.step, &*problem.code), (Step::CompleteFirstDelta, "no_target_archive"));

    assert!(problem.advice.contains("reset the user to synced, sync"), "{}", problem.advice);
    reset(&world, &user, ResetTo::Synced).await;
    for action in [Action::Sync, Action::Cutover] {
        world.perform(std::slice::from_ref(&user), action).await;
    }
    let moved = world.user(&user).await;
    assert_eq!(moved.state, UserState::Complete, "{:?}", moved.problem);
    let new = moved.target.unwrap().object_id;
    let archive =
        |tenant, id: &str| world.simulator.mailbox_view(tenant, id, Part::Archive).unwrap();
    let old = archive(world.source.tenant_id, &user.source.object_id);
    assert!(
        old.folders.values().any(|folder| !folder.items.is_empty()),
        "there is something to copy"
    );
    let none: Vec<String> = Vec::new();
    assert_eq!(old.differences(&archive(world.target.tenant_id, &new), true), none);
}

/// Resets a user, as the operator does.
async fn reset(world: &World, user: &User, to: ResetTo) {
    let user = world.key(user);
    let reset = engine::Apply { user, action: Action::Reset, force: false, reset_to: Some(to) };
    engine::apply(&world.host, reset).await.unwrap();
}

/// SYN-I3, CUT-6: a sync behind a cutover that was stopped when the source forwarded already does not make the
/// target forward back, and does not fail for it.
#[tokio::test]
async fn an_initial_sync_behind_a_half_done_cutover_makes_no_mail_loop() {
    let (world, user) = one_synced(bare(1)).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::CreateSourceContact).await);
    stop(&world, &user).await;
    reset(&world, &user, ResetTo::NoMatch).await;
    world.match_all().await;
    for action in [Action::Prepare, Action::Sync] {
        world.perform(std::slice::from_ref(&user), action).await;
    }
    let now = world.user(&user).await;
    assert_eq!(now.state, UserState::Synced, "{:?}", now.problem);
    assert!(in_source(&world, &user).forwarding.target.is_some());
    assert_eq!(in_target(&world, &user).await.forwarding.target, None);
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
}

/// CUT-T2, ERR-1: who has no mailbox in the target yet cannot be cut over, and what is advised then helps.
#[tokio::test]
async fn the_advice_for_a_person_without_a_target_mailbox_can_be_followed() {
    let (world, people) = super::support::discovered(super::support::plain(1)).await;
    let user = &people[0];
    world.perform(std::slice::from_ref(user), Action::Prepare).await;
    world.apply(user, Action::Sync).await.unwrap();
    assert!(world.settle_before(Step::AssignLicenses).await);
    stop(&world, user).await;
    world.perform(std::slice::from_ref(user), Action::Cutover).await;
    let problem = world.user(user).await.problem.unwrap();
    assert_eq!(&*problem.code, "no_target_mailbox");
    assert!(
        problem.advice.contains("reset the user to synced, sync, and apply cutover again"),
        "{}",
        problem.advice
    );
    reset(&world, user, ResetTo::Synced).await;
    for action in [Action::Sync, Action::Cutover] {
        world.perform(std::slice::from_ref(user), action).await;
    }
    assert_eq!(state(&world, user).await, UserState::Complete);
}
