//! What a function makes of its events, against the models of the ports.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use catalogue::{Function, Phase, ProjectType, Step, plan_of};
use conformance::reference::{ModelQueue, ModelStore, SeededRandom, VirtualClock};
use control::{Scope, store_project, waves};
use engine::{
    Host, HostIdentity, Outcome, StepContext, StepError, StepResult, Steps, StoredScripts,
    TenantPair, Tenants, Wake,
    records::{Batch, load_all},
};
use jiff::{SignedDuration, Timestamp};
use model::{Capabilities, Keys, Profile, Project, SourceIdentity, TenantFacts, User};
use ports::{Clock, Delivery, Key, QueueName, Store, StoreError};
use scripting::Budget;
use serde_json::{Value, json};

use crate::{
    Bus, Calls, ChangeEvent, Deployment, Files, Hour, PlannedStart, Planner, Projects, Switch,
    list_dead, project_of, redrive,
};

mod api;
mod changes;
mod dead;
mod files;
mod gather;
mod metrics;
mod plan;
mod polling;
mod turns;
mod upgrade;

/// What every step answers here, by the user's name.
struct Scripted;

#[async_trait]
impl Steps for Scripted {
    async fn run(&self, _step: Step, cx: &StepContext<'_>) -> StepResult {
        match cx.user().id.as_str() {
            "panics" => panic!("this step has a fault"),
            "hangs" => std::future::pending().await,
            "waits" => {
                let delay = Duration::from_hours(2);
                Ok(Outcome::Wait(Wake::After { delay, why: "the tenant's pause".to_owned() }))
            }
            "throttled" => Err(StepError {
                failure: engine::Failure::Throttled(Duration::from_secs(40)),
                ..StepError::retry("throttled", "the tenant is busy")
            }),
            _ => Outcome::not_applicable("a test"),
        }
    }
}

struct Nowhere;

#[async_trait]
impl Tenants for Nowhere {
    async fn of(&self, _project: &Project) -> Result<TenantPair, StepError> {
        Err(StepError::park("no_tenant", "there is no tenant here", "none"))
    }

    fn requests(&self, _project: &Project) -> u64 {
        0
    }
}

#[derive(Default)]
struct Noted {
    polling: Mutex<Vec<bool>>,
    /// What happens while polling is switched off.
    meanwhile: Mutex<Option<polling::Meanwhile>>,
    events: Mutex<Vec<ChangeEvent>>,
    plans: Mutex<BTreeMap<String, PlannedStart>>,
    /// The bucket: files by key and version; `None` for one that cannot be read now.
    files: Mutex<BTreeMap<(String, String), Option<String>>>,
    calls: Mutex<Vec<(Function, Value)>>,
}

#[async_trait]
impl Planner for Noted {
    async fn plan(&self, start: &PlannedStart) -> Result<(), String> {
        self.plans.lock().unwrap().insert(start.name.clone(), start.clone());
        Ok(())
    }

    async fn cancel(&self, name: &str) -> Result<(), String> {
        self.plans.lock().unwrap().remove(name);
        Ok(())
    }
}

/// The one project of a test, if its record is there.
struct One {
    store: Arc<dyn Store>,
    scope: Scope,
}

#[async_trait]
impl Projects for One {
    async fn all(&self) -> Result<Vec<Scope>, StoreError> {
        let (partition, sort) = Keys::project(&self.scope.customer, &self.scope.project);
        let there = self.store.get(&Key::new(partition, sort)).await?;
        Ok(there.into_iter().filter_map(|record| project_of(&record.key)).collect())
    }
}

#[async_trait]
impl Bus for Noted {
    async fn publish(&self, events: &[ChangeEvent]) -> Result<(), String> {
        self.events.lock().unwrap().extend_from_slice(events);
        Ok(())
    }
}

/// A deployment on models, with the clock in the test's hand.
struct Desk {
    deployment: Deployment,
    clock: VirtualClock,
    project: Project,
    noted: Arc<Noted>,
}

impl Desk {
    /// A desk at which a message has failed so often that it was collected from the dead letters.
    async fn with_a_dead_letter() -> Self {
        let desk = Self::with(&["panics"]).await;
        desk.start().await;
        for _ in 0..12 {
            desk.deliver().await;
            desk.on(900);
        }
        desk.run(Function::CollectDeadLetters, json!({})).await;
        desk
    }

