//! The two tenants of the one project.

use async_trait::async_trait;
use engine::{StepError, TenantPair, Tenants};
use model::Project;
use tenant::TenantClient;

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
        tenant::requests_so_far()
    }
}
