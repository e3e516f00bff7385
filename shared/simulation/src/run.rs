//! One run: a world from a seed, until everything has come to rest.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use conformance::reference::VirtualClock;

use crate::{
    check::Violation,
    fault::{FaultKind, Faults, Occurrence},
    fuzz::Garbled,
    planted::Bug,
    runner::Runner,
    seed::start,
    stage::{Coverage, Stage},
    trace::Trace,
    world::World,
};

/// What to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The seed of everything.
    pub seed: u64,
    /// The faults.
    pub faults: Faults,
    /// A mistake to make.
    pub bug: Option<Bug>,
    /// Whether the trace's text is kept.
    pub traced: bool,
    /// What is garbled; then nothing is checked but that it ends.
    pub garbled: Option<Garbled>,
}

impl Settings {
    /// The run of a seed.
    pub fn of(seed: u64) -> Self {
        Self { seed, faults: Faults::swarm(seed), bug: None, traced: false, garbled: None }
    }

    /// The same with a mistake.
    #[must_use]
    pub fn planting(mut self, bug: Bug) -> Self {
        self.bug = Some(bug);
        for (kind, rate) in bug.provoked_by() {
            self.faults = self.faults.with(*kind, *rate);
        }
        self
    }
}

/// What became of a run.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The seed.
    pub seed: u64,
    /// The events.
    pub trace: Trace,
    /// What did not hold; the first is the most telling.
    pub violations: Vec<Violation>,
    /// The faults that happened.
    pub fired: Vec<Occurrence>,
    /// Steps, faults and outcomes.
    pub coverage: Coverage,
    /// Virtual time.
    pub lasted: Duration,
    /// Deliveries that were handled.
    pub handled: u64,
}

/// Runs a seed.
pub fn run(settings: &Settings) -> RunReport {
    let seed = settings.seed;
    let clock = VirtualClock::at(start(seed));
    let trace = Trace::new(settings.traced);
    let stage = Stage::new(clock, settings.faults.clone(), trace, settings.bug);
    stage.lock().garbled = settings.garbled;
    let stage = Arc::new(stage);
    let mut handled = 0;
    match World::build(seed, Arc::clone(&stage)) {
        Ok(world) => handled = Runner::new(seed, world).run(),
        Err(error) => stage.violated("simulation", error),
    }
    let lasted = stage.now().duration_since(start(seed));
    let inner = stage.lock();
    RunReport {
        seed,
        trace: inner.trace.clone(),
        violations: inner.violations.clone(),
        fired: inner.faults.fired().to_vec(),
        coverage: inner.coverage.clone(),
        lasted: Duration::try_from(lasted).unwrap_or_default(),
        handled,
    }
}

/// Faults by kind.
pub(crate) fn by_kind(fired: &[Occurrence]) -> BTreeMap<FaultKind, u64> {
    let mut counts = BTreeMap::new();
    for (kind, _) in fired {
        *counts.entry(*kind).or_default() += 1;
    }
    counts
}