    async fn with(users: &[&str]) -> Self {
        let clock = VirtualClock::at("2026-06-01T08:00:00Z".parse().unwrap());
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let store: Arc<dyn Store> = Arc::new(ModelStore::new());
        let clocked = Arc::clone(&shared);
        let scripts = StoredScripts::new(Arc::clone(&store), clocked, Budget::default(), None);
        let host = Host {
            store,
            queue: Arc::new(ModelQueue::new(Arc::clone(&shared), 10)),
            clock: shared,
            random: Arc::new(SeededRandom::new(1)),
            tenants: Arc::new(Nowhere),
            scripts: Arc::new(scripts),
            webhooks: Arc::new(engine::NoWebhooks),
            identity: HostIdentity { incarnation: "test".to_owned(), sole: false, until: None },
        };
        let facts = |name: &str| TenantFacts {
            tenant_id: "00000000-0000-0000-0000-000000000001".to_owned(),
            initial_domain: format!("{name}.onmicrosoft.com"),
            domains: vec![format!("{name}.example")],
            capabilities: Capabilities::default(),
            licences: None,
        };
        let project = Project {
            customer: "acme".parse().unwrap(),
            id: "merger".parse().unwrap(),
            project_type: ProjectType::Premium,
            source: facts("old"),
            target: facts("new"),
            match_by: Vec::new(),
            groups: model::GroupMatching::default(),
            target_domain: "new.example".to_owned(),
            default_profile: Profile::default(),
            profiles: BTreeMap::new(),
            notification_sender: None,
            quiet_hours: None,
            policy: model::ScriptPolicy::default(),
        };
        store_project(&host, &project).await.unwrap();
        let scope = Scope::of(&project);
        waves::create(&host, &project, "first".parse().unwrap(), None, None).await.unwrap();
        for id in users {
            let user = user(id);
            let mut batch = Batch::new();
            batch.put(Keys::user(&scope.user(&user.id)), &user, 0).unwrap();
            batch.commit(&*host.store).await.unwrap();
        }
        let noted = Arc::new(Noted::default());
        let store = Arc::clone(&host.store);
        let deployment = Deployment {
            host,
            projects: Arc::new(One { store, scope }),
            steps: Arc::new(Scripted),
            switch: Arc::clone(&noted) as Arc<dyn Switch>,
            planner: Arc::clone(&noted) as Arc<dyn Planner>,
            files: Arc::clone(&noted) as Arc<dyn Files>,
            calls: Arc::clone(&noted) as Arc<dyn Calls>,
            bus: Arc::clone(&noted) as Arc<dyn Bus>,
            stack: "test".to_owned(),
        };
        Self { deployment, clock, project, noted }
    }

    async fn run(&self, function: Function, event: Value) -> Value {
        let until = self.clock.now() + SignedDuration::from_mins(2);
        self.deployment.run(function, event, until).await.unwrap()
    }

    async fn start(&self) -> Value {
        let scope = Scope::of(&self.project);
        let event = json!({ "time": self.clock.now(), "detail": {
            "customer": scope.customer, "project": scope.project, "wave": "first",
            "action": "prepare",
        } });
        self.run(Function::StartWave, event).await
    }

    async fn receive(&self, queue: &str) -> Vec<Delivery> {
        let queue = QueueName::parse(queue).unwrap();
        let hidden = Duration::from_mins(12);
        self.deployment.host.queue.receive(&queue, 10, hidden).await.unwrap()
    }

    /// Delivers what is due in the queue of the first step, as a mapping does; the users whose
    /// messages come again.
    async fn deliver(&self) -> Vec<String> {
        self.deliver_to(Function::Step(Step::CreateOrUpdateUser)).await
    }

    async fn deliver_to(&self, function: Function) -> Vec<String> {
        let name = function.queue().unwrap();
        let deliveries = self.receive(&name).await;
        let answer = self.run(function, event(&deliveries)).await;
        let failed = answer["batchItemFailures"].as_array().unwrap().clone();
        let mut again = Vec::new();
        for (place, delivery) in deliveries.iter().enumerate() {
            let id = json!(place.to_string());
            if failed.iter().any(|failure| failure["itemIdentifier"] == id) {
                let body: Value = serde_json::from_str(&delivery.body).unwrap();
                again.push(body["user"]["user"].as_str().unwrap_or_default().to_owned());
            } else {
                let queue = QueueName::parse(&name).unwrap();
                let receipt = &delivery.receipt;
                self.deployment.host.queue.acknowledge(&queue, receipt).await.unwrap();
            }
        }
        again
    }

