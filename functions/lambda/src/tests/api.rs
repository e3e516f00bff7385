//! The API: what it does, what it refuses, and with which words.

use super::*;

impl Desk {
    /// Asks the API; status and body.
    pub(super) async fn ask(&self, method: &str, path: &str, body: &Value) -> (u64, Value) {
        let body = (!body.is_null()).then(|| body.to_string());
        let event = json!({
            "version": "2.0", "rawPath": path, "body": body, "isBase64Encoded": false,
            "requestContext": { "http": { "method": method, "path": path } },
        });
        let answer = self.run(Function::Api, event).await;
        let said = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        (answer["statusCode"].as_u64().unwrap(), said)
    }
}

const PROJECT: &str = "/v1/customers/acme/projects/merger";

/// A project is made, gets a wave, the wave is started, and everybody is seen to be on the way.
#[tokio::test]
async fn a_project_is_entered_and_its_wave_started() {
    let desk = Desk::with(&["anna", "ben"]).await;
    let (status, said) = desk.ask("PUT", PROJECT, &json!(desk.project)).await;
    assert_eq!(status, 200, "{said}");
    let run = json!({ "action": "prepare" });
    let (status, said) = desk.ask("POST", &format!("{PROJECT}/waves/first/runs"), &run).await;
    assert_eq!((status, &said["started"]), (200, &json!(2)), "{said}");
    let (_, stands) = desk.ask("GET", PROJECT, &Value::Null).await;
    assert_eq!((&stands["people"], &stands["busy"]), (&json!(2), &json!(true)));
    assert_eq!(stands["dead_letters"], json!({}));
}

