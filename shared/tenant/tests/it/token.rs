//! Signing in, the token cache, the pre-flight.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use ports::TransportErrorKind;
use serde_json::{Value, json};
use tenant::{
    AssertionError, AssertionSource, Certificate, Class, Credential, CredentialSource,
    KeptCredential, Resource, Retry, SecretText, graph::UserQuery,
};

use super::support::{Answer, CLIENT, SECRET, Setup, TENANT, World, granted, header, world};

const KEY: &str = include_str!("data/key.pem");
const CERTIFICATE: &str = include_str!("data/certificate.pem");
const PUBLIC: &str = include_str!("data/public.pem");
/// What `openssl x509 -outform der | openssl dgst -sha256` says of the certificate, in base64url.
const THUMBPRINT: &str = "PpDjhlsJbNLM1R5ooNRfVqhJBt2cysQzgJ4IKTHWkPQ";

fn page() -> Answer {
    Answer::json(200, &json!({ "value": [] }))
}

fn form(world: &World, index: usize) -> BTreeMap<String, String> {
    let sign_ins = world.script.sign_ins.lock().unwrap();
    url::form_urlencoded::parse(&sign_ins[index].body).into_owned().collect()
}

async fn list(world: &World) -> Result<(), tenant::TenantError> {
    world.client.graph().list_users(&UserQuery::default()).await.map(|_users| ())
}

#[tokio::test]
async fn a_secret_signs_in_with_the_client_credentials_grant() {
    let world = world([page()]);
    list(&world).await.unwrap();
    let form = form(&world, 0);
    assert_eq!(form["client_id"], CLIENT);
    assert_eq!(form["scope"], "https://graph.microsoft.com/.default");
    assert_eq!(form["grant_type"], "client_credentials");
    assert_eq!(form["client_secret"], SECRET);
    let url = world.script.sign_ins.lock().unwrap()[0].url.to_string();
    assert_eq!(url, format!("http://127.0.0.1:8080/login/{TENANT}/oauth2/v2.0/token"));
    let bearer = header(&world.only_request(), "authorization").to_owned();
    assert!(bearer.starts_with("Bearer ey"), "{bearer}");
}

#[tokio::test]
async fn each_service_has_its_own_scope_and_token() {
    let world = world([page(), page()]);
    list(&world).await.unwrap();
    world.client.exchange().accepted_domains().await.unwrap();
    assert_eq!(form(&world, 1)["scope"], "https://outlook.office365.com/.default");
}

#[tokio::test]
async fn a_token_is_kept_until_shortly_before_it_expires() {
    let world = world([page(), page(), page()]);
    list(&world).await.unwrap();
    world.clock.advance(Duration::from_mins(54));
    list(&world).await.unwrap();
    assert_eq!(world.sign_ins(), 1);
    world.clock.advance(Duration::from_mins(2));
    list(&world).await.unwrap();
    assert_eq!(world.sign_ins(), 2, "5 minutes before its end it is renewed");
}

#[tokio::test]
async fn calls_at_the_same_time_sign_in_once() {
    let world = world([page(), page(), page()]);
    let (one, two, three) = tokio::join!(list(&world), list(&world), list(&world));
    one.and(two).and(three).unwrap();
    assert_eq!(world.sign_ins(), 1);
}

#[tokio::test]
async fn an_identity_platform_that_is_down_does_not_stop_a_token_that_is_still_good() {
    let sign_in = vec![granted(&["User.ReadWrite.All"]), Answer::empty(503)];
    let world = Setup { sign_in, ..Setup::default() }.world([page(), page(), page()]);
    list(&world).await.unwrap();
    world.clock.advance(Duration::from_mins(56));
    list(&world).await.unwrap();
    world.clock.advance(Duration::from_mins(10));
    let error = list(&world).await.unwrap_err();
    assert_eq!((error.class, error.operation), (Class::Transient, "sign in"));
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let refused =
        || Answer::json(401, &json!({ "error": { "code": "InvalidAuthenticationToken" } }));
    let world_of_one = world([refused(), page()]);
    list(&world_of_one).await.unwrap();
    assert_eq!(world_of_one.sign_ins(), 2);

    let world = world([refused(), refused()]);
    assert_eq!(list(&world).await.unwrap_err().class, Class::Unauthorized);
    assert_eq!((world.requests(), world.sign_ins()), (2, 2));
}

