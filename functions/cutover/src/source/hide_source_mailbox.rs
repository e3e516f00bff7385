//! CUT-S3: hide the source mailbox from the address list; the contact of S5 takes its place.

use engine::{Outcome, RecipientEdit, StepContext, StepResult};

use crate::mailbox::{changed_receipt, source_mailbox};

changed_receipt!(SourceHidden, HideSourceMailbox);

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let mailbox = source_mailbox(cx).await?;
    let changed = RecipientEdit::of(&mailbox).hidden(true).apply(cx.source()).await?;
    Outcome::done(&SourceHidden { identity: mailbox.identity(), changed })
}
