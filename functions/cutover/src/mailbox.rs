//! What several steps of cutover need: the two mailboxes, and the join of a side branch.

use catalogue::Step;
use engine::{Outcome, Receipt, StepContext, StepError, StepResult, Wake};
use model::{Branch, JobStatus};
use serde::{Deserialize, Serialize};
use tenant::exchange::Recipient;

/// The receipt of a step that has changed a mailbox, or found it as it should be.
macro_rules! changed_receipt {
    ($name:ident, $step:ident) => {
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub(crate) struct $name {
            /// The recipient.
            pub(crate) identity: String,
            /// Whether anything had to be written.
            pub(crate) changed: bool,
        }

        impl engine::Receipt for $name {
            const STEP: catalogue::Step = catalogue::Step::$step;
        }
    };
}
pub(crate) use changed_receipt;

/// The target mailbox of the user; without one a cutover makes no sense.
pub(crate) async fn target_mailbox(cx: &StepContext<'_>) -> Result<Recipient, StepError> {
    let identity = cx.target_identity().ok_or_else(|| {
        StepError::park("no_target", "the user has no target user", "match or prepare, then sync")
    })?;
    cx.target().mailbox(&identity.object_id).await?.ok_or_else(|| {
        StepError::park(
            "no_target_mailbox",
            format!("{} has no mailbox in the target", identity.user_principal_name),
            "reset the user to synced, sync, and apply cutover again; the licence makes the mailbox",
        )
    })
}

/// The source mailbox of the user.
pub(crate) async fn source_mailbox(cx: &StepContext<'_>) -> Result<Recipient, StepError> {
    let source = &cx.user().source;
    cx.source().mailbox(&source.object_id).await?.ok_or_else(|| {
        StepError::park(
            "no_source_mailbox",
            format!("{} has no mailbox in the source", source.user_principal_name),
            "run discover; a person without a mailbox needs no cutover",
        )
    })
}

/// The end of a side branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Joined {
    branch: Branch,
}

/// Waits for a side branch. One that failed ends the cutover here.
pub(crate) async fn join<R: Receipt>(
    cx: &StepContext<'_>,
    branch: Branch,
    receipt: impl FnOnce(Joined) -> R,
) -> StepResult {
    if cx.is_plan() {
        return Outcome::not_applicable("a plan copies no content");
    }
    let Some(job) = cx.branch(branch).await? else {
        return Err(StepError::park(
            "branch_missing",
            format!("the {branch} of this cutover was never started"),
            "apply cutover again: it starts from its first step",
        ));
    };
    match job.status {
        JobStatus::Done => Outcome::done(&receipt(Joined { branch })),
        JobStatus::Running | JobStatus::Waiting { .. } => {
            Ok(Outcome::Wait(Wake::Signal { why: format!("the {branch} to end") }))
        }
        JobStatus::Failed { problem } => Err(StepError::park(
            problem.code,
            format!("the {branch} failed: {}", problem.message),
            problem.advice,
        )),
        JobStatus::Stopped => Err(StepError::park(
            "branch_stopped",
            format!("the {branch} was stopped"),
            "apply cutover again: it starts from its first step",
        )),
    }
}

/// Starts a side branch.
pub(crate) fn fork(cx: &StepContext<'_>, step: Step, branch: Branch) -> StepResult {
    if cx.is_plan() {
        return Outcome::not_applicable("a plan copies no content");
    }
    Ok(Outcome::Fork { step, branch })
}
