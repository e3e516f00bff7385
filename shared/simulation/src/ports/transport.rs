//! Tenants that throttle, fail, lose replies and cut them off, and in front of which processes die.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER};
use ports::{Clock, HttpRequest, HttpResponse, Transport, TransportError, TransportErrorKind};
use simulator::Simulator;

use crate::{
    check::{Effect, requested, signed_in},
    fault::FaultKind,
    fuzz::Garbled,
    planted,
    stage::SharedStage,
};

/// Everything in a small world is smaller.
const MOST_BYTES: usize = 64 * 1024 * 1024;

pub(crate) struct FaultyTransport {
    pub(crate) simulator: Simulator,
    pub(crate) stage: SharedStage,
}

impl FaultyTransport {
    /// A reply that takes the place of the effect.
    fn instead(&self, request: &HttpRequest) -> Option<HttpResponse> {
        let hint = |bits: u64| Some(1 + bits % 120);
        if let Some(bits) = self.stage.fires(FaultKind::Throttled) {
            return Some(refused(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", hint(bits)));
        }
        if self.stage.fires(FaultKind::ThrottledWithoutHint).is_some() {
            return Some(refused(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", None));
        }
        if self.stage.fires(FaultKind::InternalError).is_some() {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            return Some(refused(status, "InternalServerError", None));
        }
        if self.stage.fires(FaultKind::Unavailable).is_some() {
            let none = HeaderMap::new();
            return Some(HttpResponse::of(StatusCode::SERVICE_UNAVAILABLE, none, Bytes::new()));
        }
        let exchange = request.url.path().ends_with("/InvokeCommand");
        if exchange && self.stage.fires(FaultKind::PlainTextThrottle).is_some() {
            let text = "You have reached the maximum number of concurrent requests per tenant. \
                        Please wait and try again";
            return Some(HttpResponse::of(StatusCode::OK, HeaderMap::new(), text));
        }
        None
    }

    async fn perform(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let effect = Effect::of(&request);
        let path = request.url.path().to_owned();
        let response = self.simulator.send(request).await?;
        let (status, headers) = (response.status, response.headers.clone());
        let body = response.read(MOST_BYTES).await?;
        self.stage.note(&format!("{} -> {} {}", effect.line, status.as_u16(), body.len()));
        signed_in(&self.stage, &path, &body);
        requested(&self.stage, &effect, status);
        let body = match self.stage.garble(Garbled::Replies, &body) {
            Some(garbled) => Bytes::from(garbled),
            None => body,
        };
        Ok(HttpResponse::of(status, headers, body))
    }
}

#[async_trait]
impl Transport for FaultyTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.stage.boundary(FaultKind::CrashBeforeRequest).await;
        if self.stage.fires(FaultKind::ResetBefore).is_some() {
            return Err(reset());
        }
        if let Some(reply) = self.instead(&request) {
            self.stage.note(&format!("{} -> {}", Effect::of(&request).line, reply.status));
            return Ok(reply);
        }
        let again = planted::transport::retried(&self.stage, &request);
        let response = self.perform(request).await?;
        self.stage.clock.sleep(Duration::from_millis(1)).await;
        self.stage.boundary(FaultKind::CrashAfterRequest).await;
        if self.stage.fires(FaultKind::ResetAfter).is_some() {
            if let Some(request) = again {
                return self.perform(request).await;
            }
            return Err(reset());
        }
        if self.stage.fires(FaultKind::Truncated).is_some() {
            return truncated(response).await;
        }
        Ok(response)
    }
}

fn refused(status: StatusCode, code: &str, retry_after: Option<u64>) -> HttpResponse {
    let text = format!(
        r#"{{"error":{{"code":"{code}","message":"The service could not process the request now.","innerError":{{}}}}}}"#
    );
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    HttpResponse::of(status, headers, text)
}

fn reset() -> TransportError {
    TransportError {
        kind: TransportErrorKind::Broken,
        text: "the connection was reset by the peer".to_owned(),
    }
}

async fn truncated(response: HttpResponse) -> Result<HttpResponse, TransportError> {
    let (status, headers) = (response.status, response.headers.clone());
    let body = response.read(MOST_BYTES).await?;
    let half = body.slice(..body.len() / 2);
    let stream = stream::iter([Ok(half), Err(reset())]);
    Ok(HttpResponse { status, headers, body: Box::pin(stream) })
}
