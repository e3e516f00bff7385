//! Once a minute: what is due is fired, what has waited is sent, and polling is switched to what is
//! needed. The tick mends what a lost event left; nothing depends on it in ordinary times.

use control::waves;
use engine::records::{Batch, Loaded, load, load_all};
use jiff::Timestamp;
use model::{DeliveryState, Job, JobStatus, Keys, Notification, Stored};
use ports::CommitError;
use serde::{Deserialize, Serialize};

use crate::{Deployment, FunctionError, due, layout::BOOKS, start::fire};

/// Whether the queues are polled, as the tick last decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Polling {
    on: bool,
    since: Timestamp,
}

impl Stored for Polling {
    const KIND: &'static str = "polling";
}

/// How a deployment stands at a tick; the log turns it into metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Pulse {
    /// Jobs in flight.
    pub(crate) in_flight: usize,
    /// How many seconds the job that is the most overdue has been so.
    pub(crate) oldest_baton: u64,
    /// Messages that were due and are sent.
    pub(crate) released: usize,
    /// Whether the queues are polled from now on.
    pub(crate) polling: bool,
}

/// One tick.
pub(crate) async fn tick(deployment: &Deployment) -> Result<Pulse, FunctionError> {
    let host = &deployment.host;
    let mut pulse = Pulse::default();
    let mut told = true;
    let mut customers = std::collections::BTreeSet::new();
    for scope in deployment.projects.all().await? {
        fire(deployment, &scope).await?;
        told &= waves::tell(host, &scope).await? == 0;
        let partition = Keys::project_partition(&scope.customer, &scope.project);
        for job in load_all::<Job>(&*host.store, &partition, Keys::JOBS).await? {
            let job = job.value;
            if job.status.is_over() {
                continue;
            }
            pulse.in_flight += 1;
            pulse.oldest_baton = pulse.oldest_baton.max(overdue(&job, host.clock.now()));
        }
        if pulse.in_flight == 0 {
            told &= all_told(deployment, &partition).await?;
        }
        customers.insert(scope.customer.to_string());
    }
    for customer in customers {
        pulse.released += due::release(host, &customer).await?;
    }
    pulse.polling = pulse.in_flight > 0 || !told || pulse.released > 0;
    switch(deployment, pulse.polling).await?;
    Ok(pulse)
}

/// How many seconds a job has been waiting beyond what it waits for.
fn overdue(job: &Job, now: Timestamp) -> u64 {
    let due = match &job.status {
        JobStatus::Waiting { until, .. } => *until,
        _ => job.moved_at,
    };
    u64::try_from(now.duration_since(due).as_secs()).unwrap_or_default()
}

/// Whether every notification has been delivered or given up. Asked only when nothing else is in
/// flight and the queues are still polled: an idle deployment does not read them again and again.
async fn all_told(deployment: &Deployment, partition: &str) -> Result<bool, FunctionError> {
    let host = &deployment.host;
    if load_polling(deployment).await?.is_some_and(|polling| !polling.value.on) {
        return Ok(true);
    }
    let open = |notification: &Loaded<Notification>| {
        let delivery = &notification.value.delivery;
        matches!(delivery, DeliveryState::Pending | DeliveryState::Sending { .. })
    };
    let all = load_all::<Notification>(&*host.store, partition, Keys::NOTIFICATIONS).await?;
    Ok(!all.iter().any(open))
}

async fn load_polling(deployment: &Deployment) -> Result<Option<Loaded<Polling>>, FunctionError> {
    Ok(load(&*deployment.host.store, place()).await?)
}

fn place() -> (String, String) {
    (BOOKS.to_owned(), "POLLING".to_owned())
}

/// Switches polling. It is said again each time while it is on: an update of the stack may have
/// switched it off.
async fn switch(deployment: &Deployment, on: bool) -> Result<(), FunctionError> {
    let before = load_polling(deployment).await?;
    let was_on = before.as_ref().is_some_and(|before| before.value.on);
    if !on && !was_on && before.is_some() {
        return Ok(());
    }
    deployment.switch.polling(on).await.map_err(FunctionError::Switch)?;
    if was_on == on && before.is_some() {
        return Ok(());
    }
    let version = before.map_or(0, |before| before.version);
    let mut batch = Batch::new();
    batch.put(place(), &Polling { on, since: deployment.host.clock.now() }, version)?;
    match batch.commit(&*deployment.host.store).await {
        // Another tick was first; the next one looks again.
        Ok(()) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
