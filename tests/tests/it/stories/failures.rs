//! What goes wrong, and what does not go wrong with it.

#![expect(clippy::expect_used, reason = "a story fails where its set-up fails")]

use std::time::Duration;

use catalogue::Step;
use crosswave_tests::world::{Setup, World};
use model::{Action, User, UserState};
use simulator::{FaultKind, FaultRule, Faults, Profile};
use tenant::exchange::Parameters;

use super::{
    crash::{settle_crashing, settle_doubled, with_boundaries},
    stage::{
        all_cutover_steps, bare, cutover_steps, in_target, mails, movers, outsider, plain, problem,
        rule, state, synced,
    },
};

/// ERR-2: one failing user does not stop the others, and its problem names step, message and advice.
/// An object that is mastered on premises says so, and what must be done there.
#[tokio::test]
async fn a_directory_synced_target_parks_its_user_with_instructions_and_nobody_else() {
    let (world, users) = synced(bare(2)).await;
    let upn = in_target(&world, &users[0]).await.user_principal_name;
    world.simulator.set_synced(world.target.tenant_id, &upn, true);
    world.perform(&users, Action::Cutover).await;
    assert_eq!(state(&world, &users[1]).await, UserState::Complete);
    assert_eq!(state(&world, &users[0]).await, UserState::CutoverError);
    let problem = problem(&world, &users[0]).await;
    assert_eq!(
        (problem.step, problem.code.as_str()),
        (Step::UnhideTargetMailbox, "directory_synced")
    );
    assert!(!problem.message.is_empty());
    assert!(problem.advice.contains("on premises"), "{}", problem.advice);
    // Made cloud-born, or mended on premises, the same action goes through.
    world.simulator.set_synced(world.target.tenant_id, &upn, false);
    world.perform(&users[..1], Action::Cutover).await;
    assert_eq!(state(&world, &users[0]).await, UserState::Complete);
}

/// ERR-1, ERR-2, PRE-5: an address that a third object holds parks the user with that object's name.
#[tokio::test]
async fn an_address_that_is_taken_parks_the_user_and_names_the_holder() {
    let world = bare(2).build();
    world.discover().await;
    let users = movers(&world).await;
    let third = Parameters::new()
        .set("Name", "Somebody else")
        .set("ExternalEmailAddress", users[0].source.mail.as_str());
    outsider(&world, true, "New-MailContact", third).await;
    world.perform(&users, Action::Prepare).await;
    assert_eq!(state(&world, &users[1]).await, UserState::Prepared);
    assert_eq!(state(&world, &users[0]).await, UserState::PrepareError);
    let problem = problem(&world, &users[0]).await;
    assert_eq!((problem.step, problem.code.as_str()), (Step::CreateContact, "address_taken"));
    assert!(problem.message.contains("Somebody else"), "{}", problem.message);
    assert!(problem.message.contains(&users[0].source.mail), "{}", problem.message);
    let gone = Parameters::identity("Somebody else").confirmed();
    outsider(&world, true, "Remove-MailContact", gone).await;
    world.perform(&users[..1], Action::Prepare).await;
    assert_eq!(state(&world, &users[0]).await, UserState::Prepared);
}

/// ERR-1, ERR-2: without free seats a user is parked; those who got one go on.
#[tokio::test]
async fn an_empty_licence_pool_parks_those_without_a_seat() {
    let world = bare(2).build();
    world.discover().await;
    let users = movers(&world).await;
    world.perform(&users, Action::Prepare).await;
    world.simulator.set_seats(world.target.tenant_id, 1);
    world.perform(&users, Action::Sync).await;
    let mut states = [state(&world, &users[0]).await, state(&world, &users[1]).await];
    let parked = usize::from(states[0] == UserState::Synced);
    states.sort();
    assert_eq!(states, [UserState::SyncError, UserState::Synced]);
    let problem = problem(&world, &users[parked]).await;
    assert_eq!((problem.step, problem.code.as_str()), (Step::AssignLicenses, "license_pool_empty"));
    assert!(problem.message.contains("SPE_E3"), "{}", problem.message);
    world.simulator.set_seats(world.target.tenant_id, 2);
    world.perform(&users[parked..=parked], Action::Sync).await;
    assert_eq!(state(&world, &users[parked]).await, UserState::Synced);
}

