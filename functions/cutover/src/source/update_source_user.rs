//! CUT-S2: the mapping script's word on the source user, phase `cutover_source`. The shipped
//! mapping leaves the source user as it is.

use catalogue::Step;
use engine::{Outcome, Receipt, StepContext, StepError, StepResult, map_user, update_user};
use serde::{Deserialize, Serialize};

/// What was updated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SourceUpdated {
    written: Vec<String>,
}

impl Receipt for SourceUpdated {
    const STEP: Step = Step::UpdateSourceUser;
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let id = &cx.user().source.object_id;
    let Some(user) = cx.source().user(id).await? else {
        return Err(StepError::park(
            "source_missing",
            format!("the source user {} is gone", cx.user().source.user_principal_name),
            "restore the account, then apply cutover again",
        ));
    };
    let recipient = cx.source().recipient(id).await?;
    // The script writes to the source user, so it is the source user that it sees as `target`.
    let existing = Some((&user, recipient.as_ref()));
    let mapped = map_user(cx, scripting::Step::CutoverSource, existing).await?;
    let outcome = update_user(cx.source(), &user, recipient.as_ref(), &mapped).await?;
    Outcome::done_with(&SourceUpdated { written: outcome.written }, outcome.warnings)
}
