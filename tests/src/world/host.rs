//! The host of a story: tenants behind the simulator.

use async_trait::async_trait;
use engine::{StepError, TenantPair, Tenants};
use model::Project;
use simulator::Simulator;
use tenant::TenantClient;

/// Clients of both simulated tenants.
pub struct SimulatedTenants {
    /// The clients.
    pub pair: TenantPair,
    /// Counts requests for the journal's cost.
    pub simulator: Simulator,
}

impl SimulatedTenants {
    /// The clients of a pair of tenants.
    pub fn new(source: TenantClient, target: TenantClient, simulator: Simulator) -> Self {
        Self { pair: TenantPair { source, target }, simulator }
    }
}

#[async_trait]
impl Tenants for SimulatedTenants {
    async fn of(&self, _project: &Project) -> Result<TenantPair, StepError> {
        Ok(self.pair.clone())
    }

    fn requests(&self, _project: &Project) -> u64 {
        self.pair.source.requests() + self.pair.target.requests()
    }
}
