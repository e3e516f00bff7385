//! CUT-3: after S7 no copy runs for the user, but for the one late delta that a profile may turn on.

use std::{collections::BTreeSet, sync::Arc};

use catalogue::Step;
use crosswave_tests::world::Setup;
use engine::records::load_job;
use futures_util::FutureExt;
use model::{Action, Branch, JournalEntry, JournalEvent, User, UserState};

use super::{
    crash::{die_when, with_boundaries},
    stage::{bare, one_synced},
};

async fn cut_over(late_delta: bool) -> BTreeSet<String> {
    let mut setup = Setup::default().people(1);
    setup.population.archives = 0;
    setup.profile.cutover.late_delta = late_delta;
    let world = setup.build();
    world.discover().await;
    let licensed = |user: &User| !user.source.licenses.is_empty();
    let users: Vec<User> = world.users().await.into_iter().filter(licensed).take(1).collect();
    for action in [Action::Prepare, Action::Sync, Action::Cutover] {
        world.perform(&users, action).await;
    }
    let Some(user) = users.first() else { return BTreeSet::new() };
    assert_eq!(world.user(user).await.state, UserState::Complete);
    let journal = world.journal(user).await;
    let done = journal.into_iter().filter(|entry| matches!(entry.event, JournalEvent::Done { .. }));
    done.filter(|entry| entry.job.as_str().contains("-delta")).map(|e| e.job.to_string()).collect()
}

/// CUT-3, ERR-4: the process dies behind the commit that begins the late delta, before anybody was
/// told to run it. The step comes again and sends for it, with no sweeper's help.
#[tokio::test]
async fn a_late_delta_survives_a_crash_at_its_beginning() {
    let mut setup = bare(1);
    setup.profile.cutover.late_delta = true;
    let (mut world, user) = one_synced(setup).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::Complete).await);
    with_boundaries(&mut world);
    let (store, key) = (Arc::clone(&world.store), world.key(&user));
    let begun = || {
        let side = load_job(&*store, &key, Branch::LateDelta).now_or_never();
        matches!(side, Some(Ok(Some(_))))
    };
    die_when(&world, begun).await;
    assert!(begun(), "it died behind the commit");
    world.settle().await;
    assert_eq!(world.user(&user).await.state, UserState::Complete);
    let late = |entry: &JournalEntry| {
        entry.job.as_str().ends_with("late-delta")
            && matches!(entry.event, JournalEvent::Done { .. })
    };
    assert!(world.journal(&user).await.iter().any(late));
}

/// CUT-3
#[tokio::test]
async fn a_late_delta_runs_only_if_the_profile_turns_it_on() {
    let plain = cut_over(false).await;
    let deltas = |names: &[&str]| names.iter().map(|name| format!("j000003.{name}")).collect();
    assert_eq!(plain, deltas(&["first-delta", "second-delta"]));
    let late = cut_over(true).await;
    assert_eq!(late, deltas(&["first-delta", "second-delta", "late-delta"]));
}
