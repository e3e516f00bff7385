//! Where everybody stands, now.

use std::collections::BTreeMap;

use catalogue::Step;
use engine::{
    Host,
    records::{Loaded, load},
};
use model::{Branch, Job, JobStatus, Keys, User, UserState, WaveId};
use serde::Serialize;

use crate::{ControlError, Copies, Scope, Selection, copies};

/// One user as `status` and `users` show him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UserLine {
    /// The id.
    pub id: String,
    /// The display name.
    pub name: String,
    /// The user principal name in the source.
    pub source: String,
    /// The one in the target, once matched.
    pub target: Option<String>,
    /// The state.
    pub state: UserState,
    /// The wave.
    pub wave: Option<WaveId>,
    /// The step in hand, while a job runs.
    pub step: Option<Step>,
    /// What it waits for, or why it is parked.
    pub note: Option<String>,
    /// What blocks or burdens a move.
    pub blockers: Vec<&'static str>,
}

/// How many users stand where, by wave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Everybody who was chosen.
    pub people: usize,
    /// By state.
    pub states: BTreeMap<UserState, usize>,
    /// Those in flight: by step, how many.
    pub steps: BTreeMap<Step, usize>,
    /// Whether any job is in flight.
    pub busy: bool,
    /// How far the copies in flight are.
    pub copies: Copies,
}

/// Counts the chosen users.
pub async fn status(
    host: &Host,
    scope: &Scope,
    selection: &Selection,
) -> Result<Status, ControlError> {
    let mut status = Status::default();
    let users = selection.resolve(host, scope).await?;
    status.copies = copies(host, scope, users.iter().map(|user| &user.value)).await?;
    for user in users {
        status.people += 1;
        *status.states.entry(user.value.state).or_default() += 1;
        if user.value.job.is_some() {
            status.busy = true;
            if let Some(job) = job_of(host, scope, &user.value).await?
                && let Some(step) = job.step()
            {
                *status.steps.entry(step).or_default() += 1;
            }
        }
    }
    Ok(status)
}

/// Lists the chosen users.
pub async fn users(
    host: &Host,
    scope: &Scope,
    selection: &Selection,
) -> Result<Vec<UserLine>, ControlError> {
    let mut lines = Vec::new();
    for user in selection.resolve(host, scope).await? {
        let user = user.value;
        let job = if user.job.is_some() { job_of(host, scope, &user).await? } else { None };
        let waits = job.as_ref().and_then(|job| match &job.status {
            JobStatus::Waiting { why, .. } => Some(format!("waits for {why}")),
            _ => None,
        });
        let parked = user.problem.as_ref().map(|problem| problem.message.clone());
        lines.push(UserLine {
            id: user.id.to_string(),
            name: user.source.display_name.clone(),
            source: user.source.user_principal_name.clone(),
            target: user.target.as_ref().map(|target| target.user_principal_name.clone()),
            state: user.state,
            wave: user.wave.clone(),
            step: job.as_ref().and_then(Job::step),
            note: waits.or(parked).or_else(|| user.match_note.clone()),
            blockers: user.source.blockers.iter().map(|blocker| blocker.describe()).collect(),
        });
    }
    Ok(lines)
}

async fn job_of(host: &Host, scope: &Scope, user: &User) -> Result<Option<Job>, ControlError> {
    let place = Keys::job(&scope.user(&user.id), Branch::Main);
    let job: Option<Loaded<Job>> = load(&*host.store, place).await?;
    Ok(job.map(|job| job.value))
}
