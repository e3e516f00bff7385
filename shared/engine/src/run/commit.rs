//! What a step's answer does to its job.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::{
    Baton, Branch, Cost, EventKind, Job, JobKind, JobStatus, JournalEvent, Keys, Problem,
    UsageRecord, UserState,
};
use ports::CommitError;

use crate::{
    Host, Outcome, StepContext, StepError, StepResult, Wake, journal, notify,
    outcome::{Failure, is_kept},
    records::{Batch, EngineError, Loaded, load_job, send_baton},
    run::{SIGNAL_POLL, Verdict, finish},
};

/// How often a step is tried again before the user is parked.
const MAX_ATTEMPTS: u32 = 8;
/// The longest pause between two tries.
const MAX_BACK_OFF: Duration = Duration::from_mins(15);

/// After so many pauses of one step a short one grows.
const PATIENT_AFTER: u32 = 12;

/// What has been committed, and what is to be announced.
#[derive(Debug)]
pub(crate) struct Moved {
    pub(crate) verdict: Verdict,
    pub(crate) batons: Vec<(Baton, Duration)>,
    pub(crate) notification: Option<(String, String)>,
}

impl Moved {
    pub(crate) fn quietly(verdict: Verdict) -> Self {
        Self { verdict, batons: Vec::new(), notification: None }
    }

    /// Sends what follows from the commit. After a crash in here the old baton comes again.
    pub(crate) async fn announce(
        &self,
        host: &Host,
        cx: &StepContext<'_>,
    ) -> Result<(), EngineError> {
        for (baton, delay) in &self.batons {
            send_baton(&*host.queue, baton, *delay).await?;
        }
        if let Some(place) = &self.notification {
            notify::enqueue(host, &(&cx.key).into(), place).await?;
        }
        Ok(())
    }
}

/// Commits a step's answer.
pub(crate) async fn commit(
    host: &Host,
    cx: &StepContext<'_>,
    result: StepResult,
    cost: Cost,
) -> Result<Moved, EngineError> {
    match result {
        Ok(Outcome::Done { step, receipt, warnings }) => {
            debug_assert_eq!(step, cx.step, "a step gave another step's receipt");
            let event = JournalEvent::Done { receipt: receipt.clone(), warnings };
            advance(host, cx, event, Some(receipt), None, cost).await
        }
        Ok(Outcome::Fork { branch, .. }) => {
            let event = JournalEvent::Done { receipt: serde_json::json!({}), warnings: Vec::new() };
            advance(host, cx, event, None, Some(branch), cost).await
        }
        Ok(Outcome::NotApplicable(cause)) => {
            advance(host, cx, JournalEvent::NotApplicable { cause }, None, None, cost).await
        }
        Ok(Outcome::ForkAndWait { branch }) => {
            let why = format!("the {branch} to end");
            wait(host, cx, Wake::Signal { why }, Some(branch), cost).await
        }
        Ok(Outcome::Wait(wake)) => wait(host, cx, wake, None, cost).await,
        Err(error) => fail(host, cx, error, cost).await,
    }
}

/// Moves the cursor to the next step, or ends the job.
async fn advance(
    host: &Host,
    cx: &StepContext<'_>,
    event: JournalEvent,
    receipt: Option<serde_json::Value>,
    fork: Option<Branch>,
    cost: Cost,
) -> Result<Moved, EngineError> {
    let now = host.clock.now();
    let mut batch = Batch::new();
    let mut job = cx.job();
    journal::append(&mut job, event, now, cost);
    if let Some(meter) = cx.step.spec().meter
        && job.branch == Branch::Main
    {
        let usage = UsageRecord { user: cx.key.clone(), meter, job: job.id.clone(), at: now };
        batch.overwrite(Keys::usage(&cx.key, meter), &usage)?;
    }
    if let Some(receipt) = receipt.filter(|_| job.branch == Branch::Main && is_kept(cx.step)) {
        let mut memory = cx.memory();
        memory.value.receipts.insert(cx.step, receipt);
        batch.put(Keys::memory(&cx.key), &memory.value, memory.version)?;
    }
    job.at += 1;
    reached(&mut job, now);
    let mut batons = Vec::new();
    if let Some(branch) = fork {
        batons.extend(start_branch(host, cx, &job, branch, &mut batch, now).await?);
    }
    if job.at >= job.plan.len() {
        return finish::finish_with(host, cx, batch, job, JobStatus::Done, now).await;
    }
    let mut user = cx.user_with_changes();
    if user.value.state == UserState::WaitingForUser {
        user.value.state = UserState::Finalizing;
    }
    put_user_if_changed(&mut batch, cx, &user)?;
    put_job(&mut batch, cx, &mut job)?;
    if let Some(next) = job.step() {
        batons.push((Baton::new(cx.key.clone(), job.id.clone(), next), Duration::ZERO));
    }
    settle(batch.commit(&*host.store).await, batons, Verdict::Acknowledge)
}

