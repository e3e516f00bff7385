//! Filling, changing and comparing; and what a batch does, over both kinds of content.

use serde_json::{Value, json};

use super::{
    DriveFill, MailboxFill, Part,
    stage::{ADA, GRACE, GRAPH, Stage},
};
use crate::{Config, ContentRules, Throttling};

fn batch(stage: &Stage, requests: &[Value]) -> super::stage::Answer {
    stage.post("/$batch", &json!({ "requests": requests }))
}

fn get(id: &str, url: &str) -> Value {
    json!({ "id": id, "method": "GET", "url": url })
}

#[test]
fn filling_is_the_same_for_the_same_seed() {
    let view = || {
        let stage = Stage::calm();
        let simulator = &stage.simulator;
        simulator.fill_mailbox(stage.tenant, ADA, Part::Primary, &MailboxFill::default()).unwrap();
        simulator.fill_drive(stage.tenant, ADA, &DriveFill::default()).unwrap();
        simulator.touch_mailbox(stage.tenant, ADA, Part::Primary, 20).unwrap();
        simulator.touch_drive(stage.tenant, ADA, 20).unwrap();
        let mailbox = simulator.mailbox_view(stage.tenant, ADA, Part::Primary).unwrap();
        (mailbox, simulator.drive_view(stage.tenant, ADA).unwrap())
    };
    assert_eq!(view(), view());
}

#[test]
fn touching_changes_a_mailbox_and_a_drive() {
    let stage = Stage::calm();
    let simulator = &stage.simulator;
    simulator.fill_mailbox(stage.tenant, ADA, Part::Primary, &MailboxFill::default()).unwrap();
    simulator.fill_drive(stage.tenant, ADA, &DriveFill::default()).unwrap();
    let mailbox = simulator.mailbox_view(stage.tenant, ADA, Part::Primary).unwrap();
    let drive = simulator.drive_view(stage.tenant, ADA).unwrap();
    assert_eq!(mailbox.differences(&mailbox, false), [""; 0]);
    assert_eq!(drive.differences(&drive), [""; 0]);
    simulator.touch_mailbox(stage.tenant, ADA, Part::Primary, 10).unwrap();
    simulator.touch_drive(stage.tenant, ADA, 10).unwrap();
    let after = simulator.mailbox_view(stage.tenant, ADA, Part::Primary).unwrap();
    assert!(mailbox.differences(&after, false).len() >= 4);
    assert!(drive.differences(&simulator.drive_view(stage.tenant, ADA).unwrap()).len() >= 4);
}

#[test]
fn real_messages_become_items_with_their_headers() {
    let stage = Stage::calm();
    let mail = b"From: a@x\r\nSubject: Real\r\nMessage-ID: <r@x>\r\n\r\n\xff\xfe";
    stage.simulator.add_message_file(stage.tenant, ADA, Part::Archive, mail).unwrap();
    let view = stage.simulator.mailbox_view(stage.tenant, ADA, Part::Archive).unwrap();
    let item = &view.folders["inbox"].items[0];
    assert_eq!((item.subject.as_str(), item.message_id.as_str()), ("Real", "<r@x>"));
}

#[test]
fn whoever_is_not_there_has_no_content() {
    let stage = Stage::calm();
    let none = stage.simulator.fill_drive(stage.tenant, "nobody@x", &DriveFill::default());
    assert!(none.unwrap_err().to_string().contains("nobody@x"));
}

