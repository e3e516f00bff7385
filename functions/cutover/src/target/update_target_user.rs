//! CUT-T2: the mapping script's last word on the target user, phase `cutover_target`.

use catalogue::Step;
use engine::{Outcome, Receipt, StepContext, StepError, StepResult, map_user, update_user};
use serde::{Deserialize, Serialize};

/// What was updated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TargetUpdated {
    written: Vec<String>,
}

impl Receipt for TargetUpdated {
    const STEP: Step = Step::UpdateTargetUser;
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let identity = cx.target_identity().ok_or_else(|| {
        StepError::park("no_target", "the user has no target user", "match or prepare, then sync")
    })?;
    let Some(user) = cx.target().user(&identity.object_id).await? else {
        return Outcome::wait("the target user to appear in the directory");
    };
    let recipient = cx.target().recipient(&user.id).await?;
    let existing = Some((&user, recipient.as_ref()));
    let mapped = map_user(cx, scripting::Step::CutoverTarget, existing).await?;
    let outcome = update_user(cx.target(), &user, recipient.as_ref(), &mapped).await?;
    Outcome::done_with(&TargetUpdated { written: outcome.written }, outcome.warnings)
}
