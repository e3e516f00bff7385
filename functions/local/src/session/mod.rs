//! A project that is open on this machine: its database, its tenants, its scripts.

mod budgets;
mod place;
pub(crate) mod scripts;
mod tenants;
mod webhook;

use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
};

use control::{Report, Scope, Selection, store_project};
use embedded::{FasterClock, OsRandom, SystemClock};
use engine::{Host, HostIdentity};
use model::Project;
use ports::{Clock, Random};
use tenant::{Counted, ReqwestTransport, TenantClient, TransportSettings};

pub(crate) use self::place::Place;
use self::{budgets::budgets, scripts::ProjectScripts, tenants::OneProject, webhook::Receiver};
use crate::{
    failure::Failure,
    project::{Connections, ProjectFile, connections, read},
    reading,
};

/// The time that a session and its tenants live in.
#[derive(Clone)]
pub(crate) struct Time {
    /// The clock of both.
    pub(crate) clock: Arc<dyn Clock>,
    /// How many times faster than the machine's it runs.
    pub(crate) speed: NonZeroU32,
}

impl Time {
    /// The machine's: the only one for real tenants.
    pub(crate) fn real() -> Self {
        Self { clock: Arc::new(SystemClock), speed: NonZeroU32::MIN }
    }

    /// A rehearsal's.
    pub(crate) fn faster(speed: NonZeroU32) -> Self {
        Self { clock: Arc::new(FasterClock::new(speed)), speed }
    }
}

/// An open project.
pub(crate) struct Session {
    /// What control and engine work on.
    pub(crate) host: Host,
    /// Where the records and messages are.
    pub(crate) place: Place,
    /// The project.
    pub(crate) project: Project,
    /// Steps that run at the same time.
    pub(crate) workers: usize,
    path: PathBuf,
    time: Time,
}

impl Session {
    /// Opens the project of a project file.
    pub(crate) async fn open(path: &Path) -> Result<Self, Failure> {
        Self::open_in(path, &Time::real()).await
    }

    /// Opens it in another time than the machine's: a rehearsal's.
    pub(crate) async fn open_in(path: &Path, time: &Time) -> Result<Self, Failure> {
        let file = read_file(path)?;
        loop {
            let session = Self::with(&file, connections(&file, variable)?, time).await?;
            match store_project(&session.host, &session.project).await {
                Err(_lost) if session.place.is_abandoned() => {}
                stored => {
                    stored?;
                    return Ok(session);
                }
            }
        }
    }

    /// What `look` finds. When the process that this one works beside ends meanwhile, it looks
    /// again, from the next place that there is.
    pub(crate) async fn read<T>(
        &mut self,
        look: impl AsyncFn(&Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        loop {
            match look(self).await {
                Err(_lost) if self.place.is_abandoned() => self.reopen().await?,
                found => return found,
            }
        }
    }

    /// Takes the place that there is now: that of the process which has ended, unless another one
    /// was faster.
    pub(crate) async fn reopen(&mut self) -> Result<(), Failure> {
        *self = Self::open_in(&self.path, &self.time).await?;
        Ok(())
    }

    /// What became of the chosen users.
    pub(crate) async fn report(&mut self, selection: &Selection) -> Result<Report, Failure> {
        let report =
            async |open: &Self| Ok(control::report(&open.host, &open.scope(), selection).await?);
        self.read(report).await
    }

    /// The project that is described, on the tenants that are given.
    async fn with(
        file: &ProjectFile,
        connections: Connections,
        time: &Time,
    ) -> Result<Self, Failure> {
        let clock = Arc::clone(&time.clock);
        let place = Place::find(&file.state, &clock).await?;
        let random: Arc<dyn Random> = Arc::new(OsRandom);
        let transport = ReqwestTransport::new(&reach(file)?);
        let transport = transport.map_err(|error| Failure::input(format!("[network] {error}")))?;
        let transport = Arc::new(Counted(transport));
        let limits = Arc::new(budgets(file, &connections, time));
        let client = |config| {
            TenantClient::new(
                config,
                Arc::clone(&transport) as Arc<dyn ports::Transport>,
                Arc::clone(&clock),
                Arc::clone(&random),
                Arc::clone(&limits),
            )
        };
        let tenants = OneProject::new(client(connections.source), client(connections.target));
        let store = place.store();
        let scripts = ProjectScripts::open(file, Arc::clone(&store), Arc::clone(&clock))?;
        let incarnation = format!("{:016x}", random.next_u64());
        let host = Host {
            store,
            queue: place.queue(),
            clock,
            random,
            tenants: Arc::new(tenants),
            scripts: Arc::new(scripts),
            webhooks: Arc::new(Receiver::of(file, connections.webhook_secret)?),
            // Who has the database locked is alone: whoever held a lease before is dead.
            identity: HostIdentity { incarnation, sole: !place.is_beside(), until: None },
        };
        let workers = *file.limits.workers.get_ref();
        Ok(Self {
            host,
            place,
            project: file.project.clone(),
            workers,
            path: file.path.clone(),
            time: time.clone(),
        })
    }

    /// The project's records.
    pub(crate) fn scope(&self) -> Scope {
        Scope::of(&self.project)
    }
}

/// How the internet is reached, from the project file.
fn reach(file: &ProjectFile) -> Result<TransportSettings, Failure> {
    let folder = file.path.parent().unwrap_or_else(|| Path::new(""));
    let mut settings =
        TransportSettings { proxy: file.network.proxy.clone(), ..TransportSettings::default() };
    if let Some(name) = &file.network.trusted_certificates {
        let path = folder.join(name);
        let text = reading::text(&path).map_err(|error| {
            let path = path.display();
            Failure::input(format!("[network] trusted_certificates: {path}: {error}"))
        })?;
        settings.trusted = Some(text);
    }
    Ok(settings)
}

/// Reads and checks a project file.
pub(crate) fn read_file(path: &Path) -> Result<ProjectFile, Failure> {
    let text = reading::text(path).map_err(|error| {
        Failure::input(format!(
            "{} cannot be read: {error}; write one with `crosswave init`, or name another with \
             --project",
            path.display()
        ))
    })?;
    Ok(read(path, &text)?)
}

#[expect(clippy::disallowed_methods, reason = "this is the edge where configuration is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
