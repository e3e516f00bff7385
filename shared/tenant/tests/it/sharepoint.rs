//! Asking SharePoint for OneDrives.

use serde_json::json;
use tenant::Class;

use super::support::{Answer, Setup, World, header, line, world};

fn configured(answers: Vec<Answer>) -> World {
    Setup { sharepoint: Some("sharepoint/contoso-admin"), ..Setup::default() }.world(answers)
}

fn accepted() -> Answer {
    let head = json!({ "SchemaVersion": "15.0.0.0", "ErrorInfo": null });
    Answer::json(200, &json!([head, 5, { "IsComplete": true, "PollingInterval": 15_000 }]))
}

#[tokio::test]
async fn people_are_asked_for_by_name_two_hundred_at_a_time() {
    let world = configured(vec![accepted(), accepted()]);
    let people: Vec<_> = (0..201).map(|n| format!("a<&{n}@b.c")).collect();
    world.client.sharepoint().request_personal_sites(&people).await.unwrap();
    assert_eq!(world.requests(), 2);
    let request = world.request(0);
    let path = "POST /sharepoint/contoso-admin/_vti_bin/client.svc/ProcessQuery";
    assert_eq!(line(&request), path);
    assert_eq!(header(&request, "content-type"), "text/xml");
    let text = String::from_utf8(request.body.to_vec()).unwrap();
    assert!(text.contains("Name=\"RequestPersonalSites\""), "{text}");
    assert!(text.contains("<Object Type=\"String\">a&lt;&amp;0@b.c</Object>"), "{text}");
    let form = String::from_utf8(world.script.sign_ins.lock().unwrap()[0].body.to_vec()).unwrap();
    assert!(form.contains("scope=https%3A%2F%2Fcontoso-admin.sharepoint.com%2F.default"), "{form}");
}

#[tokio::test]
async fn a_refusal_inside_a_200_is_a_refusal() {
    let info = json!({ "ErrorMessage": "Attempted to perform an unauthorized operation.",
        "ErrorCode": -2_147_024_891, "ErrorTypeName": "System.UnauthorizedAccessException" });
    let world = configured(vec![Answer::json(200, &json!([{ "ErrorInfo": info }]))]);
    let people = ["a@b.c".to_owned()];
    let error = world.client.sharepoint().request_personal_sites(&people).await.unwrap_err();
    assert_eq!(error.class, Class::Forbidden);
    assert!(error.to_string().contains("unauthorized operation"), "{error}");
}

#[tokio::test]
async fn without_its_host_nothing_is_sent() {
    let world = world([]);
    assert!(!world.client.sharepoint().is_configured());
    let people = ["a@b.c".to_owned()];
    let error = world.client.sharepoint().request_personal_sites(&people).await.unwrap_err();
    assert_eq!((error.class, world.sign_ins()), (Class::Invalid, 0));
}
