//! CUT-T4: remove the forwarding from the target mailbox.
//!
//! CUT-S4 forwards the other way, and at no moment may both hold (CUT-6): so this step is done only
//! when a read shows no forwarding any more.

use engine::{Outcome, RecipientEdit, StepContext, StepResult};

use crate::mailbox::{changed_receipt, target_mailbox};

changed_receipt!(ForwardingRemoved, RemoveForwarding);

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let mailbox = target_mailbox(cx).await?;
    let changed = RecipientEdit::of(&mailbox).forwarding(None, false).apply(cx.target()).await?;
    if changed && target_mailbox(cx).await?.is_forwarding() {
        return Outcome::wait("the target mailbox to show no forwarding");
    }
    Outcome::done(&ForwardingRemoved { identity: mailbox.identity(), changed })
}
