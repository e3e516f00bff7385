//! The transport of real life, and the only place that names the HTTP library.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use ports::{HttpRequest, HttpResponse, Transport, TransportError, TransportErrorKind};
use thiserror::Error;
use url::Url;

use crate::reach::{PublicNames, Reach};

/// How the transport behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportSettings {
    /// Until a connection is there.
    pub connect_timeout: Duration,
    /// Between two pieces of a body.
    pub read_timeout: Duration,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// Idle connections kept per host.
    pub idle_connections: usize,
    /// The HTTP proxy that everything goes through, `http://host:port`. Without one the system's
    /// own setting holds (`HTTPS_PROXY` and its like).
    pub proxy: Option<Url>,
    /// Certificates to trust besides the system's, PEM: those of a proxy that looks into TLS, or of
    /// the simulator.
    pub trusted: Option<String>,
    /// Which addresses are reached.
    pub reach: Reach,
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_mins(1),
            idle_timeout: Duration::from_secs(50),
            idle_connections: 32,
            proxy: None,
            trusted: None,
            reach: Reach::Anywhere,
        }
    }
}

/// The HTTP library could not be set up.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the HTTP client cannot be set up: {0}")]
pub struct BuildTransportError(String);

/// HTTP over reqwest and rustls: pooled connections, no redirects, no decompression, no retries.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    reach: Reach,
}

impl ReqwestTransport {
    /// A transport with its own pool of connections.
    pub fn new(settings: &TransportSettings) -> Result<Self, BuildTransportError> {
        let failed = |error| BuildTransportError(describe(error));
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.read_timeout)
            .pool_idle_timeout(settings.idle_timeout)
            .pool_max_idle_per_host(settings.idle_connections)
            .tcp_nodelay(true);
        if settings.reach == Reach::PublicOnly {
            builder = builder.no_proxy().dns_resolver(Arc::new(PublicNames));
        } else if let Some(proxy) = &settings.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy.clone()).map_err(failed)?);
        }
        if let Some(pem) = &settings.trusted {
            let certificates =
                reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(failed)?;
            if certificates.is_empty() {
                let text = "the file of trusted certificates holds no PEM certificate";
                return Err(BuildTransportError(text.to_owned()));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        Ok(Self { client: builder.build().map_err(failed)?, reach: settings.reach })
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let HttpRequest { method, url, headers, body, tail, timeout } = request;
        self.reach
            .check(&url)
            .map_err(|text| TransportError { kind: TransportErrorKind::Connect, text })?;
        let body = match tail {
            None => reqwest::Body::from(body),
            Some(tail) => {
                let head = futures_util::stream::iter([Ok(body)]);
                reqwest::Body::wrap_stream(head.chain(tail.take()))
            }
        };
        let sending = self.client.request(method, url).headers(headers).body(body).send();
        let response = match tokio::time::timeout(timeout, sending).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(translate(error)),
            Err(_elapsed) => {
                let text = format!("no answer within {} s", timeout.as_secs());
                return Err(TransportError { kind: TransportErrorKind::Timeout, text });
            }
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes_stream().map(|chunk| chunk.map_err(translate));
        Ok(HttpResponse { status, headers, body: Box::pin(body) })
    }
}

fn translate(error: reqwest::Error) -> TransportError {
    let kind = if error.is_connect() {
        TransportErrorKind::Connect
    } else if error.is_timeout() {
        TransportErrorKind::Timeout
    } else {
        TransportErrorKind::Broken
    };
    TransportError { kind, text: describe(error) }
}

/// The error and its causes in one line, without the address, whose query may hold a token.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
