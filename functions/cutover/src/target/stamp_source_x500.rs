//! CUT-T8: the source mailbox's LegacyExchangeDN, and its other X500 addresses, become X500
//! addresses of the target user.

use engine::{Outcome, Receipt, RecipientEdit, StepContext, StepError, StepResult};
use tenant::exchange::{AddressKind, ProxyAddress};

use crate::mailbox::{changed_receipt, source_mailbox, target_mailbox};

changed_receipt!(SourceStamped, StampSourceX500);

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let source = source_mailbox(cx).await?;
    let mut legacy_dns: Vec<String> = source.legacy_exchange_dn.iter().cloned().collect();
    let x500 = source.email_addresses.iter().filter(|held| *held.kind() == AddressKind::X500);
    legacy_dns.extend(x500.map(|held| held.value().to_owned()));
    if legacy_dns.is_empty() {
        return Outcome::not_applicable("the source mailbox has no LegacyExchangeDN");
    }
    stamp(cx, &legacy_dns, |identity, changed| SourceStamped { identity, changed }).await
}

/// Adds X500 addresses to the target mailbox, those that it does not hold yet.
pub(super) async fn stamp<R: Receipt>(
    cx: &StepContext<'_>,
    legacy_dns: &[String],
    receipt: impl FnOnce(String, bool) -> R,
) -> StepResult {
    let mailbox = target_mailbox(cx).await?;
    let mut wanted = Vec::new();
    for dn in legacy_dns {
        // Its own LegacyExchangeDN needs no proxy address.
        if mailbox.legacy_exchange_dn.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(dn)) {
            continue;
        }
        wanted.push(ProxyAddress::x500(dn).map_err(|error| {
            StepError::park("bad_address", error.to_string(), "correct the address in the source")
        })?);
    }
    match RecipientEdit::of(&mailbox).add_addresses(&wanted).apply(cx.target()).await {
        Ok(changed) => Outcome::done(&receipt(mailbox.identity(), changed)),
        Err(error) if error.code == "address_taken" => {
            // A third live object keeps it for good; a removed one lets go after a while.
            for address in &wanted {
                let holders = cx.target().holders_of(&format!("X500:{}", address.value())).await?;
                let live = |holder: &&tenant::exchange::Recipient| {
                    !holder.is_soft_deleted && holder.guid != mailbox.guid
                };
                if let Some(other) = holders.iter().find(live) {
                    return Err(StepError::park(
                        "address_taken",
                        format!(
                            "the X500 address {} is held by {} {}",
                            address.value(),
                            other.recipient_type_details,
                            other.display_name
                        ),
                        "remove the address from that object, then apply cutover again",
                    ));
                }
            }
            Outcome::wait("the removed contact's addresses to be freed")
        }
        Err(error) => Err(error),
    }
}
