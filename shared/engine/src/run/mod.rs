//! Runs one step for one user: the baton protocol.
//!
//! 1. Load the job; a baton of a job that is over, or has moved on, ends here.
//! 2. Run the step. Before its first write it takes the lease and commits its before-images.
//! 3. Commit cursor, receipt, journal, usage and state in one conditional transaction.
//! 4. Send the baton of the next step. 5. The host acknowledges the old baton.
//!
//! A crash between 3 and 4 leaves the old baton unacknowledged: it is delivered again, finds the
//! cursor one step ahead, and sends the next baton. So no outbox is needed.

mod commit;
mod finish;
mod settle;

use std::time::Duration;

use catalogue::Step;
use jiff::{SignedDuration, Timestamp};
use model::{Baton, Branch, Job, JobStatus, Keys, Stored, UserKey};
use ports::CommitError;

use crate::{
    Host, Outcome, StepContext, StepError, StepResult, Steps, Wake,
    records::{
        Batch, EngineError, Loaded, load_job, load_memory, load_project, load_user, send_baton,
    },
};

pub(crate) use commit::{Moved, later, put_job};

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Done with it: remove it.
    Acknowledge,
    /// Deliver it again after this long.
    Defer(Duration),
    /// It can never be handled: keep it where a person sees it, with this reason.
    Poison(String),
}

/// Longest time that a stalled look at a signal takes: the step is called again at least this
/// often, so that a lost wake-up delays and never stops a user.
const SIGNAL_POLL: Duration = ports::MAX_DELAY;

/// Handles one delivered baton.
pub async fn handle(host: &Host, steps: &dyn Steps, body: &str) -> Result<Verdict, EngineError> {
    let baton = match Baton::from_bytes(body.as_bytes()) {
        Ok(baton) => baton,
        Err(error) => return Ok(Verdict::Poison(error.to_string())),
    };
    let branch = Branch::named_by(&baton.job);
    let job = load_job(&*host.store, &baton.user, branch).await?;
    let Some(job) = job.filter(|job| job.value.id == baton.job) else {
        // A job that is over: the crash may have come before its end was told.
        settle::tell_end(host, &baton).await?;
        return Ok(Verdict::Acknowledge);
    };
    let Some(step) = job.value.step() else {
        // A branch that is over: the crash may have come before its job was woken.
        settle::wake_main(host, &baton.user, &job.value).await?;
        return Ok(Verdict::Acknowledge);
    };
    if step != baton.step {
        return pass_on(host, &baton, &job.value, step).await;
    }
    let now = host.clock.now();
    if let Some(remaining) = held_by_another(host, &job.value, now) {
        return Ok(Verdict::Defer(remaining));
    }
    if let Some(remaining) = too_early(&job.value, now) {
        return Ok(Verdict::Defer(remaining));
    }
    run_step(host, steps, &baton.user, job, step).await
}

/// A baton of an earlier step. Only the step just before the cursor can be one whose successor was
/// never sent; an older one's successors evidently were. The first baton of a side branch, though, may
/// be missing while the job has gone on: something else may have sent the job's own.
async fn pass_on(
    host: &Host,
    baton: &Baton,
    job: &Job,
    step: Step,
) -> Result<Verdict, EngineError> {
    let before = job.at.checked_sub(1).and_then(|at| job.plan.get(at));
    let forks = matches!(baton.step, Step::BeginFirstDelta | Step::BeginSecondDelta);
    if forks || before == Some(&baton.step) {
        for (_, _, side) in settle::active_branches(host, &baton.user, job).await? {
            if let Some((first, delay)) = settle::branch_baton(&baton.user, &side) {
                send_baton(&*host.queue, &first, delay).await?;
            }
        }
    }
    if before == Some(&baton.step) {
        let next = Baton::new(baton.user.clone(), baton.job.clone(), step);
        send_baton(&*host.queue, &next, Duration::ZERO).await?;
    }
    Ok(Verdict::Acknowledge)
}

/// How long another live run may still hold the step.
fn held_by_another(host: &Host, job: &Job, now: Timestamp) -> Option<Duration> {
    let lease = job.lease.as_ref()?;
    let of_this_process = lease.holder.starts_with(&host.identity.incarnation);
    if host.identity.sole && !of_this_process {
        return None;
    }
    until(lease.until, now)
}

