//! The adapters, bound to the ports.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use aws::{
    Access, AwsError, Caller, Connections, DynamoStore, Event, EventBus, Functions, Meter,
    NewSchedule, Object, Objects, Polling, ScheduleTarget, Schedules, SqsQueues,
};
use catalogue::{Function, metrics, table::PROJECTS};
use control::Scope;
use engine::{Host, HostIdentity, StoredScripts};
use jiff::{Timestamp, tz::TimeZone};
use lambda::{Bus, Calls, ChangeEvent, Deployment, Files, PlannedStart, Planner, Projects, Switch};
use ports::{Clock, Random, Store, StoreError, Transport};
use scripting::{Budget, WorkerPool};
use serde_json::{Value, json};
use system::{OsRandom, SystemClock};
use tenant::{Counted, Reach, ReqwestTransport, TransportSettings};

use crate::{config::Config, log, tenants::ConnectedTenants, webhooks::StoredWebhooks};

/// Script processes of one function at the same time.
const SCRIPT_WORKERS: usize = 2;

/// Everything that an invocation needs, made once.
pub(crate) struct Services {
    pub(crate) deployment: Deployment,
    meter: Meter,
}

impl Services {
    /// Binds the adapters. No service is asked: that would make every start wait.
    pub(crate) fn new(config: &Config) -> Result<Self, String> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(OsRandom);
        let (key, secret, session) = &config.credentials;
        let mut access = Access::new(config.region.clone(), key, secret, session.as_deref());
        if let Some(endpoint) = &config.endpoint {
            access = access.at(endpoint.clone());
        }
        let meter = Meter::new();
        let store = DynamoStore::new(
            access.dynamo(),
            config.table.clone(),
            Arc::clone(&clock),
            Arc::clone(&random),
        )
        .with_layout(lambda::layout());
        let queue = SqsQueues::new(
            access.sqs(),
            config.queues.clone(),
            Arc::clone(&clock),
            Arc::clone(&random),
        );
        let transport = ReqwestTransport::new(&TransportSettings::default());
        let transport = transport.map_err(|error| error.to_string())?;
        let plain: Arc<dyn Transport> = Arc::new(transport.clone());
        let (clocked, chanced) = (Arc::clone(&clock), Arc::clone(&random));
        let caller = Caller::new(access, plain, clocked, chanced).with_meter(meter.clone());
        let table = Arc::new(store.with_meter(meter.clone()));
        let store: Arc<dyn Store> = Arc::clone(&table) as Arc<dyn Store>;
        let mut connections = Connections::new(caller.clone());
        if let Some(role) = &config.identity_role {
            connections = connections.with_role(role.clone());
        }
        let reach = if config.private_webhooks { Reach::Anywhere } else { Reach::PublicOnly };
        let settings = TransportSettings { reach, ..TransportSettings::default() };
        let public = ReqwestTransport::new(&settings).map_err(|error| error.to_string())?;
        let webhooks = StoredWebhooks {
            connections: connections.clone(),
            stack: config.stack.clone(),
            transport: Arc::new(public),
        };
        let tenants = ConnectedTenants {
            store: Arc::clone(&store),
            connections,
            stack: config.stack.clone(),
            transport: Arc::new(Counted(transport)),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
            known: Mutex::new(BTreeMap::new()),
        };
        // Customers' scripts run in processes of their own: this program again.
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let workers = Arc::new(WorkerPool::new(program, ["script-worker"], SCRIPT_WORKERS));
        let clocked = Arc::clone(&clock);
        let scripts =
            StoredScripts::new(Arc::clone(&store), clocked, Budget::default(), Some(workers));
        let incarnation = format!("{:016x}", random.next_u64());
        let host = Host {
            store,
            queue: Arc::new(queue.with_meter(meter.clone())),
            clock,
            random,
            tenants: Arc::new(tenants),
            scripts: Arc::new(scripts),
            webhooks: Arc::new(webhooks),
            identity: HostIdentity { incarnation, sole: false, until: None },
        };
        let deployment = Deployment {
            host,
            steps: Arc::new(dispatch::AllSteps),
            projects: Arc::new(Listed(table)),
            switch: Arc::new(Queues(Polling::new(caller.clone(), config.mappings.clone()))),
            planner: Arc::new(Starts::of(config, &caller)),
            files: Arc::new(Bucket::of(config, &caller)),
            calls: Arc::new(Stack(Functions::new(caller.clone(), config.stack.clone()))),
            bus: Arc::new(Events::of(config, &caller)),
            stack: config.stack.clone(),
        };
        Ok(Self { deployment, meter })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.deployment.host.clock.now()
    }

    /// Writes the invocation's metrics, and beside them its time and what it asked of table and queues.
    pub(crate) fn report(
        &self,
        function: Function,
        request: &str,
        began: Timestamp,
        answer: Option<&Value>,
    ) {
        let now = self.now();
        let milliseconds = i32::try_from(now.duration_since(began).as_millis()).unwrap_or(i32::MAX);
        let failed = answer
            .and_then(|answer| answer.get("batchItemFailures"))
            .and_then(Value::as_array)
            .map_or_else(|| usize::from(answer.is_none()), Vec::len);
        let failed = u32::try_from(failed).unwrap_or(u32::MAX);
        let asked: Vec<Value> = self
            .meter
            .take()
            .into_iter()
            .map(|(operation, spent)| {
                json!({
                    "operation": operation.name(), "requests": spent.requests,
                    "billed": spent.billed, "messages": spent.messages,
                    "read": spent.read_units, "write": spent.write_units,
                    "refused": spent.refused,
                })
            })
            .collect();
        // What those that run by the clock count is of the whole deployment.
        let counted =
            [metrics::IN_FLIGHT, metrics::OLDEST_BATON, metrics::DEAD_LETTERS, metrics::NEGLECTED];
        let mut values = vec![(metrics::FAILED, f64::from(failed))];
        values.extend(
            counted.into_iter().filter_map(|name| Some((name, answer?.get(name)?.as_f64()?))),
        );
        let beside = json!({
            "Function": function.handler(), "Milliseconds": milliseconds, "request": request,
            "asked": asked,
        });
        log::metrics(now.as_millisecond(), &self.deployment.stack, &values, beside);
    }
}

