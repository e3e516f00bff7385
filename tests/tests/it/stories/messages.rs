//! Messages of a customer's script: templates, attachments, dates to wait for, and what they know of
//! a person (NOT-1, NOT-2).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a story fails where its set-up fails")]

use control::{
    MessageOutcome, Selection, keep_source,
    scripts::{Draft, publish},
    waves,
};
use crosswave_tests::world::World;
use engine::records::Batch;
use jiff::Timestamp;
use model::{
    Action, DeliveryState, EventKind, Notification, Schedule, ScriptKind, User, UserState, WaveId,
};
use scripting::{Attributes, Library, LibraryFile};
use serde_json::json;

use super::stage::{bare, movers, one_synced};

fn draft(cases: &str) -> Draft {
    let file = |name: &str, text: &str| LibraryFile::new(name, text.as_bytes().to_vec());
    let text = format!(
        "// crosswave-api: 1\nfn notify(event, user, ctx) {{\n    switch event.kind {{ {cases}, _ => [] }}\n}}\n"
    );
    let library = Library::new([
        file("done.html", "<p>Dear {name} of {unit}, sign in as <b>{address}</b>.</p>"),
        file("move.ics", "BEGIN:VCALENDAR\r\nSUMMARY:{name} moves\r\nEND:VCALENDAR\r\n"),
        LibraryFile::new("guide.pdf", vec![0, 255]),
    ]);
    Draft { library, ..Draft::new(ScriptKind::Notifications, "messages.rhai", &text) }
}

async fn published(world: &World, cases: &str) {
    publish(&world.host, &world.project, &draft(cases), "anna").await.unwrap();
}

/// The only record of a message that waits, or has waited.
async fn later(world: &World, kind: EventKind) -> Notification {
    let mut records = world.notifications(kind).await;
    records.retain(|record| record.later.is_some());
    let [only] = &records[..] else { panic!("{records:?}") };
    only.clone()
}

async fn discovered_as(world: &World, user: &User, title: &str) {
    let attributes = Attributes::new()
        .with("displayName", user.source.display_name.as_str())
        .with("givenName", "Zoë")
        .with("jobTitle", title)
        .with("department", "R&D")
        .with("employeeId", "4711");
    let mut batch = Batch::new();
    keep_source(&mut batch, &world.scope(), &user.id, attributes).unwrap();
    batch.commit(&*world.host.store).await.unwrap();
}

/// Handles what is due until then, and no message that is due later.
async fn until(world: &World, end: Timestamp) {
    while world.queue.next_due("").is_some_and(|due| due <= end) {
        assert!(world.advance_one().await);
    }
    world.clock.advance_to(end);
}

fn sent(world: &World) -> usize {
    world.simulator.requests().iter().filter(|it| it.path.ends_with("/sendMail")).count()
}