#[test]
fn a_batch_answers_each_request_on_its_own_in_any_order() {
    let stage = Stage::calm();
    let mut requests: Vec<Value> =
        (0..18).map(|n| get(&n.to_string(), &format!("/users/{ADA}"))).collect();
    requests.push(get("missing", "/users/nobody@x/drive"));
    requests.push(json!({
        "id": "made", "method": "POST", "url": format!("{}/root/children", stage.drive(GRACE)),
        "headers": { "Content-Type": "application/json" }, "body": { "name": "New", "folder": {} },
    }));
    let answer = batch(&stage, &requests).ok();
    let replies = answer.body["responses"].as_array().unwrap();
    let ids: Vec<&str> = replies.iter().map(|reply| reply["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 20);
    assert_ne!(ids[..3], ["0", "1", "2"], "the order is not kept");
    let status =
        |id: &str| replies.iter().find(|reply| reply["id"] == id).unwrap()["status"].clone();
    assert_eq!((status("missing"), status("made")), (json!(404), json!(201)));
}

#[test]
fn malformed_batches_are_refused_whole() {
    let stage = Stage::calm();
    let many: Vec<Value> = (0..21).map(|n| get(&n.to_string(), "/users")).collect();
    assert_eq!(batch(&stage, &many).status, 400);
    assert_eq!(batch(&stage, &[get("a", "/users"), get("A", "/users")]).status, 400);
    assert_eq!(batch(&stage, &[get("a", &format!("{GRAPH}/users"))]).status, 400);
    assert_eq!(batch(&stage, &[get("a", "/$batch")]).status, 400);
    assert_eq!(batch(&stage, &[]).status, 400);
}

#[test]
fn what_depends_on_a_failure_fails_with_424() {
    let stage = Stage::calm();
    let mut second = get("2", &format!("/users/{ADA}"));
    second["dependsOn"] = json!(["1"]);
    let answer = batch(&stage, &[get("1", "/users/nobody@x"), second]).ok();
    let replies = answer.body["responses"].as_array().unwrap();
    let second = replies.iter().find(|reply| reply["id"] == "2").unwrap();
    assert_eq!(second["status"], 424);
}

#[test]
fn items_of_a_batch_are_throttled_one_by_one_with_their_own_retry_after() {
    let content = ContentRules { batch_items_throttled: 0.5, ..ContentRules::default() };
    let stage = Stage::new(Config { content, ..Config::default() });
    let requests: Vec<Value> =
        (0..20).map(|n| get(&n.to_string(), &format!("/users/{ADA}"))).collect();
    let answer = batch(&stage, &requests).ok();
    let replies = answer.body["responses"].as_array().unwrap();
    let throttled: Vec<_> = replies.iter().filter(|reply| reply["status"] == 429).collect();
    assert!(!throttled.is_empty() && throttled.len() < 20);
    assert!(throttled.iter().all(|reply| reply["headers"]["Retry-After"] == "2"));
}

fn throttled(limits: &Throttling) -> Stage {
    // The stage itself is set up before the budgets are switched on.
    let stage = Stage::calm();
    stage.simulator.world().config.throttling = Throttling { enabled: true, ..*limits };
    stage
}

#[test]
fn drive_budgets_are_told_from_80_percent_on_and_end_with_a_matching_retry_after() {
    let stage = throttled(&Throttling { drive_units: 10, ..Throttling::default() });
    let drive = stage.drive(ADA);
    let early = stage.get(&drive).ok();
    assert_eq!(early.header("ratelimit-remaining"), "");
    let mut answer = stage.get(&drive).ok();
    while answer.status == 200 {
        let told = answer.header("ratelimit-remaining").to_owned();
        answer = stage.get(&drive);
        if answer.status == 429 {
            assert_eq!(told, "0", "the last reply said that nothing was left");
        }
    }
    assert_eq!(answer.code(), "activityLimitReached");
    assert_eq!(answer.header("retry-after"), answer.header("ratelimit-reset"));
    stage.pass(60);
    stage.get(&drive).ok();
}

#[test]
fn imports_are_charged_to_the_mailbox_that_takes_them() {
    let stage = throttled(&Throttling { mailbox_upload_bytes: 1_000, ..Throttling::default() });
    let mailbox = stage.mailbox(ADA);
    let session = stage.post(&format!("{mailbox}/createImportSession"), &json!({})).ok();
    let body =
        json!({ "FolderId": "inbox", "Mode": "create", "Data": "A".repeat(800) }).to_string();
    let url = session.text("importUrl");
    let import = || stage.send(http::Method::POST, &url, &[], body.as_bytes());
    assert_eq!(import().status, 400, "the data is none, but the bytes count");
    let second = import();
    assert_eq!((second.status, second.code()), (429, "ApplicationThrottled"));
    assert_eq!(second.header("retry-after"), "300");
    assert_eq!(second.header("ratelimit-exceeded"), "true");
}
