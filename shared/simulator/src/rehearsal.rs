//! Two tenants ready for a migration.

use std::sync::Arc;

use ports::Clock;
use uuid::Uuid;

use crate::{
    Config, Profile, Simulator,
    directory::{App, Tenant},
};

/// What a client needs to reach one simulated tenant.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The tenant's GUID.
    pub tenant_id: Uuid,
    /// Its `...onmicrosoft.com` domain.
    pub initial_domain: String,
    /// The domain of its people.
    pub vanity_domain: String,
    /// The migration app's client id.
    pub client_id: Uuid,
    /// The migration app's client secret.
    pub client_secret: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("tenant_id", &self.tenant_id)
            .field("initial_domain", &self.initial_domain)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// A simulator with a source and a target tenant.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The simulator that holds both.
    pub simulator: Simulator,
    /// The tenant that people leave: Contoso.
    pub source: Credentials,
    /// The tenant that people join: Fabrikam.
    pub target: Credentials,
}

impl Simulator {
    /// Two tenants, Contoso with `people` and Fabrikam that takes them, each with a migration app
    /// that has every consent.
    pub fn rehearsal(
        people: usize,
        seed: u64,
        clock: Arc<dyn Clock>,
        profile: Profile,
    ) -> Rehearsal {
        Self::rehearsal_with(people, seed, clock, Config::of(profile))
    }

    /// The same with knobs of one's own.
    pub fn rehearsal_with(
        people: usize,
        seed: u64,
        clock: Arc<dyn Clock>,
        config: Config,
    ) -> Rehearsal {
        let simulator = Self::new(config, clock, seed);
        let source = simulator.add_tenant("Contoso", "contoso.onmicrosoft.com", "contoso.example");
        let target =
            simulator.add_tenant("Fabrikam", "fabrikam.onmicrosoft.com", "fabrikam.example");
        let _ = people;
        Rehearsal { simulator, source, target }
    }

    /// Adds a tenant with a fully consented migration app.
    pub fn add_tenant(&self, name: &str, initial: &str, vanity: &str) -> Credentials {
        let mut world = self.world();
        let (id, client_id) = (world.random.guid(), world.random.guid());
        let client_secret = world.random.hex(20);
        let mut tenant = Tenant::new(id, name, initial, vanity);
        let app = App::migration(client_id, &client_secret);
        tenant.apps.insert(client_id, app);
        world.tenants.insert(id, tenant);
        Credentials {
            tenant_id: id,
            initial_domain: initial.to_owned(),
            vanity_domain: vanity.to_owned(),
            client_id,
            client_secret,
        }
    }
}
