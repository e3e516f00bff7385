//! The client of one tenant.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use ports::{Clock, Random, Transport};
use uuid::Uuid;

use crate::{
    Claims, ClientId, Credential, Endpoints, Exchange, Graph, Held, Limits, Resource, SharePoint,
    TenantError, TenantId, error::Class, token::Tokens, wire::Wire,
};

/// What a client needs to know.
#[derive(Clone, Debug)]
pub struct TenantConfig {
    /// Whose data.
    pub tenant: TenantId,
    /// Which application signs in.
    pub client: ClientId,
    /// What it signs in with.
    pub credential: Credential,
    /// Where the services are.
    pub endpoints: Endpoints,
    /// How we introduce ourselves; SharePoint treats `ISV|Company|App/Version` better than others.
    pub user_agent: String,
}

impl TenantConfig {
    /// A configuration for the public cloud.
    pub fn new(tenant: TenantId, client: ClientId, credential: Credential) -> Self {
        Self {
            tenant,
            client,
            credential,
            endpoints: Endpoints::public(),
            user_agent: concat!("NONISV|Crosswave|Crosswave/", env!("CARGO_PKG_VERSION"))
                .to_owned(),
        }
    }

    /// The same with other endpoints.
    #[must_use]
    pub fn with_endpoints(mut self, endpoints: Endpoints) -> Self {
        self.endpoints = endpoints;
        self
    }
}

/// The client of one tenant; cheap to clone, all clones share tokens and budgets.
#[derive(Clone)]
pub struct TenantClient {
    wire: Arc<Wire>,
}

impl TenantClient {
    /// A client. Nothing is sent before the first call.
    pub fn new(
        config: TenantConfig,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        limits: Arc<Limits>,
    ) -> Self {
        let session = uuid_of(&*random);
        let tokens = Tokens::default();
        let wire = Wire {
            config,
            transport,
            clock,
            random,
            limits,
            tokens,
            session,
            sent: AtomicU64::new(0),
        };
        Self { wire: Arc::new(wire) }
    }

    /// Microsoft Graph.
    pub fn graph(&self) -> Graph {
        Graph::new(Arc::clone(&self.wire))
    }

    /// Exchange Online's cmdlets.
    pub fn exchange(&self) -> Exchange {
        Exchange::new(Arc::clone(&self.wire))
    }

    /// SharePoint's administration host, which provisions OneDrives.
    pub fn sharepoint(&self) -> SharePoint {
        SharePoint::new(Arc::clone(&self.wire))
    }

    /// Room for so many bytes of content in this process's memory; held until it is dropped. Throttled
    /// when others need it all for longer than a call may wait.
    pub async fn hold(&self, bytes: u64) -> Result<Held, TenantError> {
        let retry_after = std::time::Duration::from_secs(1);
        self.wire.limits.hold(bytes, &*self.wire.clock).await.ok_or_else(|| TenantError {
            class: Class::Throttled { retry_after },
            code: "memory".into(),
            retry_after: Some(retry_after),
            ..TenantError::refused("hold content", "the memory for content is in use")
        })
    }

    /// Pays for uploads to a mailbox before they are exported from elsewhere, all or none. Throttled
    /// when the mailbox's budget has no room for them soon.
    pub async fn pay_upload(&self, mailbox: &str, bytes: u64) -> Result<(), TenantError> {
        let wire = &self.wire;
        let paid = wire.limits.pay_upload(self.tenant(), mailbox, bytes, &*wire.clock).await;
        paid.map_err(|retry_after| TenantError {
            class: Class::Throttled { retry_after },
            code: "budget".into(),
            retry_after: Some(retry_after),
            ..TenantError::refused("import mailbox items", "the mailbox's budget is used up")
        })
    }

    /// Room for content, as [`TenantClient::hold`] gives it, if there is some at once.
    pub fn try_hold(&self, bytes: u64) -> Option<Held> {
        self.wire.limits.try_hold(bytes)
    }

    /// How many requests this client and its clones have sent, tries included.
    pub fn requests(&self) -> u64 {
        self.wire.sent.load(Ordering::Relaxed)
    }

    /// The tenant as it was configured.
    pub fn tenant(&self) -> &TenantId {
        &self.wire.config.tenant
    }

    /// Signs in to a service and says what its token allows. For the pre-flight: a wrong secret, an
    /// unknown tenant and a missing consent show here, before anything is read or written.
    pub async fn claims(&self, resource: &Resource) -> Result<Claims, TenantError> {
        Ok(self.wire.token(resource).await?.claims.clone())
    }

    /// Which of the required application permissions the token does not have, in the given order.
    pub async fn missing_roles(
        &self,
        resource: &Resource,
        required: &[&str],
    ) -> Result<Vec<String>, TenantError> {
        let claims = self.claims(resource).await?;
        let missing = required.iter().filter(|role| !claims.has_role(role));
        Ok(missing.map(|role| (*role).to_owned()).collect())
    }

    /// Forgets all tokens, so that the next call signs in again: after a consent or a directory
    /// role was granted, which only a new token carries.
    pub async fn forget_tokens(&self) {
        self.wire.tokens.forget_all().await;
    }
}

impl std::fmt::Debug for TenantClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TenantClient").field("config", &self.wire.config).finish_non_exhaustive()
    }
}

/// A random (version 4) id from the port.
pub(crate) fn uuid_of(random: &dyn Random) -> Uuid {
    uuid::Builder::from_random_bytes(random.next_u128().to_be_bytes()).into_uuid()
}
