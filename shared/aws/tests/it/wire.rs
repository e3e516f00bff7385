//! Faults on the wire between the SDK and the double.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use aws::Access;
use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpClient, SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use serde_json::{Value, json};

/// What happens to one request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It is served.
    None,
    /// It is served, and the reply is lost.
    LoseReply,
    /// It does not arrive, and the reply has this status and body.
    Refuse(u16, Value),
    /// Of a batch these entries fail, with this code; the others are served.
    FailEntries(&'static [&'static str], &'static str),
}

impl Fault {
    /// A refusal with a code of the service.
    pub(crate) fn code(status: u16, code: &str) -> Self {
        Self::Refuse(status, json!({"__type": code, "message": "scripted"}))
    }

    /// A transaction that is cancelled for these reasons.
    pub(crate) fn cancelled(reasons: &[&str]) -> Self {
        let reasons: Vec<Value> = reasons.iter().map(|code| json!({"Code": code})).collect();
        Self::Refuse(
            400,
            json!({"__type": "TransactionCanceledException", "message": "scripted", "CancellationReasons": reasons}),
        )
    }
}

/// A request that went over the wire: the operation and its body.
pub(crate) type Seen = (String, Value);

/// The wire: serves the faults in their order, then none, and remembers what it saw.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    inner: SharedHttpClient,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Wire {
    pub(crate) fn with(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self {
            inner: Builder::new().build_http(),
            faults: Arc::new(Mutex::new(faults.into_iter().collect())),
            seen: Arc::default(),
        }
    }

    /// Access to the same services over this wire.
    pub(crate) fn over(&self, access: &Access) -> Access {
        access.clone().over(SharedHttpClient::new(self.clone()))
    }

    /// What happens to the next requests.
    pub(crate) fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.lock().unwrap().extend(faults);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The operations that went over the wire, in their order.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.seen().into_iter().map(|(operation, _)| operation).collect()
    }
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Line { wire: self.clone(), inner })
    }
}

#[derive(Debug)]
struct Line {
    wire: Wire,
    inner: SharedHttpConnector,
}

impl HttpConnector for Line {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or("none");
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap_or_default());
        let body: Value = body.unwrap_or_default();
        self.wire.seen.lock().unwrap().push((operation, body.clone()));
        let fault = self.wire.faults.lock().unwrap().pop_front().unwrap_or(Fault::None);
        match fault {
            Fault::None => self.inner.call(request),
            Fault::Refuse(status, body) => HttpConnectorFuture::ready(Ok(reply(status, &body))),
            Fault::LoseReply => {
                let served = self.inner.call(request);
                HttpConnectorFuture::new(async move {
                    served.await?;
                    Err(ConnectorError::io("the connection was reset".into()))
                })
            }
            Fault::FailEntries(failed, code) => {
                set_body(&mut request, &without(body, failed));
                let served = self.inner.call(request);
                HttpConnectorFuture::new(async move {
                    let mut answer = body_of(served.await?).await;
                    let entry = |id: &&str| json!({"Id": id, "Code": code, "SenderFault": code != "InternalError"});
                    answer["Failed"] = failed.iter().map(entry).collect();
                    Ok(reply(200, &answer))
                })
            }
        }
    }
}

fn reply(status: u16, body: &Value) -> HttpResponse {
    HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body.to_string()))
}

async fn body_of(response: HttpResponse) -> Value {
    let bytes = ByteStream::new(response.into_body()).collect().await.unwrap().into_bytes();
    serde_json::from_slice(&bytes).unwrap()
}

fn without(mut body: Value, failed: &[&str]) -> Value {
    let entries = body["Entries"].as_array_mut().unwrap();
    entries.retain(|entry| !failed.contains(&entry["Id"].as_str().unwrap()));
    body
}

fn set_body(request: &mut HttpRequest, body: &Value) {
    let text = body.to_string();
    request.headers_mut().insert("content-length", text.len().to_string());
    *request.body_mut() = SdkBody::from(text);
}
