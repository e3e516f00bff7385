//! CUT-S6: joins S1. Its last round began after the source forwards, so no mail is left behind.

use catalogue::Step;
use engine::{Receipt, StepContext, StepResult};
use model::Branch;
use serde::{Deserialize, Serialize};

use crate::mailbox::{Joined, join};

/// The end of the second delta.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SecondDelta(Joined);

impl Receipt for SecondDelta {
    const STEP: Step = Step::CompleteSecondDelta;
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    join(cx, Branch::SecondDelta, SecondDelta).await
}