/// A poisoned message is in the status by its queue, listed with its reason, and goes back by one
/// request.
#[tokio::test]
async fn dead_letters_are_in_the_status_and_redriven_by_one_request() {
    let desk = Desk::with_a_dead_letter().await;
    let (_, stands) = desk.ask("GET", PROJECT, &Value::Null).await;
    assert_eq!(stands["dead_letters"], json!({ FIRST: 1 }));
    let (_, letters) = desk.ask("GET", "/v1/dead-letters", &Value::Null).await;
    assert_eq!(letters[0]["why"], "the step panicked: this step has a fault");
    let (_, done) = desk.ask("POST", "/v1/dead-letters/redrive", &json!({})).await;
    assert_eq!(done, json!({ "redriven": 1, "kept": 0 }));
    assert_eq!(desk.noted.polling.lock().unwrap().last(), Some(&true), "somebody looks");
    assert_eq!(desk.receive(FIRST).await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_words() {
    let desk = Desk::with(&[]).await;
    let waves = format!("{PROJECT}/waves");
    let sync = json!({ "action": "sync" });
    for (method, path, body, status, words) in [
        ("GET", "/v2/anything".to_owned(), Value::Null, 404, "nothing at this address"),
        ("POST", format!("{waves}/ninth/runs"), sync.clone(), 400, "there is no wave `ninth`"),
        ("POST", format!("{waves}/a b/runs"), sync, 400, "a b"),
        ("POST", format!("{waves}/first/runs"), json!({ "action": "fly" }), 400, "unknown variant"),
        ("POST", format!("{waves}/first/runs"), Value::Null, 400, "EOF"),
        (
            "PUT",
            format!("{waves}/first/schedules/cutover"),
            json!({ "first": "2026-07-01T06:00:00", "zone": "Europe/Atlantis", "repeat": null }),
            400,
            "no IANA time zone",
        ),
        ("PUT", format!("{waves}/first"), json!({ "name": "x".repeat(70_000) }), 400, "at most"),
        (
            "PUT",
            "/v1/customers/other/projects/merger".to_owned(),
            json!(desk.project),
            400,
            "another project",
        ),
    ] {
        let (answered, said) = desk.ask(method, &path, &body).await;
        assert_eq!(answered, status, "{path}: {said}");
        assert!(said["error"].as_str().unwrap().contains(words), "{path}: {said}");
    }
}

/// People are named one by one: a state that forbids an action refuses it for that person in words, and
/// a reset, which changes the state alone, needs no step.
#[tokio::test]
async fn named_people_are_acted_on_and_reported() {
    let desk = Desk::with(&["anna", "ben"]).await;
    let actions = format!("{PROJECT}/actions");
    let cutover = json!({ "action": "cutover", "users": ["anna"] });
    let (status, said) = desk.ask("POST", &actions, &cutover).await;
    assert_eq!((status, &said["started"]), (200, &json!(0)), "{said}");
    assert!(said["refused"][0].as_str().unwrap().contains("not allowed"), "{said}");
    let reset = json!({ "action": "reset", "users": ["anna"], "to": "synced" });
    let (status, said) = desk.ask("POST", &actions, &reset).await;
    assert_eq!((status, &said["started"]), (200, &json!(1)), "{said}");
    let (_, stands) = desk.ask("GET", PROJECT, &Value::Null).await;
    assert_eq!(stands["busy"], false, "a reset is over at once: {stands}");
    for place in ["", "/waves/first"] {
        let (status, report) =
            desk.ask("GET", &format!("{PROJECT}{place}/report"), &Value::Null).await;
        assert_eq!((status, &report["people"]), (200, &json!(2)), "{report}");
        assert_eq!(report["states"]["synced"], 1, "{report}");
    }
    for action in ["sync", "stop"] {
        let request = json!({ "action": action, "users": ["anna"] });
        let (status, said) = desk.ask("POST", &actions, &request).await;
        assert_eq!((status, &said["started"]), (200, &json!(1)), "{action}: {said}");
        assert_eq!(desk.noted.polling.lock().unwrap().last(), Some(&true), "somebody looks");
    }
}

/// Nothing happens to anybody when a request is wrong, or names somebody who is not there.
#[tokio::test]
async fn what_is_asked_wrongly_of_people_is_refused_in_words() {
    let desk = Desk::with(&["anna"]).await;
    let hundreds: Vec<String> = (0..101).map(|number| format!("u{number}")).collect();
    for (request, says) in [
        (json!({ "action": "reset", "users": ["anna"] }), "`to` says"),
        (json!({ "action": "stop", "users": ["anna"], "to": "synced" }), "reset alone"),
        (json!({ "action": "match", "users": ["anna"] }), "by a file"),
        (json!({ "action": "stop", "users": ["anna", "nobody"] }), "nobody"),
        (json!({ "action": "stop", "users": [] }), "one to 100"),
        (json!({ "action": "stop", "users": hundreds }), "one to 100"),
        (json!({ "action": "dance", "users": ["anna"] }), "dance"),
    ] {
        let (status, said) = desk.ask("POST", &format!("{PROJECT}/actions"), &request).await;
        assert_eq!(status, 400, "{request}: {said}");
        assert!(said["error"].as_str().unwrap().contains(says), "{request}: {said}");
    }
    let waits = json!({ "users": ["anna"] });
    let (status, said) = desk.ask("POST", &format!("{PROJECT}/confirm"), &waits).await;
    assert_eq!((status, &said["started"]), (200, &json!(0)), "{said}");
    assert!(said["refused"][0].as_str().unwrap().contains("no cutover waits"), "{said}");
}

/// Who waits for the word that the cutover may go on is let through by it.
#[tokio::test]
async fn a_confirmation_opens_the_gate_of_a_job() {
    let desk = Desk::with(&["anna"]).await;
    desk.start().await;
    let (status, said) =
        desk.ask("POST", &format!("{PROJECT}/confirm"), &json!({ "users": ["anna"] })).await;
    assert_eq!((status, &said["started"]), (200, &json!(1)), "{said}");
    let scope = Scope::of(&desk.project);
    let partition = Keys::project_partition(&scope.customer, &scope.project);
    let jobs = load_all::<model::Job>(&*desk.deployment.host.store, &partition, Keys::JOBS).await;
    assert!(jobs.unwrap()[0].value.gate_open);
}

/// The project that the README shows is taken as it stands there, and everything in it is meant: nothing
/// is left out of what is kept.
#[tokio::test]
async fn the_project_of_the_readme_is_taken() {
    let readme = include_str!("../../../../infra/README.md");
    let (_, after) =
        readme.split_once("The body of `PUT /v1/customers/contoso/projects/merger`").unwrap();
    let (_, after) = after.split_once("```json\n").unwrap();
    let shown: Value = serde_json::from_str(after.split_once("```").unwrap().0).unwrap();
    let desk = Desk::with(&[]).await;
    let path = "/v1/customers/contoso/projects/merger";
    let (status, said) = desk.ask("PUT", path, &shown).await;
    assert_eq!(status, 200, "{said}");
    let scope = Scope { customer: "contoso".parse().unwrap(), project: "merger".parse().unwrap() };
    let kept = json!(scope.load_project(&desk.deployment.host).await.unwrap());
    contains(&kept, &shown, "");
    // Each member of a profile that there is stands in the table.
    for options in ["prepare", "sync", "cutover", "mapping"] {
        for name in kept["default_profile"][options].as_object().unwrap().keys() {
            assert!(readme.contains(&format!("`{name}`")), "{options}.{name}");
        }
    }
}

/// Every member of `less` is in `more`, with the same value.
fn contains(more: &Value, less: &Value, place: &str) {
    match less {
        Value::Object(members) => {
            for (name, value) in members {
                contains(&more[name], value, &format!("{place}.{name}"));
            }
        }
        // The wall clock is kept with seconds.
        Value::String(time) if place.contains("quiet_hours") => {
            assert!(more.as_str().unwrap().starts_with(time.as_str()), "{place}: {more}");
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, item) in items.iter().enumerate() {
                contains(&more[index], item, &format!("{place}[{index}]"));
            }
        }
        plain => assert_eq!(more, plain, "{place}"),
    }
}
