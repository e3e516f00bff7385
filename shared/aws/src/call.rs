//! Requests to the services of which we need one operation or two.
//!
//! Secrets Manager, STS, EventBridge and its Scheduler, Lambda and S3 have SDK crates of 2 to 43 MB each
//! that take a minute of processor time to build; what we need of them is one signed HTTP request each.
//! It is signed by the SDK's own signer and goes through the transport port, like all other HTTP.

use std::{sync::Arc, time::Duration};

use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4::SigningParams,
};
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use ports::{Clock, HttpRequest, Random, Transport, TransportErrorKind};
use serde_json::Value;
use tenant::AssertionError;
use thiserror::Error;
use url::Url;

use crate::{
    Access, Meter, Operation,
    retry::Retry,
    trouble::{Trouble, of_reply},
};

/// No reply in text is larger: a secret has up to 64 KB.
const REPLY_LIMIT: usize = 256 * 1024;
const TIMEOUT: Duration = Duration::from_secs(10);

/// A service did not do what it was asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AwsError {
    /// Busy or not reached, attempts used up. Later it may work.
    #[error("{0}")]
    Unavailable(String),
    /// Refused for good, until somebody mends the cause.
    #[error("{text}")]
    Refused {
        /// The service's code, for instance `ResourceNotFoundException`.
        code: String,
        /// What was asked, the service's words, what to do.
        text: String,
    },
}

impl AwsError {
    /// Whether the service refused with this code.
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == wanted)
    }
}

impl From<AwsError> for AssertionError {
    fn from(error: AwsError) -> Self {
        match error {
            AwsError::Unavailable(text) => Self::Source(text),
            AwsError::Refused { text, .. } => Self::Refused(text),
        }
    }
}

/// Sends signed requests.
#[derive(Clone)]
pub struct Caller {
    access: Access,
    transport: Arc<dyn Transport>,
    retry: Retry,
    meter: Meter,
}

/// One request to a service. What is asked so may be asked twice.
#[derive(Clone)]
pub struct Ask {
    /// The service's name in addresses and signatures, for instance `events`.
    pub(crate) service: &'static str,
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    /// Path and query, from the slash on.
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Ask {
    /// A request to a service that speaks JSON and names the operation in a header, behind a prefix,
    /// for instance `AWSEvents`.
    pub fn json(service: &'static str, operation: Operation, prefix: &str, body: &Value) -> Self {
        let target = format!("{prefix}.{}", operation.name());
        let content_type = "application/x-amz-json-1.1".to_owned();
        Self {
            service,
            operation,
            method: Method::POST,
            path: "/".to_owned(),
            headers: vec![("content-type", content_type), ("x-amz-target", target)],
            body: body.to_string(),
        }
    }

    /// A request to a service that speaks JSON and names the operation by method and path (from the
    /// slash on, query included).
    pub fn rest(
        service: &'static str,
        operation: Operation,
        method: Method,
        path: impl Into<String>,
        body: Option<&Value>,
    ) -> Self {
        let content_type = ("content-type", "application/json".to_owned());
        Self {
            service,
            operation,
            method,
            path: path.into(),
            headers: body.map(|_| content_type).into_iter().collect(),
            body: body.map(Value::to_string).unwrap_or_default(),
        }
    }
}

impl Ask {
    /// What is asked of whom, in words.
    fn what(&self) -> String {
        format!("{} of {}", self.operation.name(), self.service)
    }

    /// S3 signs a path as it is sent, and wants the body's hash in a header ("Authenticating Requests:
    /// Using the Authorization Header").
    fn signing(&self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        if self.service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        settings
    }
}

impl Caller {
    /// Requests in this account's name over a transport.
    pub fn new(
        access: Access,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { access, transport, retry: Retry { clock, random }, meter: Meter::new() }
    }

    /// The same, counting into this meter.
    #[must_use]
    pub fn with_meter(mut self, meter: Meter) -> Self {
        self.meter = meter;
        self
    }

    /// The same with other credentials.
    pub(crate) fn in_the_name_of(&self, key: &str, secret: &str, session: &str) -> Self {
        Self { access: self.access.clone().with_credentials(key, secret, session), ..self.clone() }
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.retry.clock
    }

    /// Asks until it is answered, or attempts are used up; returns the reply's text.
    pub async fn ask(&self, ask: &Ask) -> Result<String, AwsError> {
        let body = self.ask_for_bytes(ask, REPLY_LIMIT).await?;
        String::from_utf8(body.to_vec()).map_err(|_may_quote_a_secret| AwsError::Refused {
            code: String::new(),
            text: format!("{}: the reply is no text", ask.what()),
        })
    }

