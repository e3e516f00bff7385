//! Prepare: the steps PRE-S1 to PRE-S4, one file each. They act on the target only (PRE-7).

mod create_contact;
mod create_or_update_user;
mod hide_user;
mod mail_enable_user;
mod new_account;
mod send_guest_invite;

pub use create_contact::TargetContact;
pub use create_or_update_user::TargetAccount;
pub use mail_enable_user::TargetRecipient;

use catalogue::Step;
use engine::{StepContext, StepResult};

/// Runs a step of this phase; `None` for other phases' steps.
pub async fn run(step: Step, cx: &StepContext<'_>) -> Option<StepResult> {
    Some(match step {
        Step::CreateOrUpdateUser => create_or_update_user::run(cx).await,
        Step::MailEnableUser => mail_enable_user::run(cx).await,
        Step::HideUser => hide_user::run(cx).await,
        Step::CreateContact => create_contact::run(cx).await,
        Step::SendGuestInvite => send_guest_invite::run(cx).await,
        _ => return None,
    })
}
