//! Credentials of tenants: from Secrets Manager with rotation, or from the role itself.

use std::{sync::Arc, time::Duration};

use aws::{AwsError, ConnectionError, Connections, Meter, Operation, RoleIdentity, Secrets};
use conformance::reference::VirtualClock;
use serde_json::{Value, json};
use tenant::{
    AssertionError, AssertionSource as _, Credential, CredentialSource, Endpoints, KeptCredential,
    TenantConfig, TenantId,
};

use crate::{
    account::{self, Answer, Line, caller, root},
    support::{Impatient, shared_double, unique},
};

const KEY: &str = include_str!("../../../tenant/tests/it/data/key.pem");
const CERTIFICATE: &str = include_str!("../../../tenant/tests/it/data/certificate.pem");
const QUARTER: Duration = Duration::from_mins(15);

const TENANT: &str = "11111111-2222-4333-8444-555555555555";
const CLIENT: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

struct Fixture {
    secrets: Secrets,
    connections: Connections,
    line: Arc<Line>,
    clock: VirtualClock,
    meter: Meter,
    id: String,
}

impl Fixture {
    async fn new(text: &str) -> Self {
        let id = unique("crosswave/acme");
        let body = json!({ "Name": id, "SecretString": text });
        account::json(shared_double(), "secretsmanager", "secretsmanager.CreateSecret", &body)
            .await;
        let (line, clock, meter) = (Line::new(), VirtualClock::new(), Meter::new());
        let caller = caller(root(shared_double()), &line, Arc::new(clock.clone()));
        let caller = caller.with_meter(meter.clone());
        let (secrets, connections) = (Secrets::new(caller.clone()), Connections::new(caller));
        Self { secrets, connections, line, clock, meter, id }
    }

    async fn rotate(&self, text: &str) {
        let body = json!({ "SecretId": self.id, "SecretString": text });
        account::json(shared_double(), "secretsmanager", "secretsmanager.PutSecretValue", &body)
            .await;
    }

    async fn text(&self) -> String {
        self.secrets.text(&self.id).await.unwrap().expose().to_owned()
    }

    /// How a tenant is signed in to by this secret.
    async fn config(&self) -> Result<TenantConfig, ConnectionError> {
        self.connections.config(&self.id, TenantId::parse(TENANT).unwrap()).await
    }

    fn reads(&self) -> u64 {
        self.meter.snapshot()[&Operation::GetSecretValue].requests
    }
}

#[tokio::test]
async fn a_secret_is_read_once_in_a_quarter_of_an_hour() {
    let fixture = Fixture::new("first").await;
    for _ in 0..5 {
        assert_eq!(fixture.text().await, "first");
    }
    assert_eq!(fixture.reads(), 1);
    fixture.rotate("second").await;
    assert_eq!(fixture.text().await, "first");
    fixture.clock.advance(QUARTER);
    assert_eq!(fixture.text().await, "second");
    assert_eq!(fixture.reads(), 2);
}

fn source(config: TenantConfig) -> Arc<dyn CredentialSource> {
    let Credential::Kept(source) = config.credential else { panic!("{config:?}") };
    source
}

fn shown(kept: KeptCredential) -> String {
    match kept {
        KeptCredential::Secret(secret) => secret.expose().to_owned(),
        KeptCredential::Certificate(certificate) => certificate.thumbprint().to_owned(),
    }
}

fn with_secret(secret: &str) -> String {
    json!({ "client_id": CLIENT, "client_secret": secret }).to_string()
}

#[tokio::test]
async fn a_refused_credential_is_looked_up_again_and_given_only_if_it_is_another() {
    let fixture = Fixture::new(&with_secret("first")).await;
    let credential = source(fixture.config().await.unwrap());
    assert_eq!(shown(credential.credential().await.unwrap()), "first");
    assert!(credential.renewed().await.unwrap().is_none(), "it has not been rotated");
    fixture.rotate(&with_secret("second")).await;
    assert_eq!(credential.renewed().await.unwrap().map(shown).as_deref(), Some("second"));
    assert_eq!(shown(credential.credential().await.unwrap()), "second");
}

#[tokio::test]
async fn each_project_chooses_a_secret_a_certificate_or_the_role_itself() {
    let config = Fixture::new(&with_secret("s3cr3t")).await.config().await.unwrap();
    assert_eq!(config.client.to_string(), CLIENT);
    assert_eq!(shown(source(config).credential().await.unwrap()), "s3cr3t");

    let text = json!({ "client_id": CLIENT, "certificate": CERTIFICATE, "private_key": KEY });
    let config = Fixture::new(&text.to_string()).await.config().await.unwrap();
    let thumbprint = shown(source(config).credential().await.unwrap());
    assert_eq!(thumbprint, "PpDjhlsJbNLM1R5ooNRfVqhJBt2cysQzgJ4IKTHWkPQ");

    let text = json!({ "client_id": CLIENT, "identity": "role" });
    let config = Fixture::new(&text.to_string()).await.config().await.unwrap();
    assert!(matches!(config.credential, Credential::Federated(_)), "{config:?}");
}

