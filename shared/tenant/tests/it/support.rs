//! A scripted transport, a virtual clock, a client on top of both.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::{SignedDuration, Timestamp};
use ports::{
    Clock, HttpRequest, HttpResponse, Random, Sleep, Transport, TransportError, TransportErrorKind,
};
use serde_json::{Value, json};
use tenant::{
    ClientId, Credential, Endpoints, LimitSettings, Limits, SecretText, TenantClient, TenantConfig,
    TenantId,
};
use tokio::sync::Semaphore;
use url::Url;

pub(crate) const TENANT: &str = "11111111-2222-4333-8444-555555555555";
pub(crate) const CLIENT: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
pub(crate) const SECRET: &str = "s3cr3t~value";

/// What the transport answers.
#[derive(Clone)]
pub(crate) enum Answer {
    Reply(StatusCode, HeaderMap, Bytes),
    Fail(TransportErrorKind),
    /// The head arrives, the body breaks off.
    Breaks(StatusCode),
    /// An empty collection, once the gate is opened.
    Held(Arc<Semaphore>),
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, &body.to_string()).header("content-type", "application/json")
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::bytes(status, body.as_bytes())
    }

    pub(crate) fn bytes(status: u16, body: &[u8]) -> Self {
        let status = StatusCode::from_u16(status).unwrap();
        Self::Reply(status, HeaderMap::new(), Bytes::copy_from_slice(body))
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self::text(status, "")
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Reply(_, headers, _) = &mut self {
            let name = HeaderName::try_from(name).unwrap();
            headers.insert(name, HeaderValue::try_from(value).unwrap());
        }
        self
    }
}

/// A transport that answers in the order of its script, and sign-ins by itself.
pub(crate) struct Script {
    answers: Mutex<VecDeque<Answer>>,
    sign_in: Mutex<Vec<Answer>>,
    pub(crate) requests: Mutex<Vec<HttpRequest>>,
    pub(crate) sign_ins: Mutex<Vec<HttpRequest>>,
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        // A real transport never answers at once; what runs beside gets its turn.
        tokio::task::yield_now().await;
        let answer = if request.url.path().ends_with("/oauth2/v2.0/token") {
            let mut sign_ins = self.sign_ins.lock().unwrap();
            sign_ins.push(request);
            let answers = self.sign_in.lock().unwrap();
            answers.get(sign_ins.len() - 1).or_else(|| answers.last()).cloned().unwrap()
        } else {
            let place = format!("{} {}", request.method, request.url);
            self.requests.lock().unwrap().push(request);
            let next = self.answers.lock().unwrap().pop_front();
            next.unwrap_or_else(|| panic!("the script has no answer for {place}"))
        };
        let broken = |kind| TransportError { kind, text: format!("scripted {kind:?}") };
        match answer {
            Answer::Reply(status, headers, body) => Ok(HttpResponse::of(status, headers, body)),
            Answer::Fail(kind) => Err(broken(kind)),
            Answer::Held(gate) => {
                let _opened = gate.acquire().await.unwrap();
                let body = json!({ "value": [] }).to_string();
                Ok(HttpResponse::of(StatusCode::OK, HeaderMap::new(), body))
            }
            Answer::Breaks(status) => {
                let mut response = HttpResponse::of(status, HeaderMap::new(), "");
                let chunk = Err(broken(TransportErrorKind::Broken));
                response.body = Box::pin(futures_util::stream::iter([chunk]));
                Ok(response)
            }
        }
    }
}

/// A clock that stands until somebody sleeps.
pub(crate) struct VirtualClock(Mutex<Timestamp>);

impl VirtualClock {
    pub(crate) fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now += SignedDuration::try_from(by).unwrap();
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.advance(duration);
        Box::pin(std::future::ready(()))
    }
}

struct Counter(Mutex<u64>);

impl Random for Counter {
    fn next_u64(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        *state
    }
}

