//! The action `send-guest-invite` (PRE-6): Microsoft sends the invitation that prepare held back.
//!
//! Inviting the same address again is Graph's documented way to send it: no second guest is made.

use catalogue::Step;
use engine::{Effect, Outcome, Receipt, StepContext, StepError, StepResult, Write, change};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenant::graph::NewInvitation;

/// The invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GuestInvited {
    address: String,
}

impl Receipt for GuestInvited {
    const STEP: Step = Step::SendGuestInvite;
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let source = &cx.user().source;
    let Some(identity) = cx.target_identity() else {
        return Err(StepError::park(
            "no_target",
            "the user has no target account",
            "prepare it first",
        ));
    };
    let Some(user) = cx.target().user(&identity.object_id).await? else {
        return Outcome::wait("the guest to appear in the directory");
    };
    if !user.is_guest() {
        return Outcome::not_applicable("the target user is a member, not a guest");
    }
    if user.external_user_state.as_deref() == Some("Accepted") {
        return Outcome::not_applicable("the guest has accepted already");
    }
    // A mail cannot be taken back: after a lost reply it is not sent once more.
    if cx.remembered::<String>("guest_invite")?.as_deref() == Some(cx.job().id.as_str()) {
        let note = "the invitation may have been sent: the process ended while it was being sent";
        let receipt = GuestInvited { address: source.mail.clone() };
        return Outcome::done_with(&receipt, vec![note.to_owned()]);
    }
    cx.remember("guest_invite", &cx.job().id.as_str()).await?;
    let invitation = NewInvitation {
        invited_user_email_address: source.mail.clone(),
        invited_user_display_name: Some(source.display_name.clone()),
        invite_redirect_url: "https://myapplications.microsoft.com".to_owned(),
        send_invitation_message: true,
    };
    let write = Write {
        object: format!("guest {}", source.mail),
        changes: vec![change("invitation", Value::Null, "sent")],
        effect: Effect::Invite(invitation),
    };
    cx.target().write(write).await?;
    Outcome::done(&GuestInvited { address: source.mail.clone() })
}
