//! The sweeper: sends the batons of jobs that have not moved for a while. What is lost for any
//! reason comes back here; nothing depends on it in ordinary times.

use std::time::Duration;

use model::{Baton, CustomerId, Job, JobStatus, Keys, Notification, ProjectId, UserKey};

use crate::{
    Host, notify,
    records::{EngineError, load_all, send_baton},
};

/// A job that has not moved for so long beyond what it was waiting for is helped.
pub const STALE_AFTER: Duration = Duration::from_mins(20);

/// Sends the batons of all jobs of a project that have not moved for `stale`, and the messages of
/// its undelivered notifications; says how many.
pub async fn sweep(
    host: &Host,
    customer: &CustomerId,
    project: &ProjectId,
    stale: Duration,
) -> Result<usize, EngineError> {
    let now = host.clock.now();
    let partition = Keys::project_partition(customer, project);
    let mut sent = 0;
    for job in load_all::<Job>(&*host.store, &partition, Keys::JOBS).await? {
        let job = job.value;
        let due = match &job.status {
            JobStatus::Waiting { until, .. } => *until,
            _ => job.moved_at,
        };
        let idle = now.duration_since(due);
        if Duration::try_from(idle).is_ok_and(|idle| idle >= stale)
            && let Some(step) = job.step()
        {
            let user = UserKey {
                customer: customer.clone(),
                project: project.clone(),
                user: job.user.clone(),
            };
            let baton = Baton::new(user, job.id.clone(), step);
            send_baton(&*host.queue, &baton, Duration::ZERO).await?;
            sent += 1;
        }
    }
    sent += sweep_notifications(host, customer, project, stale).await?;
    Ok(sent)
}

async fn sweep_notifications(
    host: &Host,
    customer: &CustomerId,
    project: &ProjectId,
    stale: Duration,
) -> Result<usize, EngineError> {
    let now = host.clock.now();
    let partition = Keys::project_partition(customer, project);
    let mut sent = 0;
    for record in host.store.query_all(&partition, Keys::NOTIFICATIONS).await? {
        let notification = <Notification as model::Stored>::from_bytes(&record.value)?;
        let Some(due) = notification.due() else { continue };
        if Duration::try_from(now.duration_since(due)).is_ok_and(|idle| idle >= stale) {
            let whom = notify::Whom {
                customer: customer.clone(),
                project: project.clone(),
                user: notification.event.user,
            };
            let place = (record.key.partition, record.key.sort);
            notify::enqueue(host, &whom, &place).await?;
            sent += 1;
        }
    }
    Ok(sent)
}
