//! The target side of a cutover, step by step, by what the tenants show.

use catalogue::Step;
use crosswave_tests::world::drive;
use engine::{open_gate, records::load_job};
use model::{Action, Branch, JobStatus, OutlookGate, UserState};
use simulator::{FaultKind, FaultRule};

use super::stage::{
    aim, all_cutover_steps, bare, contact_in, cutover_steps, fault, heal, holders, holds_x500,
    in_source, in_target, mails, not_applicable, one_synced, plain, problem, rule, state,
};

/// Where content is read and written: what a side delta needs and no other step asks for.
const CONTENT: &str = "/admin/exchange/mailboxes";

/// CUT-T2: the mapping's word of the phase `cutover_target` is on the target user, and the source
/// user keeps its own.
#[tokio::test]
async fn t2_updates_the_target_user_by_the_mapping() {
    let script = r#"// crosswave-api: 1
fn map_user(source, target, ctx) {
    if ctx.step == "cutover_target" { target.displayName = "Moved"; }
}
"#;
    let (world, user) = one_synced(bare(1).mapping(script)).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::UpdateTargetUser).await);
    assert_eq!(in_target(&world, &user).await.display_name, user.source.display_name);
    assert!(world.settle_before(Step::UnhideTargetMailbox).await);
    assert_eq!(in_target(&world, &user).await.display_name, "Moved");
    assert_eq!(in_source(&world, &user).display_name, user.source.display_name);
}

/// CUT-T3: the target mailbox is hidden until T3, and in the address list from then on.
#[tokio::test]
async fn t3_shows_the_target_mailbox() {
    let (world, user) = one_synced(bare(1)).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::UnhideTargetMailbox).await);
    assert!(in_target(&world, &user).await.hidden);
    assert!(world.settle_before(Step::RemoveForwarding).await);
    assert!(!in_target(&world, &user).await.hidden);
}

/// CUT-T4: the target mailbox forwards to the source until T4, and nowhere from then on.
#[tokio::test]
async fn t4_removes_the_forwarding() {
    let (world, user) = one_synced(bare(1)).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::RemoveForwarding).await);
    let before = in_target(&world, &user).await.forwarding.target.unwrap();
    assert!(before.ends_with(&world.source.initial_domain), "{before}");
    assert!(world.settle_before(Step::HideContact).await);
    assert_eq!(in_target(&world, &user).await.forwarding.target, None);
}

/// CUT-T5: the contact that stood for the person leaves the address list.
#[tokio::test]
async fn t5_hides_the_contact() {
    let (world, user) = one_synced(bare(1)).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::HideContact).await);
    assert!(!contact_in(&world, &world.target, &user).unwrap().hidden);
    assert!(world.settle_before(Step::ClearContactLegacyDn).await);
    assert!(contact_in(&world, &world.target, &user).unwrap().hidden);
}

/// CUT-T6 and CUT-T7: the contact's LegacyExchangeDN is in the journal before the contact goes, and
/// then on the target user, where old replies find it.
#[tokio::test]
async fn t6_and_t7_move_the_contacts_legacy_dn_to_the_user() {
    let (world, user) = one_synced(bare(1)).await;
    let target = &world.target;
    let dn = contact_in(&world, target, &user).unwrap().legacy_exchange_dn;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::ClearContactLegacyDn).await);
    assert!(!holds_x500(&in_target(&world, &user).await, &dn));
    assert!(world.settle_before(Step::StampContactX500).await);
    assert_eq!(contact_in(&world, target, &user), None);
    let journal = world.journal(&user).await;
    let remembered = journal.iter().position(|entry| {
        matches!(&entry.event, model::JournalEvent::Remembered { value, .. }
            if value.to_string().contains(&dn))
    });
    let removed = journal.iter().position(|entry| {
        matches!(&entry.event, model::JournalEvent::Writing { writes }
            if writes.iter().any(|write| write.operation == "Remove-MailContact"))
    });
    assert!(remembered.unwrap() < removed.unwrap(), "remembered before it was removed");
    assert!(world.settle_before(Step::StampSourceX500).await);
    assert!(holds_x500(&in_target(&world, &user).await, &dn));
    assert_eq!(holders(&world, target, &dn).len(), 1);
}

/// CUT-T6, CUT-7: a server that lags behind does not show the contact that prepare has made. It is awaited: its
/// addresses would be lost.
#[tokio::test]
async fn a_contact_that_a_lagging_server_does_not_show_keeps_its_addresses() {
    let (world, user) = one_synced(bare(1)).await;
    let dn = contact_in(&world, &world.target, &user).unwrap().legacy_exchange_dn;
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::ClearContactLegacyDn).await);
    let unseen = FaultKind::Status { status: 404, retry_after: None };
    let cmdlet = Some("Get-MailContact".to_owned());
    aim(&world, FaultRule { cmdlet, times: Some(3), ..rule(unseen) });
    assert!(world.settle_before(Step::StampSourceX500).await);
    assert!(holds_x500(&in_target(&world, &user).await, &dn));
    assert_eq!(contact_in(&world, &world.target, &user), None);
}

/// CUT-T8: the source mailbox's LegacyExchangeDN and its X500 addresses of earlier moves, too.
#[tokio::test]
async fn t8_stamps_everything_that_the_source_mailbox_answers_to() {
    let (world, user) = one_synced(bare(1)).await;
    let source = in_source(&world, &user);
    let mut dns: Vec<&str> =
        source.addresses.iter().filter_map(|held| held.strip_prefix("X500:")).collect();
    assert!(!dns.is_empty(), "the source mailbox has X500 addresses of an earlier move");
    dns.push(&source.legacy_exchange_dn);
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::StampSourceX500).await);
    let before = in_target(&world, &user).await;
    assert!(dns.iter().all(|dn| !holds_x500(&before, dn)));
    assert!(world.settle_before(Step::CompleteFirstDelta).await);
    let after = in_target(&world, &user).await;
    for dn in dns {
        assert!(holds_x500(&after, dn), "{dn} is on the target user");
        assert_eq!(holders(&world, &world.target, dn).len(), 1, "{dn}");
    }
}

