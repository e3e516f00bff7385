//! GEN: who an action is for, one job at a time, what the journal keeps, and plans.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeMap;

use catalogue::{Side, Step};
use control::{Selection, waves};
use crosswave_tests::world::{World, drive};
use dispatch::AllSteps;
use engine::{ApplyError, Planned, UserPlan, plan_action};
use model::{Action, JobId, JournalEvent, Refusal, User, UserState, WaveId, WriteRecord};

use super::support::{account, after, directory, discovered, plain, written};

/// GEN-1: to a single user, to a list, to a whole wave.
#[tokio::test]
async fn an_action_is_for_one_user_for_a_list_or_for_a_wave() {
    let (world, people) = discovered(plain(4)).await;
    let scope = world.scope();
    let prepared = async || {
        let mut prepared = Vec::new();
        for user in world.users().await {
            if user.state == UserState::Prepared {
                prepared.push(user.id);
            }
        }
        prepared.len()
    };
    let chosen = async |users: &[&User]| {
        let users = users.iter().map(|user| user.source.user_principal_name.clone()).collect();
        Selection { wave: None, users }.resolve(&world.host, &scope).await.unwrap()
    };
    for users in [chosen(&[&people[0]]).await, chosen(&[&people[1], &people[2]]).await] {
        let users: Vec<User> = users.into_iter().map(|user| user.value).collect();
        world.perform(&users, Action::Prepare).await;
    }
    assert_eq!(prepared().await, 3);
    let wave: WaveId = "one".parse().unwrap();
    waves::create(&world.host, &world.project, wave.clone(), None, None).await.unwrap();
    let all = Selection {
        wave: None,
        users: people.iter().map(|user| user.source.mail.clone()).collect(),
    };
    waves::assign(&world.host, &scope, &all, Some(&wave)).await.unwrap();
    let run = waves::start_run(&world.host, &scope, &wave, Action::Prepare, false).await.unwrap();
    let expanded = waves::expand(&world.host, &scope, &run).await.unwrap();
    assert_eq!((expanded.started, expanded.refused.len()), (4, 0));
    world.settle().await;
    assert_eq!(prepared().await, 4);
}

/// GEN-4: one job at a time for a user; the users of a wave side by side.
#[tokio::test]
async fn a_user_has_one_job_at_a_time_and_users_run_side_by_side() {
    let (world, people) = discovered(plain(3)).await;
    for user in &people {
        world.apply(user, Action::Prepare).await.unwrap();
    }
    let records = world.store.records();
    for user in &people {
        for action in [Action::Prepare, Action::Sync, Action::Cutover, Action::Reset] {
            let refused = world.apply_as(user, action, true).await.unwrap_err();
            assert!(
                matches!(
                    &refused,
                    ApplyError::Refused {
                        refusal: Refusal::Busy { .. } | Refusal::State { .. },
                        ..
                    }
                ),
                "{refused}"
            );
        }
    }
    assert_eq!(world.store.records(), records, "GEN-3");
    // Everybody has finished a step before anybody has finished the last one.
    let done = async || {
        let mut done = Vec::new();
        for user in &people {
            let journal = world.journal(user).await;
            let steps = journal.iter().filter(|it| matches!(it.event, JournalEvent::Done { .. }));
            done.push(steps.count());
        }
        done
    };
    while world.users().await.iter().all(|user| user.state != UserState::Prepared) {
        assert!(world.advance_one().await);
    }
    assert!(done().await.iter().all(|steps| *steps > 0), "{:?}", done().await);
    world.settle().await;
    for user in &people {
        assert_eq!(world.user(user).await.state, UserState::Prepared);
        assert_eq!(world.past_jobs(user).await.len(), 1);
    }
}

/// GEN-6: what a step writes is in the journal with what was there before, first; an attribute that
/// is right already is not written.
#[tokio::test]
async fn the_journal_holds_values_before_and_after() {
    let mut setup = plain(2).mapping(
        "// crosswave-api: 1\nfn map_user(source, target, ctx) {\n    \
         target.department = \"Moved from \" + source.department;\n}\n",
    );
    setup.population.existing_in_target = 1;
    let (world, people) = discovered(setup).await;
    let before = directory(&world, Side::Target).await;
    world.perform(&people, Action::Prepare).await;
    for user in &people {
        let now = account(&world, user).await;
        let was = before.iter().find(|account| account.id == now.id).unwrap();
        let writes = written(&world, user).await;
        let changes: Vec<_> = writes.iter().flat_map(|write| &write.changes).collect();
        let department = changes.iter().find(|it| it.attribute == "department").unwrap();
        assert_eq!(department.before.as_str(), was.department.as_deref());
        assert_eq!(department.after.as_str(), now.department.as_deref());
        assert_ne!(was.department, now.department);
        for change in &changes {
            assert_ne!(change.before, change.after, "{change:?} is no difference");
        }
        assert!(changes.iter().all(|it| it.attribute != "displayName"), "it was right already");
        intents_come_first(&world, user).await;
    }
}

async fn intents_come_first(world: &World, user: &User) {
    let mut done: Vec<Step> = Vec::new();
    for entry in world.journal(user).await {
        match (entry.event, entry.step) {
            (JournalEvent::Writing { .. }, Some(step)) => {
                assert!(!done.contains(&step), "{step} wrote after it was done");
            }
            (JournalEvent::Done { .. }, Some(step)) => done.push(step),
            _ => {}
        }
    }
}

