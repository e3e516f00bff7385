//! A project that is open on this machine: its database, its tenants, its scripts.

pub(crate) mod scripts;
mod tenants;

use std::{fs, num::NonZeroU32, path::Path, sync::Arc};

use control::{Scope, store_project};
use embedded::{Embedded, EmbeddedQueue, FasterClock, OsRandom, SystemClock};
use engine::{Host, HostIdentity};
use model::Project;
use ports::{Clock, Random};
use tenant::{Counted, LimitSettings, Limits, ReqwestTransport, TenantClient, TransportSettings};

use self::{scripts::ProjectScripts, tenants::OneProject};
use crate::{
    failure::Failure,
    project::{Connections, ProjectFile, connections, read},
};

/// The time that a session and its tenants live in.
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
    /// The queue, for the host loop.
    pub(crate) queue: Arc<EmbeddedQueue>,
    /// The project.
    pub(crate) project: Project,
    /// Steps that run at the same time.
    pub(crate) workers: usize,
}

impl Session {
    /// Opens the project of a project file.
    pub(crate) async fn open(path: &Path) -> Result<Self, Failure> {
        Self::open_in(path, &Time::real()).await
    }

    /// Opens it in another time than the machine's: a rehearsal's.
    pub(crate) async fn open_in(path: &Path, time: &Time) -> Result<Self, Failure> {
        let file = read_file(path)?;
        let connections = connections(&file, variable)?;
        let session = Self::with(&file, connections, time)?;
        store_project(&session.host, &session.project).await?;
        Ok(session)
    }

    /// The project that is described, on the tenants that are given.
    pub(crate) fn with(
        file: &ProjectFile,
        connections: Connections,
        time: &Time,
    ) -> Result<Self, Failure> {
        let clock = Arc::clone(&time.clock);
        let options = embedded::Options { clock: Arc::clone(&clock), ..Default::default() };
        let database = Embedded::open_with(&file.state, options)?;
        let random: Arc<dyn Random> = Arc::new(OsRandom);
        let transport = ReqwestTransport::new(&reach(file)?);
        let transport = transport.map_err(|error| Failure::input(format!("[network] {error}")))?;
        let transport = Arc::new(Counted(transport));
        let limits = LimitSettings::default();
        let limits = Arc::new(Limits::new(LimitSettings {
            exchange_concurrency: *file.limits.exchange_concurrency.get_ref(),
            // How long a worker may be held up: that is the machine's time.
            wait_max: limits.wait_max * time.speed.get(),
            ..limits
        }));
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
        let store: Arc<dyn ports::Store> = database.store();
        let scripts = ProjectScripts::open(file, Arc::clone(&store), Arc::clone(&clock))?;
        let queue = database.queue();
        let incarnation = format!("{:016x}", random.next_u64());
        let host = Host {
            store,
            queue: Arc::clone(&queue) as Arc<dyn ports::Queue>,
            clock,
            random,
            tenants: Arc::new(tenants),
            scripts: Arc::new(scripts),
            // The database is locked: whoever held a lease before is dead.
            identity: HostIdentity { incarnation, sole: true, until: None },
        };
        let workers = *file.limits.workers.get_ref();
        Ok(Self { host, queue, project: file.project.clone(), workers })
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
        let text = fs::read_to_string(&path).map_err(|error| {
            let path = path.display();
            Failure::input(format!("[network] trusted_certificates: {path}: {error}"))
        })?;
        settings.trusted = Some(text);
    }
    Ok(settings)
}

/// Reads and checks a project file.
pub(crate) fn read_file(path: &Path) -> Result<ProjectFile, Failure> {
    let bytes = fs::read(path).map_err(|error| {
        Failure::input(format!(
            "{} cannot be read: {error}; write one with `crosswave init`, or name another with \
             --project",
            path.display()
        ))
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        let line = line.filter(|byte| **byte == b'\n').count() + 1;
        Failure::input(format!("{}:{line}: this is not UTF-8", path.display()))
    })?;
    Ok(read(path, &text)?)
}

#[expect(clippy::disallowed_methods, reason = "this is the edge where configuration is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
