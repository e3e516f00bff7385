//! CUT-T3: show the target mailbox in the address list.

use engine::{Outcome, RecipientEdit, StepContext, StepResult};

use crate::mailbox::{changed_receipt, target_mailbox};

changed_receipt!(Shown, UnhideTargetMailbox);

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let mailbox = target_mailbox(cx).await?;
    let changed = RecipientEdit::of(&mailbox).hidden(false).apply(cx.target()).await?;
    Outcome::done(&Shown { identity: mailbox.identity(), changed })
}
