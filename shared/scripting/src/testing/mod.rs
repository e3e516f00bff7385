//! Tests that stand beside a script: inputs, and what must come of them.
//!
//! `mapping/ours.rhai` has its tests in `mapping/ours.tests.toml`. The same runner serves the
//! command line, the gate before publishing, and this project's own tests of the shipped scripts.

mod compare;
mod coverage;
mod observe;
mod suite;
mod update;

use serde::Serialize;

pub use compare::Difference;
pub use coverage::Coverage;
pub(crate) use coverage::{insert, marked};
pub use suite::sample_run;
pub use suite::{Suite, SuiteError};

use crate::diagnostic::printable;
use crate::patch::Cost;

/// What came of the tests of one script.
#[derive(Clone, Debug, Serialize)]
pub struct SuiteReport {
    /// The script.
    pub script: String,
    /// Its version.
    pub hash: String,
    /// Every case, in the order of the file.
    pub cases: Vec<CaseReport>,
    /// Which lines and attributes the cases reach.
    pub coverage: Coverage,
}

/// What came of one case.
#[derive(Clone, Debug, Serialize)]
pub struct CaseReport {
    /// The case's name.
    pub name: String,
    /// What differs from the expectation; none when the case passes.
    pub differences: Vec<Difference>,
    /// What the call used.
    pub cost: Cost,
    /// Everything that came of the call, as an expectation would state it.
    pub observed: serde_json::Value,
}

impl SuiteReport {
    /// Whether every case passes.
    pub fn passed(&self) -> bool {
        self.cases.iter().all(|case| case.differences.is_empty())
    }

    /// The report as text: one line for each case, a difference where one fails, the coverage.
    pub fn render(&self) -> String {
        let mut out = String::new();
        for case in &self.cases {
            let passed = case.differences.is_empty();
            out.push_str(if passed { "  ok    " } else { "  FAIL  " });
            out.push_str(&printable(&case.name));
            out.push('\n');
            for difference in &case.differences {
                out.push_str(&difference.render());
            }
        }
        let failed = self.cases.iter().filter(|case| !case.differences.is_empty()).count();
        put!(
            &mut out,
            "{}: {} cases, {failed} failed; {}\n",
            self.script,
            self.cases.len(),
            self.coverage.render()
        );
        out
    }
}
