//! What a process of the artifact costs before it does anything.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use catalogue::Function;
use ports::Clock;
use serde::Serialize;
use serde_json::json;
use system::SystemClock;

use crate::{
    CloudError, Pace,
    double::ACCOUNT,
    environment::{Environment, Launch, Outcome},
    figures::Ledger,
    fleet::Fleet,
};

/// A process that asks for its first event later than this does not start.
const PATIENCE: Duration = Duration::from_secs(30);

/// One process, measured.
#[derive(Clone, Debug, Serialize)]
pub struct Start {
    /// Its Handler.
    pub handler: &'static str,
    /// From the start of the process to its first request for an event, in milliseconds.
    pub to_next_ms: f64,
    /// Resident memory while it waits for that event, in KiB.
    pub resident_kib: u64,
    /// One invocation that does nothing, in milliseconds.
    pub invocation_ms: f64,
    /// Whether it ended by itself, and well, when it was asked to.
    pub ends_well: bool,
}

/// Starts the artifact as one function and measures it, over so many invocations; nothing of AWS is
/// there.
pub async fn probe(program: &Path, function: Function, calls: u32) -> Result<Start, CloudError> {
    let ledger = Arc::new(Ledger::default());
    let nowhere = "127.0.0.1:9";
    let fleet =
        Fleet::new(program.to_owned(), nowhere, ACCOUNT, Pace::default(), Arc::clone(&ledger));
    let began = SystemClock.now();
    let launch = Launch { program, variables: fleet.variables(function), ledger };
    let mut environment = Environment::start(launch).await?;
    let ready = environment.ready();
    tokio::select! {
        () = ready => {}
        () = SystemClock.sleep(PATIENCE) => {
            let handler = function.handler();
            return Err(CloudError::Deployment(format!("{handler} does not start")));
        }
    }
    let to_next_ms = milliseconds(began);
    let resident_kib = environment.pid().and_then(resident).unwrap_or_default();
    let began = SystemClock.now();
    // The others would ask for the table, which is not there.
    let calls = if function.queue().is_some() { calls } else { 0 };
    for _ in 0..calls {
        // No function does anything with no records; some refuse the event, which is as quick.
        let nothing = Bytes::from(json!({ "Records": [] }).to_string());
        let (outcome, usable) = environment.invoke(nothing, PATIENCE).await;
        if !usable {
            let Outcome::Failed(why) = outcome else { continue };
            return Err(CloudError::Deployment(format!("{}: {why}", function.handler())));
        }
    }
    let invocation_ms = milliseconds(began) / f64::from(calls.max(1));
    let ends_well = environment.end().await;
    Ok(Start { handler: function.handler(), to_next_ms, resident_kib, invocation_ms, ends_well })
}

fn milliseconds(since: jiff::Timestamp) -> f64 {
    SystemClock.now().duration_since(since).as_secs_f64() * 1_000.0
}

/// Resident memory of a process, in KiB; `None` where /proc is not there.
fn resident(pid: u32) -> Option<u64> {
    status(pid, "VmRSS:")
}

/// The most resident memory that a process has had, in KiB.
pub(crate) fn peak(pid: u32) -> Option<u64> {
    status(pid, "VmHWM:")
}

fn status(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