/// ERR-1, ERR-2: an error in the mapping script parks the user whom it concerns with its code and
/// line, and nothing was written for that user.
#[tokio::test]
async fn a_script_error_parks_the_user_with_code_and_line_and_writes_nothing() {
    let world = bare(2).build();
    world.discover().await;
    let victim = movers(&world).await.remove(0).source;
    let script = format!(
        "// crosswave-api: 1\nfn map_user(source, target, ctx) {{\n    if source.userPrincipalName == \"{}\" {{\n        throw \"no place for this one\";\n    }}\n}}\n",
        victim.user_principal_name
    );
    let world = bare(2).mapping(&script).build();
    world.discover().await;
    let users = movers(&world).await;
    let (hit, other) = if users[0].source == victim { (0, 1) } else { (1, 0) };
    let before = world.simulator.recipients(world.target.tenant_id).len();
    world.perform(&users[hit..=hit], Action::Prepare).await;
    assert_eq!(state(&world, &users[hit]).await, UserState::PrepareError);
    let problem = problem(&world, &users[hit]).await;
    assert_eq!(problem.step, Step::CreateOrUpdateUser);
    let told = format!("{} {}", problem.code, problem.message);
    assert!(told.contains("R005") && told.contains(":4"), "{told}");
    assert!(told.contains("no place for this one"), "{told}");
    assert_eq!(world.simulator.recipients(world.target.tenant_id).len(), before);
    world.perform(&users[other..=other], Action::Prepare).await;
    assert_eq!(state(&world, &users[other]).await, UserState::Prepared);
}

/// ERR-3: a tenant that refuses up to three requests of ten with 429, with and without Retry-After,
/// slows the work and parks nobody.
#[tokio::test]
async fn a_throttled_tenant_slows_the_work_and_fails_nobody() {
    for (throttled, throttled_without_hint) in [(0.1, 0.0), (0.0, 0.1), (0.15, 0.15)] {
        let faults = Faults { throttled, throttled_without_hint, ..Faults::default() };
        everybody_completes(with_faults(plain(2), faults)).await;
    }
}

/// ERR-3: the same for Exchange's plain text about too many concurrent requests.
#[tokio::test]
async fn exchanges_plain_text_throttle_fails_nobody() {
    let each_third = |n: u32| FaultRule {
        path: Some("/adminapi/".to_owned()),
        from: 2 * n + 1,
        times: Some(1),
        ..rule(FaultKind::PlainTextThrottle)
    };
    let faults = Faults { rules: (0..200).map(each_third).collect(), ..Faults::default() };
    everybody_completes(with_faults(bare(2), faults)).await;
}

/// ERR-4: replies that are lost after the effect, connections that break before it, replies that end
/// in the middle, and a service that fails now and then: everybody completes all the same.
#[tokio::test]
async fn lost_replies_and_failing_services_lose_nothing() {
    for seed in 1..=3 {
        let faults = Faults {
            reset_after: 0.05,
            reset_before: 0.05,
            truncated: 0.03,
            internal_error: 0.03,
            unavailable: 0.03,
            ..Faults::default()
        };
        everybody_completes(with_faults(plain(2).seed(seed), faults)).await;
    }
}

/// ERR-3, ERR-4: tenants with everything that is met in practice, and worse: lags of hours, stale
/// directory servers, wrapped errors, throttling, lost replies. It takes long, and nobody is parked.
#[tokio::test]
async fn awkward_tenants_take_long_and_fail_nobody() {
    for seed in [2, 5, 9] {
        everybody_completes(plain(2).seed(seed).simulator(Profile::Realistic)).await;
        everybody_completes(plain(2).seed(seed).simulator(Profile::Awkward)).await;
    }
}

/// ERR-4, GEN-5: the process dies at the same boundary (request, commit or send) of every step of
/// prepare, sync and cutover. Whichever boundary it is, both tenants end as they do without a crash.
#[tokio::test]
async fn a_crash_at_any_boundary_of_any_step_changes_nothing() {
    let (calm, died) = moved(Fortune::Dies(usize::MAX)).await;
    assert_eq!(died, 0);
    assert!(calm.len() > 4);
    for boundary in 1.. {
        let (crashed, died) = moved(Fortune::Dies(boundary)).await;
        assert_eq!(crashed, calm, "every step died at its boundary {boundary}");
        if died == 0 {
            assert!(boundary > 10, "there were boundaries: {boundary}");
            break;
        }
    }
}

