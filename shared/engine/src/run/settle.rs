//! What is decided before a step runs, and how a job and its side branches find each other.

use std::time::Duration;

use catalogue::Step;
use model::{Baton, Branch, DeliveryState, EventKind, Job, JobStatus, Keys, Notification, UserKey};

use super::commit::event_of;
use crate::{
    Host, StepContext, notify,
    records::{EngineError, Loaded, load, load_job, send_baton},
};

/// Whether the job ends here instead of running its step: a stop that was asked for, or an end that
/// waited for the side branches.
pub(super) fn before_step(cx: &StepContext<'_>) -> Option<JobStatus> {
    let job = cx.job();
    // A stop that was accepted ends in `stopped`, also where a failure was waiting for the branches.
    if job.stop { Some(JobStatus::Stopped) } else { job.ending }
}

/// The side branches of a job that are not over.
pub(super) async fn active_branches(
    host: &Host,
    user: &UserKey,
    job: &Job,
) -> Result<Vec<(Branch, u64, Job)>, EngineError> {
    let all = branches(host, user, job).await?;
    Ok(all.into_iter().filter(|(_, _, side)| !side.status.is_over()).collect())
}

/// The side branches of a job that are over.
pub(super) async fn over_branches(
    host: &Host,
    user: &UserKey,
    job: &Job,
) -> Result<Vec<(Branch, u64, Job)>, EngineError> {
    let all = branches(host, user, job).await?;
    Ok(all.into_iter().filter(|(_, _, side)| side.status.is_over()).collect())
}

async fn branches(
    host: &Host,
    user: &UserKey,
    job: &Job,
) -> Result<Vec<(Branch, u64, Job)>, EngineError> {
    let mut found = Vec::new();
    if !job.kind.has_branches() {
        return Ok(found);
    }
    for branch in Branch::ALL {
        if branch == Branch::Main {
            continue;
        }
        if let Some(side) = load_job(&*host.store, user, branch).await? {
            found.push((branch, side.version, side.value));
        }
    }
    Ok(found)
}

/// The baton of a side branch's step in hand.
pub(super) fn branch_baton(user: &UserKey, side: &Job) -> Option<(Baton, Duration)> {
    let step = side.step()?;
    Some((Baton::new(user.clone(), side.id.clone(), step), Duration::ZERO))
}

/// The baton that wakes the job of a side branch.
pub(super) async fn main_baton(
    host: &Host,
    user: &UserKey,
    side: &Job,
) -> Result<Option<(Baton, Duration)>, EngineError> {
    let Some(main) = load_job(&*host.store, user, Branch::Main).await? else { return Ok(None) };
    let is_its_job = Branch::main_of(&side.id).is_ok_and(|id| id == main.value.id);
    let Some(step) = main.value.step().filter(|_| is_its_job) else { return Ok(None) };
    Ok(Some((Baton::new(user.clone(), main.value.id, step), Duration::ZERO)))
}

/// Wakes the job of a side branch that is over.
pub(super) async fn wake_main(host: &Host, user: &UserKey, side: &Job) -> Result<(), EngineError> {
    if side.branch == Branch::Main {
        return Ok(());
    }
    if let Some((baton, delay)) = main_baton(host, user, side).await? {
        send_baton(&*host.queue, &baton, delay).await?;
    }
    Ok(())
}

/// The mail of a cutover that was stopped while it was being sent: no step looks at it again.
pub(super) fn left_behind(job: &Job, step: Step) -> Option<EventKind> {
    let stopped = job.status == JobStatus::Stopped && step == Step::NotifyUser;
    stopped.then_some(EventKind::CutoverComplete)
}

/// Sends the message of a finished job's notification once more, if nobody has begun to deliver it, or if nobody
/// else may decide it.
pub(super) async fn tell_end(host: &Host, baton: &Baton) -> Result<(), EngineError> {
    let place = Keys::past_job(&baton.user, &baton.job);
    let Some(job) = load::<Job>(&*host.store, place).await? else { return Ok(()) };
    let left = left_behind(&job.value, baton.step);
    let Some(kind) = left.or_else(|| event_of(job.value.kind, &job.value.status)) else {
        return Ok(());
    };
    let place = Keys::notification(&baton.user, kind, &baton.job);
    let told: Option<Loaded<Notification>> = load(&*host.store, place.clone()).await?;
    let open = told.is_some_and(|told| match told.value.delivery {
        DeliveryState::Pending => true,
        DeliveryState::Sending { .. } => left.is_some(),
        DeliveryState::Sent { .. }
        | DeliveryState::Nothing
        | DeliveryState::Uncertain
        | DeliveryState::Void { .. }
        | DeliveryState::Failed { .. } => false,
    });
    if open {
        notify::enqueue(host, &(&baton.user).into(), &place).await?;
    }
    Ok(())
}
