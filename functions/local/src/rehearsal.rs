//! The rehearsal on this machine: a project file for the simulated tenants, and the host loop.

use std::{
    fs,
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use control::Selection;
use embedded::OsRandom;
use engine::Host;
use model::Project;
use ports::Random;
use rehearsal::{Place, Rehearsed, Scene, Stage, StageError, Stretch};
use simulator::{Credentials, Rehearsal};

use crate::{
    commands::act::{Request, start, work_beside},
    failure::Failure,
    output::Output,
    project::{Network, Template, TenantTemplate, template},
    session::{Session, Time},
    standing::{Ended, Until},
};

/// Rehearses with a clock that runs so many times faster than the machine's; `None` when it was
/// interrupted.
pub(crate) async fn rehearse(
    scene: &Scene,
    speed: NonZeroU32,
) -> Result<Option<Rehearsed>, Failure> {
    let time = Time::faster(speed);
    let stage = Stage::as_in_life(scene, Arc::clone(&time.clock), time.speed)?;
    let folder = Folder::of(&stage)?;
    let session = Session::open_in(&folder.project_file(), &time).await?;
    let mut machine = ThisMachine { session, told: scene.told };
    rehearsal::rehearse(scene, &stage, &mut machine).await
}

/// The one-machine host as the place of a rehearsal.
struct ThisMachine {
    session: Session,
    told: bool,
}

#[async_trait(?Send)]
impl Place for ThisMachine {
    type Failure = Failure;

    fn host(&self) -> &Host {
        &self.session.host
    }

    fn project(&self) -> &Project {
        &self.session.project
    }

    async fn play(
        &mut self,
        stretch: &Stretch<'_>,
        beside: &mut dyn FnMut(),
    ) -> Result<Option<u64>, Failure> {
        let selection = Selection { wave: Some(stretch.wave.clone()), users: Vec::new() };
        let request = Request { action: stretch.action, force: false, reset_to: None };
        let (acted, _) = start(&self.session, &selection, request).await?;
        for refused in &acted.refused {
            self.tell(format!("{}: {refused}", stretch.title));
        }
        let until = Until::Settled(stretch.people.clone());
        let (ended, handled) =
            work_beside(&mut self.session, stretch.title, &until, beside).await?;
        Ok((ended == Ended::Done).then_some(handled))
    }

    fn tell(&self, text: String) {
        if self.told {
            Output::note(text);
        }
    }
}

impl From<StageError> for Failure {
    fn from(error: StageError) -> Self {
        match error {
            StageError::Port { .. } | StageError::Mail(_) => Self::input(error),
            StageError::Machine(_) => Self::internal(error),
        }
    }
}

impl From<model::BadId> for Failure {
    fn from(error: model::BadId) -> Self {
        Self::internal(error)
    }
}

/// A folder with the project file and the database, gone when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn of(stage: &Stage) -> Result<Self, Failure> {
        let name = format!("crosswave-rehearsal-{:016x}", OsRandom.next_u64());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder)?;
        let folder = Self(folder);
        let values = project_values(stage.tenants(), Some(stage.base()), |side, secret| {
            let name = format!("{side}.secret");
            fs::write(folder.0.join(&name), secret)?;
            Ok(format!("client_secret_file = \"{name}\""))
        })?;
        fs::write(folder.project_file(), template(&values))?;
        Ok(folder)
    }

    fn project_file(&self) -> PathBuf {
        self.0.join(Path::new("crosswave.toml"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies in the system's temporary folder.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// What a project file for simulated tenants says; `base` is where they are, `None` for Microsoft's
/// own addresses behind a proxy; `secret` keeps a secret and gives the line that names it.
pub(crate) fn project_values(
    rehearsal: &Rehearsal,
    base: Option<&str>,
    secret: impl Fn(&str, &str) -> Result<String, Failure>,
) -> Result<Template, Failure> {
    let tenant = |side: &str, credentials: &Credentials| -> Result<TenantTemplate, Failure> {
        Ok(TenantTemplate {
            tenant_id: credentials.tenant_id.to_string(),
            client_id: credentials.client_id.to_string(),
            initial_domain: credentials.initial_domain.clone(),
            domain: credentials.vanity_domain.clone(),
            secret: secret(side, &credentials.client_secret)?,
            simulator: base.map(str::to_owned),
        })
    };
    Ok(Template {
        name: "rehearsal".to_owned(),
        source: tenant("source", &rehearsal.source)?,
        target: tenant("target", &rehearsal.target)?,
        // Both companies keep a personnel number there.
        match_by: vec![("extensionAttribute1".to_owned(), "extensionAttribute1".to_owned())],
        sender: Some(format!("notifications@{}", rehearsal.target.vanity_domain)),
        licenses: vec!["SPE_E3".to_owned()],
        app_accounts: vec![rehearsal.service_account.clone()],
        network: Network::default(),
    })
}
