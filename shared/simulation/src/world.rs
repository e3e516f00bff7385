//! The world of one seed: two small tenants, one project, and everything that runs on them.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use conformance::reference::{ModelQueue, ModelStore, SeededRandom, VirtualClock};
use control::{Scope, Selection};
use engine::{Host, HostIdentity, TenantPair};
use jiff::Timestamp;
use model::{Keys, Profile, Project, User, UserId, UserKey, WaveId};
use ports::{Clock, Queue, Random, Store, Transport};
use simulator::{
    Config, Credentials, Part, Profile as Calmness, RecipientView, Rehearsal, Simulator,
};
use tenant::{LimitSettings, Limits};

use crate::{
    check::{Ledger, Letter, Pair},
    fault::{FaultKind, mix},
    host::{SimulatedTenants, SwitchedScripts},
    ports::{FaultyQueue, FaultyStore, FaultyTransport},
    seed,
    stage::SharedStage,
};

/// Deliveries after which a message is a dead letter. Only a sweeper helps then, so where nobody
/// sweeps there are none.
const MAX_RECEIVES: u32 = 10;

/// A person who moves.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) key: UserKey,
    pub(crate) upn: String,
    pub(crate) mail: String,
    pub(crate) name: String,
    pub(crate) archive: bool,
}

/// The world.
pub(crate) struct World {
    pub(crate) stage: SharedStage,
    /// The store without faults.
    pub(crate) quiet: Arc<ModelStore>,
    pub(crate) queue: Arc<FaultyQueue>,
    pub(crate) simulator: Simulator,
    pub(crate) source: Credentials,
    pub(crate) target: Credentials,
    pub(crate) host: Host,
    pub(crate) scripts: Arc<SwitchedScripts>,
    pub(crate) project: Project,
    pub(crate) people: Vec<Person>,
    seed: u64,
    ledgers: Mutex<BTreeMap<UserId, Ledger>>,
    letters: Mutex<Vec<(UserId, Letter)>>,
    contacts: Mutex<BTreeMap<UserId, Vec<String>>>,
    waves: Mutex<BTreeMap<UserId, WaveId>>,
}

/// A world could not be set up.
pub(crate) type SetUpFailed = String;