/// The step is to be called again.
async fn wait(
    host: &Host,
    cx: &StepContext<'_>,
    wake: Wake,
    fork: Option<Branch>,
    cost: Cost,
) -> Result<Moved, EngineError> {
    let now = host.clock.now();
    let mut job = cx.job();
    let (delay, why, signal) = match wake {
        Wake::More => (Duration::ZERO, None, false),
        Wake::Soon { why } => (growing(job.waits), Some(why), false),
        Wake::After { delay, why } => (patient(delay, job.waits), Some(why), false),
        Wake::Signal { why } => (SIGNAL_POLL, Some(why), true),
    };
    let mut batch = Batch::new();
    let mut user = cx.user_with_changes();
    if let Some(why) = why {
        let told = matches!(&job.status, JobStatus::Waiting { why: before, .. } if *before == why);
        if !told {
            journal::append(&mut job, JournalEvent::Waiting { why: why.clone() }, now, cost);
        }
        if cx.step == catalogue::Step::AwaitOutlookCutover
            && user.value.state == UserState::Finalizing
        {
            user.value.state = UserState::WaitingForUser;
        }
        job.waits += 1;
        job.status = JobStatus::Waiting { until: later(now, delay), why, signal };
    } else {
        // Progress: the clock of the wait limit starts anew.
        job.reached_at = now;
        job.waits = 0;
        job.status = JobStatus::Running;
    }
    // A try that ends in a wait went through: failures are counted in a row, not over hours of polling.
    job.attempt = 0;
    job.lease = None;
    job.moved_at = now;
    put_user_if_changed(&mut batch, cx, &user)?;
    let mut batons = vec![(Baton::new(cx.key.clone(), job.id.clone(), cx.step), delay)];
    if let Some(branch) = fork {
        batons.extend(start_branch(host, cx, &job, branch, &mut batch, now).await?);
    }
    put_job(&mut batch, cx, &mut job)?;
    settle(batch.commit(&*host.store).await, batons, Verdict::Acknowledge)
}

/// The step failed.
async fn fail(
    host: &Host,
    cx: &StepContext<'_>,
    error: StepError,
    cost: Cost,
) -> Result<Moved, EngineError> {
    let now = host.clock.now();
    let mut job = cx.job();
    let problem = |error: &StepError| Problem {
        step: cx.step,
        code: error.code.clone(),
        message: error.message.clone(),
        advice: error.advice.clone(),
        at: now,
    };
    let delay = match error.failure {
        Failure::Superseded => {
            let pause = Duration::from_millis(500 + host.random.below(1_000));
            return Ok(Moved::quietly(Verdict::Defer(pause)));
        }
        Failure::Park => {
            let status = JobStatus::Failed { problem: problem(&error) };
            return finish::finish(host, cx, status, cost).await;
        }
        Failure::Retry if job.attempt + 1 >= MAX_ATTEMPTS => {
            let status = JobStatus::Failed { problem: problem(&error) };
            return finish::finish(host, cx, status, cost).await;
        }
        Failure::Throttled(delay) => {
            // A pause that the tenant asks for uses up neither tries nor the wait limit (ERR-3).
            job.reached_at = later(job.reached_at, delay);
            jittered(host, delay)
        }
        Failure::Retry => {
            job.attempt += 1;
            jittered(host, back_off(job.attempt))
        }
    };
    let mut batch = Batch::new();
    let until = later(now, delay);
    let why = match error.failure {
        Failure::Throttled(_) => "the tenant to accept requests again".to_owned(),
        _ => {
            let event = JournalEvent::Retrying { problem: problem(&error), until };
            journal::append(&mut job, event, now, cost);
            format!("the next try: {}", error.message)
        }
    };
    job.status = JobStatus::Waiting { until, why, signal: false };
    job.lease = None;
    job.moved_at = now;
    put_user_if_changed(&mut batch, cx, &cx.user_with_changes())?;
    put_job(&mut batch, cx, &mut job)?;
    let baton = Baton::new(cx.key.clone(), job.id.clone(), cx.step);
    settle(batch.commit(&*host.store).await, vec![(baton, delay)], Verdict::Acknowledge)
}

