//! A reply as it is built, before faults and the wire.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, LOCATION, RETRY_AFTER},
};
use serde_json::Value;

use crate::content::Slice;

/// Status, headers and a body.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body in memory,
    pub(crate) body: Bytes,
    /// or one too large for that, made while it is sent.
    pub(crate) large: Option<Box<Slice>>,
}

impl Reply {
    /// A reply with a JSON body.
    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        let mut reply = Self::empty(status);
        reply.body = Bytes::from(body.to_string());
        reply.headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/json;odata.metadata=minimal;charset=utf-8"),
        );
        reply
    }

    /// 200 with a JSON body.
    pub(crate) fn ok(body: &Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// A reply without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new(), large: None }
    }

    /// 204.
    pub(crate) fn no_content() -> Self {
        Self::empty(StatusCode::NO_CONTENT)
    }

    /// A plain text body.
    pub(crate) fn text(status: StatusCode, body: &str) -> Self {
        let mut reply = Self::empty(status);
        reply.body = Bytes::copy_from_slice(body.as_bytes());
        reply.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        reply
    }

    /// A redirect to `location`.
    pub(crate) fn redirect(status: StatusCode, location: &str) -> Self {
        Self::empty(status).with(LOCATION, location)
    }

    /// The same with a `Retry-After` of so many seconds.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        self.with(RETRY_AFTER, &seconds.to_string())
    }

    /// The same with one header more; text that is no header value is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}
