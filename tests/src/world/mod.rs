//! A whole migration in one thread and in virtual time: the real engine, steps, copier, scripts and
//! tenant client on two simulated tenants, with store, queue, clock and randomness from the
//! conformance models. What a story does at which moment is exact, and replays from its seed.

mod host;
mod look;
mod run;
mod setup;

pub use host::SimulatedTenants;
pub use run::drive;
pub use setup::Setup;

use std::sync::Arc;

use conformance::reference::{ModelQueue, ModelStore, SeededRandom, VirtualClock};
use control::Scope;
use engine::Host;
use model::Project;
use simulator::{Credentials, Simulator};

use judge::JudgedTransport;

/// The world of one story.
pub struct World {
    /// What engine and control work on.
    pub host: Host,
    /// The store behind it.
    pub store: Arc<ModelStore>,
    /// The queue behind it.
    pub queue: Arc<ModelQueue>,
    /// The clock that everything tells the time by.
    pub clock: VirtualClock,
    /// The randomness of host and client.
    pub random: Arc<SeededRandom>,
    /// Both tenants.
    pub simulator: Simulator,
    /// The tenant that people leave.
    pub source: Credentials,
    /// The tenant that people join.
    pub target: Credentials,
    /// The account in the source that holds rights for the migration.
    pub service_account: String,
    /// The project between them.
    pub project: Project,
    /// A customer's mapping, to be published when the project is stored.
    pub mapping: Option<String>,
    /// Every request and reply, judged; `None` where the judge's document is missing and that was
    /// allowed.
    pub judged: Option<Arc<JudgedTransport<Simulator>>>,
}

impl World {
    /// The project, for control.
    pub fn scope(&self) -> Scope {
        Scope::of(&self.project)
    }

    /// Fails the test if a request or a reply was not what Microsoft describes.
    pub fn assert_wire_clean(&self) {
        if let Some(judged) = &self.judged {
            judged.assert_clean();
        }
    }
}
