//! The host of a story: tenants behind the simulator, the shipped scripts.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use engine::{ScriptPins, Scripts, StepError, TenantPair, Tenants};
use model::Project;
use scripting::{Mapping, Notifications};
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

/// The shipped scripts, or a customer's mapping in their place.
pub struct DefaultScripts {
    mapping: Arc<Mapping>,
    notifications: Arc<Notifications>,
}

impl DefaultScripts {
    /// The shipped ones.
    pub fn standard() -> Self {
        Self {
            mapping: Arc::new(Mapping::standard()),
            notifications: Arc::new(Notifications::standard()),
        }
    }

    /// A customer's mapping over the shipped one.
    pub fn with_mapping(text: &str) -> Self {
        let mapping = Mapping::compile("story.rhai", text);
        let mapping = mapping.unwrap_or_else(|faults| unusable(&faults));
        Self { mapping: Arc::new(mapping), ..Self::standard() }
    }
}

#[expect(clippy::panic, reason = "a story with a faulty script is a faulty story")]
fn unusable(faults: &[scripting::Diagnostic]) -> ! {
    panic!("the story's script does not compile: {faults:?}")
}

#[async_trait]
impl Scripts for DefaultScripts {
    async fn current(&self, _project: &Project) -> Result<ScriptPins, StepError> {
        Ok(BTreeMap::from([
            ("mapping".to_owned(), self.mapping.hash()),
            ("notifications".to_owned(), self.notifications.script().hash().to_owned()),
        ]))
    }

    async fn mapping(
        &self,
        _project: &Project,
        _pins: &ScriptPins,
    ) -> Result<Arc<Mapping>, StepError> {
        Ok(Arc::clone(&self.mapping))
    }

    async fn notifications(
        &self,
        _project: &Project,
        _pins: &ScriptPins,
    ) -> Result<Arc<Notifications>, StepError> {
        Ok(Arc::clone(&self.notifications))
    }
}
