//! The two tenants of the one project, and how often each piece of work asks them.

use std::{cell::Cell, future::Future};

use async_trait::async_trait;
use engine::{StepError, TenantPair, Tenants};
use model::Project;
use ports::{HttpRequest, HttpResponse, Transport, TransportError};
use tenant::{ReqwestTransport, TenantClient};

tokio::task_local! {
    /// The requests of the piece of work in hand. Steps run side by side, so one counter for all
    /// would give each the others' requests.
    static REQUESTS: Cell<u64>;
}

/// Counts the requests that a piece of work sends, apart from all others.
pub(crate) fn counted<F: Future>(work: F) -> impl Future<Output = F::Output> {
    REQUESTS.scope(Cell::new(0), work)
}

/// The clients, made once.
pub(super) struct OneProject {
    pair: TenantPair,
}

impl OneProject {
    /// Two clients.
    pub(super) fn new(source: TenantClient, target: TenantClient) -> Self {
        Self { pair: TenantPair { source, target } }
    }
}

#[async_trait]
impl Tenants for OneProject {
    async fn of(&self, _project: &Project) -> Result<TenantPair, StepError> {
        Ok(self.pair.clone())
    }

    fn requests(&self, _project: &Project) -> u64 {
        REQUESTS.try_with(Cell::get).unwrap_or_default()
    }
}

/// A transport that counts what it sends.
pub(super) struct Counted(pub(super) ReqwestTransport);

#[async_trait]
impl Transport for Counted {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        // What is sent outside any step is in no journal.
        REQUESTS.try_with(|count| count.set(count.get().saturating_add(1))).unwrap_or_default();
        self.0.send(request).await
    }
}
