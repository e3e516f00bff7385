//! The gate: every request of every function to AWS goes through it. The function's role in the
//! template decides; faults are put in; messages that are sent wake their queue's mapping.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use catalogue::Function;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use ports::{Clock as _, HttpRequest, Transport};
use serde_json::{Value, json};
use system::SystemClock;
use tenant::ReqwestTransport;

use crate::{
    bucket::{self, Bucket},
    calls::{self, Calls},
    fault::{Course, Fault, Injected},
    figures::Ledger,
    identity::{self, Identities},
    policy::{Denied, Policies},
    scheduler::Scheduler,
    serve::{Answer, refusal, text},
    switches::{InUse, Switches},
};

/// What is told that a message comes into a queue, and after which delay.
pub(crate) type Wake = Box<dyn Fn(&str, Duration) + Send + Sync>;

/// The gate.
pub(crate) struct Gate {
    base: String,
    transport: ReqwestTransport,
    policies: Policies,
    identities: Arc<Identities>,
    by_key: BTreeMap<String, Function>,
    faults: Mutex<Vec<Injected>>,
    denied: Mutex<Vec<String>>,
    pub(crate) switches: Switches,
    /// Woken with the name of a queue that a message was sent to.
    wake: Wake,
    ledger: Arc<Ledger>,
    pub(crate) scheduler: Arc<Scheduler>,
    pub(crate) bucket: Bucket,
    pub(crate) calls: Calls,
    /// What was put on the bus.
    told: Mutex<Vec<Value>>,
}

/// What writes a record.
const WRITES: [&str; 3] = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"];

impl Gate {
    /// A gate before the double.
    pub(crate) fn new(
        base: &str,
        transport: ReqwestTransport,
        ledger: Arc<Ledger>,
        identities: Arc<Identities>,
        wake: impl Fn(&str, Duration) + Send + Sync + 'static,
    ) -> Self {
        Self {
            base: base.to_owned(),
            transport,
            policies: Policies::of_template(),
            identities,
            by_key: Function::all().map(|one| (infra::slug(one), one)).collect(),
            faults: Mutex::new(Vec::new()),
            denied: Mutex::new(Vec::new()),
            switches: Switches::new(),
            wake: Box::new(wake),
            ledger,
            scheduler: Arc::default(),
            bucket: Bucket::default(),
            calls: Calls::default(),
            told: Mutex::new(Vec::new()),
        }
    }

