//! Two simulated tenants, one person in both, and a copy between them.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use conformance::reference::{ModelStore, SeededRandom, VirtualClock};
use content::{
    ContentError, CopyJob, CopyMode, CopySettings, CopySubject, CopySummary, Principals,
    SourcePrincipal, TargetPrincipal, Translation, UnitBudget, UnitOutcome,
};
use judge::{Judge, JudgedPort};
use ports::{
    Change, Clock, CommitError, HttpRequest, HttpResponse, Key, Page, Query, Record, Store,
    StoreError, Transport, TransportError,
};
use simulator::{
    Config, Credentials, MailboxView, Part, Population, Profile, RecipientView, Rehearsal,
    Simulator,
};
use tenant::{
    ClientId, Credential, Endpoints, LimitSettings, Limits, SecretText, TenantClient, TenantConfig,
    TenantId,
};
use url::Url;

/// A world with one person, `person`, who has a mailbox on both sides.
pub(crate) struct World {
    pub(crate) clock: VirtualClock,
    pub(crate) simulator: Simulator,
    pub(crate) source: Credentials,
    pub(crate) target: Credentials,
    /// The person's address in the source.
    pub(crate) from: String,
    /// The person's address in the target.
    pub(crate) to: String,
    pub(crate) subject: CopySubject,
    pub(crate) store: Arc<ModelStore>,
    pub(crate) settings: CopySettings,
    pub(crate) principals: Table,
    /// Boundaries (requests and commits) passed so far.
    pub(crate) passed: Arc<AtomicU64>,
    /// The boundary at which the process dies.
    pub(crate) dies_at: Arc<AtomicU64>,
    /// What becomes of replies on their way.
    pub(crate) tamper: Arc<Mutex<Option<Tamper>>>,
    pub(crate) source_client: TenantClient,
    pub(crate) target_client: TenantClient,
    /// Every request and every reply, before a test changes it, held against Graph's description.
    judged: Option<Arc<JudgedPort<Simulator>>>,
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(judged) = self.judged.as_ref().filter(|_| !std::thread::panicking()) {
            judged.assert_clean();
        }
    }
}

fn judged(simulator: &Simulator) -> Option<Arc<JudgedPort<Simulator>>> {
    static JUDGE: LazyLock<Option<Arc<Judge>>> =
        LazyLock::new(|| Judge::load().expect("the judge's document"));
    let judge = JUDGE.clone()?;
    Some(Arc::new(JudgedPort::new(simulator.clone(), url(""), judge)))
}

fn url(path: &str) -> Url {
    Url::parse(&format!("https://simulator.example/{path}")).expect("a URL")
}

/// Changes a reply, given the request's method and path; `None` leaves it.
pub(crate) type Tamper = Box<dyn FnMut(&str, &str, &str) -> Option<(u16, String)> + Send>;

/// Never dies.
pub(crate) const NEVER: u64 = u64::MAX;

/// A match table: everybody who has the same alias in the target.
pub(crate) struct Table {
    simulator: Simulator,
    source: uuid::Uuid,
    target: TenantClient,
    domain: String,
    /// Nobody is matched yet.
    pub(crate) empty: std::sync::atomic::AtomicBool,
    /// For whom rights have begun to wait.
    pub(crate) awaited: Mutex<std::collections::BTreeSet<SourcePrincipal>>,
}

#[async_trait]
impl Principals for Table {
    async fn translate(&self, principal: &SourcePrincipal) -> Result<Translation, ContentError> {
        if self.empty.load(Ordering::Relaxed) {
            return Ok(Translation::Unmatched);
        }
        let here = self.simulator.recipients(self.source).into_iter().find(|here| {
            if let Some(id) = &principal.object_id {
                return *id == here.directory_id.to_string();
            }
            principal
                .address
                .as_ref()
                .is_some_and(|address| here.addresses.iter().any(|own| own.ends_with(address)))
                || here.display_name == principal.text
        });
        let Some(here) = here else { return Ok(Translation::Unmatched) };
        let address = format!("{}@{}", here.alias, self.domain);
        let there = self.target.graph().find_user(&address).await;
        Ok(match there {
            Ok(Some(there)) => {
                Translation::Mapped(TargetPrincipal { object_id: there.id, address })
            }
            _ => Translation::Unmatched,
        })
    }

