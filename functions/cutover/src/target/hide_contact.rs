//! CUT-T5: hide the target mail contact; the mailbox takes its place in the address list.

use engine::{Outcome, RecipientEdit, StepContext, StepResult, find_contact};

use crate::mailbox::changed_receipt;

changed_receipt!(ContactHidden, HideContact);

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let Some(contact) = find_contact(cx, cx.target()).await? else {
        return Outcome::not_applicable("there is no contact (any more)");
    };
    let changed = RecipientEdit::of(&contact).hidden(true).apply(cx.target()).await?;
    Outcome::done(&ContactHidden { identity: contact.identity(), changed })
}
