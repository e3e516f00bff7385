//! CUT-T3: show the target mailbox in the address list.
//!
//! Prepare has hidden it, and the licence may have shown it for a while (SYN-I4 hides it again): a directory
//! server that lags behind may not know the last of these writes. So the first time it is written anyway.

use engine::{Outcome, RecipientEdit, StepContext, StepResult};
use serde_json::Value;

use crate::mailbox::{changed_receipt, target_mailbox};

changed_receipt!(Shown, UnhideTargetMailbox);

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let mailbox = target_mailbox(cx).await?;
    let mut edit = RecipientEdit::of(&mailbox).hidden(false);
    if edit.is_empty() && cx.receipt::<Shown>()?.is_none() {
        edit = edit.set("HiddenFromAddressListsEnabled", Value::Null, false.into());
    }
    let changed = edit.apply(cx.target()).await?;
    Outcome::done(&Shown { identity: mailbox.identity(), changed })
}
