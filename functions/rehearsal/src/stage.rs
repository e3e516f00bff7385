//! The two simulated tenants, served on a port of this machine.

use std::{net, num::NonZeroU32, path::Path, sync::Arc, thread};

use ports::Clock;
use simulator::{
    Config, Credentials, DriveFill, EmlLimits, Faults, Front, Lag, Lags, MailboxFill, Part,
    Population, Profile, Rehearsal, Rules, Simulator,
};
use thiserror::Error;

use crate::{Scene, proof::Person};

/// Why the tenants cannot be simulated.
#[derive(Debug, Error)]
pub enum StageError {
    /// The port is taken, or may not be used.
    #[error("port {port} cannot be served: {error}")]
    Port {
        /// Which.
        port: u16,
        /// The system's words.
        error: std::io::Error,
    },
    /// The folder of messages cannot be loaded.
    #[error("{0}")]
    Mail(String),
    /// This machine failed.
    #[error(transparent)]
    Machine(#[from] std::io::Error),
}

/// Two filled tenants, served.
pub struct Stage {
    rehearsal: Rehearsal,
    base: String,
    speed: NonZeroU32,
}

impl Stage {
    /// Fills two tenants as the scene wants them, and serves them: tenants that keep no budgets and
    /// take seconds for what takes real ones minutes.
    pub fn open(scene: &Scene, clock: Arc<dyn Clock>) -> Result<Self, StageError> {
        Self::with(scene, clock, NonZeroU32::MIN, quick())
    }

    /// The same with Microsoft's published request budgets and delays of minutes, for a clock (of
    /// tenants and host alike) that runs `speed` times as fast as the machine's.
    pub fn as_in_life(
        scene: &Scene,
        clock: Arc<dyn Clock>,
        speed: NonZeroU32,
    ) -> Result<Self, StageError> {
        Self::with(scene, clock, speed, as_in_life())
    }

    fn with(
        scene: &Scene,
        clock: Arc<dyn Clock>,
        speed: NonZeroU32,
        config: Config,
    ) -> Result<Self, StageError> {
        let population =
            Population { content: false, ..Population::of(scene.people, Profile::Calm) };
        let rehearsal = Simulator::rehearsal_with(&population, scene.seed, clock, config);
        fill(&rehearsal);
        let base = serve(rehearsal.simulator.clone(), 0, Front::Plain)?;
        let stage = Self { rehearsal, base, speed };
        if let Some(mail) = &scene.mail_folder {
            stage.load_mail(mail)?;
        }
        Ok(stage)
    }

    /// Both tenants, and who signs in there.
    pub fn tenants(&self) -> &Rehearsal {
        &self.rehearsal
    }

    /// The address at which they are served.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// How many times faster than the machine's the tenants' clock runs.
    pub(crate) fn speed(&self) -> NonZeroU32 {
        self.speed
    }

    pub(crate) fn simulator(&self) -> &Simulator {
        &self.rehearsal.simulator
    }

    pub(crate) fn source(&self) -> &Credentials {
        &self.rehearsal.source
    }

    pub(crate) fn target(&self) -> &Credentials {
        &self.rehearsal.target
    }

    /// Some people receive, move, change and delete items, as they do while a migration runs.
    pub(crate) fn people_go_on_working(&self, people: &[Person]) {
        let source = self.source().tenant_id;
        for person in people.iter().step_by(3) {
            let upn = &person.source_upn;
            let simulator = self.simulator();
            // Whoever has no drive changes none.
            drop(simulator.touch_mailbox(source, upn, Part::Primary, 5));
            drop(simulator.touch_drive(source, upn, 2));
        }
    }

    fn load_mail(&self, folder: &Path) -> Result<(), StageError> {
        let source = self.source();
        let views = self.simulator().recipients(source.tenant_id);
        let first = views.iter().find(|view| view.kind == "UserMailbox");
        let first = first.ok_or_else(|| StageError::Mail("nobody has a mailbox".to_owned()))?;
        self.simulator()
            .load_eml(source.tenant_id, &first.user_principal_name, folder, EmlLimits::default())
            .map_err(|error| StageError::Mail(error.to_string()))?;
        Ok(())
    }
}

/// Gives everybody a little of everything: enough to see each kind copied, little enough for a wave
/// in about a minute.
fn fill(rehearsal: &Rehearsal) {
    let mail = MailboxFill { least_items: 1, most_items: 5, folders: 3, ..MailboxFill::default() };
    let files = DriveFill { least_files: 2, most_files: 6, folders: 2, ..DriveFill::default() };
    let tenant = rehearsal.source.tenant_id;
    for person in rehearsal.simulator.recipients(tenant) {
        let upn = &person.user_principal_name;
        // Whoever has no mailbox, archive or drive gets none.
        for part in [Part::Primary, Part::Archive] {
            drop(rehearsal.simulator.fill_mailbox(tenant, upn, part, &mail));
        }
        drop(rehearsal.simulator.fill_drive(tenant, upn, &files));
    }
}

/// The published budgets and the rules of real tenants, and the lags of a good day. Faults belong
/// into tests.
fn as_in_life() -> Config {
    let config = Config::of(Profile::Realistic);
    Config {
        lags: Lags {
            directory: Lag::seconds(1, 15),
            forward_sync: Lag::seconds(2, 30),
            mailbox_provisioning: Lag::seconds(30, 240),
            mailbox_open: Lag::seconds(2, 20),
            drive_provisioning: Lag::seconds(30, 240),
            address_release: Lag::seconds(10, 120),
        },
        faults: Faults::default(),
        rules: Rules { licence_provisions_drive: true, ..config.rules },
        ..config
    }
}

/// Realistic rules, with lags of seconds where real tenants take minutes.
pub fn quick() -> Config {
    Config {
        lags: Lags {
            directory: Lag::millis(0, 150),
            forward_sync: Lag::millis(50, 400),
            mailbox_provisioning: Lag::millis(500, 3_000),
            mailbox_open: Lag::millis(50, 500),
            drive_provisioning: Lag::millis(500, 3_000),
            address_release: Lag::millis(100, 800),
        },
        rules: Rules { licence_provisions_drive: true, ..Rules::default() },
        ..Config::of(Profile::Calm)
    }
}

/// Serves a simulator on this machine's loopback address, in a thread of its own, until the process
/// ends; gives its base address. Port 0 is any free one.
pub fn serve(simulator: Simulator, port: u16, front: Front) -> Result<String, StageError> {
    let listener = net::TcpListener::bind((net::Ipv4Addr::LOCALHOST, port))
        .map_err(|error| StageError::Port { port, error })?;
    listener.set_nonblocking(true)?;
    let scheme = if matches!(front, Front::Tls(_)) { "https" } else { "http" };
    let base = format!("{scheme}://{}", listener.local_addr()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("tenants".to_owned()).spawn(move || {
        runtime.block_on(async {
            match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => simulator::serve_behind(front, simulator, listener).await,
                Err(error) => Err(error),
            }
        })
    })?;
    Ok(base)
}
