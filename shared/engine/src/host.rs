//! What the engine runs on: the ports, the tenants, the scripts.

use std::sync::Arc;

use async_trait::async_trait;
use catalogue::Step;
use jiff::Timestamp;
use model::Project;
use ports::{Clock, Queue, Random, Store};
use tenant::{TenantClient, Webhook};

use crate::{StepContext, StepError, StepResult, scripts::Scripts};

/// Everything that a step may need, as one host gives it. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The queue.
    pub queue: Arc<dyn Queue>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The tenants' clients.
    pub tenants: Arc<dyn Tenants>,
    /// The customers' scripts.
    pub scripts: Arc<dyn Scripts>,
    /// The receivers of the customers' webhooks.
    pub webhooks: Arc<dyn Webhooks>,
    /// Who this host is.
    pub identity: HostIdentity,
}

/// Who a host is, for its leases.
#[derive(Clone, Debug)]
pub struct HostIdentity {
    /// The name of this run of the host; a restarted process has another.
    pub incarnation: String,
    /// Whether no other host can be at work on this store. A lease of another incarnation is then
    /// a dead process's and void at once.
    pub sole: bool,
    /// When this invocation is over at the latest, because its host kills it then; `None` for a host
    /// that goes on. A lease need not last longer, and no unit of work is begun that would.
    pub until: Option<Timestamp>,
}

/// Both tenants of a project.
#[derive(Clone)]
pub struct TenantPair {
    /// The tenant that people leave.
    pub source: TenantClient,
    /// The tenant that people join.
    pub target: TenantClient,
}

/// Where the clients of a project's tenants come from; credentials are the host's secret.
#[async_trait]
pub trait Tenants: Send + Sync {
    /// The clients of a project's tenants. Called for each step: the host keeps them.
    async fn of(&self, project: &Project) -> Result<TenantPair, StepError>;

    /// How many requests have gone to the project's tenants so far, for the journal's cost.
    fn requests(&self, project: &Project) -> u64;
}

/// Where the webhooks of a project go; address and secret are the host's and never reach the store.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// The receiver of a project's webhooks; `None` when it names none.
    async fn of(&self, project: &Project) -> Result<Option<Webhook>, StepError>;
}

/// A host that sends no webhooks.
#[derive(Clone, Copy, Debug)]
pub struct NoWebhooks;

#[async_trait]
impl Webhooks for NoWebhooks {
    async fn of(&self, _project: &Project) -> Result<Option<Webhook>, StepError> {
        Ok(None)
    }
}

/// The steps, by name: an exhaustive `match` in functions/dispatch.
#[async_trait]
pub trait Steps: Send + Sync {
    /// Runs one step for one user.
    async fn run(&self, step: Step, cx: &StepContext<'_>) -> StepResult;
}
