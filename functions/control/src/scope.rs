//! One project of one customer, and its records.

use std::fmt;

use engine::{
    Host,
    records::{Batch, EngineError, Loaded, load, load_all},
};
use model::{CustomerId, Keys, Project, ProjectId, User, UserId, UserKey, Wave, WaveId};
use ports::CommitError;

use crate::ControlError;

/// Which project: everything in control works on one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Whose.
    pub customer: CustomerId,
    /// Which.
    pub project: ProjectId,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.customer, self.project)
    }
}

impl Scope {
    /// The scope of a project.
    pub fn of(project: &Project) -> Self {
        Self { customer: project.customer.clone(), project: project.id.clone() }
    }

    /// A user's key.
    pub fn user(&self, user: &UserId) -> UserKey {
        UserKey {
            customer: self.customer.clone(),
            project: self.project.clone(),
            user: user.clone(),
        }
    }

    pub(crate) fn partition(&self) -> String {
        Keys::project_partition(&self.customer, &self.project)
    }

    pub(crate) fn wave(&self, wave: &WaveId) -> (String, String) {
        Keys::wave(&self.customer, &self.project, wave)
    }

    /// The project's record.
    pub async fn load_project(&self, host: &Host) -> Result<Project, ControlError> {
        let place = Keys::project(&self.customer, &self.project);
        let project: Option<Loaded<Project>> = load(&*host.store, place).await?;
        project.map(|loaded| loaded.value).ok_or_else(|| {
            ControlError::Input(format!("there is no project `{}` in this database", self.project))
        })
    }

    /// Every user, in the order of their ids.
    pub async fn users(&self, host: &Host) -> Result<Vec<Loaded<User>>, ControlError> {
        Ok(load_all(&*host.store, &self.partition(), Keys::USERS).await?)
    }

    /// Every wave, in the order of their ids.
    pub async fn waves(&self, host: &Host) -> Result<Vec<Loaded<Wave>>, ControlError> {
        Ok(load_all(&*host.store, &self.partition(), Keys::WAVES).await?)
    }

    /// One wave, or the names of those that there are.
    pub async fn load_wave(&self, host: &Host, id: &WaveId) -> Result<Loaded<Wave>, ControlError> {
        let wave: Option<Loaded<Wave>> = load(&*host.store, self.wave(id)).await?;
        if let Some(wave) = wave {
            return Ok(wave);
        }
        let known = self.waves(host).await?;
        let known: Vec<&str> = known.iter().map(|wave| wave.value.id.as_str()).collect();
        let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
        Err(ControlError::Input(format!(
            "there is no wave `{id}`; the project has {known}; make it with `crosswave waves \
             create {id}`"
        )))
    }
}

/// Stores what the project file says; credentials are not part of it. Says whether anything changed.
pub async fn store_project(host: &Host, project: &Project) -> Result<bool, ControlError> {
    let place = Keys::project(&project.customer, &project.id);
    loop {
        let there: Option<Loaded<Project>> = load(&*host.store, place.clone()).await?;
        if there.as_ref().is_some_and(|there| there.value == *project) {
            return Ok(false);
        }
        let mut batch = Batch::new();
        batch.put(place.clone(), project, there.map_or(0, |there| there.version))?;
        match batch.commit(&*host.store).await {
            Ok(()) => return Ok(true),
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Changes one user's record as it is now, again if somebody else was first. `change` says whether
/// there is anything to write.
pub(crate) async fn change_user(
    host: &Host,
    key: &UserKey,
    mut change: impl FnMut(&mut User) -> bool,
) -> Result<bool, ControlError> {
    loop {
        let mut user = engine::records::load_user(&*host.store, key).await?;
        if !change(&mut user.value) {
            return Ok(false);
        }
        let mut batch = Batch::new();
        batch.put(Keys::user(key), &user.value, user.version)?;
        match batch.commit(&*host.store).await {
            Ok(()) => return Ok(true),
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(EngineError::from(error).into()),
        }
    }
}
