//! Changes of users and waves, from the table's stream to the bus.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::{Action, Stored, UserState, WaveRun};

use super::*;

fn image(sort: &str, bytes: &[u8]) -> Value {
    json!({
        "pk": { "S": "C#acme#P#merger" }, "sk": { "S": sort },
        "d": { "B": STANDARD.encode(bytes) }, "v": { "N": "1" },
    })
}

/// One change of a record as the stream delivers it.
fn change<T: Stored>(number: u32, sort: &str, before: Option<&T>, after: &T) -> Value {
    let old = before.map(|before| image(sort, &before.to_bytes().unwrap()));
    let new = image(sort, &after.to_bytes().unwrap());
    json!({
        "eventID": format!("e{number}"), "eventName": "MODIFY",
        "dynamodb": {
            "Keys": { "pk": new["pk"], "sk": new["sk"] }, "NewImage": new, "OldImage": old,
            "SequenceNumber": number.to_string(), "ApproximateCreationDateTime": 1_780_000_000.0,
        },
    })
}

/// Each change of a state is told once, with where from and where to; what is no change of a state,
/// or is nobody's business, is not.
#[tokio::test]
async fn a_change_of_state_is_told_and_nothing_else() {
    let desk = Desk::with(&[]).await;
    let before = user("anna");
    let after = User { state: UserState::Matched, ..before.clone() };
    let noted = User { match_note: Some("seen".to_owned()), ..after.clone() };
    let run = WaveRun {
        wave: "first".parse().unwrap(),
        action: Action::Sync,
        planned: "2026-06-01T08:00:00Z".parse().unwrap(),
        force: false,
        cursor: None,
        started: 0,
        refused: Vec::new(),
        done: false,
        reported: false,
    };
    let done = WaveRun { done: true, started: 2, ..run.clone() };
    let over = WaveRun { reported: true, ..done.clone() };
    let records = json!([
        change(1, "U#anna", Some(&before), &after),
        change(2, "U#anna", Some(&after), &noted),
        change(3, "R#first", None, &run),
        change(4, "R#first", Some(&run), &done),
        change(5, "A#anna#main", None, &after),
        change(6, "R#first", Some(&done), &over),
    ]);
    let answer = desk.run(Function::PublishChanges, json!({ "Records": records })).await;
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    let events = desk.noted.events.lock().unwrap().clone();
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.detail["id"].clone(), event.detail["to"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            (json!("e1"), json!("matched")),
            (json!("e3"), json!("starting")),
            (json!("e4"), json!("started")),
            (json!("e6"), json!("ended")),
        ]
    );
    assert_eq!(events[0].detail["from"], "no_match");
    assert_eq!(events[0].detail["wave"], "first");
}
