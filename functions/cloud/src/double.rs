//! The double of AWS: one process a cloud.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Method};
use ports::{HttpRequest, Transport};
use tenant::{ReqwestTransport, TransportSettings};
use url::Url;

use crate::CloudError;

/// The region of the local cloud; the double has all.
pub(crate) const REGION: &str = "us-east-1";
/// The double's account.
pub(crate) const ACCOUNT: &str = "000000000000";

/// The running double; it ends with its last handle.
#[derive(Clone)]
pub(crate) struct Double {
    process: Arc<double::Double>,
    folder: PathBuf,
    transport: ReqwestTransport,
}

impl Double {
    /// Installs it if it is not there, and starts it.
    pub(crate) async fn start(tools: &Path, folder: PathBuf) -> Result<Self, CloudError> {
        let place = tools.join("aws-double");
        let start = move || double::Double::start(&place, double::Mode::Running);
        let failed = |error: String| CloudError::Double(error);
        let process = tokio::task::spawn_blocking(start).await;
        let process = process.map_err(|error| failed(error.to_string()))?;
        let process = process.map_err(|error| failed(error.to_string()))?;
        let transport = ReqwestTransport::new(&TransportSettings::default());
        let transport = transport.map_err(|error| failed(error.to_string()))?;
        Ok(Self { process: Arc::new(process), folder, transport })
    }

    /// Where it is.
    pub(crate) fn base(&self) -> &str {
        self.process.endpoint()
    }

    /// The HTTP client with which everything here is asked.
    pub(crate) fn transport(&self) -> &ReqwestTransport {
        &self.transport
    }

    /// The folder of this cloud: logs, and whatever the double keeps.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Asks a service of the query protocol.
    pub(crate) async fn query(&self, service: &str, form: &str) -> Result<String, CloudError> {
        let mut headers = authorization(service)?;
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert("content-type", kind);
        self.send(Method::POST, &format!("{}/", self.base()), headers, form.to_owned()).await
    }

    /// Asks a service of the JSON protocol.
    pub(crate) async fn json(
        &self,
        service: &str,
        target: &str,
        body: &serde_json::Value,
    ) -> Result<serde_json::Value, CloudError> {
        let mut headers = authorization(service)?;
        headers.insert("content-type", HeaderValue::from_static("application/x-amz-json-1.1"));
        let value = |text: &str| {
            HeaderValue::from_str(text).map_err(|error| CloudError::Double(error.to_string()))
        };
        headers.insert("x-amz-target", value(target)?);
        let url = format!("{}/", self.base());
        let text = self.send(Method::POST, &url, headers, body.to_string()).await?;
        serde_json::from_str(&text)
            .map_err(|error| CloudError::Double(format!("{target}: {error}")))
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: String,
    ) -> Result<String, CloudError> {
        let url: Url =
            url.parse().map_err(|error| CloudError::Double(format!("{url}: {error}")))?;
        let timeout = Duration::from_mins(1);
        let body = body.into();
        let request = HttpRequest { method, url, headers, body, tail: None, timeout };
        let double = |error: ports::TransportError| CloudError::Double(error.to_string());
        let reply = self.transport.send(request).await.map_err(double)?;
        let status = reply.status;
        let bytes = reply.read(16 * 1024 * 1024).await.map_err(double)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if status.is_success() { Ok(text) } else { Err(CloudError::Double(text)) }
    }
}

/// What tells the double which service is asked; it looks at no signature.
fn authorization(service: &str) -> Result<HeaderMap, CloudError> {
    let text = format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, \
         SignedHeaders=host, Signature=none"
    );
    let value = HeaderValue::from_str(&text);
    let value = value.map_err(|error| CloudError::Double(error.to_string()))?;
    let mut headers = HeaderMap::new();
    headers.insert("authorization", value);
    Ok(headers)
}
