//! CUT-S9: the cutover is complete.

use catalogue::Step;
use engine::{Outcome, Receipt, StepContext, StepResult};
use jiff::Timestamp;
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
    Outcome::done(&Completed { at: cx.now() })
}
