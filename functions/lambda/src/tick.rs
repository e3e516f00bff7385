//! Once a minute: what is due is fired, what has waited is sent, and polling is switched to what is
//! needed. The tick mends what a lost event left; nothing depends on it in ordinary times.

use std::collections::BTreeSet;

use control::{Scope, waves};
use engine::{
    Host,
    records::{Loaded, load_all},
};
use futures_util::FutureExt;
use jiff::Timestamp;
use model::{Job, JobStatus, Keys, Notification, Stored};
use ports::Query;
use serde::Serialize;

use crate::{Deployment, FunctionError, due, polling, start::fire, turns};

/// So many jobs are held at a time.
const PAGE: usize = 200;

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
    /// Customers and projects of which something failed, or took too long.
    #[serde(rename = "Neglected")]
    pub(crate) failed: usize,
    /// Whether the queues are polled from now on.
    pub(crate) polling: bool,
}

/// What a tick has seen of a project.
struct Seen {
    in_flight: usize,
    oldest_baton: u64,
    /// Whether everything has been told that was to be.
    told: bool,
}

/// One tick.
pub(crate) async fn tick(deployment: &Deployment) -> Result<Pulse, FunctionError> {
    let host = &deployment.host;
    // Before anything is looked at.
    let said = polling::said(deployment).await?;
    let scopes = turns::in_turn(deployment.projects.all().await?, host);
    let customers: BTreeSet<String> =
        scopes.iter().map(|scope| scope.customer.to_string()).collect();
    let mut pulse = Pulse::default();
    for customer in turns::in_turn(customers.into_iter().collect(), host) {
        let released = async { Ok(due::release(host, &customer).await?) };
        match turns::apart(host, &customer, released.boxed()).await {
            Some(released) => pulse.released += released,
            None => pulse.failed += 1,
        }
    }
    let mut told = true;
    for scope in scopes {
        let is_idle = pulse.in_flight == 0 && !said.is_off();
        match turns::apart(host, &scope, look(deployment, &scope, is_idle).boxed()).await {
            Some(seen) => {
                pulse.in_flight += seen.in_flight;
                pulse.oldest_baton = pulse.oldest_baton.max(seen.oldest_baton);
                told &= seen.told;
            }
            None => pulse.failed += 1,
        }
    }
    // It is said again each time while it is on: an update of the stack may have switched it off. Who could
    // not be looked at may have something in flight.
    let busy = pulse.in_flight > 0 || pulse.released > 0 || pulse.failed > 0;
    pulse.polling = if busy || !told {
        polling::on(deployment).await?;
        true
    } else {
        polling::off(deployment, &said).await?
    };
    Ok(pulse)
}

/// Fires what is due in a project, and looks at what is in flight.
async fn look(
    deployment: &Deployment,
    scope: &Scope,
    is_idle: bool,
) -> Result<Seen, FunctionError> {
    let host = &deployment.host;
    fire(deployment, scope).await?;
    let told = waves::tell(host, scope).await? == 0;
    let mut seen = Seen { in_flight: 0, oldest_baton: 0, told };
    let mut query = Query {
        partition: Keys::project_partition(&scope.customer, &scope.project),
        prefix: Keys::JOBS.to_owned(),
        after: None,
        limit: PAGE,
    };
    loop {
        let page = host.store.query(&query).await?;
        for record in &page.records {
            // One that cannot be read is in flight for as long as nobody can say that it is over.
            let job = Job::from_bytes(&record.value)
                .inspect_err(|error| tracing::error!(job = record.key.sort, %error, "unreadable"))
                .ok();
            if job.as_ref().is_some_and(|job| job.status.is_over()) {
                continue;
            }
            seen.in_flight += 1;
            let overdue = job.map_or(0, |job| overdue(&job, host.clock.now()));
            seen.oldest_baton = seen.oldest_baton.max(overdue);
        }
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    if is_idle && seen.in_flight == 0 {
        seen.told &= all_told(host, &query.partition).await?;
    }
    Ok(seen)
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