/// Turns the commit's outcome into what is announced. A conflict means that another copy, or the
/// operator, was first: the message comes again and meets the new truth.
pub(super) fn settle(
    committed: Result<(), CommitError>,
    batons: Vec<(Baton, Duration)>,
    verdict: Verdict,
) -> Result<Moved, EngineError> {
    match committed {
        Ok(()) => Ok(Moved { verdict, batons, notification: None }),
        Err(CommitError::Conflict { .. }) => {
            Ok(Moved::quietly(Verdict::Defer(Duration::from_secs(1))))
        }
        Err(error) => Err(error.into()),
    }
}

/// The record of the job in flight, as the batch's last.
pub(crate) fn put_job(
    batch: &mut Batch,
    cx: &StepContext<'_>,
    job: &mut Job,
) -> Result<(), EngineError> {
    journal::make_room(batch, &cx.key, job)?;
    batch.put(Keys::job(&cx.key, job.branch), job, cx.job_version())
}

pub(super) fn put_user_if_changed(
    batch: &mut Batch,
    cx: &StepContext<'_>,
    user: &Loaded<model::User>,
) -> Result<(), EngineError> {
    if user.value == *cx.user() {
        return Ok(());
    }
    batch.put(Keys::user(&cx.key), &user.value, user.version)
}

/// A new step in hand.
fn reached(job: &mut Job, now: Timestamp) {
    job.status = JobStatus::Running;
    job.attempt = 0;
    job.waits = 0;
    job.reached_at = now;
    job.moved_at = now;
    job.lease = None;
    job.intents.clear();
}

/// Puts a side branch's record, unless this job's branch is there already; its baton then goes out
/// once more, for a crash may have taken the first one. A second one dies out.
async fn start_branch(
    host: &Host,
    cx: &StepContext<'_>,
    job: &Job,
    branch: Branch,
    batch: &mut Batch,
    now: Timestamp,
) -> Result<Option<(Baton, Duration)>, EngineError> {
    let id = branch.of(&job.id).map_err(|error| EngineError::Missing {
        what: error.to_string(),
        advice: "report it: this is a fault of Crosswave",
    })?;
    let there = load_job(&*host.store, &cx.key, branch).await?;
    if let Some(there) = there.as_ref().filter(|there| there.value.id == id) {
        let open = !there.value.status.is_over();
        return Ok(super::settle::branch_baton(&cx.key, &there.value).filter(|_| open));
    }
    let mut side = Job {
        id: id.clone(),
        kind: JobKind::SideDelta,
        branch,
        plan: JobKind::SideDelta.plan(),
        at: 0,
        journal_next: 0,
        journal: Vec::new(),
        stop: false,
        ending: None,
        ..job.clone()
    };
    reached(&mut side, now);
    let Some(first) = side.step() else { return Ok(None) };
    batch.put(Keys::job(&cx.key, branch), &side, there.map_or(0, |there| there.version))?;
    Ok(Some((Baton::new(cx.key.clone(), id, first), Duration::ZERO)))
}

/// 5, 10, 20, 40, then 60 seconds.
fn growing(waits: u32) -> Duration {
    Duration::from_secs(5_u64 << waits.min(4)).min(Duration::from_mins(1))
}

/// A short pause that has come again and again grows too: a tenant that stays broken is not asked
/// every two seconds for a whole day.
fn patient(delay: Duration, waits: u32) -> Duration {
    if waits < PATIENT_AFTER { delay } else { delay.max(growing(waits)) }
}

fn back_off(attempt: u32) -> Duration {
    Duration::from_secs(2_u64 << attempt.min(10)).min(MAX_BACK_OFF)
}

/// Spreads pauses so that a tenant's refused requests do not all come back at once.
fn jittered(host: &Host, delay: Duration) -> Duration {
    let tenth = u64::try_from(delay.as_millis() / 10).unwrap_or(u64::MAX);
    delay + Duration::from_millis(host.random.below(tenth.saturating_add(1)))
}

pub(crate) fn later(now: Timestamp, delay: Duration) -> Timestamp {
    SignedDuration::try_from(delay)
        .ok()
        .and_then(|delay| now.checked_add(delay).ok())
        .unwrap_or(Timestamp::MAX)
}

/// The event that a job's end raises (NOT-1).
pub(super) fn event_of(kind: JobKind, status: &JobStatus) -> Option<EventKind> {
    match (kind, status) {
        (JobKind::Prepare, JobStatus::Done) => Some(EventKind::PrepareDone),
        (JobKind::InitialSync, JobStatus::Done) => Some(EventKind::InitialSyncDone),
        (
            JobKind::Prepare | JobKind::InitialSync | JobKind::DeltaSync | JobKind::Cutover,
            JobStatus::Failed { .. },
        ) => Some(EventKind::Error),
        _ => None,
    }
}
