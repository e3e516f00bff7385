//! The budget of one call: operations, processor time, memory. Once spent, it stays spent.
//!
//! The script engine forgets its own limits when a limit error passes through a native function
//! and is caught; so the budget is kept here and looked at after the call as well.

use std::cell::Cell;
use std::time::{Duration, Instant};

use rhai::Dynamic;
use serde::{Deserialize, Serialize};

use super::allocator;
use crate::code::Code;
use crate::patch::Cost;

/// What one call of an entry function may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Processor time.
    pub time: Duration,
    /// Bytes above what the host held when the call began.
    pub memory: u64,
    /// Operations of the script engine.
    pub operations: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { time: Duration::from_millis(250), memory: 64 << 20, operations: 200_000 }
    }
}

impl Budget {
    /// How long a call may take on the wall clock before it is ended: a machine that is busy with
    /// other work does not fail a script, and a script that waits does not stay.
    pub(crate) fn wall(&self) -> Duration {
        self.time.saturating_mul(WALL_FACTOR)
    }
}

impl Budget {
    /// Room for a script that also writes down where it is.
    pub(crate) fn doubled(self) -> Self {
        Self {
            time: self.time.saturating_mul(2),
            memory: self.memory.saturating_add(1 << 20),
            operations: self.operations.saturating_mul(2),
        }
    }
}

const WALL_FACTOR: u32 = 40;
/// How many operations pass between two looks at memory and clock.
const LOOK_EVERY: u64 = 12;

/// A budget that is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spent {
    Time,
    Memory,
    Operations,
}

impl Spent {
    pub(crate) const fn code(self) -> Code {
        match self {
            Self::Time => Code::R010,
            Self::Memory => Code::R011,
            Self::Operations => Code::R012,
        }
    }

    pub(crate) fn message(self, budget: &Budget) -> String {
        match self {
            Self::Time => format!("the script took more than {} ms", budget.time.as_millis()),
            Self::Memory => format!("the script used more than {} MiB", budget.memory >> 20),
            Self::Operations => {
                format!("the script took more than {} operations", budget.operations)
            }
        }
    }

    pub(crate) const fn help(self) -> &'static str {
        match self {
            Self::Time => "look for a loop over a large list inside another loop",
            Self::Memory => "look for a list or a text that grows in a loop",
            Self::Operations => "look for a loop that does not end",
        }
    }
}

#[derive(Clone, Copy)]
struct Running {
    budget: Budget,
    started: Instant,
    cpu: Duration,
    memory: i64,
    spent: Option<Spent>,
}

thread_local! {
    static RUNNING: Cell<Option<Running>> = const { Cell::new(None) };
    /// Operations of the call that runs on this thread.
    static OPERATIONS: Cell<u64> = const { Cell::new(0) };
    /// The operation at which everything is looked at again.
    static NEXT_LOOK: Cell<u64> = const { Cell::new(0) };
    /// This thread's processor time when its last call ended: reading it costs a call of the system,
    /// and the next call of the same job begins at once.
    static ENDED: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// Begins a job on this thread: what it did before counts for no call.
pub(super) fn begin_job() {
    ENDED.set(None);
}

/// Begins a call on this thread.
pub(super) fn start(budget: Budget) {
    allocator::reset_peak();
    OPERATIONS.set(0);
    NEXT_LOOK.set(0);
    RUNNING.set(Some(Running {
        budget,
        started: wall_clock(),
        cpu: ENDED.take().unwrap_or_else(thread_time),
        memory: allocator::live(),
        spent: None,
    }));
}

/// Ends the call: what it used, and whether a budget was spent.
pub(super) fn finish() -> (Cost, Option<Spent>) {
    let Some(running) = RUNNING.take() else { return (Cost::default(), None) };
    let peak_bytes = u64::try_from(allocator::peak() - running.memory).unwrap_or(0);
    let now = thread_time();
    ENDED.set(Some(now));
    let micros = now.saturating_sub(running.cpu).as_micros();
    let cost = Cost {
        operations: OPERATIONS.get(),
        micros: u64::try_from(micros).unwrap_or(u64::MAX),
        peak_bytes,
    };
    let spent =
        running.spent.or_else(|| (peak_bytes > running.budget.memory).then_some(Spent::Memory));
    (cost, spent)
}

/// Called by the script engine before each operation; a value ends the script.
pub(super) fn tick() -> Option<Dynamic> {
    let operations = OPERATIONS.get().saturating_add(1);
    OPERATIONS.set(operations);
    if operations < NEXT_LOOK.get() { None } else { look(operations) }
}

fn look(operations: u64) -> Option<Dynamic> {
    let mut running = RUNNING.get()?;
    if running.spent.is_none() {
        running.spent = running.overspent(operations);
        RUNNING.set(Some(running));
    }
    if running.spent.is_some() {
        // Once spent, every further operation ends the script again.
        NEXT_LOOK.set(0);
        return Some(Dynamic::UNIT);
    }
    let last = running.budget.operations.saturating_add(1);
    NEXT_LOOK.set(operations.saturating_add(LOOK_EVERY).min(last));
    None
}

impl Running {
    fn overspent(&self, operations: u64) -> Option<Spent> {
        if operations > self.budget.operations {
            return Some(Spent::Operations);
        }
        let memory = u64::try_from(allocator::live() - self.memory).unwrap_or(0);
        if memory > self.budget.memory {
            return Some(Spent::Memory);
        }
        // Processor time never runs ahead of the wall clock, which is cheaper to read.
        let wall = wall_clock().saturating_duration_since(self.started);
        let over = wall > self.budget.time
            && (wall > self.budget.wall()
                || thread_time().saturating_sub(self.cpu) > self.budget.time);
        over.then_some(Spent::Time)
    }
}

#[expect(clippy::disallowed_methods, reason = "a budget measures; its reading reaches no script")]
fn wall_clock() -> Instant {
    Instant::now()
}

/// Processor time of this thread since it began.
#[cfg(unix)]
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Where there is no clock for a thread, the wall clock serves.
#[cfg(not(unix))]
fn thread_time() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(wall_clock);
    START.elapsed()
}
