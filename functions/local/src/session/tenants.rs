//! The two tenants of the one project, and how often they are asked.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use engine::{StepError, TenantPair, Tenants};
use model::Project;
use ports::{HttpRequest, HttpResponse, Transport, TransportError};
use tenant::{ReqwestTransport, TenantClient};

/// The clients, made once.
pub(super) struct OneProject {
    pair: TenantPair,
    requests: Arc<AtomicU64>,
}

impl OneProject {
    /// Two clients, and the counter of their transport.
    pub(super) fn new(
        source: TenantClient,
        target: TenantClient,
        requests: Arc<AtomicU64>,
    ) -> Self {
        Self { pair: TenantPair { source, target }, requests }
    }
}

#[async_trait]
impl Tenants for OneProject {
    async fn of(&self, _project: &Project) -> Result<TenantPair, StepError> {
        Ok(self.pair.clone())
    }

    fn requests(&self, _project: &Project) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// A transport that counts what it sends.
pub(super) struct Counted {
    inner: ReqwestTransport,
    requests: Arc<AtomicU64>,
}

impl Counted {
    /// Counts in `requests`.
    pub(super) fn new(inner: ReqwestTransport, requests: Arc<AtomicU64>) -> Self {
        Self { inner, requests }
    }
}

#[async_trait]
impl Transport for Counted {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.inner.send(request).await
    }
}
