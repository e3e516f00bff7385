//! CUT-3: after S7 no copy runs for the user, but for the one late delta that a profile may turn on.

use std::collections::BTreeSet;

use crosswave_tests::world::Setup;
use model::{Action, JournalEvent, User, UserState};

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

/// CUT-3
#[tokio::test]
async fn a_late_delta_runs_only_if_the_profile_turns_it_on() {
    let plain = cut_over(false).await;
    let deltas = |names: &[&str]| names.iter().map(|name| format!("j000003.{name}")).collect();
    assert_eq!(plain, deltas(&["first-delta", "second-delta"]));
    let late = cut_over(true).await;
    assert_eq!(late, deltas(&["first-delta", "second-delta", "late-delta"]));
}
