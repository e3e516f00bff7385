//! What everything in one run shares: the clock, the faults, the trace, and who is at work.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use catalogue::Step;
use conformance::reference::VirtualClock;
use jiff::Timestamp;
use model::{JobId, UserId};
use ports::Clock;

use crate::{
    check::{Violation, Watch},
    fault::{FaultKind, Faults},
    fuzz::{self, Garbled},
    planted::Bug,
    trace::Trace,
};

/// Who is at work: one invocation.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(crate) number: u64,
    /// What it handles: a step's id, or a word.
    pub(crate) what: String,
    pub(crate) step: Option<Step>,
    pub(crate) user: Option<UserId>,
    pub(crate) job: Option<JobId>,
    /// Where the notification lies that it delivers.
    pub(crate) notification: Option<String>,
    pub(crate) started: Timestamp,
}

/// How often a step met a fault, and what became of that invocation.
pub type Coverage = BTreeMap<(String, FaultKind, Outcome), u64>;

/// What became of an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The step was done, or did not apply.
    Done,
    /// The step waits, or is tried again.
    Again,
    /// The user was parked.
    Parked,
    /// The job was stopped.
    Stopped,
    /// Another copy was first, or there was nothing to do.
    GaveWay,
    /// The store or queue failed; the message comes again.
    Failed,
    /// The process died.
    Died,
}

/// The run's shared state.
pub(crate) struct Stage {
    pub(crate) clock: VirtualClock,
    inner: Mutex<Inner>,
}

pub(crate) struct Inner {
    pub(crate) faults: Faults,
    pub(crate) trace: Trace,
    pub(crate) current: Option<Invocation>,
    /// Invocations that die at once.
    pub(crate) doomed: BTreeSet<u64>,
    pub(crate) watch: Watch,
    pub(crate) violations: Vec<Violation>,
    pub(crate) coverage: Coverage,
    /// The faults that each living invocation has met.
    pub(crate) met: BTreeMap<u64, Vec<FaultKind>>,
    /// What each living invocation has told the journal last.
    pub(crate) told: BTreeMap<u64, Outcome>,
    /// A request has changed something in a tenant since it was last looked at.
    pub(crate) changed: bool,
    pub(crate) bug: Option<Bug>,
    /// What is garbled, and how many of it came by.
    pub(crate) garbled: Option<Garbled>,
    pub(crate) came_by: u64,
    /// Commits that a planted bug keeps back, by invocation.
    pub(crate) put_off: BTreeMap<u64, Vec<ports::Change>>,
}

impl Stage {
    pub(crate) fn new(clock: VirtualClock, faults: Faults, trace: Trace, bug: Option<Bug>) -> Self {
        let inner = Inner {
            faults,
            trace,
            current: None,
            doomed: BTreeSet::new(),
            watch: Watch::default(),
            violations: Vec::new(),
            coverage: Coverage::new(),
            met: BTreeMap::new(),
            told: BTreeMap::new(),
            changed: false,
            bug,
            garbled: None,
            came_by: 0,
            put_off: BTreeMap::new(),
        };
        Self { clock, inner: Mutex::new(inner) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether something happens in the world now; `Some` has random bits for its details.
    pub(crate) fn happens(&self, kind: FaultKind) -> Option<u64> {
        let now = self.now();
        let mut inner = self.lock();
        let bits = inner.faults.fires(kind)?;
        inner.trace.note(now, &format!("! {kind:?}"));
        Some(bits)
    }

    /// Whether a fault befalls the invocation at work; operators at their desk have none.
    pub(crate) fn fires(&self, kind: FaultKind) -> Option<u64> {
        let now = self.now();
        let mut inner = self.lock();
        let number = inner.current.as_ref().map(|current| current.number)?;
        let bits = inner.faults.fires(kind)?;
        inner.met.entry(number).or_default().push(kind);
        inner.trace.note(now, &format!("[{number}] ! {kind:?}"));
        Some(bits)
    }

    /// What a garbled one of these looks like; `None` where it is left alone.
    pub(crate) fn garble(&self, what: Garbled, bytes: &[u8]) -> Option<Vec<u8>> {
        let random = {
            let mut inner = self.lock();
            if inner.garbled != Some(what) {
                return None;
            }
            inner.came_by += 1;
            fuzz::chance(inner.faults.seed(), inner.came_by)?
        };
        Some(fuzz::garbled(bytes, &random))
    }

    /// Notes an event of the invocation at work.
    pub(crate) fn note(&self, text: &str) {
        let now = self.now();
        let mut inner = self.lock();
        let who = inner.current.as_ref().map_or(0, |current| current.number);
        inner.trace.note(now, &format!("[{who}] {text}"));
    }

    pub(crate) fn has_bug(&self, bug: Bug) -> bool {
        self.lock().bug == Some(bug)
    }

    /// Notes that something does not hold.
    pub(crate) fn violated(&self, rule: &'static str, text: impl Into<String>) {
        let now = self.now();
        let text = text.into();
        let mut inner = self.lock();
        inner.trace.note(now, &format!("VIOLATION {rule}: {text}"));
        inner.violations.push(Violation { rule, text, at: now });
    }

    /// A boundary at which the process may die. Outside an invocation nothing dies.
    pub(crate) async fn boundary(&self, kind: FaultKind) {
        let pause = Duration::from_millis(1);
        self.clock.sleep(pause).await;
        let number = self.lock().current.as_ref().map(|current| current.number);
        let Some(number) = number else { return };
        if self.fires(kind).is_some() {
            self.lock().doomed.insert(number);
            std::future::pending::<()>().await;
        }
    }
}

/// The stage, as the ports hold it.
pub(crate) type SharedStage = Arc<Stage>;
