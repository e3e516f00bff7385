//! CUT-S9: the cutover is complete.
//!
//! A profile may turn on one late delta after S7 (CUT-3); it runs here. One that fails does not undo
//! what the user has been told: it is a warning.

use catalogue::Step;
use engine::{Outcome, Receipt, StepContext, StepResult};
use jiff::Timestamp;
use model::{Branch, JobStatus};
use serde::{Deserialize, Serialize};

/// When the cutover was complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Completed {
    at: Timestamp,
}

impl Receipt for Completed {
    const STEP: Step = Step::Complete;
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let completed = Completed { at: cx.now() };
    if !cx.profile().cutover.late_delta || cx.is_plan() {
        return Outcome::done(&completed);
    }
    let branch = Branch::LateDelta;
    let Some(late) = cx.branch(branch).await? else { return Ok(Outcome::ForkAndWait { branch }) };
    match late.status {
        // Called before its end: a crash may have taken its baton, which this sends again.
        JobStatus::Running | JobStatus::Waiting { .. } => Ok(Outcome::ForkAndWait { branch }),
        JobStatus::Failed { problem } => {
            let warning = format!("the late delta failed: {}", problem.message);
            Outcome::done_with(&completed, vec![warning])
        }
        JobStatus::Done | JobStatus::Stopped => Outcome::done(&completed),
    }
}
