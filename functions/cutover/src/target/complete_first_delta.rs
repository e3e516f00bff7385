//! CUT-T9: joins T1. If the delta failed, the cutover stops here and no source step runs.

use catalogue::Step;
use engine::{Receipt, StepContext, StepResult};
use model::Branch;
use serde::{Deserialize, Serialize};

use crate::mailbox::{Joined, join};

/// The end of the first delta.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FirstDelta(Joined);

impl Receipt for FirstDelta {
    const STEP: Step = Step::CompleteFirstDelta;
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    join(cx, Branch::FirstDelta, FirstDelta).await
}