/// GEN-6: every write of a whole move has a value before and another one after.
#[tokio::test]
async fn every_write_of_a_move_is_a_difference() {
    let all = [Action::Prepare, Action::Sync, Action::Sync, Action::Cutover];
    let (world, people) = after(plain(1), &all).await;
    assert_eq!(people[0].state, UserState::Complete, "{:?}", people[0].problem);
    let writes = written(&world, &people[0]).await;
    assert!(writes.len() > 10, "{writes:#?}");
    for write in &writes {
        assert!(!write.changes.is_empty() && !write.object.is_empty(), "{write:?}");
        for change in &write.changes {
            assert_ne!(change.before, change.after, "{write:?}");
        }
    }
}

/// The writes of a plan or a journal by step, as far as they can be known beforehand: ids that a
/// tenant gives are not.
type Writes = BTreeMap<Step, Vec<(Side, String, Vec<String>)>>;

fn short(write: &WriteRecord) -> (Side, String, Vec<String>) {
    let change = |it: &model::Change| {
        let chance = |value: &serde_json::Value| {
            let text = value.to_string();
            if text.contains("/cn=") || text.contains("X500") {
                "(a name)".to_owned()
            } else {
                text
            }
        };
        format!("{}: {} -> {}", it.attribute, chance(&it.before), chance(&it.after))
    };
    (write.side, write.operation.clone(), write.changes.iter().map(change).collect())
}

fn planned(plan: &UserPlan) -> Writes {
    let rows = plan.steps.iter().filter(|row| !row.writes.is_empty());
    rows.map(|row| (row.step, row.writes.iter().map(short).collect())).collect()
}

/// What the user's latest job has written.
async fn made(world: &World, user: &User) -> Writes {
    let job = JobId::numbered(world.user(user).await.jobs);
    let mut writes = Writes::new();
    for entry in world.journal(user).await {
        if let (JournalEvent::Writing { writes: some }, Some(step)) = (entry.event, entry.step)
            && entry.job == job
        {
            writes.entry(step).or_default().extend(some.iter().map(short));
        }
    }
    writes
}

/// GEN-7: a plan writes nothing, and shows what the run then writes: for prepare, sync and cutover.
#[tokio::test]
async fn a_plan_shows_the_writes_that_the_run_makes_and_makes_none() {
    let mut setup = plain(2);
    setup.population.existing_in_target = 2;
    let (world, people) = discovered(setup).await;
    for action in [Action::Prepare, Action::Sync, Action::Sync, Action::Cutover] {
        let mut plans = Vec::new();
        for user in &people {
            plans.push(plan_without_a_write(&world, user, action).await);
        }
        world.perform(&people, action).await;
        for (user, plan) in people.iter().zip(&plans) {
            let (planned, made) = (planned(plan), made(&world, user).await);
            let blind = blind_from(plan);
            for (step, writes) in &made {
                if plan.steps.iter().take(blind).any(|row| row.step == *step) {
                    assert_eq!(planned.get(step), Some(writes), "{action}: {step}");
                }
            }
            for step in planned.keys() {
                assert!(made.contains_key(step), "{action}: {step} has written nothing");
            }
        }
    }
}

/// How many steps a plan knows all about: from the first on that waits for what only the run brings
/// about, a mailbox for instance, it may know less.
fn blind_from(plan: &UserPlan) -> usize {
    let waits = plan.steps.iter().position(|row| matches!(row.outcome, Planned::Waits { .. }));
    waits.unwrap_or(plan.steps.len())
}

async fn plan_without_a_write(world: &World, user: &User, action: Action) -> UserPlan {
    let (source, target) = (world.source.tenant_id, world.target.tenant_id);
    let views = || (world.simulator.recipients(source), world.simulator.recipients(target));
    let (seen, records) = (views(), world.store.records());
    let directories = (directory(world, Side::Source).await, directory(world, Side::Target).await);
    let asked = world.simulator.requests().len();
    let key = world.key(user);
    let plan = plan_action(&world.host, &AllSteps, &key, action, false);
    let plan = drive(world, plan).await.unwrap();
    for request in world.simulator.requests().into_iter().skip(asked) {
        let reads = match &request.cmdlet {
            Some(cmdlet) => cmdlet.starts_with("Get-"),
            None => request.method == "GET" || request.path.ends_with("/token"),
        };
        assert!(reads, "{action} of {}: {request:?}", user.source.mail);
    }
    assert_eq!(views(), seen);
    assert_eq!(world.store.records(), records);
    let now = (directory(world, Side::Source).await, directory(world, Side::Target).await);
    assert_eq!(now, directories);
    assert!(!plan.steps.is_empty());
    plan
}

/// GEN-7, GEN-3: what would be refused cannot be planned either.
#[tokio::test]
async fn what_the_state_forbids_cannot_be_planned() {
    let (world, people) = discovered(plain(1)).await;
    let key = world.key(&people[0]);
    let plan = plan_action(&world.host, &AllSteps, &key, Action::Cutover, false);
    let refused = drive(&world, plan).await.unwrap_err().to_string();
    assert!(refused.contains("cutover is not allowed while the user is no_match"), "{refused}");
}