/// The queues' polling, as the deployment switches it.
struct Queues(Polling);

#[async_trait]
impl Switch for Queues {
    async fn polling(&self, on: bool) -> Result<(), String> {
        self.0.switch(on).await.map_err(|error| error.to_string())
    }
}

/// The projects in the table's listing.
struct Listed(Arc<DynamoStore>);

#[async_trait]
impl Projects for Listed {
    async fn all(&self) -> Result<Vec<Scope>, StoreError> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let (keys, next) = self.0.listed(PROJECTS, after.as_ref()).await?;
            all.extend(keys.iter().filter_map(lambda::project_of));
            if next.is_none() {
                return Ok(all);
            }
            after = next;
        }
    }
}

/// The schedules of the waves.
struct Starts(Option<Schedules>);

impl Starts {
    fn of(config: &Config, caller: &Caller) -> Self {
        Self(config.schedules.as_ref().map(|schedules| {
            let (arn, role) = (schedules.target.clone(), schedules.role.clone());
            let target = ScheduleTarget { arn, role, dead_letters: None };
            Schedules::new(caller.clone(), schedules.group.clone(), target)
        }))
    }

    fn schedules(&self) -> Result<&Schedules, String> {
        self.0.as_ref().ok_or_else(|| "CROSSWAVE_SCHEDULE_GROUP is not set".to_owned())
    }
}

#[async_trait]
impl Planner for Starts {
    async fn plan(&self, start: &PlannedStart) -> Result<(), String> {
        let zone = TimeZone::get(&start.zone).map_err(|error| error.to_string())?;
        let local = start.at.to_zoned(zone).datetime();
        let schedule = NewSchedule {
            name: start.name.clone(),
            expression: NewSchedule::at(local),
            time_zone: start.zone.clone(),
            input: json!(start.request).to_string(),
        };
        self.schedules()?.put(&schedule).await.map_err(|error| error.to_string())
    }

    async fn cancel(&self, name: &str) -> Result<(), String> {
        self.schedules()?.delete(name).await.map_err(|error| error.to_string())
    }
}

/// The deployment's bus.
struct Events(Option<EventBus>);

impl Events {
    fn of(config: &Config, caller: &Caller) -> Self {
        let bus = |bus: &String| EventBus::new(caller.clone(), bus.clone(), "crosswave");
        Self(config.bus.as_ref().map(bus))
    }
}

#[async_trait]
impl Bus for Events {
    async fn publish(&self, events: &[ChangeEvent]) -> Result<(), String> {
        let bus = self.0.as_ref().ok_or("CROSSWAVE_BUS is not set")?;
        let event = |event: &ChangeEvent| Event {
            detail_type: event.detail_type.clone(),
            detail: event.detail.clone(),
            at: event.time,
            resources: Vec::new(),
        };
        let events: Vec<Event> = events.iter().map(event).collect();
        bus.put(&events).await.map_err(|error| error.to_string())
    }
}

/// The bucket of files that start waves.
struct Bucket {
    bucket: Option<String>,
    objects: Objects,
}

impl Bucket {
    fn of(config: &Config, caller: &Caller) -> Self {
        let bucket = config.wave_files.clone();
        Self { bucket, objects: Objects::new(caller.clone()) }
    }
}

#[async_trait]
impl Files for Bucket {
    fn bucket(&self) -> Option<&str> {
        self.bucket.as_deref()
    }

    async fn read(&self, object: &Object, most: usize) -> Result<Vec<u8>, AwsError> {
        Ok(self.objects.read(object, most).await?.into())
    }
}

/// The functions of this stack.
struct Stack(Functions);

#[async_trait]
impl Calls for Stack {
    async fn call(&self, function: Function, event: &Value) -> Result<(), String> {
        let name = function.dead_letters().unwrap_or_default();
        self.0.call(&name, event).await.map_err(|error| error.to_string())
    }
}
