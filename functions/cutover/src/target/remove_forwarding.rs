//! CUT-T4: remove the forwarding from the target mailbox.
//!
//! CUT-S4 forwards the other way, and at no moment may both hold (CUT-6): so this step is done only
//! when a read shows no forwarding any more. A read that shows none proves nothing where SYN-I3 has
//! set one: a directory server that lags behind may not know it yet.

use engine::{Outcome, RecipientEdit, StepContext, StepResult};
use serde_json::Value;
use sync::Forwarding;

use crate::mailbox::{changed_receipt, target_mailbox};

changed_receipt!(ForwardingRemoved, RemoveForwarding);

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let mailbox = target_mailbox(cx).await?;
    let mut edit = RecipientEdit::of(&mailbox).forwarding(None, false);
    if edit.is_empty() && !cx.is_plan() && cx.receipt::<Forwarding>()?.is_some() {
        edit = edit.set("ForwardingSmtpAddress", Value::Null, Value::Null);
    }
    let changed = edit.apply(cx.target()).await?;
    if changed && target_mailbox(cx).await?.is_forwarding() {
        return Outcome::wait("the target mailbox to show no forwarding");
    }
    Outcome::done(&ForwardingRemoved { identity: mailbox.identity(), changed })
}
