//! The action `verify` (SYN-4): counts and sizes of source and target, a sample of hashes, and every
//! difference with its reason.

use std::ops::ControlFlow;

use catalogue::Step;
use content::VerifyReport;
use engine::{Outcome, Receipt, StepContext, StepResult};
use serde::{Deserialize, Serialize};

use crate::copy::verify;

/// The comparison. Differences beyond the first hundred are counted only: the record is bounded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verified {
    /// The comparison.
    pub report: VerifyReport,
    /// Differences that are not listed.
    pub more_differences: usize,
}

impl Receipt for Verified {
    const STEP: Step = Step::VerifyContent;
}

const LISTED: usize = 100;

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let mut report = match verify(cx).await? {
        ControlFlow::Break(report) => report,
        ControlFlow::Continue(wake) => return Ok(Outcome::Wait(wake)),
    };
    let more_differences = report.differences.len().saturating_sub(LISTED);
    let counted = usize::try_from(report.more_differences).unwrap_or(usize::MAX);
    let more_differences = more_differences.saturating_add(counted);
    report.differences.truncate(LISTED);
    let warnings = report
        .differences
        .iter()
        .map(|difference| {
            format!(
                "{} {}: {:?} {}",
                difference.place, difference.name, difference.reason, difference.detail
            )
        })
        .collect();
    Outcome::done_with(&Verified { report, more_differences }, warnings)
}
