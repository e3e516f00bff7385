//! Mistakes in steps.

use async_trait::async_trait;
use catalogue::Step;
use dispatch::AllSteps;
use engine::{Failure, Outcome, StepContext, StepError, StepResult, Steps};
use tenant::exchange::{Anchor, Parameters};

use super::Bug;
use crate::stage::SharedStage;

/// The steps, one of them mistaken perhaps.
pub(crate) struct MistakenSteps {
    pub(crate) stage: SharedStage,
}

#[async_trait]
impl Steps for MistakenSteps {
    async fn run(&self, step: Step, cx: &StepContext<'_>) -> StepResult {
        let bug = self.stage.lock().bug;
        match (bug, step) {
            (Some(Bug::ForwardingNotRemoved), Step::RemoveForwarding)
            | (Some(Bug::ContactNotHidden), Step::HideContact | Step::ClearContactLegacyDn)
            | (Some(Bug::SourceX500NotStamped), Step::StampSourceX500) => {
                return Outcome::not_applicable("a planted bug");
            }
            (Some(Bug::NoSecondDelta), Step::CopyChanges)
                if cx.job().branch == model::Branch::SecondDelta =>
            {
                return Outcome::not_applicable("a planted bug");
            }
            (Some(Bug::ForwardingInWrongOrder), Step::UpdateTargetUser) => {
                forward_early(cx).await?;
            }
            _ => {}
        }
        let result = AllSteps.run(step, cx).await;
        match (bug, result) {
            (Some(Bug::ThrottlingParks), Err(error))
                if matches!(error.failure, Failure::Throttled(_)) =>
            {
                Err(StepError::park(error.code, error.message, error.advice))
            }
            (_, result) => result,
        }
    }
}

/// What S4 does, long before it is its turn.
async fn forward_early(cx: &StepContext<'_>) -> Result<(), StepError> {
    let Some(target) = cx.target_identity() else { return Ok(()) };
    let parameters = Parameters::identity(&cx.user().source.user_principal_name)
        .set("ForwardingSmtpAddress", target.user_principal_name)
        .set("DeliverToMailboxAndForward", true);
    let exchange = cx.source().client().await?.exchange();
    exchange.invoke("Set-Mailbox", parameters, &Anchor::Tenant).await?;
    Ok(())
}
