//! CUT-T7: the contact's former LegacyExchangeDN becomes an X500 address of the target user, so that
//! replies to old mails and autocomplete entries arrive.
//!
//! Exchange keeps a removed object's addresses taken for a while; the step waits for that.

use engine::{Outcome, StepContext, StepResult};

use crate::{
    mailbox::changed_receipt,
    target::{
        clear_contact_legacy_dn::{ContactAddresses, REMEMBERED},
        stamp_source_x500::stamp,
    },
};

changed_receipt!(ContactStamped, StampContactX500);

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let Some(known) = cx.remembered::<ContactAddresses>(REMEMBERED)? else {
        return Outcome::not_applicable("the user never had a contact here");
    };
    if known.legacy_dns.is_empty() {
        return Outcome::not_applicable("the contact had no LegacyExchangeDN");
    }
    stamp(cx, &known.legacy_dns, |identity, changed| ContactStamped { identity, changed }).await
}
