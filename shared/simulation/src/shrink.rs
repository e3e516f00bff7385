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

/// What a run with fewer faults has shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    StillFails,
    Holds,
    NoRunsLeft,
}

/// Shrinks a failing run: takes away ever smaller parts of its faults while the same rule stays
/// broken. At most so many runs.
pub fn shrink(settings: &Settings, failed: &RunReport, most_runs: u32) -> Shrunk {
    let rule = failed.violations.first().map(|violation| violation.rule);
    let mut faults: Vec<Occurrence> = failed.fired.clone();
    let mut runs = 0;
    let mut fails = |some: &[Occurrence]| {
        if runs >= most_runs {
            return Answer::NoRunsLeft;
        }
        runs += 1;
        let only: BTreeSet<Occurrence> = some.iter().copied().collect();
        let faults = settings.faults.clone().with_only(only);
        let report = run(&Settings { faults, ..settings.clone() });
        let same = report.violations.first().map(|violation| violation.rule) == rule;
        if same { Answer::StillFails } else { Answer::Holds }
    };
    // Whole kinds first, all but one, then one after the other: most have nothing to do with it.
    let kinds: BTreeSet<FaultKind> = faults.iter().map(|(kind, _)| *kind).collect();
    for kind in &kinds {
        let alone: Vec<Occurrence> = faults.iter().copied().filter(|(of, _)| of == kind).collect();
        if alone.len() < faults.len() && fails(&alone) == Answer::StillFails {
            faults = alone;
            break;
        }
    }
    for kind in kinds {
        let rest: Vec<Occurrence> = faults.iter().copied().filter(|(of, _)| *of != kind).collect();
        if rest.len() < faults.len() && fails(&rest) == Answer::StillFails {
            faults = rest;
        }
    }
    // Then ever smaller parts, and single ones until none can be spared. A part that was spared is not
    // looked at again before all others were: what follows it is tried next.
    let mut size = faults.len().div_ceil(2).max(1);
    let mut at = 0_usize;
    let mut spared = false;
    while !faults.is_empty() {
        let end = at.saturating_add(size).min(faults.len());
        let rest = [faults.get(..at), faults.get(end..)];
        let rest: Vec<Occurrence> = rest.into_iter().flatten().flatten().copied().collect();
        match fails(&rest) {
            Answer::StillFails => {
                faults = rest;
                spared = true;
            }
            Answer::Holds => at = end,
            Answer::NoRunsLeft => break,
        }
        if at >= faults.len() {
            if size == 1 && !spared {
                break;
            }
            at = 0;
            size = if size == 1 { 1 } else { size.div_ceil(2) };
            spared = false;
        }
    }
    let only: BTreeSet<Occurrence> = faults.iter().copied().collect();
    let settings = Settings {
        faults: settings.faults.clone().with_only(only),
        traced: true,
        ..settings.clone()
    };
    let report = run(&settings);
    Shrunk { faults, report, runs: runs + 1 }
}