    /// Puts a fault in.
    pub(crate) fn inject(&self, fault: Fault) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(Injected::new(fault));
    }

    /// The faults that have not all happened.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let left = faults.iter().map(Injected::fault).filter(|fault| fault.is_left());
        left.cloned().collect()
    }

    /// Takes all faults away.
    pub(crate) fn heal(&self) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What was put on the bus: `DetailType` and `Detail` of each event, in order.
    pub(crate) fn told(&self) -> Vec<Value> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The requests that a role did not allow, in words.
    pub(crate) fn denied(&self) -> Vec<String> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers one request of a function.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Bytes>) -> Answer {
        let (parts, bytes) = request.into_parts();
        if identity::is_asked(&parts.headers) {
            let caller = self.caller(&parts.headers);
            return self.identities.answer(&self.policies, caller, &bytes).unwrap_or_else(
                |Denied(why)| {
                    self.denied.lock().unwrap_or_else(PoisonError::into_inner).push(why.clone());
                    refusal(StatusCode::FORBIDDEN, "AccessDenied", &why)
                },
            );
        }
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let Some(function) = self.caller(&parts.headers) else {
            return refusal(StatusCode::FORBIDDEN, "UnrecognizedClientException", "who is this?");
        };
        let actions = actions(&parts, &body);
        let course = self.course(function, &actions);
        if let Course::Refuse(answer) = course {
            return answer;
        }
        if let Some(answer) = self.answer_here(&parts, &bytes, &body) {
            return answer;
        }
        match course {
            Course::Refuse(answer) => return answer,
            Course::LoseReply => {
                drop(self.forward(parts, bytes).await);
                return refusal(StatusCode::BAD_GATEWAY, "", "the reply was lost");
            }
            Course::Twice => drop(self.forward(parts.clone(), bytes.clone()).await),
            Course::On => {}
        }
        let answer = self.forward(parts, bytes).await;
        if answer.status().is_success() {
            self.notice(&actions, &body);
            if actions.iter().any(|(action, _)| WRITES.contains(&action.as_str())) {
                self.ledger.wrote(function, &body);
            }
        }
        answer
    }

    /// Answers what the double does not know, or knows badly.
    fn answer_here(
        &self,
        parts: &http::request::Parts,
        bytes: &Bytes,
        body: &Value,
    ) -> Option<Answer> {
        let path = parts.uri.path();
        if bucket::is_asked(&parts.headers) {
            Some(self.bucket.answer(&parts.uri, &parts.headers))
        } else if calls::called(path).is_some() {
            Some(self.calls.answer(path, bytes))
        } else if path.starts_with("/2015-03-31/") {
            Some(self.switch(&parts.method, path, body))
        } else if path.starts_with("/schedules/") {
            Some(self.scheduler.answer(&parts.method, path, body))
        } else {
            None
        }
    }

    fn caller(&self, headers: &HeaderMap) -> Option<Function> {
        let text = headers.get("authorization")?.to_str().ok()?;
        let key = text.split_once("Credential=")?.1.split('/').next()?;
        self.by_key.get(key).copied()
    }

    fn course(&self, function: Function, actions: &[(String, Value)]) -> Course {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        for (action, body) in actions {
            let forbidden = faults.iter().any(|one| {
                matches!(one.fault(), Fault::Forbidden { function: whose, action: what }
                    if *whose == function && what == action)
            });
            let allowed = self.policies.check(function, action, body);
            let denied = match allowed {
                Err(Denied(why)) => Some(why),
                Ok(()) if forbidden => Some(format!("{} may not {action}", function.handler())),
                Ok(()) => None,
            };
            if let Some(why) = denied {
                self.denied.lock().unwrap_or_else(PoisonError::into_inner).push(why.clone());
                let answer = if action.starts_with("s3:") {
                    bucket::refused(StatusCode::FORBIDDEN, "AccessDenied", &why)
                } else {
                    refusal(StatusCode::BAD_REQUEST, "AccessDeniedException", &why)
                };
                return Course::Refuse(answer);
            }
        }
        let met = faults.iter_mut().find(|one| one.meets(actions));
        met.map_or(Course::On, |one| one.meet(actions.len()))
    }

    /// The Lambda API's `UpdateEventSourceMapping`, as far as it switches.
    fn switch(&self, method: &Method, path: &str, body: &Value) -> Answer {
        let id = path.rsplit('/').next().unwrap_or_default();
        match body.get("Enabled").and_then(Value::as_bool) {
            Some(on) if *method == Method::PUT => {
                match self.switches.turn(id, on, SystemClock.now()) {
                    Ok(()) => {
                        text(StatusCode::ACCEPTED, json!({ "State": "Updating" }).to_string())
                    }
                    Err(InUse) => {
                        let why = "the mapping is being changed";
                        refusal(StatusCode::BAD_REQUEST, "ResourceInUseException", why)
                    }
                }
            }
            _ => refusal(StatusCode::BAD_REQUEST, "InvalidParameterValueException", "Enabled"),
        }
    }

    /// Wakes the mappings of queues that something was sent to, or deferred in, and keeps what was
    /// put on the bus.
    fn notice(&self, actions: &[(String, Value)], body: &Value) {
        let url = body.get("QueueUrl").and_then(Value::as_str).unwrap_or_default();
        let Some(queue) = url.rsplit('/').next() else { return };
        let seconds = |value: &Value, name: &str| {
            Duration::from_secs(value.get(name).and_then(Value::as_u64).unwrap_or_default())
        };
        for (action, _) in actions {
            match action.as_str() {
                "sqs:SendMessage" => {
                    let entries = body.get("Entries").and_then(Value::as_array);
                    for entry in entries.into_iter().flatten() {
                        (self.wake)(queue, seconds(entry, "DelaySeconds"));
                    }
                }
                "sqs:ChangeMessageVisibility" => {
                    (self.wake)(queue, seconds(body, "VisibilityTimeout"));
                }
                "events:PutEvents" => {
                    let entries = body.get("Entries").and_then(Value::as_array);
                    let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                    told.extend(entries.into_iter().flatten().cloned());
                }
                _ => {}
            }
        }
    }

    async fn forward(&self, parts: http::request::Parts, body: Bytes) -> Answer {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let failed = |why: String| refusal(StatusCode::BAD_GATEWAY, "", &why);
        let url = match format!("{}{path}", self.base).parse() {
            Ok(url) => url,
            Err(error) => return failed(format!("{error}")),
        };
        let mut headers = parts.headers;
        for name in ["host", "content-length", "connection", "transfer-encoding"] {
            headers.remove(name);
        }
        // The double takes the key for an account's; its own account is another's.
        if let Some(name) = headers.get("authorization").and_then(|value| value.to_str().ok())
            && let Some((before, rest)) = name.split_once("Credential=")
            && let Some((_, after)) = rest.split_once('/')
            && let Ok(value) = HeaderValue::from_str(&format!("{before}Credential=test/{after}"))
        {
            headers.insert("authorization", value);
        }
        let timeout = Duration::from_secs(30);
        let method = parts.method;
        let request = HttpRequest { method, url, headers, body, tail: None, timeout };
        let reply = match self.transport.send(request).await {
            Ok(reply) => reply,
            Err(error) => return failed(error.to_string()),
        };
        let (status, mut headers) = (reply.status, reply.headers.clone());
        for name in ["content-length", "connection", "transfer-encoding"] {
            headers.remove(name);
        }
        match reply.read(16 * 1024 * 1024).await {
            Ok(body) => {
                let mut answer = text(status, body);
                *answer.headers_mut() = headers;
                answer
            }
            Err(error) => failed(error.to_string()),
        }
    }
}

