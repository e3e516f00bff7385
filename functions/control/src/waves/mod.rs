//! Waves: making them, who belongs, schedules, and the runs that work a wave off.

mod news;
mod run;
mod schedule;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use engine::{Host, records::Batch};
use futures_util::future::try_join_all;
use model::{Action, Project, UserKey, Wave, WaveId};
use ports::CommitError;
use serde::Serialize;

pub(crate) use self::{news::has_newcomers, run::TOGETHER};
pub use self::{
    news::tell,
    run::{Expanded, expand, pending_runs, start_run, start_run_at},
    schedule::{Fired, next_planned, set_schedule, tick},
};
use crate::{ControlError, Scope, Selection, scope::change_user};

/// A wave as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaveLine {
    /// The id.
    pub id: WaveId,
    /// What a person calls it.
    pub name: String,
    /// The profile's name.
    pub profile: Option<String>,
    /// How many users it has.
    pub users: usize,
    /// Per action, the next planned time.
    pub next: BTreeMap<Action, jiff::Timestamp>,
}

/// Makes a wave. An id that is there already is refused.
pub async fn create(
    host: &Host,
    project: &Project,
    id: WaveId,
    name: Option<String>,
    profile: Option<String>,
) -> Result<(), ControlError> {
    check_profile(project, profile.as_deref())?;
    let scope = Scope::of(project);
    let wave = Wave {
        name: name.unwrap_or_else(|| id.to_string()),
        profile,
        schedules: BTreeMap::new(),
        fired: BTreeMap::new(),
        scripts: BTreeMap::new(),
        announced: None,
        id: id.clone(),
    };
    let mut batch = Batch::new();
    batch.put(scope.wave(&id), &wave, 0)?;
    match batch.commit(&*host.store).await {
        Ok(()) => Ok(()),
        Err(CommitError::Conflict { .. }) => {
            Err(ControlError::Input(format!("there is a wave `{id}` already")))
        }
        Err(error) => Err(error.into()),
    }
}

fn check_profile(project: &Project, profile: Option<&str>) -> Result<(), ControlError> {
    let Some(name) = profile else { return Ok(()) };
    if project.profiles.contains_key(name) {
        return Ok(());
    }
    let known: Vec<&str> = project.profiles.keys().map(String::as_str).collect();
    Err(ControlError::Input(format!(
        "the project file has no profile `{name}`; it has {}",
        if known.is_empty() { "none".to_owned() } else { known.join(", ") }
    )))
}

/// Removes a wave that nobody belongs to.
pub async fn delete(host: &Host, scope: &Scope, id: &WaveId) -> Result<(), ControlError> {
    let wave = scope.load_wave(host, id).await?;
    let members = scope.users(host).await?;
    let members = members.iter().filter(|user| user.value.wave.as_ref() == Some(id)).count();
    if members > 0 {
        return Err(ControlError::Input(format!(
            "wave `{id}` has {members} users; take them out first with `crosswave waves remove`"
        )));
    }
    let mut batch = Batch::new();
    batch.delete(scope.wave(id), wave.version);
    Ok(batch.commit(&*host.store).await?)
}

/// Lists the waves.
pub async fn list(host: &Host, scope: &Scope) -> Result<Vec<WaveLine>, ControlError> {
    let mut sizes: BTreeMap<WaveId, usize> = BTreeMap::new();
    for user in scope.users(host).await? {
        if let Some(wave) = user.value.wave {
            *sizes.entry(wave).or_default() += 1;
        }
    }
    let mut lines = Vec::new();
    for wave in scope.waves(host).await? {
        let wave = wave.value;
        let mut next = BTreeMap::new();
        for action in wave.schedules.keys() {
            if let Some(at) = next_planned(&wave, *action)? {
                next.insert(*action, at);
            }
        }
        lines.push(WaveLine {
            users: sizes.get(&wave.id).copied().unwrap_or_default(),
            id: wave.id,
            name: wave.name,
            profile: wave.profile,
            next,
        });
    }
    Ok(lines)
}

/// Puts the chosen users into a wave, or takes them out of theirs; says how many changed. A user
/// with a job in flight is moved too: the job keeps the options that it started with.
pub async fn assign(
    host: &Host,
    scope: &Scope,
    selection: &Selection,
    wave: Option<&WaveId>,
) -> Result<usize, ControlError> {
    if let Some(wave) = wave {
        scope.load_wave(host, wave).await?;
    }
    let change = async |key: UserKey| {
        change_user(host, &key, |user| {
            let changes = user.wave.as_ref() != wave;
            user.wave = wave.cloned();
            changes
        })
        .await
    };
    let mut changed = 0;
    for users in selection.resolve(host, scope).await?.chunks(TOGETHER) {
        let all = users.iter().map(|user| change(scope.user(&user.value.id)));
        changed += try_join_all(all).await?.into_iter().filter(|changed| *changed).count();
    }
    if let Some(wave) = wave {
        has_newcomers(host, scope, wave).await?;
    }
    Ok(changed)
}
