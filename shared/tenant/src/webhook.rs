//! Webhooks (NOT-3): a signed message to an address that a customer named.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use ports::{HttpRequest, Transport};
use thiserror::Error;
use url::Url;

use crate::SecretText;

/// The receiver has so long to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Largest message in bytes.
const MOST_BYTES: usize = 256 * 1024;
/// The longest pause that a receiver may ask for.
const MAX_PAUSE: Duration = Duration::from_hours(1);
/// One id a message: a receiver that has seen it has had the message.
const ID: HeaderName = HeaderName::from_static("x-crosswave-id");
/// Seconds since 1970; part of what is signed, so that an old message cannot be sent again.
const TIMESTAMP: HeaderName = HeaderName::from_static("x-crosswave-timestamp");
/// `v1=` and the signature in hexadecimal.
const SIGNATURE: HeaderName = HeaderName::from_static("x-crosswave-signature");

/// Where a project's webhooks go, and what they are signed with.
#[derive(Clone)]
pub struct Webhook {
    url: Url,
    secret: SecretText,
    transport: Arc<dyn Transport>,
}

/// Why a webhook was not accepted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WebhookError {
    /// It may be later: the same message, with the same id.
    #[error("{text}")]
    NotNow {
        /// What happened.
        text: String,
        /// How long the receiver asks to wait.
        pause: Duration,
    },
    /// It never will be.
    #[error("{0}")]
    Refused(String),
}

impl Webhook {
    /// A webhook over a transport that follows no redirects and reaches what the installation
    /// allows ([`Reach`](crate::Reach)).
    pub fn new(url: Url, secret: SecretText, transport: Arc<dyn Transport>) -> Self {
        Self { url, secret, transport }
    }

    /// The receiver's host: the rest of the address may hold a token.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Sends a message. `id` is the same for each try of it.
    pub async fn post(&self, id: &str, at: Timestamp, body: Bytes) -> Result<(), WebhookError> {
        if body.len() > MOST_BYTES {
            let text = format!("a webhook has at most {MOST_BYTES} bytes, this one {}", body.len());
            return Err(WebhookError::Refused(text));
        }
        let timestamp = at.as_second().to_string();
        let signature = sign(&self.secret, &timestamp, &body)?;
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        headers.insert(header::USER_AGENT, HeaderValue::from_static("crosswave"));
        for (name, value) in [(ID, id), (TIMESTAMP, &timestamp), (SIGNATURE, &signature)] {
            let value = HeaderValue::from_str(value).map_err(|error| {
                WebhookError::Refused(format!("{name} cannot be sent: {error}"))
            })?;
            headers.insert(name, value);
        }
        let request = HttpRequest {
            method: Method::POST,
            url: self.url.clone(),
            headers,
            body,
            tail: None,
            timeout: TIMEOUT,
        };
        // A try whose outcome is not known is made again: the receiver knows the message by its id.
        let response = self.transport.send(request).await.map_err(|error| {
            let text = format!("the webhook's receiver {} was not reached: {error}", self.host());
            WebhookError::NotNow { text, pause: Duration::ZERO }
        })?;
        self.judge(response.status, &response.headers)
    }

    fn judge(&self, status: StatusCode, headers: &HeaderMap) -> Result<(), WebhookError> {
        let text = format!("the webhook's receiver {} answers {status}", self.host());
        match status {
            _ if status.is_success() => Ok(()),
            _ if status.is_redirection() => Err(WebhookError::Refused(format!(
                "{text}, a redirect, which is not followed; name the final address"
            ))),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                Err(WebhookError::NotNow { text, pause: pause(headers) })
            }
            _ if status.is_server_error() => {
                Err(WebhookError::NotNow { text, pause: pause(headers) })
            }
            _ => Err(WebhookError::Refused(text)),
        }
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("host", &self.host()).finish_non_exhaustive()
    }
}

fn pause(headers: &HeaderMap) -> Duration {
    let asked =
        headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(asked.unwrap_or_default()).min(MAX_PAUSE)
}

/// `v1=` and the HMAC-SHA256 of timestamp, a full stop, and body.
fn sign(secret: &SecretText, timestamp: &str, body: &[u8]) -> Result<String, WebhookError> {
    let failed = |error: &dyn std::fmt::Display| {
        WebhookError::Refused(format!("the webhook cannot be signed: {error}"))
    };
    let message = [timestamp.as_bytes(), b".", body].concat();
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    let signature =
        crypto::sign(&message, &key, Algorithm::HS256).map_err(|error| failed(&error))?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|error| failed(&error))?;
    let hex: Vec<String> = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("v1={}", hex.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NOT-3: the same signature as `printf '1767225600.{"a":1}' | openssl dgst -sha256 -hmac
    /// a-shared-secret`.
    #[test]
    fn the_signature_is_hmac_sha256_over_timestamp_and_body() {
        let secret = SecretText::new("a-shared-secret");
        assert_eq!(
            sign(&secret, "1767225600", br#"{"a":1}"#).unwrap(),
            "v1=5ee7f8d8b40b808d54b4cbd97de4cbdc652e6724fc993074bee23e9c9222f580"
        );
    }
}