    /// The same for a reply that is not text: at most so many bytes.
    pub(crate) async fn ask_for_bytes(&self, ask: &Ask, most: usize) -> Result<Bytes, AwsError> {
        let once = || self.ask_once(ask, most);
        let answer =
            self.retry.until_answered(&self.meter, ask.operation, once, |(_, trouble)| trouble);
        answer.await.map_err(|(code, trouble)| match trouble {
            Trouble::Refused(text) => AwsError::Refused { code, text },
            Trouble::Busy(text) | Trouble::Lost(text) => AwsError::Unavailable(text),
        })
    }

    async fn ask_once(&self, ask: &Ask, most: usize) -> Result<Bytes, (String, Trouble)> {
        let what = ask.what();
        let wrong = |text: String| (String::new(), Trouble::Refused(format!("{what}: {text}")));
        let request = self.signed(ask).map_err(wrong)?;
        let lost = |error: ports::TransportError| {
            let text = format!("{what}: {error}");
            let trouble = match error.kind {
                TransportErrorKind::TooLarge => Trouble::Refused(text),
                _ => Trouble::Lost(text),
            };
            (String::new(), trouble)
        };
        let response = self.transport.send(request).await.map_err(lost)?;
        let (status, headers) = (response.status, response.headers.clone());
        if status.is_success() {
            return response.read(most).await.map_err(lost);
        }
        let body = response.read(REPLY_LIMIT).await.map_err(lost)?;
        let (code, message) = reason(&headers, &String::from_utf8_lossy(&body));
        let trouble = of_reply(&what, status.as_u16(), &code, &message);
        Err((code, trouble))
    }

    fn signed(&self, ask: &Ask) -> Result<HttpRequest, String> {
        let address = format!("{}{}", self.access.address(ask.service), ask.path);
        let url = Url::parse(&address).map_err(|error| format!("{address}: {error}"))?;
        let identity: Identity = self.access.credentials().clone().into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(self.access.region())
            .name(ask.service)
            .time(self.retry.clock.now().into())
            .settings(ask.signing())
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let body = SignableBody::Bytes(ask.body.as_bytes());
        let headers = ask.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let signable = SignableRequest::new(ask.method.as_str(), url.as_str(), headers, body)
            .map_err(|error| error.to_string())?;
        let (instructions, _) =
            sign(signable, &parameters).map_err(|error| error.to_string())?.into_parts();
        let mut headers = HeaderMap::new();
        let plain = ask.headers.iter().map(|(name, value)| (*name, value.as_str()));
        for (name, value) in plain.chain(instructions.headers()) {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
            let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
            headers.insert(name, value);
        }
        let body = ask.body.clone().into();
        Ok(HttpRequest {
            method: ask.method.clone(),
            url,
            headers,
            body,
            tail: None,
            timeout: TIMEOUT,
        })
    }
}

/// Code and message of an error reply, in the services' three ways of saying it.
fn reason(headers: &HeaderMap, body: &str) -> (String, String) {
    let json: Value = serde_json::from_str(body).unwrap_or_default();
    let member = |names: [&str; 2]| names.iter().find_map(|name| json.get(name)?.as_str());
    let header = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let code = member(["__type", "code"]).or(header).or_else(|| tag(body, "Code"));
    let message = member(["message", "Message"]).or_else(|| tag(body, "Message"));
    let code = code.unwrap_or("no code");
    // `prefix#Code:address`, of which either side may be missing.
    let code = code.rsplit('#').next().unwrap_or(code).split(':').next().unwrap_or(code);
    (code.to_owned(), message.unwrap_or("no message").to_owned())
}

/// The text of the first element of this name.
pub(crate) fn tag<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_found_in_every_form_of_an_error_reply() {
        let none = HeaderMap::new();
        let mut header = HeaderMap::new();
        let value = "ConflictException:http://internal.amazon.com/coral/";
        header.insert("x-amzn-errortype", HeaderValue::from_static(value));
        for (headers, body, code, message) in [
            (
                &none,
                r#"{"__type":"com.amazon#ResourceNotFoundException","Message":"m"}"#,
                "ResourceNotFoundException",
                "m",
            ),
            (&header, r#"{"message":"there"}"#, "ConflictException", "there"),
            (
                &none,
                "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>old</Message></Error></ErrorResponse>",
                "ExpiredToken",
                "old",
            ),
            (&none, "<html>", "no code", "no message"),
            (&none, "", "no code", "no message"),
        ] {
            assert_eq!(reason(headers, body), (code.to_owned(), message.to_owned()), "{body}");
        }
    }
}
