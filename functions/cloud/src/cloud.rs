//! A whole deployment, running.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use catalogue::{Function, table};
use control::store_project;
use engine::Host;
use jiff::Timestamp;
use model::Project;
use ports::{Clock, Random};
use rehearsal::Stage;
use serde_json::{Value, json};
use system::{OsRandom, SystemClock};
use tokio::process::Command;

use crate::{
    Asked, CloudError, Fault, Pace, Phase, bucket, changes, clockwork,
    deliveries::Deliveries,
    double::{ACCOUNT, Double},
    figures::Ledger,
    fleet::Fleet,
    gate::Gate,
    identity::{self, Identities, OwnCertificate},
    mapping::{Bells, Mappings},
    operator,
    serve::{serve, spawn},
    stack::{self, STACK},
};

/// How a cloud is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The artifact; `None` builds it first.
    pub function: Option<PathBuf>,
    /// Where tools are installed and artifacts are built: the workspace's `target`.
    pub target: PathBuf,
    /// How fast its clocks run.
    pub pace: Pace,
    /// Invocations of one function at the same time.
    pub concurrency: usize,
}

impl Options {
    /// The artifact is built, and everything is under the workspace's own `target`.
    pub fn of_workspace() -> Self {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
        Self { function: None, target, pace: Pace::default(), concurrency: 2 }
    }
}

/// A deployment that runs on this machine. Gone when it is dropped.
pub struct Cloud {
    double: Double,
    gate: Arc<Gate>,
    fleet: Arc<Fleet>,
    mappings: Arc<Mappings>,
    deliveries: Arc<Deliveries>,
    identities: Arc<Identities>,
    ledger: Arc<Ledger>,
    host: Host,
    project: Project,
}

