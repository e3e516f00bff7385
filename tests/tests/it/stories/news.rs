//! NOT-1: a wave's date and a wave's end are told.

#![expect(clippy::unwrap_used, reason = "a story fails where its set-up fails")]

use catalogue::Side;
use control::{Selection, scripts, waves};
use crosswave_tests::world::{World, drive};
use model::{
    Action, Blackout, DeliveryState, EventKind, OutlookGate, QuietHours, Schedule, ScriptKind,
    User, UserState, WaveId,
};
use simulator::Part;

use super::{
    stage::{bare, movers, synced},
    support::client,
};

fn wave() -> WaveId {
    "one".parse().unwrap()
}

async fn put_into_the_wave(world: &World, people: &[User]) {
    let users = people.iter().map(|user| user.source.user_principal_name.clone()).collect();
    let selection = Selection { wave: None, users };
    waves::assign(&world.host, &world.scope(), &selection, Some(&wave())).await.unwrap();
}

async fn wave_of(world: &World, people: &[User]) {
    waves::create(&world.host, &world.project, wave(), None, None).await.unwrap();
    put_into_the_wave(world, people).await;
}

async fn plan_cutover(world: &World, first: &str) {
    let schedule = Schedule {
        first: first.parse().unwrap(),
        zone: "Europe/Berlin".to_owned(),
        repeat: None,
        blackout: Vec::new(),
    };
    let scope = world.scope();
    waves::set_schedule(&world.host, &scope, &wave(), Action::Cutover, Some(schedule))
        .await
        .unwrap();
}

/// What a host does now and then.
async fn tell(world: &World) -> usize {
    let told = waves::tell(&world.host, &world.scope()).await.unwrap();
    world.settle().await;
    told
}

/// How many mails with one of these subjects lie in a mailbox.
fn mails(world: &World, tenant: &simulator::Credentials, owner: &str, subjects: &[&str]) -> usize {
    let view = world.simulator.mailbox_view(tenant.tenant_id, owner, Part::Primary).unwrap();
    let items = view.folders.values().flat_map(|folder| &folder.items);
    items.filter(|item| subjects.iter().any(|subject| item.subject.contains(subject))).count()
}

fn told_of_the_date(world: &World, user: &User) -> usize {
    let subjects = ["Your mailbox will move", "Ihr Postfach zieht um"];
    mails(world, &world.source, &user.source.user_principal_name, &subjects)
}

/// NOT-1, NOT-2: each person of a wave is told its date, once; a new date is told anew, and who comes
/// into the wave later is told then.
#[tokio::test]
async fn each_person_of_a_wave_is_told_its_date_once() {
    let world = bare(3).build();
    world.discover().await;
    let people = movers(&world).await;
    let (early, late) = people.split_at(2);
    wave_of(&world, early).await;
    assert_eq!(tell(&world).await, 0, "a wave without a date is no news");
    plan_cutover(&world, "2026-06-20T06:00").await;
    assert_eq!(tell(&world).await, 2);
    assert_eq!(early.iter().map(|user| told_of_the_date(&world, user)).sum::<usize>(), 2);
    let records = world.notifications(EventKind::WaveScheduled).await;
    assert!(records.iter().all(|record| matches!(record.delivery, DeliveryState::Sent { .. })));
    assert_eq!(records[0].event.details["at"], "2026-06-20T06:00:00+02:00");
    // Once.
    plan_cutover(&world, "2026-06-20T06:00").await;
    assert_eq!(tell(&world).await, 0);
    put_into_the_wave(&world, late).await;
    assert_eq!(tell(&world).await, 1);
    assert_eq!(told_of_the_date(&world, &late[0]), 1);
    plan_cutover(&world, "2026-06-27T06:00").await;
    assert_eq!(tell(&world).await, 3);
    assert_eq!(told_of_the_date(&world, &early[0]), 2);
    assert_eq!(tell(&world).await, 0);
}

/// NOT-1: the dates of prepare and sync concern nobody but the operator.
#[tokio::test]
async fn the_dates_of_prepare_and_sync_are_no_news() {
    let world = bare(1).build();
    world.discover().await;
    wave_of(&world, &movers(&world).await).await;
    for action in [Action::Prepare, Action::Sync] {
        let schedule = Schedule {
            first: "2026-06-20T06:00".parse().unwrap(),
            zone: "UTC".to_owned(),
            repeat: None,
            blackout: Vec::new(),
        };
        let scope = world.scope();
        waves::set_schedule(&world.host, &scope, &wave(), action, Some(schedule)).await.unwrap();
    }
    assert_eq!(tell(&world).await, 0);
}

/// NOT-2: quiet hours hold back a wave's news too.
#[tokio::test]
async fn quiet_hours_hold_a_waves_news_back() {
    let mut world = bare(1).build();
    world.discover().await;
    let people = movers(&world).await;
    wave_of(&world, &people).await;
    // It is 10:00 in Berlin.
    let hours =
        Blackout { days: Vec::new(), from: "07:00".parse().unwrap(), to: "18:30".parse().unwrap() };
    world.project.quiet_hours =
        Some(QuietHours { zone: "Europe/Berlin".to_owned(), hours: vec![hours] });
    control::store_project(&world.host, &world.project).await.unwrap();
    plan_cutover(&world, "2026-06-20T06:00").await;
    tell(&world).await;
    let record = world.notifications(EventKind::WaveScheduled).await.remove(0);
    let DeliveryState::Sent { at } = record.delivery else { panic!("{record:?}") };
    assert!(at >= "2026-06-01T16:30:00Z".parse().unwrap(), "{at}");
    assert_eq!(told_of_the_date(&world, &people[0]), 1);
}