impl World {
    /// Builds the world of a seed, discovers and matches its people, and lets the faults begin.
    pub(crate) fn build(seed: u64, stage: SharedStage) -> Result<Self, SetUpFailed> {
        let clock: Arc<dyn Clock> = Arc::new(stage.clock.clone());
        let rehearsal = Simulator::rehearsal_with(
            &seed::population(seed),
            seed,
            Arc::clone(&clock),
            Config::of(Calmness::Calm),
        );
        let Rehearsal { simulator, source, target, service_account } = rehearsal;
        let quiet = Arc::new(ModelStore::new());
        let unswept = stage.lock().faults.has(FaultKind::NoSweeper);
        let receives = if unswept { u32::MAX } else { MAX_RECEIVES };
        let model = Arc::new(ModelQueue::new(Arc::clone(&clock), receives));
        let queue = Arc::new(FaultyQueue::new(model, Arc::clone(&quiet), Arc::clone(&stage)));
        let store = FaultyStore { inner: Arc::clone(&quiet), stage: Arc::clone(&stage) };
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(mix(seed, 0x4057, 0)));
        let transport: Arc<dyn Transport> =
            Arc::new(FaultyTransport { simulator: simulator.clone(), stage: Arc::clone(&stage) });
        let limits = Arc::new(Limits::new(LimitSettings::default()));
        let client = |credentials: &Credentials| {
            seed::client(credentials, &transport, &clock, &random, &limits)
        };
        let pair = TenantPair { source: client(&source)?, target: client(&target)? };
        let scripts = Arc::new(SwitchedScripts::new());
        let sole = stage.lock().faults.has(FaultKind::OneMachine);
        let host = Host {
            store: Arc::new(store),
            queue: Arc::clone(&queue) as Arc<dyn Queue>,
            clock,
            random,
            tenants: Arc::new(SimulatedTenants { pair }),
            scripts: Arc::clone(&scripts) as Arc<dyn engine::Scripts>,
            webhooks: Arc::new(engine::NoWebhooks),
            identity: HostIdentity { incarnation: "host-0".to_owned(), sole, until: None },
        };
        let project = seed::project(seed, &source, &target, &service_account)?;
        stage.lock().watch.source = source.tenant_id.to_string();
        let mut world = Self {
            stage,
            quiet,
            queue,
            simulator,
            source,
            target,
            host,
            scripts,
            project,
            people: Vec::new(),
            seed,
            ledgers: Mutex::default(),
            letters: Mutex::default(),
            contacts: Mutex::default(),
            waves: Mutex::default(),
        };
        world.set_up()?;
        Ok(world)
    }

    fn set_up(&mut self) -> Result<(), SetUpFailed> {
        let failed = |error: control::ControlError| error.to_string();
        let (host, project) = (self.host.clone(), self.project.clone());
        let clock = self.stage.clock.clone();
        drive(&clock, control::store_project(&host, &project)).map_err(failed)?;
        drive(&clock, control::discover(&host, &project, None, |_seen| {})).map_err(failed)?;
        drive(&clock, control::match_users(&host, &project, &Selection::everybody()))
            .map_err(failed)?;
        let scope = self.scope();
        let users = drive(&clock, scope.users(&host)).map_err(failed)?;
        let movers = users.into_iter().filter(|user| !user.value.source.licenses.is_empty());
        for user in movers {
            let source = &user.value.source;
            let person = Person {
                key: scope.user(&user.value.id),
                upn: source.user_principal_name.clone(),
                mail: source.mail.clone(),
                name: source.display_name.clone(),
                archive: source.mailbox.archive,
            };
            self.fill(&person).map_err(|error| error.to_string())?;
            self.people.push(person);
        }
        if self.stage.lock().faults.has(FaultKind::Schedule) {
            crate::schedule::set(self).map_err(failed)?;
        }
        Ok(())
    }

    /// A little content for everybody.
    fn fill(&self, person: &Person) -> Result<(), simulator::NoContent> {
        let (tenant, simulator) = (self.source.tenant_id, &self.simulator);
        let (mail, files) = seed::contents(self.seed);
        let mut parts = vec![Part::Primary];
        parts.extend(person.archive.then_some(Part::Archive));
        for part in parts {
            simulator.fill_mailbox(tenant, &person.upn, part, &mail)?;
            if self.stage.lock().faults.has(FaultKind::Unreadable) {
                simulator.corrupt_items(tenant, &person.upn, part, 1)?;
            }
        }
        simulator.fill_drive(tenant, &person.upn, &files)
    }

    /// Whether everything is verified at the end: in one run of four.
    pub(crate) fn verifies(&self) -> bool {
        mix(self.seed, 0x5E_11F1, 0).is_multiple_of(4)
    }

    /// Whether the project asked for rights all the time.
    pub(crate) fn moves_rights(&self) -> bool {
        self.profile().sync.permissions && !self.stage.lock().faults.has(FaultKind::ProfileChanged)
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope::of(&self.project)
    }

    pub(crate) fn profile(&self) -> &Profile {
        &self.project.default_profile
    }

    /// A user as it stands, read without faults.
    pub(crate) fn user(&self, person: &Person) -> Option<User> {
        let store: &dyn Store = &*self.quiet;
        let (partition, sort) = Keys::user(&person.key);
        let record =
            futures_util::FutureExt::now_or_never(store.get(&ports::Key { partition, sort }));
        let record = record?.ok()??;
        <User as model::Stored>::from_bytes(&record.value).ok()
    }

    /// The person's recipient in the target: mail user or mailbox.
    pub(crate) fn new_mailbox(&self, user: &User) -> Option<RecipientView> {
        let id = &user.target.as_ref()?.object_id;
        let all = self.simulator.recipients(self.target.tenant_id);
        all.into_iter().find(|view| view.directory_id.to_string() == *id)
    }

    /// Looks at the routing of everybody after something changed, and remembers contacts' names.
    pub(crate) fn look(&self) {
        let mut pairs = Vec::new();
        let all = self.simulator.recipients(self.target.tenant_id);
        for person in &self.people {
            let Some(user) = self.user(person) else { continue };
            for contact in &all {
                let is_for = contact.external_address.as_deref() == Some(person.mail.as_str());
                if contact.kind == "MailContact" && is_for {
                    self.remember_contact(&person.key.user, &contact.legacy_exchange_dn);
                }
            }
            let Some(target) = &user.target else { continue };
            pairs.push(Pair {
                source: self.source.tenant_id,
                old_address: person.mail.clone(),
                target: self.target.tenant_id,
                new_id: target.object_id.clone(),
            });
        }
        let prepared = std::mem::take(&mut self.stage.lock().watch.prepared);
        for person in self.people.iter().filter(|person| prepared.contains(&person.key.user)) {
            self.listed_once(person, &all);
        }
        crate::check::routed(&self.stage, &self.simulator, &pairs);
    }

    /// PRE-4: of the person the contact alone is visible in the target's address list.
    fn listed_once(&self, person: &Person, all: &[RecipientView]) {
        let Some(target) = self.user(person).and_then(|user| user.target) else { return };
        let of_person: Vec<&RecipientView> = all
            .iter()
            .filter(|view| {
                view.directory_id.to_string() == target.object_id
                    || view.external_address.as_deref() == Some(person.mail.as_str())
            })
            .collect();
        let visible: Vec<&str> =
            of_person.iter().filter(|view| !view.hidden).map(|view| view.kind.as_str()).collect();
        if visible != ["MailContact"] {
            let text = format!("{} is prepared and visible as {visible:?}", person.upn);
            self.stage.violated("PRE-4", text);
        }
    }

    fn remember_contact(&self, user: &UserId, name: &str) {
        let mut contacts = self.contacts.lock().unwrap_or_else(PoisonError::into_inner);
        let names = contacts.entry(user.clone()).or_default();
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }

    /// What the person's contacts in the target answered to.
    pub(crate) fn contact_names(&self, key: &UserKey) -> Vec<String> {
        let contacts = self.contacts.lock().unwrap_or_else(PoisonError::into_inner);
        contacts.get(&key.user).cloned().unwrap_or_default()
    }

    /// The operator has put the person into a wave.
    pub(crate) fn remember_wave(&self, user: &UserId, wave: &WaveId) {
        let mut waves = self.waves.lock().unwrap_or_else(PoisonError::into_inner);
        waves.insert(user.clone(), wave.clone());
    }

    /// The wave that the operator has put the person into last.
    pub(crate) fn wave(&self, user: &UserId) -> Option<WaveId> {
        let waves = self.waves.lock().unwrap_or_else(PoisonError::into_inner);
        waves.get(user).cloned()
    }

    /// When a person was prepared first.
    pub(crate) fn prepared_at(&self, user: &UserId) -> Option<Timestamp> {
        self.stage.lock().watch.prepared_at.get(user).copied()
    }

    /// What the person did.
    pub(crate) fn ledger(&self, user: &UserId) -> Ledger {
        let ledgers = self.ledgers.lock().unwrap_or_else(PoisonError::into_inner);
        ledgers.get(user).cloned().unwrap_or_default()
    }

    /// Notes what the person did.
    pub(crate) fn note(&self, user: &UserId, note: impl FnOnce(&mut Ledger)) {
        let mut ledgers = self.ledgers.lock().unwrap_or_else(PoisonError::into_inner);
        note(ledgers.entry(user.clone()).or_default());
    }

    /// Every letter.
    pub(crate) fn letters(&self) -> Vec<Letter> {
        let letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        letters.iter().map(|(_, letter)| letter.clone()).collect()
    }

    /// The letters to a person.
    pub(crate) fn letters_to(&self, user: &UserId) -> Vec<Letter> {
        let letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        letters.iter().filter(|(to, _)| to == user).map(|(_, letter)| letter.clone()).collect()
    }

    /// Somebody outside writes to one of a person's addresses.
    pub(crate) fn write_letter(&self, person: &Person, address: &str) {
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        let subject = format!("[letter {}]", letters.len());
        let id = self.simulator.send_mail("friend@outside.example", address, &subject);
        self.stage.note(&format!("{subject} to {address}"));
        letters.push((person.key.user.clone(), Letter { id, subject }));
    }
}

/// Runs a future to its end, moving the clock whenever it sleeps.
pub(crate) fn drive<F: Future>(clock: &VirtualClock, future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        if let Some(at) = clock.next_deadline() {
            clock.advance_to(at);
        }
    }
}
