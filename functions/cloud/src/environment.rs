//! One execution environment: a process of the real function, and the Runtime API that it speaks to.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use ports::{Clock, Random};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use system::{OsRandom, SystemClock};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::{mpsc, oneshot, watch},
};

use crate::{
    figures::Ledger,
    serve::{Answer, serve, spawn, text},
};

/// How an invocation ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The function answered.
    Answered(Value),
    /// It failed, ran out of time, or its process ended.
    Failed(String),
}

struct Job {
    id: String,
    event: Bytes,
    deadline: i64,
    reply: oneshot::Sender<Outcome>,
}

/// What the Runtime API of one environment knows.
struct Desk {
    jobs: tokio::sync::Mutex<mpsc::Receiver<Job>>,
    running: Mutex<BTreeMap<String, oneshot::Sender<Outcome>>>,
    asked: watch::Sender<bool>,
}

/// So long may a process take to end. Lambda gives half a second, of a processor that is not shared with
/// a whole cloud.
const GRACE: Duration = Duration::from_secs(10);

/// One environment.
pub(crate) struct Environment {
    process: Child,
    jobs: mpsc::Sender<Job>,
    asked: watch::Receiver<bool>,
}

/// How a process is started.
pub(crate) struct Launch<'a> {
    pub(crate) program: &'a Path,
    pub(crate) variables: Vec<(&'static str, String)>,
    pub(crate) ledger: Arc<Ledger>,
}

impl Environment {
    /// Starts a process. It is given its first event when it asks for one.
    pub(crate) async fn start(launch: Launch<'_>) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel(1);
        let desk = Arc::new(Desk {
            jobs: tokio::sync::Mutex::new(queue),
            running: Mutex::new(BTreeMap::new()),
            asked: watch::Sender::new(false),
        });
        let asked = desk.asked.subscribe();
        let api = serve(move |request| answer(Arc::clone(&desk), request)).await?;
        let mut process = Command::new(launch.program)
            .env_clear()
            .envs(launch.variables)
            .env("AWS_LAMBDA_RUNTIME_API", api)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(stdout) = process.stdout.take() {
            let ledger = launch.ledger;
            spawn(async move {
                let mut lines = BufReader::new(stdout).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    ledger.line(&line);
                }
            });
        }
        Ok(Self { process, jobs, asked })
    }

    /// The process's number, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Ready when the process has asked for its first event; never when it ends before.
    pub(crate) fn ready(&self) -> impl Future<Output = ()> + use<> {
        let mut asked = self.asked.clone();
        async move {
            if asked.wait_for(|asked| *asked).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Hands an event to the process and waits for the end. Whether the environment can be used
    /// again comes with it.
    pub(crate) async fn invoke(&mut self, event: Bytes, timeout: Duration) -> (Outcome, bool) {
        let (reply, outcome) = oneshot::channel();
        let lasts = jiff::SignedDuration::try_from(timeout).unwrap_or_default();
        let deadline = (SystemClock.now() + lasts).as_millisecond();
        let id = format!("{:032x}", OsRandom.next_u128());
        let job = Job { id, event, deadline, reply };
        if self.jobs.send(job).await.is_err() {
            return (Outcome::Failed("the Runtime API is gone".to_owned()), false);
        }
        tokio::select! {
            outcome = outcome => match outcome {
                Ok(outcome) => (outcome, true),
                Err(_) => (Outcome::Failed("the environment was given up".to_owned()), false),
            },
            status = self.process.wait() => {
                let status = status.map(|status| status.to_string()).unwrap_or_default();
                (Outcome::Failed(format!("Runtime.ExitError: {status}")), false)
            }
            () = SystemClock.sleep(timeout) => {
                // As Lambda does; a process that does not stop by itself is stopped.
                drop(self.process.start_kill());
                (Outcome::Failed(format!("Sandbox.Timedout: {timeout:?}")), false)
            }
        }
    }

    /// Asks the process to end, as Lambda does before it takes an environment away. Whether it ended by
    /// itself and well; one that does not is killed.
    pub(crate) async fn end(mut self) -> bool {
        let pid = self.pid().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        if pid.is_none_or(|pid| kill_process(pid, Signal::TERM).is_err()) {
            return false;
        }
        tokio::select! {
            status = self.process.wait() => status.is_ok_and(|status| status.success()),
            () = SystemClock.sleep(GRACE) => false,
        }
    }
}

/// The Runtime API and, as far as a graceful end needs it, the Extensions API
/// ("Using the Lambda runtime API for custom runtimes").
async fn answer(desk: Arc<Desk>, request: Request<Bytes>) -> Answer {
    let path = request.uri().path().to_owned();
    match (request.method(), path.as_str()) {
        (&Method::GET, "/2018-06-01/runtime/invocation/next") => next(&desk).await,
        (&Method::POST, "/2018-06-01/runtime/init/error") => text(StatusCode::ACCEPTED, "{}"),
        (&Method::POST, "/2020-01-01/extension/register") => {
            let whose = "{\"functionName\":\"f\",\"functionVersion\":\"1\",\"handler\":\"h\"}";
            let mut answer = text(StatusCode::OK, whose);
            let id = http::HeaderValue::from_static("crosswave");
            answer.headers_mut().insert("lambda-extension-identifier", id);
            answer
        }
        // Nothing is told before the end, and the end is the end of the process.
        (&Method::GET, "/2020-01-01/extension/event/next") => std::future::pending().await,
        (&Method::POST, path) => {
            let rest = path.strip_prefix("/2018-06-01/runtime/invocation/").unwrap_or_default();
            let Some((id, kind)) = rest.split_once('/') else {
                return text(StatusCode::NOT_FOUND, "{}");
            };
            let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            let outcome = match kind {
                "response" => Outcome::Answered(body),
                _ => Outcome::Failed(body.to_string()),
            };
            let running = desk.running.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
            if let Some(reply) = running {
                // Whoever waited may have given up.
                drop(reply.send(outcome));
            }
            text(StatusCode::ACCEPTED, "{}")
        }
        _ => text(StatusCode::NOT_FOUND, "{}"),
    }
}

/// The header of a trace that begins here ("AWS X-Ray concepts", tracing header).
fn trace_id() -> String {
    let seconds = SystemClock.now().as_second();
    format!("Root=1-{seconds:08x}-{:024x};Sampled=1", OsRandom.next_u128() >> 32)
}

async fn next(desk: &Desk) -> Answer {
    desk.asked.send_replace(true);
    let job = desk.jobs.lock().await.recv().await;
    let Some(job) = job else { return text(StatusCode::GONE, "{}") };
    let answer = Response::builder()
        .header("Lambda-Runtime-Aws-Request-Id", &job.id)
        .header("Lambda-Runtime-Deadline-Ms", job.deadline)
        .header(
            "Lambda-Runtime-Invoked-Function-Arn",
            "arn:aws:lambda:us-east-1:000000000000:function:f",
        )
        .header("Lambda-Runtime-Trace-Id", trace_id())
        .header("Content-Type", "application/json")
        .body(Full::new(job.event));
    desk.running.lock().unwrap_or_else(PoisonError::into_inner).insert(job.id, job.reply);
    answer.unwrap_or_else(|_| text(StatusCode::INTERNAL_SERVER_ERROR, "{}"))
}