#[tokio::test]
async fn a_secret_may_name_other_addresses() {
    let text = json!({ "client_id": CLIENT, "client_secret": "s3cr3t", "endpoints": {
        "login": "http://127.0.0.1:1/login", "graph": "http://127.0.0.1:1/graph",
        "exchange": "http://127.0.0.1:1/exchange"
    } });
    let config = Fixture::new(&text.to_string()).await.config().await.unwrap();
    let at = |path: &str| format!("http://127.0.0.1:1/{path}").parse().unwrap();
    assert_eq!(config.endpoints, Endpoints::new(at("login"), at("graph"), at("exchange")));
}

#[tokio::test]
async fn a_secret_of_another_form_is_refused_without_its_text() {
    for text in [
        "hidden".to_owned(),
        "{ hidden".to_owned(),
        json!({ "client_id": CLIENT }).to_string(),
        json!({ "client_id": "hidden", "client_secret": "hidden" }).to_string(),
        json!({ "client_id": CLIENT, "client_secret": "hidden", "identity": "role" }).to_string(),
        json!({ "client_id": CLIENT, "password": "hidden" }).to_string(),
        json!({ "client_id": CLIENT, "certificate": "hidden" }).to_string(),
        json!({ "client_id": CLIENT, "certificate": "hidden", "private_key": "hidden" })
            .to_string(),
        json!({ "client_id": CLIENT, "identity": "hidden" }).to_string(),
    ] {
        let fixture = Fixture::new(&text).await;
        let Err(ConnectionError::Unusable(words)) = fixture.config().await else {
            panic!("{text}")
        };
        assert!(words.contains(&fixture.id), "{words}");
        assert!(!words.contains("\"hidden") && !words.contains("{ hidden"), "{words}");
    }
}

#[tokio::test]
async fn a_service_that_is_down_stops_nobody_who_has_read_the_secret() {
    let fixture = Fixture::new("first").await;
    assert_eq!(fixture.text().await, "first");
    fixture.clock.advance(QUARTER);
    let (line, clock) = (Line::new(), Arc::new(Impatient::default()));
    fixture.line.next([Answer::Reply(400, r#"{"__type":"AccessDeniedException"}"#.to_owned())]);
    let denied = fixture.secrets.text(&fixture.id).await;
    assert!(matches!(denied, Err(AwsError::Refused { .. })), "what is forbidden is not hidden");

    // A clock on which the pauses between attempts pass.
    let secrets = Secrets::new(caller(root(shared_double()), &line, clock));
    line.next([Answer::Broken, Answer::Reply(500, String::new())]);
    assert_eq!(secrets.text(&fixture.id).await.unwrap().expose(), "first");
    line.next(vec![Answer::Broken; 8]);
    assert!(matches!(secrets.renewed(&fixture.id).await, Err(AwsError::Unavailable(_))));
    assert_eq!(secrets.text(&fixture.id).await.unwrap().expose(), "first");
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_named() {
    let fixture = Fixture::new("x").await;
    let tenant = TenantId::parse(TENANT).unwrap();
    let missing = fixture.connections.config("crosswave/nobody", tenant).await;
    let Err(ConnectionError::Unusable(words)) = missing else { panic!() };
    for part in ["crosswave/nobody", "GetSecretValue", "ResourceNotFoundException"] {
        assert!(words.contains(part), "`{part}` in {words}");
    }
}

fn identity(line: &Arc<Line>) -> RoleIdentity {
    RoleIdentity::new(caller(root(shared_double()), line, Arc::new(Impatient::default())))
}

#[tokio::test]
async fn a_role_proves_itself_to_entra_with_a_token_for_its_audience() {
    let line = Line::new();
    let token = identity(&line).assertion().await.unwrap();
    let claims = token.expose().split('.').nth(1).unwrap().to_owned();
    let claims: Value = serde_json::from_slice(&base64_url(&claims)).unwrap();
    assert_eq!(claims["aud"], "api://AzureADTokenExchange");
    let seen = line.seen.lock().unwrap();
    let sent = String::from_utf8(seen[0].body.to_vec()).unwrap();
    assert!(
        sent.contains("SigningAlgorithm=RS256") && sent.contains("DurationSeconds=300"),
        "{sent}"
    );
}

#[tokio::test]
async fn an_account_without_outside_identities_says_what_to_enable() {
    let line = Line::new();
    let reply = "<ErrorResponse><Error><Code>OutboundWebIdentityFederationDisabled</Code><Message>disabled</Message></Error></ErrorResponse>";
    line.next([Answer::Reply(403, reply.to_owned())]);
    let Err(AssertionError::Refused(words)) = identity(&line).assertion().await else { panic!() };
    assert!(words.contains("enable outbound identity federation"), "{words}");
    line.next(vec![Answer::Broken; 8]);
    let later = identity(&line).assertion().await;
    assert!(matches!(later, Err(AssertionError::Source(_))), "{later:?}");
}

fn base64_url(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
}
