//! CUT-S1: start the second delta, beside S2 to S5.

use catalogue::Step;
use engine::{StepContext, StepResult};
use model::Branch;

use crate::mailbox::fork;

pub(crate) fn run(cx: &StepContext<'_>) -> StepResult {
    fork(cx, Step::BeginSecondDelta, Branch::SecondDelta)
}