/// NOT-1: a template with a person's attributes, escaped; files with the message's values and files as
/// they are; and a message that waits holds neither the others nor the cutover back.
#[tokio::test]
async fn a_message_of_a_template_waits_for_its_date_and_holds_nobody_back() {
    let (world, user) = one_synced(bare(1)).await;
    published(
        &world,
        r#""cutover_complete" => [
            #{ to: "user", subject: "Later", when: date_add("d", 3, ctx.now), language: "de",
               body: `${user.givenName}, ${user.jobTitle} ${user.employeeId}: all well?` },
            #{ to: "user", subject: "Done", template: "done.html", attach: ["move.ics", "guide.pdf"],
               vars: #{ name: user.givenName, unit: user.department, address: event.new_address } }
        ]"#,
    )
    .await;
    discovered_as(&world, &user, "Engineer").await;
    let began = ports::Clock::now(&world.clock);
    world.apply(&user, Action::Cutover).await.unwrap();
    until(&world, began + std::time::Duration::from_hours(48)).await;
    let moved = world.user(&user).await;
    assert_eq!(moved.state, UserState::Complete);
    let message = world.simulator.last_sent().unwrap()["message"].clone();
    let address = moved.target.unwrap().user_principal_name;
    assert_eq!(
        message["body"],
        json!({ "contentType": "html",
                "content": format!("<p>Dear Zoë of R&amp;D, sign in as <b>{address}</b>.</p>") })
    );
    let calendar = "QkVHSU46VkNBTEVOREFSDQpTVU1NQVJZOlpvw6sgbW92ZXMNCkVORDpWQ0FMRU5EQVINCg==";
    assert_eq!(message["attachments"][0]["contentBytes"], calendar);
    assert_eq!(message["attachments"][0]["contentType"], "text/calendar");
    assert_eq!(message["attachments"][1]["contentBytes"], "AP8=");
    assert_eq!(later(&world, EventKind::CutoverComplete).await.delivery, DeliveryState::Pending);

    // What was given to the script stays: it decides the same on the day it is sent.
    discovered_as(&world, &user, "Director").await;
    let before = sent(&world);
    world.settle().await;
    assert_eq!(sent(&world), before + 1);
    let message = world.simulator.last_sent().unwrap()["message"].clone();
    assert_eq!(message["body"]["content"], "Zoë, Engineer 4711: all well?");
    let record = later(&world, EventKind::CutoverComplete).await;
    let DeliveryState::Sent { at } = record.delivery else { panic!("{record:?}") };
    assert!(at >= record.later.unwrap().at && at.duration_since(began).as_hours() < 80, "{at}");
    assert_eq!(record.given, None, "nothing of the person stays behind");
    world.assert_wire_clean();
}

const REMINDER: &str = r#""wave_scheduled" => [
    #{ to: "user", subject: "Date", body: event.at },
    #{ to: "user", subject: "Reminder", body: event.at, when: date_add("d", -1, c_date(event.at)) }
]"#;

fn wave() -> WaveId {
    "one".parse().unwrap()
}

async fn plan(world: &World, first: &str) {
    let first = first.parse().unwrap();
    let schedule = Schedule { first, zone: "UTC".to_owned(), repeat: None, blackout: Vec::new() };
    let scope = world.scope();
    waves::set_schedule(&world.host, &scope, &wave(), Action::Cutover, Some(schedule))
        .await
        .unwrap();
    waves::tell(&world.host, &scope).await.unwrap();
}

async fn one_with_a_date() -> (World, User) {
    let world = bare(1).build();
    world.discover().await;
    published(&world, REMINDER).await;
    let user = movers(&world).await.remove(0);
    waves::create(&world.host, &world.project, wave(), None, None).await.unwrap();
    let users = vec![user.source.user_principal_name.clone()];
    let selection = Selection { wave: None, users };
    waves::assign(&world.host, &world.scope(), &selection, Some(&wave())).await.unwrap();
    plan(&world, "2026-06-20T06:00").await;
    until(&world, "2026-06-05T00:00:00Z".parse().unwrap()).await;
    (world, user)
}

/// NOT-2: the reminder of a date that has changed is void, the one of the new date comes, once.
#[tokio::test]
async fn a_reminder_of_a_date_that_has_changed_is_void() {
    let (world, user) = one_with_a_date().await;
    assert_eq!(sent(&world), 1);
    plan(&world, "2026-06-27T06:00").await;
    world.settle().await;
    assert_eq!(sent(&world), 3);
    let message = world.simulator.last_sent().unwrap()["message"].clone();
    assert_eq!(message["subject"], "Reminder");
    assert_eq!(message["body"]["content"], "2026-06-27T06:00:00+00:00");
    let mut ends = Vec::new();
    for record in world.notifications(EventKind::WaveScheduled).await {
        if record.later.is_some() {
            ends.push((record.event.details["at"].clone(), record.delivery));
        }
    }
    ends.sort_by(|one, other| one.0.cmp(&other.0));
    let [(_, DeliveryState::Void { why }), (_, DeliveryState::Sent { at })] = &ends[..] else {
        panic!("{ends:?}")
    };
    assert!(why.contains("has another date: 2026-06-27"), "{why}");
    assert!(at.duration_since("2026-06-26T06:00:00Z".parse().unwrap()).as_mins() < 30, "{at}");
    // The report tells of both.
    let everybody = Selection::everybody();
    let report = control::report(&world.host, &world.scope(), &everybody).await.unwrap();
    let told: Vec<_> = report
        .messages
        .iter()
        .filter(|line| line.event == EventKind::WaveScheduled)
        .map(|line| (line.outcome, line.messages, line.example.clone()))
        .collect();
    let name = user.source.user_principal_name;
    let expected = [(MessageOutcome::Sent, 3, name.clone()), (MessageOutcome::Void, 1, name)];
    assert_eq!(told, expected);
}

