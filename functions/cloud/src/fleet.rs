//! Every function's environments: started when they are needed, kept for the next event.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use catalogue::Function;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    Pace,
    double::REGION,
    environment::{Environment, Launch, Outcome},
    figures::Ledger,
    identity, probe,
    serve::spawn,
    stack::{STACK, WAVE_FILES},
    switches::mapping_of,
};

/// The functions of a deployment.
pub(crate) struct Fleet {
    program: PathBuf,
    /// The gate's address.
    gate: String,
    /// The double's address, as it stands in queues' URLs.
    queues: String,
    pace: Pace,
    ledger: Arc<Ledger>,
    idle: Mutex<BTreeMap<Function, Vec<Environment>>>,
    busy: Mutex<BTreeMap<u32, Function>>,
    starts: AtomicU64,
    kills: AtomicU64,
    replaced: AtomicU64,
}

impl Fleet {
    /// No function has a process yet.
    pub(crate) fn new(
        program: PathBuf,
        gate: &str,
        account: &str,
        pace: Pace,
        ledger: Arc<Ledger>,
    ) -> Self {
        Self {
            program,
            gate: format!("http://{gate}"),
            queues: format!("http://{gate}/{account}/{STACK}-"),
            pace,
            ledger,
            idle: Mutex::new(BTreeMap::new()),
            busy: Mutex::new(BTreeMap::new()),
            starts: AtomicU64::new(0),
            kills: AtomicU64::new(0),
            replaced: AtomicU64::new(0),
        }
    }

    /// Invokes a function and waits for its answer.
    pub(crate) async fn invoke(&self, function: Function, event: &Value) -> Result<Value, String> {
        let mut environment = match self.take(function) {
            Some(environment) => environment,
            None => self.start(function).await.map_err(|error| error.to_string())?,
        };
        let pid = environment.pid();
        if let Some(pid) = pid {
            self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(pid, function);
        }
        let body = Bytes::from(event.to_string());
        let (outcome, usable) = environment.invoke(body, self.pace.timeout_of(function)).await;
        if let Some(pid) = pid {
            self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&pid);
        }
        if let Some(kib) = pid.and_then(probe::peak) {
            self.ledger.resident(function, kib);
        }
        if usable {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.entry(function).or_default().push(environment);
        }
        match outcome {
            Outcome::Answered(answer) => Ok(answer),
            Outcome::Failed(why) => Err(why),
        }
    }

    /// Kills one process that is at work on a message, chosen by a number; says which function's it
    /// was. Those that run by the clock come again anyway.
    pub(crate) fn kill_one(&self, choice: u64) -> Option<Function> {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let at_work: Vec<_> =
            busy.iter().filter(|(_, function)| function.queue().is_some()).collect();
        let count = u64::try_from(at_work.len()).ok().filter(|count| *count > 0)?;
        let (pid, function) = at_work.get(usize::try_from(choice % count).ok()?)?;
        let pid = Pid::from_raw(i32::try_from(**pid).ok()?)?;
        kill_process(pid, Signal::KILL).ok()?;
        self.kills.fetch_add(1, Ordering::Relaxed);
        Some(**function)
    }

    /// Ends every idle process, as a deploy of new code does: the next event starts a new one.
    pub(crate) fn replace_all(&self) {
        let all = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for environment in all.into_values().flatten() {
            self.replaced.fetch_add(1, Ordering::Relaxed);
            spawn(async move {
                environment.end().await;
            });
        }
    }

    /// How many processes deploys have ended.
    pub(crate) fn replaced(&self) -> u64 {
        self.replaced.load(Ordering::Relaxed)
    }

    /// How many processes were started, and how many were killed.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.starts.load(Ordering::Relaxed), self.kills.load(Ordering::Relaxed))
    }

    fn take(&self, function: Function) -> Option<Environment> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&function)?.pop()
    }

    async fn start(&self, function: Function) -> std::io::Result<Environment> {
        self.starts.fetch_add(1, Ordering::Relaxed);
        Environment::start(Launch {
            program: &self.program,
            variables: self.variables(function),
            ledger: Arc::clone(&self.ledger),
        })
        .await
    }

    /// What Lambda and the template put into a function's environment.
    pub(crate) fn variables(&self, function: Function) -> Vec<(&'static str, String)> {
        let mappings: Vec<String> =
            Function::all().filter(|one| one.queue().is_some()).map(mapping_of).collect();
        let memory = infra::memory(function).to_string();
        vec![
            ("_HANDLER", function.handler().to_owned()),
            ("AWS_LAMBDA_FUNCTION_NAME", format!("{STACK}-{}", infra::slug(function))),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "local".to_owned()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            // The gate knows the function by it.
            ("AWS_ACCESS_KEY_ID", infra::slug(function)),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_ENDPOINT_URL", self.gate.clone()),
            ("CROSSWAVE_TABLE", STACK.to_owned()),
            ("CROSSWAVE_QUEUES", self.queues.clone()),
            ("CROSSWAVE_STACK", STACK.to_owned()),
            ("CROSSWAVE_MAPPINGS", mappings.join(" ")),
            ("CROSSWAVE_BUS", STACK.to_owned()),
            ("CROSSWAVE_WAVE_FILES", WAVE_FILES.to_owned()),
            ("CROSSWAVE_IDENTITY_ROLE", identity::ROLE.to_owned()),
            // Whatever receives a webhook here is on this machine.
            ("CROSSWAVE_PRIVATE_WEBHOOKS", "true".to_owned()),
            ("CROSSWAVE_SCHEDULE_GROUP", STACK.to_owned()),
            ("CROSSWAVE_SCHEDULE_ROLE", "arn:aws:iam::000000000000:role/scheduler".to_owned()),
            (
                "CROSSWAVE_SCHEDULE_TARGET",
                "arn:aws:lambda:us-east-1:000000000000:function:start".to_owned(),
            ),
        ]
    }
}
