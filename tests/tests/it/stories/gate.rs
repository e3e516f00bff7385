//! SYN-4 as a gate: a profile may have a cutover announced only once source and target are the same.

#![expect(clippy::unwrap_used, reason = "a story fails where its set-up fails")]

use catalogue::Step;
use crosswave_tests::world::{Setup, World};
use model::{Action, EventKind, User, UserState};
use simulator::Part;

use super::stage::{one_synced, plain, problem, sent, state};

/// One person with some mail whose cutover stands before S7, and whose old mailbox has changed since the
/// last copy.
async fn changed_before_s7(setup: Setup) -> (World, User) {
    let (world, user) = one_synced(setup).await;
    for subject in ["Plans", "Lunch", "Bill"] {
        world.simulator.send_mail("friend@outside.example", &user.source.mail, subject);
    }
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::NotifyUser).await);
    let (here, id) = (world.source.tenant_id, &user.source.object_id);
    world.simulator.touch_mailbox(here, id, Part::Primary, 3).unwrap();
    world.settle().await;
    (world, user)
}

fn gated() -> Setup {
    let mut setup = plain(1);
    setup.profile.cutover.verify_first = true;
    setup
}

/// SYN-4, CUT-S7: who has not got everything is held with a line that says what and where, and is told
/// nothing. The cutover applied again copies it, and passes.
#[tokio::test]
async fn a_mailbox_that_differs_holds_its_person_before_s7_until_it_is_repaired() {
    let (world, user) = Box::pin(changed_before_s7(gated())).await;
    assert_eq!(state(&world, &user).await, UserState::CutoverError);
    let held = problem(&world, &user).await;
    assert_eq!((held.step, held.code.as_str()), (Step::NotifyUser, "verification"));
    assert!(held.message.contains("the target lacks or differs in"), "{}", held.message);
    assert!(held.message.contains("` in /"), "{}", held.message);
    assert!(held.advice.contains("apply cutover again"), "{}", held.advice);
    assert_eq!(sent(&world, EventKind::CutoverComplete).await, 0);

    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete, "{:?}", world.user(&user).await);
    assert_eq!(sent(&world, EventKind::CutoverComplete).await, 1);
}

/// The gate is a choice: without it the same cutover ends.
#[tokio::test]
async fn without_the_gate_nobody_is_held() {
    let (world, user) = Box::pin(changed_before_s7(plain(1))).await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
}

/// Nobody is held who has everything.
#[tokio::test]
async fn a_mailbox_that_is_the_same_passes_the_gate() {
    let (world, user) = one_synced(gated()).await;
    world.simulator.send_mail("friend@outside.example", &user.source.mail, "Plans");
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete, "{:?}", world.user(&user).await);
}

/// CUT-6, SYN-4: mail that was kept and forwarded is the same mail with other headers, and needs no copy
/// besides. Whether the copier met it or it came when the copy was over, it holds nobody.
#[tokio::test]
async fn forwarded_mail_holds_nobody() {
    let (world, user) = one_synced(gated()).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    for step in [Step::CompleteSecondDelta, Step::NotifyUser] {
        assert!(world.settle_before(step).await);
        for n in 0..3 {
            let subject = format!("{n} before {}", step.id());
            world.simulator.send_mail("friend@outside.example", &user.source.mail, &subject);
        }
    }
    world.settle().await;
    assert_eq!(state(&world, &user).await, UserState::Complete, "{:?}", world.user(&user).await);
}

/// SYN-5: the gate does not hold whom the profile's limit of bad items lets through.
#[tokio::test]
async fn bad_items_within_the_limit_hold_nobody() {
    let (world, user) = one_synced(gated()).await;
    for subject in ["Plans", "Lunch", "Bill"] {
        world.simulator.send_mail("friend@outside.example", &user.source.mail, subject);
    }
    let (here, id) = (world.source.tenant_id, &user.source.object_id);
    world.simulator.corrupt_items(here, id, Part::Primary, 2).unwrap();
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete, "{:?}", world.user(&user).await);
}

/// SYN-4: a copy that somebody deleted in the target is not made again, and the advice says so.
#[tokio::test]
async fn a_copy_deleted_in_the_target_holds_its_person_with_advice_that_helps() {
    let (world, user) = one_synced(gated()).await;
    for subject in ["Plans", "Lunch", "Bill"] {
        world.simulator.send_mail("friend@outside.example", &user.source.mail, subject);
    }
    world.perform(std::slice::from_ref(&user), Action::Sync).await;
    let there = world.target.tenant_id;
    let moved = world.user(&user).await;
    let upn = moved.target.as_ref().unwrap().user_principal_name.clone();
    world.simulator.file_message(there, &upn, "Lunch", "Eaten").unwrap();
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    let held = problem(&world, &user).await;
    assert_eq!((held.step, held.code.as_str()), (Step::NotifyUser, "verification"));
    assert!(held.message.contains("somebody deleted or moved the copy"), "{}", held.message);
    assert!(held.advice.contains("set verify_first to no"), "{}", held.advice);
}
