//! CUT-T1: start a delta sync that goes on beside T2 to T8.

use catalogue::Step;
use engine::{StepContext, StepResult};
use model::Branch;

use crate::mailbox::fork;

pub(crate) fn run(cx: &StepContext<'_>) -> StepResult {
    fork(cx, Step::BeginFirstDelta, Branch::FirstDelta)
}
