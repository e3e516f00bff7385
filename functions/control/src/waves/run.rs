//! A run of a wave: its users are started from a cursor, some at a time, so that a crash goes on
//! where it was, and a refused user stops nobody (ERR-2).

use engine::{
    Apply, ApplyError, Host, apply,
    records::{Batch, Loaded, load, load_all, load_user},
};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use model::{Action, Branch, Job, JobId, Keys, User, UserKey, WaveId, WaveRun};
use ports::CommitError;
use serde::Serialize;

use super::schedule::{new_run, run_place};
use crate::{
    ControlError, Scope,
    scripts::{holds_back, pin_wave},
};

/// So many refusals keep their words.
const REFUSALS_KEPT: usize = 100;
/// So many users are started side by side, so that their commits share a sync; then the cursor is
/// written.
pub(crate) const TOGETHER: usize = 50;

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expanded {
    /// Users that were started.
    pub started: u32,
    /// Users that were refused, in words.
    pub refused: Vec<String>,
}

/// Creates a run for a command; [`expand`] works it off.
pub async fn start_run(
    host: &Host,
    scope: &Scope,
    wave: &WaveId,
    action: Action,
    force: bool,
) -> Result<WaveRun, ControlError> {
    start_run_at(host, scope, wave, action, (host.clock.now(), force)).await
}

/// Creates the run for a planned time, or finds it: a time is started once, however often it is
/// asked for. A time that lies ahead is refused; that is what schedules are for.
pub async fn start_run_at(
    host: &Host,
    scope: &Scope,
    wave: &WaveId,
    action: Action,
    (planned, force): (Timestamp, bool),
) -> Result<WaveRun, ControlError> {
    if planned > host.clock.now() {
        return Err(ControlError::Input(format!(
            "{planned} lies ahead; give the wave a schedule, or leave the time out to start now"
        )));
    }
    scope.load_wave(host, wave).await?;
    let run = new_run(wave, action, planned, force);
    let mut batch = Batch::new();
    batch.put(run_place(scope, &run), &run, 0)?;
    match batch.commit(&*host.store).await {
        Ok(()) | Err(CommitError::Conflict { .. }) => Ok(run),
        Err(error) => Err(error.into()),
    }
}

/// The runs that are not worked off: for a host that starts.
pub async fn pending_runs(host: &Host, scope: &Scope) -> Result<Vec<WaveRun>, ControlError> {
    let runs = load_all::<WaveRun>(&*host.store, &scope.partition(), Keys::WAVE_RUNS).await?;
    Ok(runs.into_iter().map(|run| run.value).filter(|run| !run.done).collect())
}

/// Starts the users of a run from its cursor on. Called again after a crash it goes on; users that
/// were started between the last written cursor and the crash are in flight and are passed over.
pub async fn expand(host: &Host, scope: &Scope, run: &WaveRun) -> Result<Expanded, ControlError> {
    let place = run_place(scope, run);
    let mut run: Loaded<WaveRun> = match load(&*host.store, place.clone()).await? {
        Some(run) => run,
        None => return Err(ControlError::Input("the run is not in the store".to_owned())),
    };
    if run.value.done {
        return Ok(Expanded { started: run.value.started, refused: run.value.refused });
    }
    let project = scope.load_project(host).await?;
    let pins = pin_wave(host, &project, &run.value.wave).await?;
    if run.value.cursor.is_none() {
        let mapping = host.scripts.mapping(&project, &pins).await?;
        let (wave, action) = (&run.value.wave, run.value.action);
        if let Some(why) = holds_back(host, &project, wave, action, &mapping).await? {
            run.value.refused.push(why);
            run.value.done = true;
            keep(host, &place, &mut run).await?;
            return Ok(Expanded { started: 0, refused: run.value.refused });
        }
    }
    let cursor = run.value.cursor.clone();
    let users = scope.users(host).await?;
    let members = users.into_iter().map(|user| user.value).filter(|user| {
        user.wave.as_ref() == Some(&run.value.wave)
            && cursor.as_deref().is_none_or(|cursor| user.id.as_str() > cursor)
    });
    let members: Vec<_> = members.collect();
    for members in members.chunks(TOGETHER) {
        let all = members.iter().map(|user| start_user(host, scope, user, &run.value));
        for (user, refused) in members.iter().zip(try_join_all(all).await?) {
            match refused {
                None => run.value.started += 1,
                Some(refused) if run.value.refused.len() < REFUSALS_KEPT => {
                    run.value.refused.push(refused);
                }
                Some(_) => {}
            }
            run.value.cursor = Some(user.id.to_string());
        }
        if !keep(host, &place, &mut run).await? {
            // Another host works on this run; it does the rest.
            return Ok(Expanded { started: run.value.started, refused: run.value.refused });
        }
    }
    run.value.done = true;
    keep(host, &place, &mut run).await?;
    Ok(Expanded { started: run.value.started, refused: run.value.refused })
}

/// Starts one user, unless this run has done so already; `Some` are the words of a refusal.
async fn start_user(
    host: &Host,
    scope: &Scope,
    user: &User,
    run: &WaveRun,
) -> Result<Option<String>, ControlError> {
    let key = scope.user(&user.id);
    if already_started(host, &key, user, run).await? {
        return Ok(None);
    }
    let request = Apply { user: key.clone(), action: run.action, force: run.force, reset_to: None };
    match apply(host, request).await {
        Ok(_) => Ok(None),
        Err(ApplyError::Engine(error)) => Err(error.into()),
        Err(refused) => {
            // Another host that works on this run may have started him in this moment.
            let user = load_user(&*host.store, &key).await?.value;
            let started = already_started(host, &key, &user, run).await?;
            Ok((!started).then(|| refused.to_string()))
        }
    }
}

/// Whether this run has started the user before a crash lost its cursor: his latest job is of the
/// run's action and no older than the run.
async fn already_started(
    host: &Host,
    key: &UserKey,
    user: &User,
    run: &WaveRun,
) -> Result<bool, ControlError> {
    let latest = JobId::numbered(user.jobs);
    let mut job: Option<Loaded<Job>> = load(&*host.store, Keys::job(key, Branch::Main)).await?;
    if job.as_ref().is_none_or(|job| job.value.id != latest) {
        job = load(&*host.store, Keys::past_job(key, &latest)).await?;
    }
    Ok(job.is_some_and(|job| {
        job.value.kind.action() == run.action && job.value.started_at >= run.planned
    }))
}

/// Writes the run; false when another host was first.
async fn keep(
    host: &Host,
    place: &(String, String),
    run: &mut Loaded<WaveRun>,
) -> Result<bool, ControlError> {
    let mut batch = Batch::new();
    batch.put(place.clone(), &run.value, run.version)?;
    match batch.commit(&*host.store).await {
        Ok(()) => {
            run.version += 1;
            Ok(true)
        }
        Err(CommitError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
