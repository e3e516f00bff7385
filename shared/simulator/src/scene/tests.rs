//! Filling, changing and comparing; and what a batch does, over both kinds of content.

use serde_json::{Value, json};

use super::{
    DriveFill, MailboxFill, Part,
    stage::{ADA, GRACE, GRAPH, Stage},
};
use crate::{Config, ContentRules};

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
