//! Signed requests to the services that are asked once in a while: Secrets Manager, the Lambda API,
//! EventBridge, STS. An SDK for each would double the artifact.

use std::{sync::Arc, time::Duration};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use http::{HeaderValue, Method};
use ports::{Clock, HttpRequest, Transport};
use serde_json::Value;
use url::Url;

/// One request, reply read.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Largest reply: a secret has at most 64 KiB.
const MOST_BYTES: usize = 256 * 1024;

/// Signs and sends.
pub(crate) struct Signed {
    pub(crate) region: String,
    pub(crate) credentials: Credentials,
    /// A double's address, for all services.
    pub(crate) endpoint: Option<String>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What is asked of a service.
pub(crate) struct Ask<'a> {
    /// The service's name in addresses and signatures.
    pub(crate) service: &'a str,
    /// The method.
    pub(crate) method: Method,
    /// The path.
    pub(crate) path: &'a str,
    /// The operation, for services of the JSON protocol: `X-Amz-Target`.
    pub(crate) target: Option<&'a str>,
    /// The body.
    pub(crate) body: &'a Value,
}

impl Signed {
    /// Sends one request; the reply as JSON, or in words why there is none. Words never hold the
    /// body: it may be a secret.
    pub(crate) async fn ask(&self, ask: Ask<'_>) -> Result<Value, String> {
        let service = ask.service;
        let base = self
            .endpoint
            .clone()
            .unwrap_or_else(|| format!("https://{service}.{}.amazonaws.com", self.region));
        let url = format!("{}{}", base.trim_end_matches('/'), ask.path);
        let url: Url = url.parse().map_err(|error| format!("{url}: {error}"))?;
        let body = ask.body.to_string();
        let mut request = http::Request::builder().method(ask.method).uri(url.as_str());
        let kind =
            if ask.target.is_some() { "application/x-amz-json-1.1" } else { "application/json" };
        request = request.header("content-type", kind);
        if let Some(target) = ask.target {
            request = request.header("x-amz-target", target);
        }
        let mut request = request.body(body).map_err(|error| error.to_string())?;
        self.sign(service, &mut request)?;
        let (parts, body) = request.into_parts();
        let sent = HttpRequest {
            method: parts.method,
            url,
            headers: parts.headers,
            body: body.into(),
            timeout: TIMEOUT,
        };
        let reply = self.transport.send(sent).await;
        let reply = reply.map_err(|error| format!("{service} cannot be reached: {error}"))?;
        let status = reply.status;
        let bytes = reply.read(MOST_BYTES).await.map_err(|error| format!("{service}: {error}"))?;
        let read: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_success() {
            return Ok(read);
        }
        let code = read.get("__type").or_else(|| read.get("code")).and_then(Value::as_str);
        let words = read.get("message").or_else(|| read.get("Message")).and_then(Value::as_str);
        let (code, words) = (code.unwrap_or("no code"), words.unwrap_or("no message"));
        Err(format!("{service} answered {status}, {code}: {words}"))
    }

    fn sign(&self, service: &str, request: &mut http::Request<String>) -> Result<(), String> {
        let identity = self.credentials.clone().into();
        let now = u64::try_from(self.clock.now().as_second()).unwrap_or_default();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(std::time::UNIX_EPOCH + Duration::from_secs(now))
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let headers = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
        let method = request.method().as_str();
        let body = SignableBody::Bytes(request.body().as_bytes());
        let signable = SignableRequest::new(method, request.uri().to_string(), headers, body)
            .map_err(|error| error.to_string())?;
        let (instructions, _) = sign(signable, &params).map_err(|e| e.to_string())?.into_parts();
        let mut headers = Vec::new();
        for (name, value) in instructions.headers() {
            let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
            let name: http::HeaderName = name.parse().map_err(|_| "a header's name".to_owned())?;
            headers.push((name, value));
        }
        request.headers_mut().extend(headers);
        Ok(())
    }
}