/// A date that is moved away and back again is the same date: its reminder comes once.
#[tokio::test]
async fn a_date_that_comes_back_is_reminded_of_once() {
    let (world, _) = one_with_a_date().await;
    plan(&world, "2026-06-27T06:00").await;
    plan(&world, "2026-06-20T06:00").await;
    world.settle().await;
    // Two dates and one reminder.
    assert_eq!(sent(&world), 3);
    let message = world.simulator.last_sent().unwrap()["message"].clone();
    assert_eq!(
        (&message["subject"], &message["body"]["content"]),
        (&json!("Reminder"), &json!("2026-06-20T06:00:00+00:00"))
    );
}

/// Who has left the wave, or whose wave has lost its date, is not reminded.
#[tokio::test]
async fn who_has_left_the_wave_is_not_reminded() {
    let (world, user) = one_with_a_date().await;
    let users = vec![user.source.user_principal_name.clone()];
    let selection = Selection { wave: None, users };
    waves::assign(&world.host, &world.scope(), &selection, None).await.unwrap();
    world.settle().await;
    let record = later(&world, EventKind::WaveScheduled).await;
    let DeliveryState::Void { why } = record.delivery else { panic!("{record:?}") };
    assert!(why.contains("no wave"), "{why}");

    let (world, _) = one_with_a_date().await;
    let scope = world.scope();
    waves::set_schedule(&world.host, &scope, &wave(), Action::Cutover, None).await.unwrap();
    world.settle().await;
    let record = later(&world, EventKind::WaveScheduled).await;
    assert!(matches!(record.delivery, DeliveryState::Void { .. }), "{record:?}");
    assert_eq!(sent(&world), 1);
}

/// NOT-2: a message that waits for days is not swept into the queue again and again, and one that comes
/// twice is sent once.
#[tokio::test]
async fn a_message_that_waits_is_swept_by_nobody_and_sent_once() {
    let (world, _) = one_with_a_date().await;
    let project = &world.project;
    let sweep = || engine::sweep(&world.host, &project.customer, &project.id, engine::STALE_AFTER);
    assert_eq!(sweep().await.unwrap(), 0);
    // Its day has come, and its message is late: the sweeper sends another one.
    world.clock.advance_to("2026-06-19T07:00:00Z".parse().unwrap());
    assert_eq!(sweep().await.unwrap(), 1);
    world.settle().await;
    assert_eq!(sent(&world), 2);
    let record = later(&world, EventKind::WaveScheduled).await;
    assert!(matches!(record.delivery, DeliveryState::Sent { .. }), "{record:?}");
}

/// NOT-2: `park` in a message parks nobody; the report says that it failed, and why, and the move is
/// complete all the same.
#[tokio::test]
async fn a_message_that_parks_is_told_as_failed() {
    let (world, user) = one_synced(bare(1)).await;
    published(&world, r#""cutover_complete" => park("nobody to tell")"#).await;
    let before = sent(&world);
    world.apply(&user, Action::Cutover).await.unwrap();
    world.settle().await;
    assert_eq!(world.user(&user).await.state, UserState::Complete);
    assert_eq!(sent(&world), before);
    let everybody = Selection::everybody();
    let report = control::report(&world.host, &world.scope(), &everybody).await.unwrap();
    let told = report.messages.iter().find(|line| line.event == EventKind::CutoverComplete);
    let told = told.unwrap();
    assert_eq!((told.outcome, told.messages), (MessageOutcome::Failed, 1));
    assert!(
        told.why.starts_with("R009: `notify` parks: nobody to tell (messages.rhai:3:"),
        "{told:?}"
    );
}