/// ERR-4, GEN-5: every message comes twice, at once or late. Both tenants end as they do when each
/// comes once, and every step is recorded once.
#[tokio::test]
async fn messages_that_come_twice_change_nothing() {
    let (calm, _) = moved(Fortune::Dies(usize::MAX)).await;
    for later in [Duration::ZERO, Duration::from_secs(3), Duration::from_mins(11)] {
        let (doubled, _) = moved(Fortune::Doubled(later)).await;
        assert_eq!(doubled, calm, "again after {later:?}");
    }
}

/// What happens to messages while one person moves.
#[derive(Clone, Copy, Debug)]
enum Fortune {
    /// Every message's first delivery dies at this boundary.
    Dies(usize),
    /// Every message comes twice.
    Doubled(Duration),
}

/// Moves one person. What the tenants show afterwards, and how many deliveries died.
async fn moved(fortune: Fortune) -> (Vec<String>, usize) {
    let mut world = bare(1).build();
    world.discover().await;
    let user = movers(&world).await.pop().expect("one person");
    with_boundaries(&mut world);
    let phases = [
        (Action::Prepare, UserState::Prepared),
        (Action::Sync, UserState::Synced),
        (Action::Cutover, UserState::Complete),
    ];
    let mut died = 0;
    for (action, end) in phases {
        world.apply(&user, action).await.expect("the action is accepted");
        match fortune {
            Fortune::Dies(boundary) => died += settle_crashing(&world, boundary).await,
            Fortune::Doubled(later) => settle_doubled(&world, later).await,
        }
        let now = world.user(&user).await;
        assert_eq!(now.state, end, "{fortune:?}: {:?}", now.problem);
    }
    assert_eq!(cutover_steps(&world, &user).await, all_cutover_steps(), "each once");
    assert!(mails(&world, &user, "").await <= 1, "no mail was sent twice");
    (looks(&world), died)
}

/// Both tenants' recipients, without what is drawn at random.
fn looks(world: &World) -> Vec<String> {
    let mut looks = Vec::new();
    for tenant in [&world.source, &world.target] {
        for view in world.simulator.recipients(tenant.tenant_id) {
            let mut addresses = view.addresses;
            for address in &mut addresses {
                if address.to_lowercase().starts_with("x500:") {
                    address.truncate(5);
                }
            }
            addresses.sort();
            looks.push(format!(
                "{} {} {} {} {} {:?} hidden={} {:?} {addresses:?}",
                tenant.initial_domain,
                view.kind,
                view.name,
                view.display_name,
                view.user_principal_name,
                view.external_address,
                view.hidden,
                view.forwarding,
            ));
        }
    }
    looks.sort();
    looks
}

fn with_faults(mut setup: Setup, faults: Faults) -> Setup {
    setup.config.faults = faults;
    setup
}

/// Everybody goes through all phases, and the mail that was there is in the target once.
async fn everybody_completes(setup: Setup) {
    let world = setup.build();
    world.simulator.pause_faults(true);
    world.discover().await;
    world.simulator.pause_faults(false);
    let users = movers(&world).await;
    let copies = world.project.default_profile.sync.mailbox;
    for user in &users {
        world.simulator.send_mail("friend@outside.example", &user.source.mail, "old letter");
    }
    for action in [Action::Prepare, Action::Sync, Action::Cutover] {
        world.perform(&users, action).await;
        nobody_is_parked(&world, &users).await;
    }
    for user in &users {
        assert_eq!(state(&world, user).await, UserState::Complete);
        if copies {
            assert_eq!(mails(&world, user, "old letter").await, 1);
        }
    }
}

async fn nobody_is_parked(world: &World, users: &[User]) {
    for user in users {
        let problem = world.user(user).await.problem;
        assert_eq!(problem, None, "{}", user.source.user_principal_name);
    }
}
