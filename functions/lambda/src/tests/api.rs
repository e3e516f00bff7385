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
