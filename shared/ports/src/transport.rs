//! One HTTP request in, one streaming response out.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, Method, StatusCode};
use thiserror::Error;
use url::Url;

/// A response body, chunk by chunk, exactly as it came over the wire (no decompression).
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, TransportError>> + Send>>;

/// A request. Its body is in memory, except for what a [`BodyTail`] adds: content that is too large
/// for that.
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
    /// What follows it, made while it is sent; `None` for most requests.
    pub tail: Option<BodyTail>,
    /// How long until the head of the response must be there.
    pub timeout: Duration,
}

impl HttpRequest {
    /// The same request with its whole body in memory, `limit` bytes at most: for transports inside
    /// this process.
    pub async fn gathered(mut self, limit: usize) -> Result<Self, TransportError> {
        let Some(tail) = self.tail.take() else { return Ok(self) };
        let mut whole = BytesMut::from(&*self.body);
        append(&mut whole, &mut tail.take(), limit, "request").await?;
        self.body = whole.freeze();
        Ok(self)
    }
}

/// A part of a request's body that is made while it is sent. It can be sent once: clones share it.
#[derive(Clone)]
pub struct BodyTail(Arc<Mutex<Option<BodyStream>>>);

impl BodyTail {
    /// A tail. An error in it ends the request before its end, so that nobody takes it for whole.
    pub fn new(stream: BodyStream) -> Self {
        Self(Arc::new(Mutex::new(Some(stream))))
    }

    /// The stream; taken a second time it is only an error, never a shorter body.
    pub fn take(&self) -> BodyStream {
        let stream = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        stream.unwrap_or_else(|| {
            let text = "the body was sent already".to_owned();
            let error = TransportError { kind: TransportErrorKind::Broken, text };
            Box::pin(futures_util::stream::iter([Err(error)]))
        })
    }
}

impl std::fmt::Debug for BodyTail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BodyTail")
    }
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
        // A buffer that grows is in memory twice while it does; most services say what is coming.
        let told = self.headers.get(http::header::CONTENT_LENGTH);
        let told = told.and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0);
        let mut whole = BytesMut::with_capacity(limit.min(told));
        append(&mut whole, &mut self.body, limit, "response").await?;
        Ok(whole.freeze())
    }
}

async fn append(
    whole: &mut BytesMut,
    stream: &mut BodyStream,
    limit: usize,
    what: &str,
) -> Result<(), TransportError> {
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        if whole.len().saturating_add(chunk.len()) > limit {
            let text = format!("the {what} has more than {limit} bytes");
            return Err(TransportError { kind: TransportErrorKind::TooLarge, text });
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(())
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

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        (**self).send(request).await
    }
}
