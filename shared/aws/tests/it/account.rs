//! What a test does in the account besides: it makes secrets, users, rules, with the root's hand.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use aws::{Access, Caller};
use double::Double;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use ports::{Clock, HttpRequest, HttpResponse, Transport, TransportError, TransportErrorKind};
use serde_json::Value;
use system::SystemClock;
use tenant::{ReqwestTransport, TransportSettings};
use url::form_urlencoded::Serializer;

use crate::support::{access, random};

fn transport() -> ReqwestTransport {
    ReqwestTransport::new(&TransportSettings::default()).unwrap()
}

/// Requests of the adapters, with answers of its own for a while.
pub(crate) struct Line {
    inner: ReqwestTransport,
    answers: Mutex<Vec<Answer>>,
    pub(crate) seen: Mutex<Vec<HttpRequest>>,
}

/// An answer that the service did not give.
#[derive(Clone)]
pub(crate) enum Answer {
    Broken,
    Reply(u16, String),
}

impl Line {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { inner: transport(), answers: Mutex::default(), seen: Mutex::default() })
    }

    /// The next requests are answered so, in this order.
    pub(crate) fn next(&self, answers: impl IntoIterator<Item = Answer>) {
        let mut waiting = self.answers.lock().unwrap();
        waiting.extend(answers);
        waiting.reverse();
    }

    pub(crate) fn bodies(&self) -> Vec<Value> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .map(|request| serde_json::from_slice(&request.body).unwrap_or_default())
            .collect()
    }
}

#[async_trait]
impl Transport for Line {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.seen.lock().unwrap().push(request.clone());
        let answer = self.answers.lock().unwrap().pop();
        match answer {
            None => self.inner.send(request).await,
            Some(Answer::Broken) => {
                let text = "the connection was reset".to_owned();
                Err(TransportError { kind: TransportErrorKind::Broken, text })
            }
            Some(Answer::Reply(status, body)) => {
                let status = StatusCode::from_u16(status).unwrap();
                Ok(HttpResponse::of(status, HeaderMap::new(), body))
            }
        }
    }
}

/// Requests with this access, over a line.
pub(crate) fn caller(access: Access, line: &Arc<Line>, clock: Arc<dyn Clock>) -> Caller {
    let line: Arc<dyn Transport> = Arc::<Line>::clone(line);
    Caller::new(access, line, clock, random())
}

/// The root's access.
pub(crate) fn root(double: &Double) -> Access {
    access(double)
}

async fn send(
    double: &Double,
    service: &str,
    headers: &[(&'static str, String)],
    method: Method,
    path: &str,
    body: String,
) -> String {
    let mut map = HeaderMap::new();
    let day = SystemClock.now().strftime("%Y%m%d");
    let credential = format!(
        "AWS4-HMAC-SHA256 Credential=test/{day}/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    );
    map.insert("authorization", HeaderValue::try_from(credential).unwrap());
    let now = SystemClock.now().strftime("%Y%m%dT%H%M%SZ").to_string();
    map.insert("x-amz-date", HeaderValue::try_from(now).unwrap());
    for (name, value) in headers {
        map.insert(*name, HeaderValue::try_from(value).unwrap());
    }
    let request = HttpRequest {
        method,
        url: format!("{}{path}", double.endpoint()).parse().unwrap(),
        headers: map,
        body: body.into(),
        tail: None,
        timeout: Duration::from_secs(10),
    };
    let response = transport().send(request).await.unwrap();
    let status = response.status;
    let body = String::from_utf8(response.read(1 << 20).await.unwrap().to_vec()).unwrap();
    assert!(status.is_success(), "{service} {path}: {status} {body}");
    body
}

/// An operation of a service that speaks JSON.
pub(crate) async fn json(double: &Double, service: &str, target: &str, body: &Value) -> Value {
    let headers = [
        ("content-type", "application/x-amz-json-1.1".to_owned()),
        ("x-amz-target", target.to_owned()),
    ];
    let reply = send(double, service, &headers, Method::POST, "/", body.to_string()).await;
    serde_json::from_str(&reply).unwrap_or_default()
}

/// An operation of a service that speaks forms and XML.
pub(crate) async fn form(double: &Double, service: &str, pairs: &[(&str, &str)]) -> String {
    let body = Serializer::new(String::new()).extend_pairs(pairs).finish();
    let headers = [("content-type", "application/x-www-form-urlencoded".to_owned())];
    send(double, service, &headers, Method::POST, "/", body).await
}

/// What a path of a service shows.
pub(crate) async fn get(double: &Double, service: &str, path: &str) -> Value {
    let reply = send(double, service, &[], Method::GET, path, String::new()).await;
    serde_json::from_str(&reply).unwrap()
}

/// Makes something at a path of a service.
pub(crate) async fn post(double: &Double, service: &str, path: &str, body: &Value) {
    let headers = [("content-type", "application/json".to_owned())];
    send(double, service, &headers, Method::POST, path, body.to_string()).await;
}
