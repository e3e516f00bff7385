//! The operator's side: the same adapters, directly on the double.

use std::sync::Arc;

use async_trait::async_trait;
use aws::{Access, DynamoStore, SqsQueues};
use engine::{Host, HostIdentity, StepError, StoredScripts, TenantPair, Tenants};
use model::Project;
use ports::{Clock, Random, Store, Transport};
use rehearsal::Stage;
use simulator::Credentials;
use system::{OsRandom, SystemClock};
use tenant::{
    ClientId, Credential, Endpoints, LimitSettings, Limits, ReqwestTransport, SecretText,
    TenantClient, TenantConfig, TenantId, TransportSettings,
};

use crate::{
    CloudError,
    double::{ACCOUNT, REGION},
    stack::{self, STACK},
};

/// Store, queue and tenants as that program has them.
pub(crate) fn host(base: &str, stage: &Stage) -> Result<Host, CloudError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let access = Access::new(REGION, "test", "local", None).at(base);
    let (clocked, chanced) = (Arc::clone(&clock), Arc::clone(&random));
    let store = DynamoStore::new(access.dynamo(), STACK, clocked, chanced);
    let store = store.with_layout(lambda::layout());
    let queues = format!("{base}/{ACCOUNT}/{STACK}-");
    let (clocked, chanced) = (Arc::clone(&clock), Arc::clone(&random));
    let queue = SqsQueues::new(access.sqs(), queues, clocked, chanced);
    let transport = ReqwestTransport::new(&TransportSettings::default());
    let transport = transport.map_err(|error| CloudError::Double(error.to_string()))?;
    let transport: Arc<dyn Transport> = Arc::new(transport);
    let limits = Arc::new(Limits::new(LimitSettings::default()));
    let client = |credentials: &Credentials| -> Result<TenantClient, CloudError> {
        Ok(TenantClient::new(
            config(stage.base(), credentials)?,
            Arc::clone(&transport),
            Arc::clone(&clock),
            Arc::clone(&random),
            Arc::clone(&limits),
        ))
    };
    let tenants = stage.tenants();
    let pair = TenantPair { source: client(&tenants.source)?, target: client(&tenants.target)? };
    let store: Arc<dyn Store> = Arc::new(store);
    let scripts = StoredScripts::new(
        Arc::clone(&store),
        Arc::clone(&clock),
        scripting::Budget::default(),
        None,
    );
    Ok(Host {
        store,
        queue: Arc::new(queue),
        tenants: Arc::new(OnePair(pair)),
        scripts: Arc::new(scripts),
        webhooks: Arc::new(engine::NoWebhooks),
        identity: HostIdentity { incarnation: "operator".to_owned(), sole: false, until: None },
        clock: Arc::clone(&clock),
        random: Arc::clone(&random),
    })
}

fn config(base: &str, credentials: &Credentials) -> Result<TenantConfig, CloudError> {
    let bad = |error: String| CloudError::Deployment(error);
    let tenant = TenantId::parse(&credentials.tenant_id.to_string());
    let client = ClientId::parse(&credentials.client_id.to_string());
    let secret = Credential::Secret(SecretText::new(credentials.client_secret.clone()));
    let config = TenantConfig::new(
        tenant.map_err(|error| bad(error.to_string()))?,
        client.map_err(|error| bad(error.to_string()))?,
        secret,
    );
    let at = stack::addresses(base, credentials);
    let parse = |name: &str| {
        let address = at.get(name).map(String::as_str).unwrap_or_default();
        address.parse().map_err(|error| bad(format!("{address}: {error}")))
    };
    let endpoints = Endpoints::new(parse("login")?, parse("graph")?, parse("exchange")?)
        .with_sharepoint_admin(parse("sharepoint_admin")?);
    Ok(config.with_endpoints(endpoints))
}

/// The two tenants of the one project.
struct OnePair(TenantPair);

#[async_trait]
impl Tenants for OnePair {
    async fn of(&self, _project: &Project) -> Result<TenantPair, StepError> {
        Ok(self.0.clone())
    }

    fn requests(&self, _project: &Project) -> u64 {
        0
    }
}