impl Cloud {
    /// Starts the double, deploys the template, stores the tenants' secrets, and lets everything
    /// run.
    pub async fn start(options: &Options, stage: &Stage) -> Result<Self, CloudError> {
        let program = match &options.function {
            Some(program) => program.clone(),
            None => build(&options.target).await?,
        };
        let name = format!("crosswave-cloud-{:016x}", OsRandom.next_u64());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder)?;
        let double = Double::start(&options.target.join("tools"), folder).await?;
        stack::deploy(&double).await?;
        let bells = Arc::new(Bells::default());
        let ledger = Arc::new(Ledger::default());
        let rung = Arc::clone(&bells);
        let identities = Arc::new(Identities::new()?);
        let (transport, keeping) = (double.transport().clone(), Arc::clone(&ledger));
        let known = Arc::clone(&identities);
        let gate = Gate::new(double.base(), transport, keeping, known, move |queue, delay| {
            rung.ring(queue, delay);
        });
        let gate = Arc::new(gate);
        let answering = Arc::clone(&gate);
        let address = serve(move |request| Arc::clone(&answering).answer(request)).await?;
        let (pace, keeping) = (options.pace, Arc::clone(&ledger));
        let fleet = Arc::new(Fleet::new(program, &address, ACCOUNT, pace, keeping));
        let host = operator::host(double.base(), stage)?;
        let queues = Arc::clone(&host.queue);
        let deliveries = Arc::new(Deliveries { fleet: Arc::clone(&fleet), queues });
        let mappings = Arc::new(Mappings {
            fleet: Arc::clone(&fleet),
            queues: Arc::clone(&host.queue),
            bells,
            pace: options.pace,
            ledger: Arc::clone(&ledger),
            concurrency: options.concurrency,
            delivered: AtomicU64::new(0),
            failures: Mutex::new(Vec::new()),
        });
        let project = rehearsal::project(stage.tenants(), "local".parse()?)?;
        stack::store_secrets(&double, &project, stage.tenants(), stage.base()).await?;
        store_project(&host, &project).await?;
        mappings.begin(&gate.switches);
        clockwork::begin(&fleet, options.pace);
        gate.scheduler.begin(&fleet);
        gate.calls.begin(&deliveries);
        changes::begin(double.clone(), &fleet, &host.queue).await?;
        Ok(Self { double, gate, fleet, mappings, deliveries, identities, ledger, host, project })
    }

    /// The store, the queue and the tenants, as an operator's program sees them.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// Invokes a function with an event.
    pub async fn invoke(&self, function: Function, event: &Value) -> Result<Value, CloudError> {
        self.fleet.invoke(function, event).await.map_err(CloudError::Deployment)
    }

    /// Invokes a function as a bus and a scheduler do: what fails is tried again, as often as the
    /// template says.
    pub(crate) async fn deliver(
        &self,
        function: Function,
        event: &Value,
    ) -> Result<Value, CloudError> {
        self.deliveries.deliver(function, event).await.map_err(CloudError::Deployment)
    }

    /// Puts a file in the bucket, and delivers what S3 tells of it as the template's rule says: twice at
    /// once, for a bus delivers at least once. What the function answered, if it was called.
    pub async fn put_file(&self, key: &str, file: &str) -> Result<Vec<Value>, CloudError> {
        let event = self.gate.bucket.put(key, file);
        if !bucket::rule_takes(&event) {
            return Ok(Vec::new());
        }
        let deliver = || self.deliver(Function::StartFromFile, &event);
        let (one, other) = tokio::join!(deliver(), deliver());
        Ok(vec![one?, other?])
    }

    /// Kills one process that is at work, with SIGKILL; says whose.
    pub fn kill_one(&self) -> Option<Function> {
        self.fleet.kill_one(OsRandom.next_u64())
    }

    /// Replaces every idle process about so often, as deploys do.
    pub fn deploy_every(&self, pause: Duration) {
        let fleet = Arc::clone(&self.fleet);
        spawn(async move {
            loop {
                SystemClock.sleep(pause).await;
                fleet.replace_all();
            }
        });
    }

    /// Takes all faults away as soon as a role has refused something.
    pub fn heal_when_denied(&self) {
        let gate = Arc::clone(&self.gate);
        spawn(async move {
            while gate.denied().is_empty() {
                SystemClock.sleep(LOOK).await;
            }
            gate.heal();
        });
    }

    /// Takes all faults away.
    pub fn heal(&self) {
        self.gate.heal();
    }

    /// The faults that have not all happened; they are taken away.
    pub(crate) fn take_faults(&self) -> Vec<Fault> {
        let left = self.gate.faults();
        self.gate.heal();
        left
    }

    /// How many idle processes deploys have ended.
    pub fn deployed(&self) -> u64 {
        self.fleet.replaced()
    }

    /// Puts a fault in.
    pub fn inject(&self, fault: Fault) {
        self.gate.inject(fault);
    }

    /// Changes the target's client secret in the store of secrets.
    pub async fn put_target_secret(
        &self,
        stage: &Stage,
        client_secret: &str,
    ) -> Result<(), CloudError> {
        let side = ("target", stage.base(), &stage.tenants().target);
        stack::put_secret(&self.double, &self.project, side, client_secret).await
    }

    /// Lets the functions sign in to the source with a certificate, and to the target with nothing but
    /// their role, which its application trusts: no client secret is left where they look.
    pub async fn put_certificate_and_role(&self, stage: &Stage) -> Result<(), CloudError> {
        let own = OwnCertificate::new()?;
        let tenants = stage.tenants();
        let (source, key) = (&tenants.source, Some(own.public_key_pem.as_str()));
        let (tenant, client) = (source.tenant_id, source.client_id);
        tenants.simulator.register_certificate(tenant, client, &own.thumbprint, key);
        for (side, who, own) in [("source", source, Some(&own)), ("target", &tenants.target, None)]
        {
            let at = stack::addresses(stage.base(), who);
            let text = identity::secret(&who.client_id.to_string(), own, &at);
            stack::put_text(&self.double, &self.project, side, &text).await?;
        }
        // As an admin does in Entra.
        let target = (tenants.target.tenant_id, tenants.target.client_id);
        let role = (identity::ISSUER, identity::ROLE);
        tenants.simulator.trust_outsider(target, role, self.identities.public_key_pem());
        Ok(())
    }

    /// Names the receiver of the project's webhooks, and what they are signed with.
    pub async fn put_webhook(&self, url: &str, secret: &str) -> Result<(), CloudError> {
        stack::put_webhook(&self.double, &self.project, url, secret).await
    }

    /// The schedules that lie ahead: names and times.
    pub fn planned(&self) -> BTreeMap<String, Timestamp> {
        self.gate.scheduler.all()
    }

    /// The names of the schedules that have fired, in order.
    pub fn fired(&self) -> Vec<String> {
        self.gate.scheduler.fired()
    }

    /// The events that were put on the bus, in order: `DetailType`, `Detail` (text), and the rest.
    pub fn told(&self) -> Vec<Value> {
        self.gate.told()
    }

    /// The same, as soon as they are what is waited for, or after a minute.
    pub async fn told_until(&self, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        for _ in 0..150 {
            if enough(&self.told()) {
                break;
            }
            SystemClock.sleep(LOOK).await;
        }
        self.told()
    }

    /// Asks the API; its status and its answer.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<(u64, Value), CloudError> {
        let body = (!body.is_null()).then(|| body.to_string());
        let event = json!({
            "version": "2.0", "rawPath": path, "body": body, "isBase64Encoded": false,
            "requestContext": { "http": { "method": method, "path": path } },
        });
        let answer = self.invoke(Function::Api, &event).await?;
        let status = answer.get("statusCode").and_then(Value::as_u64).unwrap_or_default();
        let text = answer.get("body").and_then(Value::as_str).unwrap_or_default();
        Ok((status, serde_json::from_str(text).unwrap_or_default()))
    }

    /// The requests that a role of the template did not allow.
    pub fn denied(&self) -> Vec<String> {
        self.gate.denied()
    }

    /// Whether any queue is polled.
    pub fn is_polling(&self) -> bool {
        self.gate.switches.any()
    }

    /// What the functions logged.
    pub fn log(&self) -> Vec<String> {
        self.ledger.log()
    }

    /// Processes that were started, and those that were killed.
    pub fn processes(&self) -> (u64, u64) {
        self.fleet.counts()
    }

    /// How many messages were delivered to functions so far.
    pub fn delivered(&self) -> u64 {
        self.mappings.delivered.load(Ordering::Relaxed)
    }

    /// Invocations that failed as a whole, in words.
    pub fn failures(&self) -> Vec<String> {
        self.mappings.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Invokes a function that runs by the clock once more, and says what it asked for and how many
    /// milliseconds it took.
    pub(crate) async fn clocked(
        &self,
        function: Function,
    ) -> Result<(BTreeMap<String, Asked>, f64), CloudError> {
        self.ledger.take_clock(function);
        self.invoke(function, &json!({})).await?;
        // What it reports comes on another way than its answer.
        for _ in 0..25 {
            let (invocations, asked, milliseconds) = self.ledger.take_clock(function);
            if invocations > 0 {
                return Ok((asked, milliseconds));
            }
            SystemClock.sleep(LOOK).await;
        }
        Err(CloudError::Deployment(format!("{} reports nothing", function.handler())))
    }

    pub(crate) fn peaks(&self) -> BTreeMap<&'static str, u64> {
        self.ledger.peaks()
    }

    pub(crate) fn phase(&self, title: &str, people: usize) -> Phase {
        self.ledger.phase(title, people)
    }

    /// The keys of all items of the table that have this attribute: `partition/sort`, in no order.
    pub async fn with_attribute(&self, name: &str) -> Result<Vec<String>, CloudError> {
        let mut found = Vec::new();
        let mut ask = json!({ "TableName": STACK });
        loop {
            let page = self.double.json("dynamodb", "DynamoDB_20120810.Scan", &ask).await?;
            let items = page.get("Items").and_then(Value::as_array).into_iter().flatten();
            for item in items.filter(|item| item.get(name).is_some()) {
                let text = |name: &str| {
                    item.get(name).and_then(|value| value.get("S")).and_then(Value::as_str)
                };
                let (partition, sort) = (text(table::PARTITION), text(table::SORT));
                found.push(format!(
                    "{}/{}",
                    partition.unwrap_or_default(),
                    sort.unwrap_or_default()
                ));
            }
            match (page.get("LastEvaluatedKey"), ask.as_object_mut()) {
                (Some(next), Some(ask)) if next.is_object() => {
                    ask.insert("ExclusiveStartKey".to_owned(), next.clone());
                }
                _ => return Ok(found),
            }
        }
    }

    /// Where the double keeps its log while this runs.
    pub fn folder(&self) -> &Path {
        self.double.folder()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // What cannot be removed lies in the system's temporary folder.
        drop(std::fs::remove_dir_all(self.double.folder()));
    }
}

/// Builds the artifact for this machine, for development: unoptimised.
pub async fn build(target: &Path) -> Result<PathBuf, CloudError> {
    let failed = |why: String| CloudError::Tool {
        what: "crosswave-lambda cannot be built".to_owned(),
        why,
        advice: "build it, or name it with --function",
    };
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let ended = Command::new("cargo")
        .args(["build", "--quiet", "--locked", "-p", "crosswave-lambda", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(target)
        .stdin(Stdio::null())
        .output()
        .await;
    let ended = ended.map_err(|error| failed(error.to_string()))?;
    if !ended.status.success() {
        return Err(failed(String::from_utf8_lossy(&ended.stderr).into_owned()));
    }
    Ok(target.join("debug/crosswave-lambda"))
}

/// A pause between two looks at what the deployment does.
pub(crate) const LOOK: Duration = Duration::from_millis(400);
