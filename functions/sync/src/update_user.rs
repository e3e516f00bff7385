//! SYN-I1: update the matched and prepared target user.
//!
//! A user that was prepared as a guest becomes a member here (PRE-6).

use catalogue::Step;
use engine::{
    Effect, Outcome, Receipt, StepContext, StepError, StepResult, Write, change, map_user,
    update_user,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

/// What was updated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Updated {
    written: Vec<String>,
    became_member: bool,
}

impl Receipt for Updated {
    const STEP: Step = Step::UpdateUser;
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let identity = cx.target_identity().ok_or_else(no_target)?;
    let Some(user) = cx.target().user(&identity.object_id).await? else {
        return Outcome::wait("the target user to appear in the directory");
    };
    // The plan first: a mapping that fails leaves the guest as he is.
    let recipient = cx.target().recipient(&user.id).await?;
    let mapped = map_user(cx, scripting::Step::Sync, Some((&user, recipient.as_ref()))).await?;
    let became_member = user.is_guest();
    if became_member {
        let properties = Map::from_iter([("userType".to_owned(), json!("Member"))]);
        let write = Write {
            object: user.user_principal_name.clone(),
            changes: vec![change("userType", "Guest", "Member")],
            effect: Effect::UpdateUser { id: user.id.clone(), properties },
        };
        cx.target().write(write).await?;
    }
    let outcome = update_user(cx.target(), &user, recipient.as_ref(), &mapped).await?;
    Outcome::done_with(&Updated { written: outcome.written, became_member }, outcome.warnings)
}

/// A sync without a target user is a fault of the state, not of the tenants.
pub(crate) fn no_target() -> StepError {
    StepError::park(
        "no_target",
        "the user has no target user",
        "match or prepare the user, then sync again",
    )
}
