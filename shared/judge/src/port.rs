//! Tenants that are served on one port of this machine, judged as if they were at Microsoft's
//! addresses.

use std::sync::Arc;

use async_trait::async_trait;
use ports::{HttpRequest, HttpResponse, Transport, TransportError};
use url::Url;

use crate::{Judge, JudgedTransport};

/// The first part of a path on the port, and the service that it stands for.
const SERVICES: [(&str, &str); 2] = [
    ("/graph/", "https://graph.microsoft.com/"),
    ("/login/", "https://login.microsoftonline.com/"),
];

/// Judges what a port serves: in front of the tenants, behind the server.
#[derive(Debug)]
pub struct JudgedPort<T: Transport> {
    judged: JudgedTransport<Behind<T>>,
    base: Url,
}

impl<T: Transport> JudgedPort<T> {
    /// Tenants that are served at `base`.
    pub fn new(tenants: T, base: Url, judge: Arc<Judge>) -> Self {
        let behind = Behind { tenants, base: base.clone() };
        Self { judged: JudgedTransport::new(Arc::new(behind), judge), base }
    }

    /// Fails the test when the judge objected to anything.
    pub fn assert_clean(&self) {
        self.judged.assert_clean();
    }
}

#[async_trait]
impl<T: Transport> Transport for JudgedPort<T> {
    async fn send(&self, mut request: HttpRequest) -> Result<HttpResponse, TransportError> {
        for (path, service) in SERVICES {
            request.url = moved(&request.url, self.base.as_str(), path, service);
        }
        self.judged.send(request).await
    }
}

/// Gives the tenants the address back at which they were asked: the links in their replies lead there.
#[derive(Debug)]
struct Behind<T> {
    tenants: T,
    base: Url,
}

#[async_trait]
impl<T: Transport> Transport for Behind<T> {
    async fn send(&self, mut request: HttpRequest) -> Result<HttpResponse, TransportError> {
        for (path, service) in SERVICES {
            let here = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
            request.url = moved(&request.url, service, "", &here);
        }
        self.tenants.send(request).await
    }
}

/// The address with its beginning, `from` and `path`, replaced by `to`; others stay as they are.
fn moved(url: &Url, from: &str, path: &str, to: &str) -> Url {
    let from = if path.is_empty() {
        from.to_owned()
    } else {
        format!("{}{path}", from.trim_end_matches('/'))
    };
    let rest = url.as_str().strip_prefix(from.as_str());
    rest.and_then(|rest| Url::parse(&format!("{to}{rest}")).ok()).unwrap_or_else(|| url.clone())
}
