//! Secrets and tokens are in requests and nowhere else.

use std::fmt::{Debug, Write as _};

use http::Method;
use serde_json::json;
use tenant::{Certificate, Credential, Operation, SecretText, exchange::NewMailUser};

use super::support::{Answer, SECRET, Setup, token, world};

const ANY: Operation = Operation::new("try", &[]);
const KEY: &str = include_str!("data/key.pem");
const CERTIFICATE: &str = include_str!("data/certificate.pem");

fn shown(things: &[&dyn Debug]) -> String {
    things.iter().fold(String::new(), |mut text, thing| {
        writeln!(text, "{thing:?} {thing:#?}").unwrap();
        text
    })
}

#[tokio::test]
async fn nothing_that_can_be_printed_shows_the_secret() {
    let world = world([]);
    let secret = SecretText::new(SECRET);
    let credential = Credential::Secret(secret.clone());
    let certificate = Certificate::parse(&SecretText::new(KEY), CERTIFICATE.as_bytes()).unwrap();
    let (graph, exchange) = (world.client.graph(), world.client.exchange());
    let user = NewMailUser {
        name: "a".into(),
        microsoft_online_services_id: "a@b.c".into(),
        external_email_address: "a@b.c".into(),
        password: secret.clone(),
        alias: None,
        display_name: None,
        first_name: None,
        last_name: None,
    };
    let call = graph.opaque(ANY, Method::PUT, &format!("https://h/x?authtoken={SECRET}"));
    let text = shown(&[
        &secret,
        &credential,
        &certificate,
        &world.client,
        &graph,
        &exchange,
        &user,
        &call,
    ]);
    assert!(!text.contains(SECRET), "{text}");
    let key_line = KEY.lines().nth(1).unwrap();
    assert!(!text.contains(key_line), "{text}");
}

/// Services, and what stands between, may quote what they were sent.
#[tokio::test]
async fn a_service_that_quotes_secrets_is_not_quoted() {
    let bearer = token(&["User.ReadWrite.All"]);
    let quoting = |text: &str| {
        let body = json!({ "error": { "code": "x", "message": format!("you sent {text}") } });
        Answer::json(400, &body)
    };
    let grant = json!({ "access_token": bearer, "expires_in": 3599 });
    let sign_in = vec![Answer::json(200, &grant)];
    let world = Setup { sign_in, ..Setup::default() }.world([quoting(&bearer)]);
    let error = world.client.graph().get_user("u").await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(!text.contains(&bearer) && text.contains("[redacted]"), "{text}");

    let body = json!({ "error": "invalid_client", "error_codes": [1],
        "error_description": format!("AADSTS1: client_secret={SECRET} is wrong") });
    let world = Setup { sign_in: vec![Answer::json(401, &body)], ..Setup::default() }.world([]);
    let error = world.client.graph().get_user("u").await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(!text.contains(SECRET) && text.contains("[redacted]"), "{text}");
}

#[tokio::test]
async fn the_token_in_a_pre_authenticated_address_is_not_in_the_error() {
    let world = world([Answer::empty(404)]);
    let url = format!("https://outlook.office365.com/importItem?authtoken={SECRET}");
    let call = world.client.graph().opaque(ANY, Method::POST, &url);
    let error = call.done().await.unwrap_err();
    assert_eq!(&*error.target, "outlook.office365.com/importItem");
    assert!(!format!("{error} {error:?}").contains(SECRET));
}

#[tokio::test]
async fn the_bearer_header_is_marked_as_sensitive() {
    let world = world([Answer::json(200, &json!({ "id": "u" }))]);
    world.client.graph().get_user("u").await.unwrap();
    let request = world.only_request();
    assert!(request.headers["authorization"].is_sensitive());
    assert!(!format!("{request:?}").contains("Bearer"));
}

#[tokio::test]
async fn a_password_that_is_quoted_back_is_not_in_the_error() {
    let body = json!({ "error": { "details": [
        { "message": format!("|x.PasswordException|The password '{SECRET}' is too weak.") } ] } });
    let world = world([Answer::json(400, &body)]);
    let user = NewMailUser {
        name: "a".into(),
        microsoft_online_services_id: "a@b.c".into(),
        external_email_address: "a@b.c".into(),
        password: SecretText::new(SECRET),
        alias: None,
        display_name: None,
        first_name: None,
        last_name: None,
    };
    let error = world.client.exchange().new_mail_user(&user).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error}");
}