#[tokio::test]
async fn a_certificate_signs_an_assertion_that_its_public_key_verifies() {
    let certificate = Certificate::parse(&SecretText::new(KEY), CERTIFICATE.as_bytes()).unwrap();
    assert_eq!(certificate.thumbprint(), THUMBPRINT);
    let credential = Credential::Certificate(certificate);
    let world = Setup { credential, ..Setup::default() }.world([page()]);
    list(&world).await.unwrap();

    let form = form(&world, 0);
    assert_eq!(
        form["client_assertion_type"],
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    assert!(!form.contains_key("client_secret"));
    let jwt = &form["client_assertion"];
    let head = jsonwebtoken::decode_header(jwt).unwrap();
    assert_eq!((head.alg, head.x5t_s256.as_deref()), (Algorithm::PS256, Some(THUMBPRINT)));
    let mut validation = Validation::new(Algorithm::PS256);
    let audience = format!("http://127.0.0.1:8080/login/{TENANT}/oauth2/v2.0/token");
    validation.set_audience(&[audience]);
    validation.validate_exp = false;
    let key = DecodingKey::from_rsa_pem(PUBLIC.as_bytes()).unwrap();
    let claims = jsonwebtoken::decode::<Value>(jwt, &key, &validation).unwrap().claims;
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!(CLIENT), &json!(CLIENT)));
    let now = 1_795_334_400; // 2026-11-22T08:00:00Z
    assert_eq!(claims["nbf"], now);
    assert_eq!(claims["exp"], now + 600);
    assert_eq!(claims["jti"].as_str().unwrap().len(), 36);
}

#[test]
fn a_key_or_certificate_that_cannot_be_read_is_named_without_its_text() {
    let wrong_key = Certificate::parse(&SecretText::new("hello"), CERTIFICATE.as_bytes());
    assert_eq!(wrong_key.unwrap_err(), AssertionError::Key);
    let wrong_certificate = Certificate::parse(&SecretText::new(KEY), b"hello");
    assert_eq!(wrong_certificate.unwrap_err(), AssertionError::Certificate);
}

struct Outside(Result<&'static str, &'static str>);

#[async_trait]
impl AssertionSource for Outside {
    async fn assertion(&self) -> Result<SecretText, AssertionError> {
        self.0.map(SecretText::new).map_err(|text| AssertionError::Source(text.to_owned()))
    }
}

#[tokio::test]
async fn an_outside_identity_signs_in_without_a_stored_secret() {
    let credential = Credential::Federated(Arc::new(Outside(Ok("header.payload.sig"))));
    let world = Setup { credential, ..Setup::default() }.world([page()]);
    list(&world).await.unwrap();
    assert_eq!(form(&world, 0)["client_assertion"], "header.payload.sig");
}

#[tokio::test]
async fn an_outside_identity_that_fails_is_asked_again_later() {
    let credential = Credential::Federated(Arc::new(Outside(Err("STS is not reachable"))));
    let world = Setup { credential, ..Setup::default() }.world([]);
    let error = list(&world).await.unwrap_err();
    assert!(matches!(error.retry(), Retry::Later(_)), "{error:?}");
    assert!(error.to_string().contains("STS is not reachable"), "{error}");
}

/// A secret that is kept outside, and the one that it has been rotated to since it was read.
struct Kept {
    known: &'static str,
    now: Option<&'static str>,
}

#[async_trait]
impl CredentialSource for Kept {
    async fn credential(&self) -> Result<KeptCredential, AssertionError> {
        Ok(KeptCredential::Secret(SecretText::new(self.known)))
    }

    async fn renewed(&self) -> Result<Option<KeptCredential>, AssertionError> {
        Ok(self.now.map(|secret| KeptCredential::Secret(SecretText::new(secret))))
    }
}

fn wrong_secret() -> Answer {
    let body = json!({ "error": "invalid_client", "error_codes": [7_000_215] });
    Answer::json(401, &body)
}

#[tokio::test]
async fn a_rotated_secret_is_noticed_when_the_old_one_is_refused() {
    let kept = Kept { known: "the old one", now: Some("the new one") };
    let sign_in = vec![wrong_secret(), granted(&[])];
    let credential = Credential::Kept(Arc::new(kept));
    let world = Setup { credential, sign_in, ..Setup::default() }.world([page()]);
    list(&world).await.unwrap();
    let sent = [0, 1].map(|index| form(&world, index)["client_secret"].clone());
    assert_eq!(sent, ["the old one", "the new one"]);
}

