//! A transport that judges what passes through it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::{HeaderMap, header};
use ports::{BodyStream, HttpRequest, HttpResponse, Transport, TransportError};
use serde_json::Value;

use super::{
    finding::Finding,
    judge::{Judge, is_batch, judged},
    opaque::Opaque,
};

/// Replies larger than this go by unjudged: a test must not need the memory of an export.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Passes every request on and every reply back unchanged, and keeps what the [`Judge`] objects to.
pub struct JudgedTransport<T: Transport + ?Sized> {
    inner: Arc<T>,
    judge: Arc<Judge>,
    opaque: Opaque,
    findings: Mutex<Vec<Finding>>,
}

impl<T: Transport + ?Sized> JudgedTransport<T> {
    /// Wraps a transport.
    pub fn new(inner: Arc<T>, judge: Arc<Judge>) -> Self {
        Self { inner, judge, opaque: Opaque::default(), findings: Mutex::default() }
    }

    /// Everything the judge objected to so far, in order, each once.
    pub fn findings(&self) -> Vec<Finding> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fails the test when the judge objected to anything.
    pub fn assert_clean(&self) {
        let findings = self.findings();
        let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "the wire judge objects:\n{}", lines.join("\n"));
    }

    fn keep(&self, found: Vec<Finding>) {
        let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        for finding in found {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }

    fn check_request(&self, request: &HttpRequest) -> Vec<Finding> {
        let HttpRequest { method, url, headers, body, .. } = request;
        let mut found = self.judge.check_request(method, url, headers, body);
        let schemas = &self.judge.schemas;
        found.extend(self.opaque.check_request(schemas, method, url, headers, body));
        found
    }

    fn check_reply(
        &self,
        request: &HttpRequest,
        reply: &HttpResponse,
        body: &[u8],
    ) -> Vec<Finding> {
        let HttpRequest { method, url, .. } = request;
        let mut found = self.judge.check_reply(method, url, reply.status, body);
        if judged(url) {
            let value: Value = serde_json::from_slice(body).unwrap_or_default();
            self.opaque.learn(&reply.headers, reply.status, &value);
        } else {
            let schemas = &self.judge.schemas;
            found.extend(self.opaque.check_reply(schemas, method, url, reply.status, body));
        }
        if is_batch(url) && reply.status.is_success() {
            found.extend(self.judge.check_batch_replies(url, &request.body, body));
        }
        found
    }
}

impl<T: Transport + ?Sized> std::fmt::Debug for JudgedTransport<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JudgedTransport")
            .field("findings", &self.findings())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for JudgedTransport<T> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let request = request.gathered(usize::MAX).await?;
        self.keep(self.check_request(&request));
        let mut reply = self.inner.send(request.clone()).await?;
        if self.opaque.is_content(&request.url) || !is_small_or_json(&reply.headers) {
            return Ok(reply);
        }
        let (read, rest) = buffer(&mut reply.body).await?;
        if rest {
            let start = futures_util::stream::iter([Ok(read)]);
            let stream =
                std::mem::replace(&mut reply.body, Box::pin(futures_util::stream::empty()));
            reply.body = Box::pin(start.chain(stream));
            return Ok(reply);
        }
        self.keep(self.check_reply(&request, &reply, &read));
        Ok(HttpResponse::of(reply.status, reply.headers, read))
    }
}

/// JSON, or a reply that says no type at all and so should have no body.
fn is_small_or_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_none_or(|kind| kind.to_ascii_lowercase().contains("json"))
}

/// Reads a body; the flag says that more follows because it is too large to be judged.
async fn buffer(body: &mut BodyStream) -> Result<(Bytes, bool), TransportError> {
    let mut read = BytesMut::new();
    while let Some(chunk) = body.next().await {
        read.extend_from_slice(&chunk?);
        if read.len() > MOST_BYTES {
            return Ok((read.freeze(), true));
        }
    }
    Ok((read.freeze(), false))
}
