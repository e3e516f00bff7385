//! The tenants' clients: who signs in stands in the table, the credential in Secrets Manager or
//! nowhere at all.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use aws::{Caller, RoleIdentity, SecretCredential, Secrets};
use control::Scope;
use engine::{StepError, TenantPair, Tenants};
use lambda::{Application, Connection, Kept};
use model::{Project, TenantFacts};
use ports::{Clock, Random, Store, Transport};
use tenant::{
    ClientId, Credential, Endpoints, LimitSettings, Limits, TenantClient, TenantConfig, TenantId,
};

/// The clients of every project that this function has met.
pub(crate) struct ConnectedTenants {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) caller: Caller,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) known: Mutex<BTreeMap<String, (Connection, TenantPair)>>,
}

fn unusable(text: impl std::fmt::Display) -> StepError {
    StepError::park(
        "connection",
        format!("the project's tenants cannot be reached: {text}"),
        "correct the project's connection, then apply the step again",
    )
}

impl ConnectedTenants {
    fn pair(&self, project: &Project, connection: &Connection) -> Result<TenantPair, StepError> {
        let limits = Arc::new(Limits::new(LimitSettings::default()));
        let client = |facts: &TenantFacts, application: &Application| {
            Ok::<_, StepError>(TenantClient::new(
                self.config(facts, application)?,
                Arc::clone(&self.transport),
                Arc::clone(&self.clock),
                Arc::clone(&self.random),
                Arc::clone(&limits),
            ))
        };
        Ok(TenantPair {
            source: client(&project.source, &connection.source)?,
            target: client(&project.target, &connection.target)?,
        })
    }

    fn config(
        &self,
        facts: &TenantFacts,
        application: &Application,
    ) -> Result<TenantConfig, StepError> {
        let tenant = TenantId::parse(&facts.tenant_id).map_err(unusable)?;
        let client = ClientId::parse(&application.client_id).map_err(unusable)?;
        let credential = match &application.credential {
            Kept::Secret(name) => Credential::Kept(Arc::new(SecretCredential::new(
                Arc::clone(&self.secrets),
                name.clone(),
            ))),
            Kept::Role => Credential::Federated(Arc::new(RoleIdentity::new(self.caller.clone()))),
        };
        let config = TenantConfig::new(tenant, client, credential);
        let Some(at) = application.endpoints.clone() else { return Ok(config) };
        let mut endpoints = Endpoints::new(at.login, at.graph, at.exchange);
        if let Some(admin) = at.sharepoint_admin {
            endpoints = endpoints.with_sharepoint_admin(admin);
        }
        Ok(config.with_endpoints(endpoints))
    }
}

#[async_trait]
impl Tenants for ConnectedTenants {
    async fn of(&self, project: &Project) -> Result<TenantPair, StepError> {
        let scope = Scope::of(project);
        let key = format!("{}/{}", scope.customer, scope.project);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        // The connection is read each time: it may have been corrected. The secret is remembered.
        let connection = Connection::of(&*self.store, &scope).await;
        let connection =
            connection.map_err(|error| StepError::retry("connection", error.to_string()))?;
        let connection = connection.ok_or_else(|| unusable("the project has no connection yet"))?;
        if let Some((before, pair)) = known
            && before == connection
        {
            return Ok(pair);
        }
        let pair = self.pair(project, &connection)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, (connection, pair.clone()));
        Ok(pair)
    }

    fn requests(&self, _project: &Project) -> u64 {
        tenant::requests_so_far()
    }
}
