//! CUT-T5: hide the target mail contact; the mailbox takes its place in the address list.

use engine::{Outcome, RecipientEdit, StepContext, StepResult};

use super::contact::{Sight, look};
use crate::mailbox::changed_receipt;

changed_receipt!(ContactHidden, HideContact);

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let contact = match look(cx).await? {
        Sight::There(contact) => contact,
        Sight::NotYet => return Outcome::wait("the contact to show"),
        Sight::Gone => return Outcome::not_applicable("there is no contact (any more)"),
    };
    let changed = RecipientEdit::of(&contact).hidden(true).apply(cx.target()).await?;
    Outcome::done(&ContactHidden { identity: contact.identity(), changed })
}
