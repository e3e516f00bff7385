//! What an operator, a schedule or the API applies to one user.

use std::{collections::BTreeMap, time::Duration};

use catalogue::CATALOGUE_VERSION;
use jiff::Timestamp;
use model::{
    Action, Admitted, Baton, Branch, Cost, Job, JobId, JobKind, JobStatus, JournalEntry,
    JournalEvent, JournalPage, Keys, Profile, Project, Refusal, Request, ResetTo, User, UserKey,
    UserState, admit,
};
use ports::CommitError;
use thiserror::Error;

use crate::{
    Host, StepError, journal,
    records::{Batch, EngineError, Loaded, load_job, load_project, load_user, send_baton},
    scripts::{pins_of, wave_of},
    unique,
};

/// An action for one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apply {
    /// Whom.
    pub user: UserKey,
    /// What. `Match` is no job: control pairs users of a whole project at once.
    pub action: Action,
    /// Whether a cutover is forced (CUT-1).
    pub force: bool,
    /// What a reset sets.
    pub reset_to: Option<ResetTo>,
}

/// An action that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The job that runs now; `None` for actions that are over at once.
    pub job: Option<JobId>,
    /// The user's state now.
    pub state: UserState,
}

/// Why an action was not accepted.
#[derive(Clone, Debug, Error)]
pub enum ApplyError {
    /// The state table forbids it (GEN-3); nothing was written.
    #[error("{user}: {refusal}")]
    Refused {
        /// The user, as a person knows him.
        user: String,
        /// The refusal.
        #[source]
        refusal: Refusal,
    },
    /// The project's scripts cannot be used; nothing was written.
    #[error("{0}")]
    Scripts(String),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Applies an action to one user: decides by the state table, starts, stops or resets.
pub async fn apply(host: &Host, request: Apply) -> Result<Applied, ApplyError> {
    // A conflict is another writer of the same user; what it left is looked at anew.
    for _ in 0..8 {
        match try_apply(host, &request).await {
            Err(ApplyError::Engine(EngineError::Commit(CommitError::Conflict { .. }))) => {}
            other => return other,
        }
    }
    let busy = Refusal::Busy { action: request.action };
    Err(ApplyError::Refused { user: request.user.user.to_string(), refusal: busy })
}

async fn try_apply(host: &Host, request: &Apply) -> Result<Applied, ApplyError> {
    let project = load_project(&*host.store, &request.user).await?;
    let user = load_user(&*host.store, &request.user).await?;
    let admitted = admit(Request {
        action: request.action,
        state: user.value.state,
        project_type: project.project_type,
        job_in_flight: user.value.job.is_some(),
        force: request.force,
    })
    .map_err(|refusal| ApplyError::Refused {
        user: user.value.source.user_principal_name.clone(),
        refusal,
    })?;
    match request.action {
        Action::Stop => stop(host, request, user).await,
        Action::Reset => reset(host, request, user).await,
        // Matching needs all users at once and lives in control; here it only changes nothing.
        Action::Match => Ok(Applied { job: None, state: user.value.state }),
        _ => start(host, request, &project, user, admitted).await,
    }
}

pub(crate) fn job_kind(action: Action, user: &User) -> Option<JobKind> {
    Some(match action {
        Action::Prepare => JobKind::Prepare,
        Action::Sync if user.synced_once => JobKind::DeltaSync,
        Action::Sync => JobKind::InitialSync,
        Action::Cutover => JobKind::Cutover,
        Action::SendCutoverEmail => JobKind::SendCutoverEmail,
        Action::SendGuestInvite => JobKind::SendGuestInvite,
        Action::Verify => JobKind::Verify,
        Action::Match | Action::Stop | Action::Reset | Action::UndoCutover => return None,
    })
}

async fn start(
    host: &Host,
    request: &Apply,
    project: &Project,
    mut user: Loaded<User>,
    admitted: Admitted,
) -> Result<Applied, ApplyError> {
    let Some(kind) = job_kind(request.action, &user.value) else {
        return Ok(Applied { job: None, state: user.value.state });
    };
    let now = host.clock.now();
    let from = user.value.state;
    let profile = profile_of(host, project, &user.value, &request.user).await?;
    let unusable = |StepError { code, message, advice, .. }| {
        ApplyError::Scripts(format!("{code}: {message}; {advice}"))
    };
    let scripts = pins_of(host, project, &user.value, &request.user).await.map_err(unusable)?;
    host.scripts.keep(project, &scripts).await.map_err(unusable)?;
    user.value.jobs += 1;
    let id = JobId::numbered(user.value.jobs);
    let job = new_job(id.clone(), kind, &user.value, profile, scripts, now);
    user.value.job = Some(id.clone());
    user.value.state = admitted.during.unwrap_or(from);
    user.value.problem = None;
    let mut batch = Batch::new();
    batch.put(Keys::user(&request.user), &user.value, user.version)?;
    batch.put(Keys::job(&request.user, Branch::Main), &job, 0)?;
    batch.commit(&*host.store).await.map_err(EngineError::from)?;
    wake(host, &request.user, &job).await?;
    Ok(Applied { job: Some(id), state: user.value.state })
}

/// A job as it starts: its first step in hand, its first journal entry made.
pub(crate) fn new_job(
    id: JobId,
    kind: JobKind,
    user: &User,
    profile: Profile,
    scripts: BTreeMap<String, String>,
    now: Timestamp,
) -> Job {
    let event = JournalEvent::Started {
        from: user.state,
        scripts: scripts.iter().map(|(kind, hash)| (kind.clone(), hash.clone())).collect(),
    };
    let mut job = Job {
        id,
        user: user.id.clone(),
        kind,
        branch: Branch::Main,
        catalogue: CATALOGUE_VERSION,
        plan: kind.plan(),
        at: 0,
        status: JobStatus::Running,
        attempt: 0,
        waits: 0,
        reached_at: now,
        moved_at: now,
        lease: None,
        intents: Vec::new(),
        journal_next: 0,
        journal: Vec::new(),
        stop: false,
        ending: None,
        gate_open: false,
        started_at: now,
        state_before: user.state,
        profile,
        scripts,
    };
    journal::append(&mut job, event, now, Cost::default());
    job
}

/// The options of a user: his own, else his wave's profile, else the project's default.
pub async fn profile_of(
    host: &Host,
    project: &Project,
    user: &User,
    key: &UserKey,
) -> Result<Profile, EngineError> {
    if let Some(own) = &user.profile {
        return Ok(own.clone());
    }
    let named = wave_of(host, user, key).await?.and_then(|wave| wave.value.profile);
    let profile = named.and_then(|name| project.profiles.get(&name).cloned());
    Ok(profile.unwrap_or_else(|| project.default_profile.clone()))
}

/// CUT-4: no further step starts; the step in hand ends or rolls to its next safe point.
async fn stop(host: &Host, request: &Apply, mut user: Loaded<User>) -> Result<Applied, ApplyError> {
    let mut batch = Batch::new();
    user.value.state = UserState::Stopping;
    batch.put(Keys::user(&request.user), &user.value, user.version)?;
    let mut stopped = Vec::new();
    for branch in Branch::ALL {
        let job = load_job(&*host.store, &request.user, branch).await?;
        let Some(mut job) = job.filter(|job| !job.value.status.is_over()) else { continue };
        job.value.stop = true;
        batch.put(Keys::job(&request.user, branch), &job.value, job.version)?;
        stopped.push(job.value);
    }
    batch.commit(&*host.store).await.map_err(EngineError::from)?;
    for job in &stopped {
        wake(host, &request.user, job).await?;
    }
    Ok(Applied { job: user.value.job.clone(), state: UserState::Stopping })
}

/// A status change only; no tenant is touched. Who is `no_match` has no names reserved.
async fn reset(
    host: &Host,
    request: &Apply,
    mut user: Loaded<User>,
) -> Result<Applied, ApplyError> {
    let now = host.clock.now();
    let from = user.value.state;
    let to = match request.reset_to.unwrap_or(ResetTo::NoMatch) {
        ResetTo::Synced => UserState::Synced,
        ResetTo::NoMatch => UserState::NoMatch,
    };
    user.value.state = to;
    user.value.problem = None;
    user.value.jobs += 1;
    if to == UserState::NoMatch {
        user.value.target = None;
        user.value.synced_once = false;
        user.value.match_note = None;
    }
    let id = JobId::numbered(user.value.jobs);
    let entry = JournalEntry {
        at: now,
        job: id.clone(),
        kind: JobKind::Verify,
        n: 0,
        step: None,
        reached_at: now,
        attempt: 0,
        event: JournalEvent::Reset { from, to },
        cost: Cost::default(),
    };
    let mut batch = Batch::new();
    batch.put(Keys::user(&request.user), &user.value, user.version)?;
    let page = JournalPage { entries: vec![entry] };
    batch.put(Keys::journal_page(&request.user, &id, 0), &page, 0)?;
    if to == UserState::NoMatch {
        unique::release(&*host.store, &request.user, &mut batch).await?;
    }
    batch.commit(&*host.store).await.map_err(EngineError::from)?;
    Ok(Applied { job: None, state: to })
}

/// Opens T10's gate: the user's confirmation link, the API, or the operator.
pub async fn open_gate(host: &Host, user: &UserKey) -> Result<bool, EngineError> {
    let Some(mut job) = load_job(&*host.store, user, Branch::Main).await? else { return Ok(false) };
    let Some(step) = job.value.step() else { return Ok(false) };
    job.value.gate_open = true;
    let mut batch = Batch::new();
    batch.put(Keys::job(user, Branch::Main), &job.value, job.version)?;
    batch.commit(&*host.store).await?;
    let baton = Baton::new(user.clone(), job.value.id.clone(), step);
    send_baton(&*host.queue, &baton, Duration::ZERO).await?;
    Ok(true)
}

async fn wake(host: &Host, user: &UserKey, job: &Job) -> Result<(), EngineError> {
    let Some(step) = job.step() else { return Ok(()) };
    let baton = Baton::new(user.clone(), job.id.clone(), step);
    send_baton(&*host.queue, &baton, Duration::ZERO).await
}