    async fn awaited(&self, principal: &SourcePrincipal) -> Result<(), ContentError> {
        self.awaited.lock().unwrap().insert(principal.clone());
        Ok(())
    }
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with(seed, Config::of(Profile::Calm))
    }

    /// A world with knobs. The throttling budgets of the client are wide, unless a test says else.
    pub(crate) fn with(seed: u64, config: Config) -> Self {
        let limits = LimitSettings {
            drive_units: tenant::Rate::new(1_000_000, Duration::from_secs(1)),
            drive_units_a_day: tenant::Rate::new(u32::MAX, Duration::from_hours(24)),
            ..LimitSettings::default()
        };
        Self::limited(seed, config, Limits::new(limits))
    }

    /// A world whose clients keep these budgets.
    pub(crate) fn limited(seed: u64, config: Config, limits: Limits) -> Self {
        let clock = VirtualClock::new();
        let population = Population {
            archives: 1,
            existing_in_target: 1,
            content: false,
            ..Population::of(4, Profile::Calm)
        };
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let Rehearsal { simulator, source, target, .. } =
            Simulator::rehearsal_with(&population, seed, Arc::clone(&shared), config);
        let there: Vec<RecipientView> = simulator.recipients(target.tenant_id);
        let here: Vec<RecipientView> = simulator.recipients(source.tenant_id);
        let usable = |there: &&RecipientView| {
            there.mailbox.is_some()
                && here.iter().any(|here| here.alias == there.alias && here.kind == "UserMailbox")
        };
        let person = there.iter().find(usable).expect("a person with both mailboxes").clone();
        let original = here.iter().find(|here| here.alias == person.alias).expect("the original");
        let (passed, dies_at) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(NEVER)));
        let tamper = Arc::new(Mutex::default());
        let judged = judged(&simulator);
        let tenants: Arc<dyn Transport> = match &judged {
            Some(judged) => Arc::clone(judged) as Arc<dyn Transport>,
            None => Arc::new(simulator.clone()),
        };
        let transport: Arc<dyn Transport> = Arc::new(Mortal {
            tamper: Arc::clone(&tamper),
            tenants,
            passed: Arc::clone(&passed),
            dies_at: Arc::clone(&dies_at),
        });
        let limits = Arc::new(limits);
        let client = |of: &Credentials| {
            let transport = Arc::clone(&transport);
            client_of(of, transport, Arc::clone(&shared), seed, Arc::clone(&limits))
        };
        let (source_client, target_client) = (client(&source), client(&target));
        let subject = CopySubject {
            source_user: original.directory_id.to_string(),
            target_user: person.directory_id.to_string(),
            mailbox: true,
            archive: false,
            drive: false,
            permissions: true,
        };
        let principals = Table {
            simulator: simulator.clone(),
            source: source.tenant_id,
            target: target_client.clone(),
            domain: target.vanity_domain.clone(),
            empty: std::sync::atomic::AtomicBool::new(false),
            awaited: Mutex::default(),
        };
        Self {
            clock,
            from: original.user_principal_name.clone(),
            to: person.user_principal_name.clone(),
            simulator,
            source,
            target,
            subject,
            store: Arc::new(ModelStore::new()),
            settings: CopySettings::default(),
            principals,
            passed,
            dies_at,
            tamper,
            source_client,
            target_client,
            judged,
        }
    }

    /// Changes replies from now on.
    pub(crate) fn tamper(
        &self,
        tamper: impl FnMut(&str, &str, &str) -> Option<(u16, String)> + Send + 'static,
    ) {
        *self.tamper.lock().expect("the lock") = Some(Box::new(tamper));
    }

    /// Replies come as they are again.
    pub(crate) fn tamper_no_more(&self) {
        *self.tamper.lock().expect("the lock") = None;
    }

    /// The open bad items.
    pub(crate) fn bad_items(&self) -> Vec<content::BadItem> {
        self.drive_future(self.job(&*self.store).bad_items()).expect("alive").expect("readable")
    }

    /// Runs one unit; `None`: the process died in it.
    pub(crate) fn unit(
        &self,
        mode: CopyMode,
        round: &str,
    ) -> Option<Result<UnitOutcome, ContentError>> {
        let store = MortalStore {
            inner: Arc::clone(&self.store),
            passed: Arc::clone(&self.passed),
            dies_at: Arc::clone(&self.dies_at),
        };
        let job = self.job(&store);
        self.drive_future(job.run_unit(mode, round))
    }

    pub(crate) fn job<'a>(&'a self, store: &'a dyn Store) -> CopyJob<'a> {
        CopyJob {
            source: &self.source_client,
            target: &self.target_client,
            store,
            clock: &self.clock,
            partition: "C#local#copy".to_owned(),
            subject: self.subject.clone(),
            principals: &self.principals,
            settings: self.settings.clone(),
        }
    }

    /// Polls a future; time passes when it sleeps. `None` when it will never be ready: it died.
    pub(crate) fn drive_future<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return Some(value);
            }
            if self.passed.load(Ordering::Relaxed) >= self.dies_at.load(Ordering::Relaxed) {
                return None;
            }
            self.clock.advance_to(self.clock.next_deadline()?);
        }
    }

    /// Runs units until the round is complete.
    pub(crate) fn copy(&self, mode: CopyMode, round: &str) -> CopySummary {
        self.try_copy(mode, round).expect("the copy works")
    }

    pub(crate) fn try_copy(
        &self,
        mode: CopyMode,
        round: &str,
    ) -> Result<CopySummary, ContentError> {
        for _ in 0..3_000 {
            match self.unit(mode, round).expect("nobody dies here")? {
                UnitOutcome::More(_) => {}
                UnitOutcome::Finished(summary) => return Ok(summary),
                UnitOutcome::Wait { after, .. } => self.clock.advance(after),
            }
        }
        panic!("the round does not end");
    }

    /// How the target's mailbox differs from the source's: what it lacks, and what it has besides.
    pub(crate) fn mailbox_differences(&self, part: Part) -> Vec<String> {
        self.view(&self.source, &self.from, part)
            .differences(&self.view(&self.target, &self.to, part), false)
    }

    pub(crate) fn view(&self, tenant: &Credentials, user: &str, part: Part) -> MailboxView {
        self.simulator.mailbox_view(tenant.tenant_id, user, part).expect("a mailbox")
    }

    /// How the target's drive differs from the source's.
    pub(crate) fn drive_differences(&self) -> Vec<String> {
        let view = |tenant: &Credentials, user: &str| {
            self.simulator.drive_view(tenant.tenant_id, user).expect("a drive")
        };
        view(&self.source, &self.from).differences(&view(&self.target, &self.to))
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> usize {
        self.simulator.requests().len()
    }

    /// Small units, so that every test crosses many of their ends.
    pub(crate) fn small_units(&mut self) {
        self.settings.budget = UnitBudget { time: Duration::from_mins(1), requests: 25 };
    }
}