#[tokio::test]
async fn a_refused_secret_that_has_not_been_rotated_is_sent_once() {
    let kept = Kept { known: "the only one", now: None };
    let credential = Credential::Kept(Arc::new(kept));
    let world = Setup { credential, sign_in: vec![wrong_secret()], ..Setup::default() }.world([]);
    let error = list(&world).await.unwrap_err();
    assert_eq!((error.class, world.sign_ins()), (Class::Unauthorized, 1));
}

/// ERR-1: what is wrong, and what to do.
#[tokio::test]
async fn each_refused_sign_in_says_what_to_do() {
    let cases = [
        (7_000_215, 401, "the client secret is wrong", Class::Unauthorized),
        (7_000_222, 401, "the client secret has expired", Class::Unauthorized),
        (90_002, 400, "there is no such tenant", Class::Unauthorized),
        (700_027, 401, "the certificate is not registered", Class::Unauthorized),
        (53_003, 400, "a conditional access policy", Class::Forbidden),
        (70_021, 400, "a new one takes minutes", Class::Transient),
    ];
    for (number, status, words, class) in cases {
        let world = refused_sign_in(number, status);
        let error = list(&world).await.unwrap_err();
        assert_eq!(error.class, class, "{number}");
        assert_eq!(&*error.code, format!("AADSTS{number}"));
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(world.requests(), 0, "nothing goes out without a token");
    }
    let error = list(&refused_sign_in(700_016, 400)).await.unwrap_err();
    assert!(matches!(error.class, Class::MissingConsent { .. }), "{error:?}");
    assert!(error.to_string().contains("admin consent"), "{error}");
}

fn refused_sign_in(number: u32, status: u16) -> World {
    let answer = Answer::json(
        status,
        &json!({
            "error": "invalid_client",
            "error_description": format!("AADSTS{number}: words.\r\nTrace ID: 1"),
            "error_codes": [number],
            "timestamp": "2026-11-22 08:00:00Z",
        }),
    );
    Setup { sign_in: vec![answer], ..Setup::default() }.world([])
}

#[tokio::test]
async fn a_number_that_is_not_in_the_table_keeps_the_platforms_first_line() {
    let error = list(&refused_sign_in(1_234_567, 400)).await.unwrap_err();
    assert_eq!(&*error.message, "AADSTS1234567: words.");
    assert_eq!(error.class, Class::Unauthorized);
}

#[tokio::test]
async fn a_wrong_secret_does_not_sign_in_once_per_user() {
    let world = refused_sign_in(7_000_215, 401);
    for _ in 0..5 {
        list(&world).await.unwrap_err();
    }
    assert_eq!(world.sign_ins(), 1);
    world.clock.advance(Duration::from_secs(16));
    list(&world).await.unwrap_err();
    assert_eq!(world.sign_ins(), 2, "a corrected secret is noticed");
}

#[tokio::test]
async fn a_missing_consent_is_named_before_anything_is_done() {
    let sign_in = vec![granted(&["User.ReadWrite.All"])];
    let world = Setup { sign_in, ..Setup::default() }.world([]);
    let required = ["User.ReadWrite.All", "Mail.Send", "Domain.Read.All"];
    let missing = world.client.missing_roles(&Resource::Graph, &required).await.unwrap();
    assert_eq!(missing, ["Mail.Send", "Domain.Read.All"]);
    assert_eq!(world.requests(), 0);
}

#[tokio::test]
async fn a_consent_given_meanwhile_shows_after_the_tokens_are_forgotten() {
    let sign_in = vec![granted(&[]), granted(&["Mail.Send"])];
    let world = Setup { sign_in, ..Setup::default() }.world([]);
    let missing = || world.client.missing_roles(&Resource::Graph, &["Mail.Send"]);
    assert_eq!(missing().await.unwrap(), ["Mail.Send"]);
    world.client.forget_tokens().await;
    assert!(missing().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_lost_sign_in_reply_is_asked_for_again() {
    let sign_in = vec![Answer::Fail(TransportErrorKind::Broken), granted(&["User.ReadWrite.All"])];
    let world = Setup { sign_in, ..Setup::default() }.world([page()]);
    list(&world).await.unwrap();
    assert_eq!(world.sign_ins(), 2);
}

#[tokio::test]
async fn a_token_that_is_no_jwt_works_but_tells_nothing() {
    let body = json!({ "access_token": "opaque", "expires_in": 3599 });
    let sign_in = vec![Answer::json(200, &body)];
    let world = Setup { sign_in, ..Setup::default() }.world([page()]);
    list(&world).await.unwrap();
    assert!(world.client.claims(&Resource::Graph).await.unwrap().roles.is_empty());
}
