//! The tenants' clients, as each side's secret says: `stack/customer/project/source` and `…/target`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use aws::{ConnectionError, Connections};
use engine::{StepError, TenantPair, Tenants};
use jiff::{SignedDuration, Timestamp};
use model::{Keys, Project, TenantFacts};
use ports::{Clock, Random, Store, Transport};
use tenant::{LimitSettings, Limits, TenantClient, TenantConfig, TenantId};

/// So long a client is used before its secret is looked at again: a credential that is rotated is
/// found at once, another application or address is found then.
const FRESH: SignedDuration = SignedDuration::from_mins(15);

/// The clients of every project that this function has met.
pub(crate) struct ConnectedTenants {
    /// Where all functions share the tenants' budgets and fences.
    pub(crate) store: Arc<dyn Store>,
    pub(crate) connections: Connections,
    pub(crate) stack: String,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) known: Mutex<BTreeMap<String, (Timestamp, TenantPair)>>,
}

fn unusable(text: impl std::fmt::Display) -> StepError {
    StepError::park(
        "connection",
        text.to_string(),
        "mend the tenant's secret, then apply the step again",
    )
}

impl ConnectedTenants {
    async fn config(
        &self,
        project: &Project,
        side: &str,
        facts: &TenantFacts,
    ) -> Result<TenantConfig, StepError> {
        let name = format!("{}/{}/{}/{side}", self.stack, project.customer, project.id);
        let tenant = TenantId::parse(&facts.tenant_id).map_err(unusable)?;
        self.connections.config(&name, tenant).await.map_err(|error| match error {
            ConnectionError::Unavailable(text) => StepError::retry("connection", text),
            ConnectionError::Unusable(text) => unusable(text),
        })
    }
}

#[async_trait]
impl Tenants for ConnectedTenants {
    async fn of(&self, project: &Project) -> Result<TenantPair, StepError> {
        let now = self.clock.now();
        let key = format!("{}/{}", project.customer, project.id);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some((read, pair)) = known
            && now.duration_since(read) < FRESH
        {
            return Ok(pair);
        }
        let source = self.config(project, "source", &project.source).await?;
        let target = self.config(project, "target", &project.target).await?;
        let limits = Limits::new(LimitSettings::default());
        let limits =
            Arc::new(limits.sharing(Arc::clone(&self.store), Keys::limits(&project.customer)));
        for (config, facts) in [(&source, &project.source), (&target, &project.target)] {
            if let Some(licences) = facts.licences {
                limits.licences(&config.tenant, licences);
            }
        }
        let client = |config: TenantConfig| {
            TenantClient::new(
                config,
                Arc::clone(&self.transport),
                Arc::clone(&self.clock),
                Arc::clone(&self.random),
                Arc::clone(&limits),
            )
        };
        let pair = TenantPair { source: client(source), target: client(target) };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, (now, pair.clone()));
        Ok(pair)
    }

    fn requests(&self, _project: &Project) -> u64 {
        tenant::requests_so_far()
    }
}