/// A client of one of the tenants.
pub(crate) fn client_of(
    of: &Credentials,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    seed: u64,
    limits: Arc<Limits>,
) -> TenantClient {
    let config = TenantConfig::new(
        TenantId::parse(&of.tenant_id.to_string()).expect("a tenant id"),
        ClientId::parse(&of.client_id.to_string()).expect("a client id"),
        Credential::Secret(SecretText::from(of.client_secret.clone())),
    )
    .with_endpoints(endpoints(of));
    TenantClient::new(config, transport, clock, Arc::new(SeededRandom::new(seed)), limits)
}

fn endpoints(of: &Credentials) -> Endpoints {
    let label = of.initial_domain.split('.').next().unwrap_or_default();
    let endpoints = Endpoints {
        login: url("login/"),
        graph: url("graph/"),
        exchange: url("outlook/"),
        ..Endpoints::public()
    };
    endpoints.with_sharepoint_admin(url(&format!("sharepoint/{label}-admin/")))
}

/// A transport behind which the process may die: before the request leaves, or after it took effect
/// and before its reply is read.
struct Mortal {
    tamper: Arc<Mutex<Option<Tamper>>>,
    tenants: Arc<dyn Transport>,
    passed: Arc<AtomicU64>,
    dies_at: Arc<AtomicU64>,
}

async fn boundary(passed: &AtomicU64, dies_at: &AtomicU64) {
    let now = passed.fetch_add(1, Ordering::Relaxed) + 1;
    if now >= dies_at.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl Transport for Mortal {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        boundary(&self.passed, &self.dies_at).await;
        let (method, path) = (request.method.to_string(), request.url.path().to_owned());
        let reply = self.tenants.send(request).await;
        boundary(&self.passed, &self.dies_at).await;
        if self.tamper.lock().expect("the lock").is_none() {
            return reply;
        }
        let reply = reply?;
        let (status, headers) = (reply.status, reply.headers.clone());
        let body = reply.read(usize::MAX).await?;
        let text = String::from_utf8_lossy(&body).into_owned();
        let mut tamper = self.tamper.lock().expect("the lock");
        let changed = tamper.as_mut().and_then(|tamper| tamper(&method, &path, &text));
        Ok(match changed {
            Some((status, body)) => {
                let status = http::StatusCode::from_u16(status).expect("a status");
                HttpResponse::of(status, http::HeaderMap::new(), body)
            }
            None => HttpResponse::of(status, headers, body),
        })
    }
}

/// A store behind which the process may die: before a commit, or after it.
struct MortalStore {
    inner: Arc<ModelStore>,
    passed: Arc<AtomicU64>,
    dies_at: Arc<AtomicU64>,
}

#[async_trait]
impl Store for MortalStore {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.inner.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.inner.query(query).await
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        boundary(&self.passed, &self.dies_at).await;
        self.inner.commit(changes).await?;
        boundary(&self.passed, &self.dies_at).await;
        Ok(())
    }
}
