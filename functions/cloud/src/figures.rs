//! What the functions asked of AWS, from the metrics that they write.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use catalogue::Function;
use serde::Serialize;
use serde_json::Value;

use crate::records::{self, Written};

/// What was asked, by operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Asked {
    /// Requests as they are billed.
    pub billed: u64,
    /// Messages.
    pub messages: u64,
    /// Read units.
    pub read: f64,
    /// Write units.
    pub write: f64,
}

/// What one phase of a rehearsal cost.
#[derive(Clone, Debug, Serialize)]
pub struct Phase {
    /// The phase.
    pub title: String,
    /// People who went through it.
    pub people: usize,
    /// What was asked, by operation.
    pub asked: BTreeMap<String, Asked>,
    /// What was written, by kind of record.
    pub written: BTreeMap<String, Written>,
    /// Invocations.
    pub invocations: u64,
    /// Their time together, times their memory, in GB and seconds.
    pub gigabyte_seconds: f64,
}

/// The figures of a rehearsal.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    /// Phase by phase.
    pub phases: Vec<Phase>,
    /// The most memory that a process of each function has had, in KiB.
    pub peaks: BTreeMap<&'static str, u64>,
}

#[derive(Default)]
struct Totals {
    asked: BTreeMap<String, Asked>,
    written: BTreeMap<String, Written>,
    invocations: u64,
    milliseconds: f64,
    gigabyte_seconds: f64,
}

#[derive(Default)]
struct AllTotals {
    /// Of the functions that work for users.
    users: Totals,
    by_the_clock: BTreeMap<Function, Totals>,
}

/// Counts what the functions report, and keeps their last words.
#[derive(Default)]
pub(crate) struct Ledger {
    totals: Mutex<AllTotals>,
    log: Mutex<Vec<String>>,
    peaks: Mutex<BTreeMap<Function, u64>>,
}

/// What runs by the clock costs by the month, not by the user.
fn by_the_clock(function: Function) -> bool {
    infra::PERIODIC.iter().any(|(periodic, _)| *periodic == function)
}

/// So many lines of the log are kept.
const LINES: usize = 2_000;

impl Ledger {
    /// Reads a line that a function wrote.
    pub(crate) fn line(&self, line: &str) {
        let Ok(read) = serde_json::from_str::<Value>(line) else { return self.keep(line) };
        if read.get("_aws").is_none() {
            return self.keep(line);
        }
        let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_f64);
        let count = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64);
        let handler = read.get("Function").and_then(Value::as_str).unwrap_or_default();
        let Some(function) = Function::of_handler(handler) else { return };
        let Some(asked) = read.get("asked").and_then(Value::as_array) else { return };
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let totals = if by_the_clock(function) {
            totals.by_the_clock.entry(function).or_default()
        } else {
            &mut totals.users
        };
        totals.invocations += 1;
        let milliseconds = number(&read, "Milliseconds").unwrap_or_default();
        let megabytes = u32::try_from(infra::memory(function)).map_or(f64::MAX, f64::from);
        totals.milliseconds += milliseconds;
        totals.gigabyte_seconds += milliseconds / 1e3 * megabytes / 1024.0;
        for one in asked {
            let name = one.get("operation").and_then(Value::as_str).unwrap_or_default();
            let total = totals.asked.entry(name.to_owned()).or_default();
            total.billed += count(one, "billed").unwrap_or_default();
            total.messages += count(one, "messages").unwrap_or_default();
            total.read += number(one, "read").unwrap_or_default();
            total.write += number(one, "write").unwrap_or_default();
        }
    }

    /// Counts a batch of messages that a mapping has taken out of a queue by so many requests, and
    /// removes by one.
    pub(crate) fn polled(&self, receives: u64, messages: usize) {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let messages = u64::try_from(messages).unwrap_or(u64::MAX);
        for (name, requests) in [("ReceiveMessage", receives), ("DeleteMessageBatch", 1)] {
            let total = totals.users.asked.entry(name.to_owned()).or_default();
            total.billed += requests;
            total.messages += messages;
        }
    }

    /// Keeps the most memory that a process of a function has had.
    pub(crate) fn resident(&self, function: Function, kib: u64) {
        let mut peaks = self.peaks.lock().unwrap_or_else(PoisonError::into_inner);
        let peak = peaks.entry(function).or_default();
        *peak = kib.max(*peak);
    }

    /// The most memory that a process of each function has had, in KiB.
    pub(crate) fn peaks(&self) -> BTreeMap<&'static str, u64> {
        let peaks = self.peaks.lock().unwrap_or_else(PoisonError::into_inner);
        peaks.iter().map(|(function, kib)| (function.handler(), *kib)).collect()
    }

    /// Counts the records that a request wrote.
    pub(crate) fn wrote(&self, function: Function, body: &Value) {
        if by_the_clock(function) {
            return;
        }
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        records::count(&mut totals.users.written, body);
    }

    fn keep(&self, line: &str) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() < LINES {
            log.push(line.to_owned());
        }
    }

    /// What the functions logged.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was counted for a function that runs by the clock since the last call: invocations, what
    /// they asked for together, and their time together in milliseconds.
    pub(crate) fn take_clock(&self, function: Function) -> (u64, BTreeMap<String, Asked>, f64) {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let totals = totals.by_the_clock.remove(&function).unwrap_or_default();
        (totals.invocations, totals.asked, totals.milliseconds)
    }

    /// What was counted since the last call, as a phase.
    pub(crate) fn phase(&self, title: &str, people: usize) -> Phase {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let Totals { asked, written, invocations, gigabyte_seconds, .. } =
            std::mem::take(&mut totals.users);
        Phase { title: title.to_owned(), people, asked, written, invocations, gigabyte_seconds }
    }
}