    fn on(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

const FIRST: &str = "prepare-create-or-update-user";

fn event(deliveries: &[Delivery]) -> Value {
    let record = |(place, delivery): (usize, &Delivery)| {
        json!({
            "messageId": place.to_string(), "receiptHandle": delivery.receipt.0,
            "body": delivery.body,
            "attributes": { "ApproximateReceiveCount": delivery.receive_count.to_string() },
        })
    };
    json!({ "Records": deliveries.iter().enumerate().map(record).collect::<Vec<_>>() })
}

fn user(id: &str) -> User {
    let source = SourceIdentity { object_id: id.to_owned(), ..SourceIdentity::default() };
    let wave = Some("first".parse().unwrap());
    User { wave, ..User::discovered(id.parse().unwrap(), source) }
}

/// A panic is one message's: the others of the batch are done, and the process lives.
#[tokio::test]
async fn a_panic_fails_its_own_message_alone() {
    let desk = Desk::with(&["anna", "panics", "zoe"]).await;
    desk.start().await;
    assert_eq!(desk.deliver().await, ["panics"]);
    assert_eq!(desk.receive("prepare-mail-enable-user").await.len(), 2, "the others went on");
}

/// A message that fails again and again ends with its reason in the books, and goes back by one
/// command.
#[tokio::test]
async fn a_message_that_always_fails_is_kept_with_its_reason_and_can_be_sent_again() {
    let desk = Desk::with_a_dead_letter().await;
    let host = &desk.deployment.host;
    let letters = list_dead(host).await.unwrap();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!(letter.why, "the step panicked: this step has a fault");
    assert_eq!(letter.queue, FIRST);
    assert_eq!(redrive(&desk.deployment).await.unwrap().redriven, 1);
    assert_eq!(desk.receive(FIRST).await.len(), 1);
    assert!(list_dead(host).await.unwrap().is_empty());
}

/// Text that is no baton can never be handled: it does not come again ten times.
#[tokio::test]
async fn a_message_that_is_none_of_ours_is_kept_at_once() {
    let desk = Desk::with(&[]).await;
    let answer = desk
        .run(
            Function::Step(Step::HideUser),
            json!({ "Records": [{ "messageId": "m", "receiptHandle": "r", "body": "hello" }] }),
        )
        .await;
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    desk.run(Function::CollectDeadLetters, json!({})).await;
    let letters = list_dead(&desk.deployment.host).await.unwrap();
    assert!(letters[0].why.contains("cannot be read"), "{}", letters[0].why);
}

/// A message that is longer than any of ours is kept with its reason and its beginning, fits into a
/// message and a record whatever its characters, and stays when the others go back.
#[tokio::test]
async fn a_message_that_is_too_long_is_kept_in_part_and_said_to_be_so() {
    let desk = Desk::with(&[]).await;
    let long = "\u{1}\"\\".repeat(20_000);
    let record = json!({ "messageId": "m", "receiptHandle": "r", "body": long });
    let answer = desk.run(Function::Step(Step::HideUser), json!({ "Records": [record] })).await;
    assert_eq!(answer, json!({ "batchItemFailures": [] }));
    desk.run(Function::CollectDeadLetters, json!({})).await;
    let host = &desk.deployment.host;
    let letters = list_dead(host).await.unwrap();
    assert_eq!(letters[0].cut, Some(60_000));
    assert!(long.starts_with(&letters[0].body) && letters[0].why.contains("cannot be read"));
    let done = redrive(&desk.deployment).await.unwrap();
    assert_eq!((done.redriven, done.kept), (0, 1));
    assert_eq!(list_dead(host).await.unwrap().len(), 1);
}

/// An invocation ends before Lambda ends it: the message of a step that takes too long comes again,
/// the others of its batch are done.
#[tokio::test]
async fn a_step_that_outlasts_the_invocation_fails_alone_and_in_time() {
    let desk = Desk::with(&["anna", "hangs"]).await;
    desk.start().await;
    let time = async { desk.on(119) };
    let (again, ()) = tokio::join!(desk.deliver(), time);
    assert_eq!(again, ["hangs"]);
    assert_eq!(desk.receive("prepare-mail-enable-user").await.len(), 1);
}

/// What was used is in exactly one hour, however often it is rolled up, and a closed hour stays.
#[tokio::test]
async fn usage_is_rolled_up_once_into_hours_that_never_change() {
    let desk = Desk::with(&["anna", "ben"]).await;
    desk.start().await;
    for step in plan_of(Phase::Prepare) {
        assert!(desk.deliver_to(Function::Step(step)).await.is_empty());
    }
    let first = desk.run(Function::RollUpUsage, json!({})).await;
    let again = desk.run(Function::RollUpUsage, json!({})).await;
    assert_eq!((first["users"].clone(), again["users"].clone()), (json!(2), json!(0)));
    desk.on(3_600);
    desk.run(Function::RollUpUsage, json!({})).await;
    let hours = load_all::<Hour>(&*desk.deployment.host.store, "C#acme#HOURS", "").await.unwrap();
    let hours: Vec<_> =
        hours.iter().map(|hour| (hour.value.hour.to_string(), hour.value.quantity)).collect();
    assert_eq!(hours, [("2026-06-01T08:00:00Z".to_owned(), 2)]);
}

/// Throttling never uses the receive count up: the message is sent anew each time.
#[tokio::test]
async fn a_pause_of_the_tenant_is_a_new_message_with_a_delay() {
    let desk = Desk::with(&["throttled"]).await;
    desk.start().await;
    for _ in 0..20 {
        assert!(desk.deliver().await.is_empty());
        desk.on(900);
    }
    let deliveries = desk.receive(FIRST).await;
    assert_eq!(deliveries.iter().map(|one| one.receive_count).collect::<Vec<_>>(), [1]);
}

/// A pause longer than SQS can hold a message: it is in the index of what is due, and the tick
/// sends it.
#[tokio::test]
async fn a_pause_beyond_the_queues_limit_waits_in_the_store() {
    let desk = Desk::with(&["waits"]).await;
    desk.start().await;
    assert!(desk.deliver().await.is_empty());
    for _ in 0..3 {
        desk.on(900);
        desk.deliver().await;
    }
    assert!(desk.receive(FIRST).await.is_empty(), "nothing goes round meanwhile");
    let pulse = desk.run(Function::Tick, json!({})).await;
    assert_eq!(pulse["Released"], 0);
    desk.on(2 * 3_600);
    let pulse = desk.run(Function::Tick, json!({})).await;
    assert_eq!(pulse["Released"], 1, "{pulse}");
    assert_eq!(desk.receive(FIRST).await.len(), 1);
}

/// The same event twice, and again later: one start.
#[tokio::test]
async fn an_event_that_comes_twice_starts_a_wave_once() {
    let desk = Desk::with(&["anna", "ben"]).await;
    let first = desk.start().await;
    let second = desk.start().await;
    assert_eq!((first["started"].clone(), second["started"].clone()), (json!(2), json!(2)));
    assert_eq!(desk.receive(FIRST).await.len(), 2);
    let scope = Scope::of(&desk.project);
    for user in scope.users(&desk.deployment.host).await.unwrap() {
        assert_eq!(user.value.jobs, 1, "one job each");
    }
}

/// Two bad events: each is refused with words that name what is wrong.
#[tokio::test]
async fn an_event_that_is_none_is_refused_with_words() {
    let desk = Desk::with(&[]).await;
    let until = Timestamp::MAX;
    let bad = desk.deployment.run(Function::StartWave, json!({ "x": 1 }), until).await;
    assert!(bad.unwrap_err().to_string().starts_with("control.start_wave does not understand"));
    let scope = Scope::of(&desk.project);
    let ahead = json!({
        "customer": scope.customer, "project": scope.project, "wave": "first",
        "action": "sync", "planned": "2030-01-01T00:00:00Z",
    });
    let ahead = desk.deployment.run(Function::StartWave, ahead, until).await;
    assert!(ahead.unwrap_err().to_string().contains("lies ahead"));
}