/// How long a waiting job still waits. A stop and an opened gate end a wait at once; a signal is
/// looked after whenever a baton comes.
fn too_early(job: &Job, now: Timestamp) -> Option<Duration> {
    match &job.status {
        JobStatus::Waiting { until: moment, signal: false, .. } if !job.stop => until(*moment, now),
        _ => None,
    }
}

fn until(moment: Timestamp, now: Timestamp) -> Option<Duration> {
    let remaining = moment.duration_since(now);
    Duration::try_from(remaining).ok().filter(|left| !left.is_zero())
}

async fn run_step(
    host: &Host,
    steps: &dyn Steps,
    key: &UserKey,
    job: Loaded<Job>,
    step: Step,
) -> Result<Verdict, EngineError> {
    let started = host.clock.now();
    let user = load_user(&*host.store, key).await?;
    let project = load_project(&*host.store, key).await?;
    let memory = load_memory(&*host.store, key).await?;
    let requests = host.tenants.requests(&project);
    let cx = StepContext::live(host, key.clone(), step, user, project, memory, job);
    let result = match settle::before_step(&cx) {
        Some(end) => End::Job(end),
        None => End::Step(perform(steps, &cx).await),
    };
    let spent = model::Cost {
        requests: host.tenants.requests(&cx.project).saturating_sub(requests),
        milliseconds: milliseconds(host.clock.now().duration_since(started)),
    };
    let moved = match result {
        End::Job(status) => finish::finish(host, &cx, status, spent).await?,
        End::Step(result) => commit::commit(host, &cx, result, spent).await?,
    };
    moved.announce(host, &cx).await?;
    if matches!(moved.verdict, Verdict::Defer(_)) {
        give_back(host, &cx).await?;
    }
    Ok(moved.verdict)
}

/// A run that lost its commit, to the operator for instance, writes no more: it gives its lease back,
/// so that a stop need not wait for the lease to run out.
async fn give_back(host: &Host, cx: &StepContext<'_>) -> Result<(), EngineError> {
    let job = load_job(&*host.store, &cx.key, cx.job().branch).await?;
    let Some(mut job) = job.filter(|job| cx.holds(&job.value)) else { return Ok(()) };
    job.value.lease = None;
    let mut batch = Batch::new();
    batch.put(Keys::job(&cx.key, job.value.branch), &job.value, job.version)?;
    match batch.commit(&*host.store).await {
        // Somebody was first again; then the lease runs out.
        Ok(()) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

enum End {
    /// The job ends here, without running the step.
    Job(JobStatus),
    /// The step answered.
    Step(StepResult),
}

async fn perform(steps: &dyn Steps, cx: &StepContext<'_>) -> StepResult {
    let spec = cx.step.spec();
    if !spec.applies_to(cx.project.project_type) {
        return Outcome::not_applicable("not in this project type");
    }
    let result = steps.run(cx.step, cx).await;
    match result {
        Ok(Outcome::Wait(wake)) if wake != Wake::More => within_limit(cx, wake),
        other => other,
    }
}

/// A wait that goes on longer than the catalogue allows parks the user.
fn within_limit(cx: &StepContext<'_>, wake: Wake) -> StepResult {
    let spec = cx.step.spec();
    let waited = cx.now().duration_since(cx.job().reached_at);
    let over = SignedDuration::try_from(spec.wait_limit).is_ok_and(|limit| waited > limit);
    let (Wake::Soon { why } | Wake::After { why, .. } | Wake::Signal { why }) = &wake else {
        return Ok(Outcome::Wait(wake));
    };
    if !over {
        return Ok(Outcome::Wait(wake));
    }
    Err(StepError::park(
        "gave_up_waiting",
        format!("waited {} for {why}", human(spec.wait_limit)),
        "look at the tenant; when what it waits for has come, apply the action again",
    ))
}

fn human(span: Duration) -> String {
    let minutes = span.as_secs() / 60;
    if minutes >= 120 { format!("{} hours", minutes / 60) } else { format!("{minutes} minutes") }
}

fn milliseconds(span: SignedDuration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(0)
}
