//! Once a minute: what is due is fired, what has waited is sent, and polling is switched to what is
//! needed. The tick mends what a lost event left; nothing depends on it in ordinary times.

use control::waves;
use engine::{
    Host,
    records::{Loaded, load_all},
};
use jiff::Timestamp;
use model::{Job, JobStatus, Keys, Notification};
use serde::Serialize;

use crate::{Deployment, FunctionError, due, polling, start::fire};

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
    // Before anything is looked at.
    let said = polling::said(deployment).await?;
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
        if pulse.in_flight == 0 && !said.is_off() {
            told &= all_told(host, &partition).await?;
        }
        customers.insert(scope.customer.to_string());
    }
    for customer in customers {
        pulse.released += due::release(host, &customer).await?;
    }
    // It is said again each time while it is on: an update of the stack may have switched it off.
    pulse.polling = if pulse.in_flight > 0 || !told || pulse.released > 0 {
        polling::on(deployment).await?;
        true
    } else {
        polling::off(deployment, &said).await?
    };
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
async fn all_told(host: &Host, partition: &str) -> Result<bool, FunctionError> {
    // What waits for a date is in the index of what is due, which needs no polling.
    let now = host.clock.now();
    let open = |notification: &Loaded<Notification>| {
        notification.value.due().is_some_and(|due| due <= now)
    };
    let all = load_all::<Notification>(&*host.store, partition, Keys::NOTIFICATIONS).await?;
    Ok(!all.iter().any(open))
}
