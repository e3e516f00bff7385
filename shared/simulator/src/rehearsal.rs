//! Two tenants ready for a migration.

use std::sync::Arc;

use ports::Clock;
use uuid::Uuid;

use crate::{
    Config, Population, Profile, Simulator,
    directory::{App, Stamp, Tenant},
    generate,
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
    /// Sign-in name of the source's account with Full Access to every mailbox and a place in every
    /// group: what the clean-up of a cutover removes.
    pub service_account: String,
}

impl Simulator {
    /// Two tenants, Contoso with `people` and Fabrikam that takes them, each with a migration app
    /// that has every consent, and with what an administrator sets up beforehand: licences,
    /// automatic forwarding allowed, free/busy both ways, a mailbox for notifications.
    pub fn rehearsal(
        people: usize,
        seed: u64,
        clock: Arc<dyn Clock>,
        profile: Profile,
    ) -> Rehearsal {
        let population = Population::of(people, profile);
        Self::rehearsal_with(&population, seed, clock, Config::of(profile))
    }

    /// The same with a population and knobs of one's own.
    pub fn rehearsal_with(
        population: &Population,
        seed: u64,
        clock: Arc<dyn Clock>,
        config: Config,
    ) -> Rehearsal {
        let simulator = Self::new(config, clock, seed);
        let source = simulator.add_tenant("Contoso", "contoso.onmicrosoft.com", "contoso.example");
        let target =
            simulator.add_tenant("Fabrikam", "fabrikam.onmicrosoft.com", "fabrikam.example");
        let seats = u32::try_from(population.people).unwrap_or(u32::MAX).saturating_mul(2);
        simulator.set_seats(source.tenant_id, seats.saturating_add(10));
        simulator.set_seats(target.tenant_id, seats.saturating_add(10));
        let now = simulator.now();
        let service_account = {
            let mut world = simulator.world();
            let (from, to) = (source.tenant_id, target.tenant_id);
            generate::populate(&mut world, from, to, population, now);
            generate::prepare_pair(&mut world, from, to, Stamp::everywhere(now));
            generate::add_service_account(&mut world, from, Stamp::everywhere(now))
        };
        Rehearsal { simulator, source, target, service_account }
    }

    /// Adds a tenant with two domains, 25 seats of each product, and a migration app that has
    /// every consent. Nothing else is set up: automatic forwarding outside is blocked, and nobody
    /// may look up free/busy.
    pub fn add_tenant(&self, name: &str, initial: &str, vanity: &str) -> Credentials {
        let mut world = self.world();
        let (id, client_id) = (world.random.guid(), world.random.guid());
        let client_secret = world.random.hex(20);
        let mut tenant = Tenant::new(id, name, initial, vanity);
        tenant.apps.insert(client_id, App::migration(client_id, &client_secret));
        generate::supply(&mut tenant, 25);
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
