//! PRE-S3: hide the target user from the address list.
//!
//! The contact of PRE-S4 is what people see of the person until cutover (PRE-4).

use catalogue::Step;
use engine::{Outcome, Receipt, RecipientEdit, StepContext, StepError, StepResult};
use serde::{Deserialize, Serialize};

use crate::TargetAccount;

/// The hidden recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HiddenUser {
    identity: String,
}

impl Receipt for HiddenUser {
    const STEP: Step = Step::HideUser;
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let Some(account) = cx.receipt::<TargetAccount>()? else {
        return Err(StepError::retry("order", "PRE-S1 has left no receipt"));
    };
    let target = cx.target();
    let Some(recipient) = target.recipient(&account.object_id).await? else {
        if account.is_recipient() {
            return Outcome::wait("the new mail user to appear");
        }
        return Outcome::not_applicable("the account is no recipient, so no address list shows it");
    };
    RecipientEdit::of(&recipient).hidden(true).apply(target).await?;
    Outcome::done(&HiddenUser { identity: recipient.identity() })
}
