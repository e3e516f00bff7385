//! Two hosts over one store and one queue fight over the same wave.

use std::collections::BTreeMap;

use control::{Selection, waves};
use crosswave_tests::world::drive;
use model::{Action, EventKind, JobStatus, JournalEvent, UserState};
use simulator::Part;

use super::{
    stage::{sent, state},
    support::{discovered, fill, plain},
};

/// GEN-4, GEN-5, ERR-4, NOT-2: both hosts expand the wave's run and get every message at the same time.
/// Each person is moved once: one job an action, each step finished once, each item there once, and
/// one notification each.
#[tokio::test]
async fn two_hosts_that_fight_over_a_wave_move_everybody_once() {
    let (world, people) = discovered(plain(3)).await;
    fill(&world, &people);
    world.match_all().await;
    let (scope, wave) = (world.scope(), "fight".parse::<model::WaveId>().unwrap());
    waves::create(&world.host, &world.project, wave.clone(), None, None).await.unwrap();
    let users = people.iter().map(|user| user.source.user_principal_name.clone()).collect();
    let movers = Selection { wave: None, users };
    waves::assign(&world.host, &scope, &movers, Some(&wave)).await.unwrap();
    let hosts = [world.another_host("host one"), world.another_host("host two")];

    for action in [Action::Prepare, Action::Sync, Action::Cutover] {
        let run = waves::start_run(&world.host, &scope, &wave, action, false).await.unwrap();
        let both = hosts.iter().map(|host| waves::expand(host, &scope, &run));
        for expanded in drive(&world, futures_util::future::join_all(both)).await {
            expanded.unwrap();
        }
        world.settle_on(&hosts).await;
    }

    for user in &people {
        assert_eq!(state(&world, user).await, UserState::Complete);
        let jobs = world.past_jobs(user).await;
        let whole = jobs.iter().filter(|job| job.branch == model::Branch::Main);
        assert_eq!(whole.count(), 3, "one job an action");
        assert!(jobs.iter().all(|job| job.status == JobStatus::Done), "{jobs:?}");
        let mut done = BTreeMap::new();
        for entry in world.journal(user).await {
            if matches!(entry.event, JournalEvent::Done { .. } | JournalEvent::NotApplicable { .. })
            {
                *done.entry((entry.job, entry.step)).or_insert(0) += 1;
            }
        }
        let twice: Vec<_> = done.iter().filter(|(_, times)| **times > 1).collect();
        assert_eq!(twice, Vec::<(&_, &i32)>::new(), "steps that were finished twice");
        let target = world.user(user).await.target.unwrap().user_principal_name;
        let view = |tenant, upn: &str| world.simulator.mailbox_view(tenant, upn, Part::Primary);
        let here = view(world.source.tenant_id, &user.source.user_principal_name).unwrap();
        let there = view(world.target.tenant_id, &target).unwrap();
        assert_eq!(here.differences(&there, true), Vec::<String>::new());
    }
    assert_eq!(sent(&world, EventKind::CutoverComplete).await, people.len());
}
