//! From a step to its function. Each phase's crate holds an exhaustive-by-test `match`; this page is
//! what Lambda, the one-machine host and the simulation all call.

use async_trait::async_trait;
use catalogue::{Phase, Step};
use engine::{StepContext, StepError, StepResult, Steps};

/// All steps of the catalogue.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllSteps;

#[async_trait]
impl Steps for AllSteps {
    async fn run(&self, step: Step, cx: &StepContext<'_>) -> StepResult {
        let answer = match step.spec().phase {
            Phase::Prepare => Box::pin(prepare::run(step, cx)).await,
            Phase::Cutover => Box::pin(cutover::run(step, cx)).await,
            Phase::OnDemand if step == Step::SendGuestInvite => {
                Box::pin(prepare::run(step, cx)).await
            }
            Phase::InitialSync | Phase::DeltaSync | Phase::OnDemand => {
                Box::pin(sync::run(step, cx)).await
            }
        };
        answer.unwrap_or_else(|| {
            Err(StepError::park(
                "no_function",
                format!("{step} has no function"),
                "report it: this is a fault of Crosswave",
            ))
        })
    }
}
