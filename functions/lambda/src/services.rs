//! The adapters, bound to the ports.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use aws::{Access, DynamoStore, Meter, SqsQueues};
use aws_credential_types::Credentials;
use catalogue::Function;
use engine::{Host, HostIdentity, StoredScripts};
use http::Method;
use jiff::Timestamp;
use lambda::{Bus, ChangeEvent, Deployment, Switch};
use ports::{Clock, Random, Store, Transport};
use scripting::{Budget, WorkerPool};
use serde_json::{Value, json};
use system::{OsRandom, SystemClock};
use tenant::{Counted, ReqwestTransport, TransportSettings};

use crate::{
    config::Config,
    log,
    signed::{Ask, Signed},
    tenants::SecretTenants,
};

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
        );
        let queue = SqsQueues::new(
            access.sqs(),
            config.queues.clone(),
            Arc::clone(&clock),
            Arc::clone(&random),
        );
        let transport = ReqwestTransport::new(&TransportSettings::default());
        let transport = transport.map_err(|error| error.to_string())?;
        let plain: Arc<dyn Transport> = Arc::new(transport.clone());
        let signed = Arc::new(Signed {
            region: config.region.clone(),
            credentials: Credentials::new(key, secret, session.clone(), None, "environment"),
            endpoint: config.endpoint.clone(),
            transport: plain,
            clock: Arc::clone(&clock),
        });
        let tenants = SecretTenants {
            signed: Arc::clone(&signed),
            stack: config.stack.clone(),
            transport: Arc::new(Counted(transport)),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
            known: Mutex::new(BTreeMap::new()),
        };
        let store: Arc<dyn Store> = Arc::new(store.with_meter(meter.clone()));
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
            identity: HostIdentity { incarnation, sole: false, until: None },
        };
        let deployment = Deployment {
            host,
            steps: Arc::new(dispatch::AllSteps),
            switch: Arc::new(Mappings {
                signed: Arc::clone(&signed),
                ids: config.mappings.clone(),
            }),
            bus: Arc::new(EventBus { signed, name: config.bus.clone() }),
            stack: config.stack.clone(),
        };
        Ok(Self { deployment, meter })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.deployment.host.clock.now()
    }

    /// Writes the invocation's metrics, and what it asked of table and queues.
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
            .map_or(usize::from(answer.is_none()), Vec::len);
        let failed = u32::try_from(failed).unwrap_or(u32::MAX);
        let mut metrics = vec![
            ("Milliseconds".to_owned(), f64::from(milliseconds)),
            ("Failed".to_owned(), f64::from(failed)),
        ];
        let spent: Vec<Value> = self
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
        let stack = self.deployment.stack.as_str();
        let spent = json!({ "request": request, "asked": spent });
        let dimensions = [("Stack", stack), ("Function", function.handler())];
        log::metrics(now.as_millisecond(), &dimensions, &metrics, &spent);
        metrics.clear();
        // What the tick and the collector count is of the whole deployment.
        for name in ["InFlight", "OldestBaton", "DeadLetters"] {
            let value = answer.and_then(|answer| answer.get(name)).and_then(Value::as_f64);
            metrics.extend(value.map(|value| (name.to_owned(), value)));
        }
        if !metrics.is_empty() {
            log::metrics(now.as_millisecond(), &[("Stack", stack)], &metrics, &Value::Null);
        }
    }
}

/// The queues' event source mappings.
struct Mappings {
    signed: Arc<Signed>,
    ids: Vec<String>,
}

#[async_trait]
impl Switch for Mappings {
    async fn polling(&self, on: bool) -> Result<(), String> {
        let body = json!({ "Enabled": on });
        for id in &self.ids {
            let path = format!("/2015-03-31/event-source-mappings/{id}");
            let asked = self
                .signed
                .ask(Ask {
                    service: "lambda",
                    method: Method::PUT,
                    path: &path,
                    target: None,
                    body: &body,
                })
                .await;
            match asked {
                Ok(_) => {}
                // It is being switched, or updated, by another: the next tick says it again.
                Err(text)
                    if text.contains("ResourceInUse") || text.contains("ResourceConflict") => {}
                Err(text) => return Err(text),
            }
        }
        Ok(())
    }
}

/// The deployment's bus.
struct EventBus {
    signed: Arc<Signed>,
    name: Option<String>,
}

#[async_trait]
impl Bus for EventBus {
    async fn publish(&self, events: &[ChangeEvent]) -> Result<(), String> {
        let bus = self.name.as_deref().ok_or("CROSSWAVE_BUS is not set")?;
        let entries: Vec<Value> = events
            .iter()
            .map(|event| {
                json!({
                    "EventBusName": bus, "Source": "crosswave",
                    "DetailType": event.detail_type, "Detail": event.detail.to_string(),
                    "Time": event.time.as_second(),
                })
            })
            .collect();
        let reply = self
            .signed
            .ask(Ask {
                service: "events",
                method: Method::POST,
                path: "/",
                target: Some("AWSEvents.PutEvents"),
                body: &json!({ "Entries": entries }),
            })
            .await?;
        match reply.get("FailedEntryCount").and_then(Value::as_u64) {
            Some(0) => Ok(()),
            failed => Err(format!("{failed:?} of {} events were refused", entries.len())),
        }
    }
}
