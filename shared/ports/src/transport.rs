//! One HTTP request in, one streaming response out.

use std::{pin::Pin, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, Method, StatusCode};
use thiserror::Error;
use url::Url;

/// A response body, chunk by chunk, exactly as it came over the wire (no decompression).
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, TransportError>> + Send>>;

/// A request. Its body is in memory: content goes in fragments and batches of bounded size.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub url: Url,
    /// The headers. `Host` and `Content-Length` are the adapter's work.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
    /// How long until the head of the response must be there.
    pub timeout: Duration,
}

/// A response whose head has arrived.
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers as sent.
    pub headers: HeaderMap,
    /// The body, still to be read.
    pub body: BodyStream,
}

impl HttpResponse {
    /// A response whose body is in memory.
    pub fn of(status: StatusCode, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let stream = futures_util::stream::iter([Ok(body)]);
        Self { status, headers, body: Box::pin(stream) }
    }

    /// Reads the whole body, but not more than `limit` bytes.
    pub async fn read(mut self, limit: usize) -> Result<Bytes, TransportError> {
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.body.next().await {
            let chunk = chunk?;
            if whole.len().saturating_add(chunk.len()) > limit {
                let text = format!("the response has more than {limit} bytes");
                return Err(TransportError { kind: TransportErrorKind::TooLarge, text });
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }
}

impl std::fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

/// What went wrong below HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportErrorKind {
    /// No connection came about: nothing was sent.
    Connect,
    /// No answer in time: the request may have taken effect.
    Timeout,
    /// The connection broke: the request may have taken effect.
    Broken,
    /// The response is larger than the caller allows.
    TooLarge,
}

/// A failure below HTTP.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{text}")]
pub struct TransportError {
    /// What kind.
    pub kind: TransportErrorKind,
    /// Words for a person; never a header or a body, which may hold secrets.
    pub text: String,
}

/// The transport port.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends one request. Redirects are not followed, nothing is retried, nothing is decoded.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError>;
}
