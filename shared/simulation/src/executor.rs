//! Runs invocations beside each other: which of those that can go on does, the seed decides.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use jiff::Timestamp;
use ports::Random;

use crate::stage::{Inner, Invocation, Outcome, SharedStage};

/// The work of one invocation: `false` when store or queue failed.
pub(crate) type Work = Pin<Box<dyn Future<Output = bool> + Send>>;

struct Task {
    invocation: Invocation,
    work: Work,
    /// The platform ends it then.
    deadline: Timestamp,
}

/// Invocations that can go on.
type Ready = Arc<Mutex<BTreeSet<u64>>>;

struct Ring(Ready, u64);

impl Wake for Ring {
    fn wake(self: Arc<Self>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(self.1);
    }
}

/// The invocations at work.
pub(crate) struct Executor {
    stage: SharedStage,
    tasks: BTreeMap<u64, Task>,
    ready: Ready,
    next: u64,
}

/// What a turn has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nobody could go on.
    Idle,
    /// Somebody went on.
    Worked,
    /// Somebody's process died.
    Died,
}

impl Executor {
    pub(crate) fn new(stage: SharedStage) -> Self {
        Self { stage, tasks: BTreeMap::new(), ready: Ready::default(), next: 1 }
    }

    /// How many are at work.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// The number that the next invocation gets.
    pub(crate) fn next_number(&self) -> u64 {
        self.next
    }

    /// Begins an invocation.
    pub(crate) fn spawn(&mut self, invocation: Invocation, deadline: Timestamp, work: Work) {
        let number = invocation.number;
        self.next = number + 1;
        self.ready().insert(number);
        self.tasks.insert(number, Task { invocation, work, deadline });
    }

    fn ready(&self) -> std::sync::MutexGuard<'_, BTreeSet<u64>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the platform ends the first invocation.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.tasks.values().map(|task| task.deadline).min()
    }

    /// Ends the invocations whose time is over. How many.
    pub(crate) fn time_out(&mut self) -> usize {
        let now = self.stage.now();
        let over: Vec<u64> = self
            .tasks
            .iter()
            .filter(|(_, task)| task.deadline <= now)
            .map(|(number, _)| *number)
            .collect();
        for number in &over {
            self.die(*number, "time-out");
        }
        over.len()
    }

    /// Ends every invocation: the machine dies.
    pub(crate) fn die_all(&mut self) {
        let all: Vec<u64> = self.tasks.keys().copied().collect();
        for number in all {
            self.die(number, "the machine dies");
        }
    }

    fn die(&mut self, number: u64, why: &str) {
        let Some(task) = self.tasks.remove(&number) else { return };
        let now = self.stage.now();
        {
            let mut inner = self.stage.lock();
            inner.trace.note(now, &format!("[{number}] {} dies: {why}", task.invocation.what));
            settle(&mut inner, &task.invocation, Outcome::Died);
        }
        self.ready().remove(&number);
        drop(task);
    }

    /// Lets one invocation go on.
    pub(crate) fn turn(&mut self, random: &dyn Random) -> Turn {
        let chosen = {
            let ready = self.ready();
            let count = ready.len() as u64;
            let place = usize::try_from(random.below(count)).unwrap_or_default();
            ready.iter().nth(place).copied()
        };
        let Some(number) = chosen else { return Turn::Idle };
        self.ready().remove(&number);
        let waker = Waker::from(Arc::new(Ring(Arc::clone(&self.ready), number)));
        let Some(task) = self.tasks.get_mut(&number) else { return Turn::Worked };
        self.stage.lock().current = Some(task.invocation.clone());
        let polled = task.work.as_mut().poll(&mut Context::from_waker(&waker));
        let doomed = {
            let mut inner = self.stage.lock();
            inner.current = None;
            inner.doomed.remove(&number)
        };
        if doomed {
            self.die(number, "crash");
            return Turn::Died;
        }
        if let Poll::Ready(well) = polled
            && let Some(task) = self.tasks.remove(&number)
        {
            let mut inner = self.stage.lock();
            let told = inner.told.get(&number).copied();
            let outcome = if well { told.unwrap_or(Outcome::GaveWay) } else { Outcome::Failed };
            settle(&mut inner, &task.invocation, outcome);
        }
        Turn::Worked
    }
}

/// Counts the faults that an ended invocation has met.
fn settle(inner: &mut Inner, invocation: &Invocation, outcome: Outcome) {
    inner.told.remove(&invocation.number);
    for kind in inner.met.remove(&invocation.number).unwrap_or_default() {
        let cell = (invocation.what.clone(), kind, outcome);
        *inner.coverage.entry(cell).or_default() += 1;
    }
}