/// A token with these application permissions, as the identity platform gives it.
pub(crate) fn token(roles: &[&str]) -> String {
    let part = |json: Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let payload = part(json!({ "tid": TENANT, "roles": roles }));
    format!("{}.{payload}.c2lnbmF0dXJl", part(json!({ "alg": "none" })))
}

pub(crate) fn granted(roles: &[&str]) -> Answer {
    let body = json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": token(roles) });
    Answer::json(200, &body)
}

/// A client with everything that a test looks at.
pub(crate) struct World {
    pub(crate) client: TenantClient,
    pub(crate) script: Arc<Script>,
    pub(crate) clock: Arc<VirtualClock>,
}

/// Puts a world together.
pub(crate) struct Setup {
    pub(crate) credential: Credential,
    pub(crate) sign_in: Vec<Answer>,
    pub(crate) limits: LimitSettings,
    /// The path of SharePoint's administration host.
    pub(crate) sharepoint: Option<&'static str>,
}

impl Default for Setup {
    fn default() -> Self {
        let every = [
            "User.ReadWrite.All",
            "GroupMember.ReadWrite.All",
            "Group.ReadWrite.All",
            "TeamMember.ReadWrite.All",
            "LicenseAssignment.ReadWrite.All",
            "Mail.Send",
            "User.Invite.All",
            "Directory.Read.All",
            "Exchange.ManageAsApp",
        ];
        Self {
            credential: Credential::Secret(SecretText::new(SECRET)),
            sign_in: vec![granted(&every)],
            limits: LimitSettings::default(),
            sharepoint: None,
        }
    }
}

impl Setup {
    pub(crate) fn world(self, answers: impl IntoIterator<Item = Answer>) -> World {
        let script = Arc::new(Script {
            answers: Mutex::new(answers.into_iter().collect()),
            sign_in: Mutex::new(self.sign_in),
            requests: Mutex::default(),
            sign_ins: Mutex::default(),
        });
        let clock = Arc::new(VirtualClock(Mutex::new("2026-11-22T08:00:00Z".parse().unwrap())));
        let base = |path: &str| Url::parse(&format!("http://127.0.0.1:8080/{path}/")).unwrap();
        let mut endpoints = Endpoints::new(base("login"), base("graph"), base("outlook"));
        if let Some(path) = self.sharepoint {
            endpoints = endpoints.with_sharepoint_admin(base(path));
        }
        let config = TenantConfig::new(
            TenantId::parse(TENANT).unwrap(),
            ClientId::parse(CLIENT).unwrap(),
            self.credential,
        )
        .with_endpoints(endpoints);
        let client = TenantClient::new(
            config,
            Arc::<Script>::clone(&script),
            Arc::<VirtualClock>::clone(&clock),
            Arc::new(Counter(Mutex::new(7))),
            Arc::new(Limits::new(self.limits)),
        );
        World { client, script, clock }
    }
}

/// A world in which everything is consented.
pub(crate) fn world(answers: impl IntoIterator<Item = Answer>) -> World {
    Setup::default().world(answers)
}

impl World {
    /// The only request that was sent, sign-ins aside.
    pub(crate) fn only_request(&self) -> HttpRequest {
        let requests = self.script.requests.lock().unwrap();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests[0].clone()
    }

    pub(crate) fn request(&self, index: usize) -> HttpRequest {
        self.script.requests.lock().unwrap()[index].clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.script.requests.lock().unwrap().len()
    }

    pub(crate) fn sign_ins(&self) -> usize {
        self.script.sign_ins.lock().unwrap().len()
    }
}

/// Method and address in one line.
pub(crate) fn line(request: &HttpRequest) -> String {
    let url = request.url.as_str().trim_start_matches("http://127.0.0.1:8080");
    format!("{} {url}", request.method)
}

pub(crate) fn header<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    request.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

pub(crate) fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// Parameters of the cmdlet in a request.
pub(crate) fn cmdlet(request: &HttpRequest) -> (String, Value) {
    let input = body(request)["CmdletInput"].clone();
    (input["CmdletName"].as_str().unwrap().to_owned(), input["Parameters"].clone())
}
