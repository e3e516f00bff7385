//! Finds the fewest faults with which a run still fails.

use std::collections::BTreeSet;

use crate::{
    fault::{FaultKind, Occurrence},
    run::{RunReport, Settings, run},
};

/// A shortened failure.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The faults that are enough.
    pub faults: Vec<Occurrence>,
    /// The run with these faults alone, with its trace.
    pub report: RunReport,
    /// How many runs it took.
    pub runs: u32,
}

/// Shrinks a failing run: takes away ever smaller parts of its faults while the same rule stays
/// broken. At most so many runs.
pub fn shrink(settings: &Settings, failed: &RunReport, most_runs: u32) -> Shrunk {
    let rule = failed.violations.first().map(|violation| violation.rule);
    let mut faults: Vec<Occurrence> = failed.fired.clone();
    let mut runs = 0;
    let mut fails = |some: &[Occurrence]| {
        runs += 1;
        let only: BTreeSet<Occurrence> = some.iter().copied().collect();
        let faults = settings.faults.clone().with_only(only);
        let report = run(&Settings { faults, ..settings.clone() });
        report.violations.first().map(|violation| violation.rule) == rule
    };
    let mut tried = 0;
    // Whole kinds first: most have nothing to do with it.
    let kinds: BTreeSet<FaultKind> = faults.iter().map(|(kind, _)| *kind).collect();
    for kind in kinds {
        let rest: Vec<Occurrence> = faults.iter().copied().filter(|(of, _)| *of != kind).collect();
        tried += 1;
        if tried <= most_runs && fails(&rest) {
            faults = rest;
        }
    }
    let mut parts = 2;
    while faults.len() > 1 && tried < most_runs {
        let size = faults.len().div_ceil(parts);
        let mut smaller = None;
        for at in (0..faults.len()).step_by(size.max(1)) {
            let rest: Vec<Occurrence> = faults
                .iter()
                .enumerate()
                .filter(|(place, _)| *place < at || *place >= at + size)
                .map(|(_, fault)| *fault)
                .collect();
            tried += 1;
            if fails(&rest) {
                smaller = Some(rest);
                break;
            }
            if tried >= most_runs {
                break;
            }
        }
        match smaller {
            Some(rest) => {
                faults = rest;
                parts = parts.saturating_sub(1).max(2);
            }
            None if size <= 1 => break,
            None => parts = (parts * 2).min(faults.len()),
        }
    }
    let only: BTreeSet<Occurrence> = faults.iter().copied().collect();
    let settings = Settings {
        faults: settings.faults.clone().with_only(only),
        traced: true,
        ..settings.clone()
    };
    let report = run(&settings);
    Shrunk { faults, report, runs: tried + 1 }
}
