//! What many runs have shown.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use catalogue::Step;

use crate::{
    fault::FaultKind,
    run::{RunReport, by_kind},
    stage::{Coverage, Outcome},
};

/// Sums over runs.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Runs.
    pub runs: u64,
    /// Runs in which something did not hold.
    pub failed: Vec<u64>,
    /// Events of all traces.
    pub events: u64,
    /// Deliveries that were handled.
    pub handled: u64,
    /// Virtual time.
    pub lasted: Duration,
    /// Faults by kind.
    pub faults: BTreeMap<FaultKind, u64>,
    /// Steps, faults and outcomes.
    pub coverage: Coverage,
}

impl Totals {
    /// Adds a run.
    pub fn add(&mut self, report: &RunReport) {
        self.runs += 1;
        if !report.violations.is_empty() {
            self.failed.push(report.seed);
        }
        self.events += report.trace.events();
        self.handled += report.handled;
        self.lasted += report.lasted;
        for (kind, count) in by_kind(&report.fired) {
            *self.faults.entry(kind).or_default() += count;
        }
        for (cell, count) in &report.coverage {
            *self.coverage.entry(cell.clone()).or_default() += count;
        }
    }

    /// Adds what another worker has seen.
    pub fn join(&mut self, other: Self) {
        self.runs += other.runs;
        self.failed.extend(other.failed);
        self.failed.sort_unstable();
        self.events += other.events;
        self.handled += other.handled;
        self.lasted += other.lasted;
        for (kind, count) in other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        for (cell, count) in other.coverage {
            *self.coverage.entry(cell).or_default() += count;
        }
    }
}

/// The coverage as a table, one line a step and one column a fault; a cell names the outcomes that
/// were seen by their first letter, in lower case where fewer than ten were. Then the cells that were
/// never hit.
pub fn matrix(coverage: &Coverage) -> String {
    let kinds: Vec<FaultKind> = FaultKind::ALL
        .into_iter()
        .map(|(kind, _)| kind)
        .filter(|kind| coverage.keys().any(|(_, met, _)| met == kind))
        .collect();
    let mut text = String::new();
    let mut missing: BTreeMap<FaultKind, Vec<&str>> = BTreeMap::new();
    for (place, kind) in kinds.iter().enumerate() {
        let _written = writeln!(text, "{:>3} {}", place + 1, kind.name());
    }
    let _written = writeln!(text);
    let _written = write!(text, "{:<34}", "step");
    for place in 1..=kinds.len() {
        let _written = write!(text, "{place:>7}");
    }
    let _written = writeln!(text);
    for step in Step::all() {
        let mut line = format!("{:<34}", step.id());
        for kind in &kinds {
            let cell = cell(coverage, step.id(), *kind);
            if cell.is_empty() {
                missing.entry(*kind).or_default().push(step.id());
            }
            let cell = if cell.is_empty() { "-".to_owned() } else { cell };
            let _written = write!(line, "{cell:>7}");
        }
        let _written = writeln!(text, "{line}");
    }
    let _written = writeln!(
        text,
        "\nD done, A again, P parked, S stopped, G gave way, F failed, X died; capital: ten times or more"
    );
    for (kind, steps) in missing {
        let _written = writeln!(text, "never hit: {} at {}", kind.name(), steps.join(", "));
    }
    text
}

fn cell(coverage: &Coverage, step: &str, kind: FaultKind) -> String {
    let letters = [
        (Outcome::Done, 'D'),
        (Outcome::Again, 'A'),
        (Outcome::Parked, 'P'),
        (Outcome::Stopped, 'S'),
        (Outcome::GaveWay, 'G'),
        (Outcome::Failed, 'F'),
        (Outcome::Died, 'X'),
    ];
    let mut cell = String::new();
    for (outcome, letter) in letters {
        let count = coverage.get(&(step.to_owned(), kind, outcome)).copied().unwrap_or_default();
        match count {
            0 => {}
            1..=9 => cell.push(letter.to_ascii_lowercase()),
            _ => cell.push(letter),
        }
    }
    cell
}
