//! How a job ends.

use jiff::Timestamp;
use model::{Branch, Cost, Event, Job, JobKind, JobStatus, JournalEvent, Keys, Notification};

use std::time::Duration;

use crate::{
    Host, StepContext, journal,
    records::{Batch, EngineError},
    run::{
        Moved, Verdict,
        commit::{event_of, later, put_job, settle},
        settle::{active_branches, branch_baton, left_behind, main_baton, over_branches},
    },
};

/// Ends the job, or lets it end as soon as its side branches have.
pub(crate) async fn finish(
    host: &Host,
    cx: &StepContext<'_>,
    status: JobStatus,
    cost: Cost,
) -> Result<Moved, EngineError> {
    let now = host.clock.now();
    let batch = Batch::new();
    let mut job = cx.job();
    if job.ending.is_none() {
        match &status {
            JobStatus::Failed { problem } => {
                let event = JournalEvent::Parked { problem: problem.clone() };
                journal::append(&mut job, event, now, cost);
            }
            JobStatus::Stopped => {
                journal::append(&mut job, JournalEvent::Stopped, now, cost);
            }
            JobStatus::Running | JobStatus::Waiting { .. } | JobStatus::Done => {}
        }
    }
    finish_with(host, cx, batch, job, status, now).await
}

/// As [`finish`], with changes that belong to the same transaction.
pub(crate) async fn finish_with(
    host: &Host,
    cx: &StepContext<'_>,
    mut batch: Batch,
    mut job: Job,
    status: JobStatus,
    now: Timestamp,
) -> Result<Moved, EngineError> {
    job.moved_at = now;
    job.lease = None;
    if job.branch != Branch::Main {
        return end_branch(host, cx, batch, job, status).await;
    }
    let running = active_branches(host, &cx.key, &job).await?;
    if !running.is_empty() {
        return stop_branches(host, cx, batch, job, status, running).await;
    }
    let mut notification = None;
    let mut user = cx.user_with_changes();
    let state = match (&status, job.kind.end_state(status == JobStatus::Done)) {
        (JobStatus::Stopped, _) => model::UserState::Stopped,
        (_, Some(state)) => state,
        (_, None) => job.state_before,
    };
    user.value.state = state;
    user.value.job = None;
    match &status {
        JobStatus::Failed { problem } => user.value.problem = Some(problem.clone()),
        JobStatus::Done => {
            user.value.problem = None;
            if matches!(job.kind, JobKind::InitialSync | JobKind::DeltaSync) {
                user.value.synced_once = true;
                user.value.last_sync = Some(now);
            }
        }
        JobStatus::Running | JobStatus::Waiting { .. } | JobStatus::Stopped => {}
    }
    if let Some(kind) = event_of(job.kind, &status) {
        let place = Keys::notification(&cx.key, kind, &job.id);
        let mut details = std::collections::BTreeMap::new();
        if let JobStatus::Failed { problem } = &status {
            details.insert("step".to_owned(), problem.step.id().to_owned());
            details.insert("message".to_owned(), problem.message.clone());
            details.insert("advice".to_owned(), problem.advice.clone());
        }
        let event = Event {
            kind,
            user: Some(cx.key.user.clone()),
            wave: cx.user().wave.clone(),
            job: Some(job.id.clone()),
            at: now,
            details,
        };
        batch.put(place.clone(), &Notification::new(event), 0)?;
        notification = Some(place);
    }
    job.status = status;
    if let Some(kind) = left_behind(&job, cx.step) {
        notification = Some(Keys::notification(&cx.key, kind, &job.id));
    }
    job.ending = None;
    journal::append(&mut job, JournalEvent::Ended { to: state }, now, Cost::default());
    journal::close(&mut batch, &cx.key, &mut job)?;
    batch.put(Keys::user(&cx.key), &user.value, user.version)?;
    batch.delete(Keys::job(&cx.key, Branch::Main), cx.job_version());
    batch.overwrite(Keys::past_job(&cx.key, &job.id), &job)?;
    for (branch, version, side) in over_branches(host, &cx.key, &job).await? {
        batch.delete(Keys::job(&cx.key, branch), version);
        batch.overwrite(Keys::past_job(&cx.key, &side.id), &side)?;
    }
    let mut moved = settle(batch.commit(&*host.store).await, Vec::new(), Verdict::Acknowledge)?;
    if moved.verdict == Verdict::Acknowledge {
        moved.notification = notification;
    }
    Ok(moved)
}

/// A side branch ends: its record stays for the step that joins it, which is woken.
async fn end_branch(
    host: &Host,
    cx: &StepContext<'_>,
    mut batch: Batch,
    mut job: Job,
    status: JobStatus,
) -> Result<Moved, EngineError> {
    job.status = status;
    journal::close(&mut batch, &cx.key, &mut job)?;
    put_job(&mut batch, cx, &mut job)?;
    let batons = main_baton(host, &cx.key, &job).await?.into_iter().collect();
    settle(batch.commit(&*host.store).await, batons, Verdict::Acknowledge)
}

/// Tells the side branches to stop, and waits for them.
async fn stop_branches(
    host: &Host,
    cx: &StepContext<'_>,
    mut batch: Batch,
    mut job: Job,
    status: JobStatus,
    running: Vec<(Branch, u64, Job)>,
) -> Result<Moved, EngineError> {
    let mut batons = Vec::new();
    for (branch, version, mut side) in running {
        if !side.stop {
            side.stop = true;
            batch.put(Keys::job(&cx.key, branch), &side, version)?;
        }
        batons.extend(branch_baton(&cx.key, &side));
    }
    if job.at >= job.plan.len() {
        // The last step's place is kept until the branches are over.
        job.at = job.plan.len().saturating_sub(1);
    }
    let delay = Duration::from_mins(1);
    job.ending = Some(status);
    job.status = JobStatus::Waiting {
        until: later(job.moved_at, delay),
        why: "the delta sync beside it to end".to_owned(),
        signal: true,
    };
    put_job(&mut batch, cx, &mut job)?;
    let again = model::Baton::new(cx.key.clone(), job.id.clone(), cx.step);
    batons.push((again, delay));
    settle(batch.commit(&*host.store).await, batons, Verdict::Acknowledge)
}
