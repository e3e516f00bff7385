//! SYN: the steps of the initial sync around the copy, and who may sync when.

use catalogue::{ProjectType, Side, Step};
use model::{Action, JobKind, JournalEvent, User, UserState};
use simulator::{Lag, Profile};

use super::support::{
    account, after, contact, delivered, directory, discovered, plain, source_recipient,
    target_recipient, written,
};

const SYNCED: &[Action] = &[Action::Prepare, Action::Sync];

/// SYN-3, SYN-D1: the first sync is an initial one with its five steps, every later one is a delta
/// that performs none of the others.
#[tokio::test]
async fn the_first_sync_is_initial_and_later_ones_are_deltas() {
    let (world, people) = after(plain(1), SYNCED).await;
    let anna = &people[0];
    world.perform(&people, Action::Sync).await;
    world.perform(&people, Action::Sync).await;
    let jobs = world.past_jobs(anna).await;
    let kinds: Vec<JobKind> = jobs.iter().map(|job| job.kind).collect();
    assert_eq!(
        kinds,
        [JobKind::Prepare, JobKind::InitialSync, JobKind::DeltaSync, JobKind::DeltaSync]
    );
    let initial = world.finished_steps(anna, jobs[1].id.as_str()).await;
    assert_eq!(initial, ["SYN-I1", "SYN-I2", "SYN-I4", "SYN-I3", "SYN-I5"]);
    for delta in &jobs[2..] {
        assert_eq!(world.finished_steps(anna, delta.id.as_str()).await, ["SYN-D1"]);
    }
    world.assert_wire_clean();
}

/// SYN-3: in a basic project sync starts from `matched`, with the steps of premium projects noted as
/// not in this type.
#[tokio::test]
async fn a_basic_project_syncs_whom_match_has_paired() {
    let mut setup = plain(4).project_type(ProjectType::Basic);
    setup.population.existing_in_target = 4;
    let (world, people) = discovered(setup).await;
    world.match_all().await;
    let mut matched = Vec::new();
    for user in &people {
        let user = world.user(user).await;
        if user.state == UserState::Matched {
            matched.push(user);
        } else {
            let refused = world.apply(&user, Action::Sync).await.unwrap_err().to_string();
            assert!(refused.contains("allowed from matched"), "{refused}");
        }
    }
    let [user] = matched.as_slice() else { panic!("one exists in the target") };
    world.perform(&matched, Action::Sync).await;
    let now = world.user(user).await;
    assert_eq!(now.state, UserState::Synced, "{:?}", now.problem);
    let cause = not_applicable(&world.journal(user).await, Step::AssignLicenses);
    assert_eq!(cause.as_deref(), Some("not in this project type"));
}

fn not_applicable(journal: &[model::JournalEntry], step: Step) -> Option<String> {
    journal.iter().filter(|entry| entry.step == Some(step)).find_map(|entry| match &entry.event {
        JournalEvent::NotApplicable { cause } => Some(cause.clone()),
        _ => None,
    })
}

/// SYN-I1: the mapping script runs again, and what it gives for a sync is written.
#[tokio::test]
async fn the_target_user_is_updated_at_the_first_sync() {
    let setup = plain(1).mapping(
        "// crosswave-api: 1\nfn map_user(source, target, ctx) {\n    \
         target.companyName = \"in \" + ctx.step;\n}\n",
    );
    let (world, people) = after(setup, &[Action::Prepare]).await;
    let company = async || account(&world, &people[0]).await.company_name;
    assert_eq!(company().await.as_deref(), Some("in prepare"));
    world.perform(&people, Action::Sync).await;
    assert_eq!(company().await.as_deref(), Some("in sync"));
}

/// SYN-I2: a cloud-only target needs no remote mailbox.
#[tokio::test]
async fn a_cloud_only_target_has_no_remote_mailbox_to_enable() {
    let (world, people) = after(plain(1), SYNCED).await;
    let cause = not_applicable(&world.journal(&people[0]).await, Step::EnableRemoteMailbox);
    assert!(cause.is_some_and(|cause| cause.contains("cloud-only")));
}

/// SYN-I2: a hybrid target parks the user with what is to be done on premises.
#[tokio::test]
async fn a_hybrid_target_says_what_is_to_be_done_on_premises() {
    let mut world = plain(1).build();
    world.project.target.capabilities.hybrid = true;
    world.discover().await;
    let mut people = world.users().await;
    people.retain(|user| !user.source.licenses.is_empty());
    for action in SYNCED {
        world.perform(&people, *action).await;
    }
    let user = world.user(&people[0]).await;
    assert_eq!(user.state, UserState::SyncError);
    let problem = user.problem.unwrap();
    assert_eq!((problem.step, problem.code.as_str()), (Step::EnableRemoteMailbox, "on_premises"));
    assert!(problem.advice.contains("Enable-RemoteMailbox"), "{}", problem.advice);
}

/// SYN-I3: mail for the new address reaches the mailbox that the person still uses.
#[tokio::test]
async fn the_target_mailbox_forwards_to_the_source() {
    let (world, people) = after(plain(2), SYNCED).await;
    for user in &people {
        let mailbox = target_recipient(&world, user).await;
        assert_eq!(mailbox.kind, "UserMailbox");
        assert_eq!(mailbox.forwarding.target, user.source.initial_address);
        let route = delivered(&world, &user.target.as_ref().unwrap().user_principal_name);
        let home = (world.source.tenant_id.to_string(), user.source.mail.clone());
        assert!(route.contains(&home), "{route:?}");
        assert_eq!(source_recipient(&world, user).forwarding.target, None, "CUT-6");
    }
}

