//! SYN-I3: forward the target mailbox to the source mailbox, where the person still works.
//!
//! It needs the mailbox that SYN-I4 makes (SYN-I6). Both mailboxes must never forward to each
//! other (CUT-6), so nothing is set where a cutover that was stopped half-way has left a source that
//! forwards to the target.

use catalogue::Step;
use engine::{Outcome, Receipt, RecipientEdit, StepContext, StepError, StepResult};
use serde::{Deserialize, Serialize};
use tenant::exchange::ProxyAddress;

use crate::update_user::no_target;

/// The forwarding that this step has seen to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forwarding {
    mailbox: String,
    to: String,
}

impl Receipt for Forwarding {
    const STEP: Step = Step::SetForwarding;
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    if !cx.profile().sync.forwarding {
        return Outcome::not_applicable("the profile turns forwarding off");
    }
    let source = &cx.user().source;
    if !source.mailbox.mailbox {
        return Outcome::not_applicable("the source user has no mailbox to forward to");
    }
    let identity = cx.target_identity().ok_or_else(no_target)?;
    let Some(mailbox) = cx.target().mailbox(&identity.object_id).await? else {
        return Outcome::wait("the target mailbox");
    };
    if let Some(of_source) = cx.source().mailbox(&source.object_id).await?
        && of_source.forwarding_smtp_address.as_ref().is_some_and(|to| mailbox.has_address(to))
    {
        return Outcome::not_applicable(
            "the source forwards to the target already, and forwarding back would make a mail loop",
        );
    }
    let to = source.initial_address.clone().unwrap_or_else(|| source.mail.clone());
    let to = ProxyAddress::secondary(&to).map_err(|error| {
        StepError::park("bad_address", error.to_string(), "correct the address in the source")
    })?;
    RecipientEdit::of(&mailbox).forwarding(Some(&to), false).apply(cx.target()).await?;
    Outcome::done(&Forwarding { mailbox: mailbox.identity(), to: to.value().to_owned() })
}