/// NOT-1, ERR-2: when the last one of a wave's cutover is done or parked, whoever runs the project is
/// told how it went, once; not while somebody is still asked to confirm.
#[tokio::test]
async fn the_end_of_a_wave_is_reported_once() {
    let (world, people) = synced(bare(2).gate(OutlookGate::Wait)).await;
    wave_of(&world, &people).await;
    let parked = &people[1].source.user_principal_name;
    world.simulator.set_synced(world.source.tenant_id, parked, true);
    let (host, scope) = (&world.host, world.scope());
    let run = waves::start_run(host, &scope, &wave(), Action::Cutover, false).await.unwrap();
    waves::expand(host, &scope, &run).await.unwrap();
    while world.user(&people[0]).await.state != UserState::WaitingForUser {
        assert!(world.advance_one().await);
    }
    assert_eq!(waves::tell(host, &scope).await.unwrap(), 0, "somebody is asked to confirm");
    for user in &people {
        engine::open_gate(host, &world.key(user)).await.unwrap();
    }
    world.settle().await;
    assert_eq!(tell(&world).await, 1);
    assert_eq!(tell(&world).await, 0);
    let record = world.notifications(EventKind::WaveReport).await.remove(0);
    assert!(matches!(record.delivery, DeliveryState::Sent { .. }), "{record:?}");
    let details = &record.event.details;
    let counts = ["users", "complete", "failed"].map(|name| details[name].as_str());
    assert_eq!(counts, ["2", "1", "1"]);
    assert!(details["failures"].starts_with(&format!("{parked}: ")), "{details:?}");
    let owner = world.project.notification_sender.clone().unwrap();
    assert_eq!(mails(&world, &world.target, &owner, &["Wave one: 1 of 2 complete"]), 1);
    // The cutover is to be done again: news for the one who has not moved.
    plan_cutover(&world, "2026-06-20T06:00").await;
    assert_eq!(tell(&world).await, 1);
    assert_eq!(told_of_the_date(&world, &people[1]), 1);
}

/// NOT-1: a notification script decides what becomes of a wave's news.
#[tokio::test]
async fn a_script_decides_what_is_told_of_a_wave() {
    let world = bare(1).build();
    world.discover().await;
    let text = "// crosswave-api: 1\nfn notify(event, user, ctx) {\n    if event.kind != \
                \"wave_scheduled\" { return []; }\n    [#{ to: \"owner\", subject: `${event.wave}: \
                ${event.users} on ${event.at}`, body: user.displayName }]\n}\n";
    let draft = scripts::Draft::new(ScriptKind::Notifications, "ours.rhai", text);
    scripts::publish(&world.host, &world.project, &draft, "anna").await.unwrap();
    wave_of(&world, &movers(&world).await).await;
    plan_cutover(&world, "2026-06-20T06:00").await;
    assert_eq!(tell(&world).await, 1);
    let record = world.notifications(EventKind::WaveScheduled).await.remove(0);
    let owner = world.project.notification_sender.clone().unwrap();
    let subject = "one: 1 on 2026-06-20T06:00:00+02:00";
    assert_eq!(record.accepted, [(owner.clone(), subject.to_owned())], "{record:?}");
    assert_eq!(mails(&world, &world.target, &owner, &[subject]), 1);
}

/// NOT-1: the sample that tells managers, as it stands: the manager whom the source's directory names gets
/// the message, and for somebody without one the record says why nobody did.
#[tokio::test]
async fn managers_are_told_of_their_people() {
    let world = bare(3).build();
    world.discover().await;
    let people = movers(&world).await;
    let [manager, one, other] = people.as_slice() else { panic!("three people") };
    let source = client(&world, Side::Source).await;
    let (id, boss) = (&one.source.object_id, &manager.source.object_id);
    drive(&world, source.graph().set_manager(id, boss)).await.unwrap();
    drive(&world, source.graph().remove_manager(&other.source.object_id)).await.unwrap();
    let text = include_str!("../../../../scripts/notify/manager-digest.rhai");
    let draft = scripts::Draft::new(ScriptKind::Notifications, "manager-digest.rhai", text);
    scripts::publish(&world.host, &world.project, &draft, "anna").await.unwrap();
    wave_of(&world, &[one.clone(), other.clone()]).await;
    plan_cutover(&world, "2026-06-20T06:00").await;
    tell(&world).await;
    let records = world.notifications(EventKind::WaveScheduled).await;
    let of = |user: &User| {
        let record = records.iter().find(|record| record.event.user.as_ref() == Some(&user.id));
        record.unwrap().clone()
    };
    let subject = format!("{} moves with one", one.source.display_name);
    assert_eq!(of(one).accepted, [(manager.source.mail.clone(), subject.clone())]);
    let name = &manager.source.user_principal_name;
    assert_eq!(mails(&world, &world.source, name, &[&subject]), 1);
    let DeliveryState::Failed { why } = of(other).delivery else { panic!("{:?}", of(other)) };
    assert!(why.contains("has no manager"), "{why}");
}