/// SYN-I3: a profile may go without.
#[tokio::test]
async fn a_profile_can_turn_forwarding_off() {
    let mut setup = plain(1);
    setup.profile.sync.forwarding = false;
    let (world, people) = after(setup, SYNCED).await;
    assert_eq!(people[0].state, UserState::Synced);
    assert_eq!(target_recipient(&world, &people[0]).await.forwarding.target, None);
}

/// SYN-I4: usage location first, then the licences that the source user has.
#[tokio::test]
async fn licences_come_after_the_usage_location() {
    let mut setup = plain(1).mapping(
        "// crosswave-api: 1\nfn map_user(source, target, ctx) {\n    \
         target.usageLocation = ();\n}\n",
    );
    setup.profile.sync.usage_location = Some("DE".to_owned());
    let (world, people) = after(setup, SYNCED).await;
    let anna = &people[0];
    assert_eq!(anna.state, UserState::Synced, "{:?}", anna.problem);
    let target = account(&world, anna).await;
    assert_eq!(target.usage_location.as_deref(), Some("DE"));
    let source = directory(&world, Side::Source).await;
    let source = source.iter().find(|it| it.id == anna.source.object_id).unwrap();
    assert_eq!(target.assigned_licenses.len(), source.assigned_licenses.len());
    let writes = written(&world, anna).await;
    let place = |attribute: &str| {
        writes.iter().position(|write| write.changes.iter().any(|it| it.attribute == attribute))
    };
    assert!(place("usageLocation").unwrap() < place("licenses").unwrap(), "{writes:#?}");
}

/// SYN-I4, ERR-2: an empty pool parks who comes too late, and nobody else.
#[tokio::test]
async fn an_empty_pool_parks_the_user_who_comes_too_late() {
    let (world, people) = after(plain(2), &[Action::Prepare]).await;
    let held = directory(&world, Side::Target).await;
    let held = held.iter().filter(|user| !user.assigned_licenses.is_empty()).count();
    world.simulator.set_seats(world.target.tenant_id, u32::try_from(held + 1).unwrap());
    world.perform(&people, Action::Sync).await;
    let mut states = Vec::new();
    for user in &people {
        states.push(world.user(user).await);
    }
    states.sort_by_key(|user| user.state);
    let [parked, synced] = states.as_slice() else { panic!("two people") };
    assert_eq!((parked.state, synced.state), (UserState::SyncError, UserState::Synced));
    let problem = parked.problem.as_ref().unwrap();
    assert_eq!(problem.code, "license_pool_empty");
    world.simulator.set_seats(world.target.tenant_id, 100);
    world.perform(std::slice::from_ref(parked), Action::Sync).await;
    assert_eq!(world.user(parked).await.state, UserState::Synced);
}

/// SYN-I6, PRE-4: the licence makes the mailbox after a while, which is awaited; it is forwarded
/// then, and as hidden as the mail user was.
#[tokio::test]
async fn the_mailbox_is_awaited_before_it_forwards() {
    let mut setup = plain(1).simulator(Profile::Calm);
    setup.config.lags.mailbox_provisioning = Lag::seconds(900, 900);
    setup.config.lags.mailbox_open = Lag::seconds(30, 30);
    setup.config.rules.hidden_survives_licence = false;
    let (world, people) = after(setup, SYNCED).await;
    let anna = &people[0];
    assert_eq!(anna.state, UserState::Synced, "{:?}", anna.problem);
    let journal = world.journal(anna).await;
    let waited: Vec<Option<Step>> = journal
        .iter()
        .filter(|entry| matches!(entry.event, JournalEvent::Waiting { .. }))
        .map(|entry| entry.step)
        .collect();
    assert!(waited.contains(&Some(Step::AssignLicenses)), "{waited:?}");
    let job = world.past_jobs(anna).await.pop().unwrap();
    let order = world.finished_steps(anna, job.id.as_str()).await;
    let place = |step: &str| order.iter().position(|it| *it == step).unwrap();
    assert!(place("SYN-I4") < place("SYN-I3"));
    let mailbox = target_recipient(&world, anna).await;
    assert!(mailbox.hidden);
    assert_eq!(mailbox.forwarding.target, anna.source.initial_address);
    assert!(!contact(&world, anna).unwrap().hidden);
}

/// SYN-3: a sync that failed, or was stopped, before the first copy was complete starts with an
/// initial sync again.
#[tokio::test]
async fn a_sync_that_was_stopped_starts_with_an_initial_sync_again() {
    let (world, people) = after(plain(1), &[Action::Prepare]).await;
    let anna: &User = &people[0];
    world.apply(anna, Action::Sync).await.unwrap();
    assert!(world.settle_before(Step::CopyContent).await);
    world.apply(anna, Action::Stop).await.unwrap();
    world.settle().await;
    assert_eq!(world.user(anna).await.state, UserState::Stopped);
    world.perform(&people, Action::Sync).await;
    assert_eq!(world.user(anna).await.state, UserState::Synced);
    let kinds: Vec<JobKind> =
        world.past_jobs(anna).await.iter().skip(1).map(|job| job.kind).collect();
    assert_eq!(kinds, [JobKind::InitialSync, JobKind::InitialSync]);
}
