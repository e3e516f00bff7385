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
    let (world, user) = changed_before_s7(gated()).await;
    assert_eq!(state(&world, &user).await, UserState::CutoverError);
    let held = problem(&world, &user).await;
    assert_eq!((held.step, held.code.as_str()), (Step::NotifyUser, "verification"));
    assert!(held.message.contains("the target lacks or differs in"), "{}", held.message);
    assert!(held.message.contains("/Inbox"), "{}", held.message);
    assert!(held.advice.contains("apply cutover again"), "{}", held.advice);
    assert_eq!(sent(&world, EventKind::CutoverComplete).await, 0);

    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete, "{:?}", world.user(&user).await);
    assert_eq!(sent(&world, EventKind::CutoverComplete).await, 1);
}

/// The gate is a choice: without it the same cutover ends.
#[tokio::test]
async fn without_the_gate_nobody_is_held() {
    let (world, user) = changed_before_s7(plain(1)).await;
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
