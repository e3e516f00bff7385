//! How a story's world is set up.

use std::{collections::BTreeMap, sync::Arc};

use catalogue::ProjectType;
use conformance::reference::{ModelQueue, ModelStore, SeededRandom, VirtualClock};
use engine::{Host, HostIdentity, StoredScripts};
use jiff::Timestamp;
use model::{Capabilities, OutlookGate, Profile, Project, ScriptPolicy, TenantFacts};
use ports::{Clock, Queue, Random, Store, Transport};
use scripting::Budget;
use simulator::{
    Config, Credentials, Population, Profile as SimulatorProfile, Rehearsal, Simulator,
};
use tenant::{
    ClientId, Credential, Endpoints, LimitSettings, Limits, SecretText, TenantClient, TenantConfig,
    TenantId,
};

use super::{SimulatedTenants, World};
use judge::{Judge, JudgedTransport};

/// The choices of a story; the defaults are a small calm world.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Who lives in the source.
    pub population: Population,
    /// The seed of everything.
    pub seed: u64,
    /// The simulator's knobs.
    pub config: Config,
    /// The project's type.
    pub project_type: ProjectType,
    /// The options of the project.
    pub profile: Profile,
    /// A customer's mapping script.
    pub mapping: Option<String>,
    /// Deliveries after which a message is dead.
    pub max_receives: u32,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            population: Population::of(4, SimulatorProfile::Calm),
            seed: 1,
            config: Config::of(SimulatorProfile::Calm),
            project_type: ProjectType::Premium,
            profile: Profile::default(),
            mapping: None,
            max_receives: 50,
        }
    }
}

impl Setup {
    /// So many people.
    #[must_use]
    pub fn people(mut self, people: usize) -> Self {
        self.population.people = people;
        self
    }

    /// Another seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Another kind of project.
    #[must_use]
    pub fn project_type(mut self, project_type: ProjectType) -> Self {
        self.project_type = project_type;
        self
    }

    /// Lags, budgets and faults as met in practice, or worse.
    #[must_use]
    pub fn simulator(mut self, profile: SimulatorProfile) -> Self {
        self.config = Config::of(profile);
        self
    }

    /// What T10 does.
    #[must_use]
    pub fn gate(mut self, gate: OutlookGate) -> Self {
        self.profile.cutover.outlook_gate = gate;
        self
    }

    /// A customer's mapping over the shipped one.
    #[must_use]
    pub fn mapping(mut self, text: &str) -> Self {
        self.mapping = Some(text.to_owned());
        self
    }

    /// Builds the world.
    #[expect(clippy::expect_used, reason = "a story that cannot be set up is a faulty story")]
    pub fn build(self) -> World {
        let start: Timestamp = "2026-06-01T08:00:00Z".parse().expect("a date");
        let clock = VirtualClock::at(start);
        let shared_clock: Arc<dyn Clock> = Arc::new(clock.clone());
        let Rehearsal { simulator, source, target, service_account } = Simulator::rehearsal_with(
            &self.population,
            self.seed,
            Arc::clone(&shared_clock),
            self.config.clone(),
        );
        let judge = Judge::load().expect("the judge's document");
        let judged =
            judge.map(|judge| Arc::new(JudgedTransport::new(Arc::new(simulator.clone()), judge)));
        let transport: Arc<dyn Transport> = match &judged {
            Some(judged) => Arc::clone(judged) as Arc<dyn Transport>,
            None => Arc::new(simulator.clone()),
        };
        let random = Arc::new(SeededRandom::new(self.seed));
        let limits = Arc::new(Limits::new(LimitSettings::default()));
        let client = |credentials: &Credentials| {
            let config = TenantConfig::new(
                TenantId::parse(&credentials.tenant_id.to_string()).expect("a tenant id"),
                ClientId::parse(&credentials.client_id.to_string()).expect("a client id"),
                Credential::Secret(SecretText::from(credentials.client_secret.clone())),
            )
            .with_endpoints(endpoints(credentials));
            TenantClient::new(
                config,
                Arc::clone(&transport),
                Arc::clone(&shared_clock),
                Arc::clone(&random) as Arc<dyn Random>,
                Arc::clone(&limits),
            )
        };
        let tenants = SimulatedTenants::new(client(&source), client(&target), simulator.clone());
        let store = Arc::new(ModelStore::new());
        let queue = Arc::new(ModelQueue::new(Arc::clone(&shared_clock), self.max_receives));
        let shared_store: Arc<dyn Store> = Arc::clone(&store) as Arc<dyn Store>;
        // Scripts run in this process: a worker would be another thread of time.
        let scripts = StoredScripts::new(
            Arc::clone(&shared_store),
            Arc::clone(&shared_clock),
            Budget::default(),
            None,
        );
        let host = Host {
            store: shared_store,
            queue: Arc::clone(&queue) as Arc<dyn Queue>,
            clock: shared_clock,
            random: Arc::clone(&random) as Arc<dyn Random>,
            tenants: Arc::new(tenants),
            scripts: Arc::new(scripts),
            webhooks: Arc::new(engine::NoWebhooks),
            identity: HostIdentity { incarnation: "story".to_owned(), sole: true, until: None },
        };
        let project = self.project(&source, &target);
        World {
            host,
            store,
            queue,
            clock,
            random,
            simulator,
            source,
            target,
            service_account,
            project,
            mapping: self.mapping,
            judged,
        }
    }

    #[expect(clippy::expect_used, reason = "the ids are literals")]
    fn project(&self, source: &Credentials, target: &Credentials) -> Project {
        let facts = |credentials: &Credentials| TenantFacts {
            tenant_id: credentials.tenant_id.to_string(),
            initial_domain: credentials.initial_domain.clone(),
            domains: vec![credentials.vanity_domain.clone(), credentials.initial_domain.clone()],
            capabilities: Capabilities { archive: true, hybrid: false },
            licences: None,
        };
        Project {
            customer: "local".parse().expect("an id"),
            id: "story".parse().expect("an id"),
            project_type: self.project_type,
            source: facts(source),
            target: facts(target),
            match_by: Vec::new(),
            groups: model::GroupMatching::default(),
            target_domain: target.vanity_domain.clone(),
            default_profile: self.profile.clone(),
            profiles: BTreeMap::new(),
            notification_sender: Some(format!("notifications@{}", target.vanity_domain)),
            quiet_hours: None,
            policy: ScriptPolicy::default(),
        }
    }
}

/// The public cloud's addresses: the simulator answers to them, and the judge knows them.
#[expect(clippy::expect_used, reason = "the address is made of a domain name")]
fn endpoints(credentials: &Credentials) -> Endpoints {
    let name = credentials.initial_domain.split('.').next().unwrap_or_default();
    let admin = format!("https://{name}-admin.sharepoint.com/");
    Endpoints::public().with_sharepoint_admin(admin.parse().expect("an address"))
}