/// CUT-T1 and CUT-T9: the delta goes on beside T2 to T8, and T9 waits for its end.
#[tokio::test]
async fn t1_starts_a_delta_that_goes_on_beside_the_steps_and_t9_joins_it() {
    let (world, user) = one_synced(plain(1)).await;
    world.simulator.send_mail("friend@outside.example", &user.source.mail, "before the cutover");
    fault(&world, CONTENT, Some(3), FaultKind::Status { status: 429, retry_after: Some(900) });
    world.apply(&user, Action::Cutover).await.unwrap();
    assert!(world.settle_before(Step::CompleteFirstDelta).await);
    let key = world.key(&user);
    let side = load_job(&*world.host.store, &key, Branch::FirstDelta).await.unwrap().unwrap();
    assert!(!side.value.status.is_over(), "the delta still runs");
    assert_eq!(mails(&world, &user, "before the cutover").await, 0);
    assert_eq!(cutover_steps(&world, &user).await, all_cutover_steps()[..8]);
    assert!(world.settle_before(Step::AwaitOutlookCutover).await);
    let side = load_job(&*world.host.store, &key, Branch::FirstDelta).await.unwrap().unwrap();
    assert_eq!(side.value.status, JobStatus::Done);
    assert_eq!(mails(&world, &user, "before the cutover").await, 1);
}

/// CUT-T9: a first delta that failed stops the cutover, and nothing has happened to the source.
#[tokio::test]
async fn a_failed_first_delta_stops_the_cutover_before_any_source_step() {
    let (world, user) = one_synced(plain(1)).await;
    let before = in_source(&world, &user);
    world.simulator.send_mail("friend@outside.example", &user.source.mail, "waits");
    fault(&world, CONTENT, None, FaultKind::Status { status: 500, retry_after: None });
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::CutoverError);
    assert_eq!(problem(&world, &user).await.step, Step::CompleteFirstDelta);
    assert_eq!(cutover_steps(&world, &user).await, all_cutover_steps()[..8]);
    let after = in_source(&world, &user);
    assert_eq!((after.hidden, &after.forwarding), (before.hidden, &before.forwarding));
    assert_eq!(contact_in(&world, &world.source, &user), None);
    // Mended, the next cutover goes through.
    heal(&world);
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    assert_eq!(mails(&world, &user, "waits").await, 1);
}

/// CUT-T10 `off`: the step is recorded and tells nobody.
#[tokio::test]
async fn t10_off_tells_nobody() {
    let (world, user) = one_synced(bare(1)).await;
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert!(not_applicable(&world, &user, "CUT-T10").await.is_some());
    assert_eq!(action_required_mails(&world).await, 0);
}

/// CUT-T10 `continue`: the user is told, and the cutover goes on.
#[tokio::test]
async fn t10_continue_tells_the_user_and_goes_on() {
    let (world, user) = one_synced(bare(1).gate(OutlookGate::Continue)).await;
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
    assert_eq!(action_required_mails(&world).await, 1);
}

/// CUT-T10 `wait`: the cutover waits for the user before any source step, and goes on when the gate
/// is opened.
#[tokio::test]
async fn t10_wait_is_a_gate() {
    let (world, user) = one_synced(bare(1).gate(OutlookGate::Wait)).await;
    world.apply(&user, Action::Cutover).await.unwrap();
    let opens = ports::Clock::now(&world.clock) + std::time::Duration::from_hours(20);
    while ports::Clock::now(&world.clock) < opens {
        assert!(world.advance_one().await);
    }
    assert_eq!(state(&world, &user).await, UserState::WaitingForUser);
    assert_eq!(action_required_mails(&world).await, 1, "told once, however often it looks");
    assert_eq!(cutover_steps(&world, &user).await, all_cutover_steps()[..9]);
    assert!(!in_source(&world, &user).hidden);
    assert!(drive(&world, open_gate(&world.host, &world.key(&user))).await.unwrap());
    world.settle().await;
    assert_eq!(state(&world, &user).await, UserState::Complete);
}

/// CUT-T10 `wait`: the gate has a time limit, after which the user is parked.
#[tokio::test]
async fn t10_wait_ends_with_its_time_limit() {
    let mut setup = bare(1).gate(OutlookGate::Wait);
    setup.profile.cutover.gate_hours = 5;
    let (world, user) = one_synced(setup).await;
    let start = ports::Clock::now(&world.clock);
    world.perform(std::slice::from_ref(&user), Action::Cutover).await;
    let waited = ports::Clock::now(&world.clock).duration_since(start);
    assert!((5..6).contains(&waited.as_hours()), "{waited}");
    assert_eq!(state(&world, &user).await, UserState::CutoverError);
    let problem = problem(&world, &user).await;
    assert_eq!(
        (problem.step, problem.code.as_str()),
        (Step::AwaitOutlookCutover, "gate_timed_out")
    );
    assert!(!in_source(&world, &user).hidden, "no source step ran");
}

/// How many people were asked to do something in Outlook.
async fn action_required_mails(world: &crosswave_tests::world::World) -> usize {
    super::stage::sent(world, model::EventKind::ActionRequired).await
}