/// What a request asks for, as permissions name it; a transaction for each of its parts.
fn actions(parts: &http::request::Parts, body: &Value) -> Vec<(String, Value)> {
    let (headers, path) = (&parts.headers, parts.uri.path());
    if let Some(name) = path.strip_prefix("/schedules/") {
        let verb = match parts.method {
            Method::POST => "Create",
            Method::PUT => "Update",
            Method::DELETE => "Delete",
            _ => "Get",
        };
        let query = parts.uri.query().unwrap_or_default();
        let group = body.get("GroupName").and_then(Value::as_str);
        let group = group.or_else(|| query.strip_prefix("groupName=")).unwrap_or_default();
        return vec![(
            format!("scheduler:{verb}Schedule"),
            json!({ "Name": format!("{group}/{name}") }),
        )];
    }
    if bucket::is_asked(headers) {
        return vec![bucket::action(&parts.uri)];
    }
    if let Some(name) = calls::called(path) {
        return vec![("lambda:InvokeFunction".to_owned(), json!({ "FunctionName": name }))];
    }
    if path.starts_with("/2015-03-31/event-source-mappings/") {
        return vec![("lambda:UpdateEventSourceMapping".to_owned(), Value::Null)];
    }
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let Some((service, operation)) = target.and_then(|target| target.split_once('.')) else {
        return vec![("unknown".to_owned(), Value::Null)];
    };
    let service = match service {
        "AmazonSQS" => "sqs",
        "AWSEvents" => "events",
        "secretsmanager" => "secretsmanager",
        service if service.starts_with("DynamoDB_") => "dynamodb",
        other => other,
    };
    let operation = operation.trim_end_matches("Batch");
    if operation != "TransactWriteItems" {
        return vec![(format!("{service}:{operation}"), body.clone())];
    }
    let items = body.get("TransactItems").and_then(Value::as_array);
    let part = |item: &Value| {
        let (name, part) = item.as_object()?.iter().next()?;
        let action = match name.as_str() {
            "ConditionCheck" => "ConditionCheckItem",
            "Put" => "PutItem",
            "Delete" => "DeleteItem",
            _ => "UpdateItem",
        };
        Some((format!("dynamodb:{action}"), part.clone()))
    };
    items.into_iter().flatten().filter_map(part).collect()
}
