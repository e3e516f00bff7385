//! PRE-S2: make the target user mail-enabled.
//!
//! Exchange puts the external address of a new mail user into its own addresses. It must go there:
//! the contact will hold the source's primary address, and no two recipients may claim one (PRE-5).
//! So the mail user's addresses become the target's own.

use catalogue::Step;
use engine::{Outcome, Receipt, RecipientEdit, StepContext, StepError, StepResult};
use serde::{Deserialize, Serialize};
use tenant::exchange::{AddressKind, ProxyAddress, Recipient, RecipientTypeDetails};

use crate::{TargetAccount, new_account::source_route};

/// The target account as a recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRecipient {
    /// Its identity in Exchange.
    pub identity: String,
    /// Whether it had a mailbox already, which it keeps.
    pub already_a_mailbox: bool,
    /// Its addresses.
    pub addresses: Vec<String>,
}

impl Receipt for TargetRecipient {
    const STEP: Step = Step::MailEnableUser;
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let Some(account) = cx.receipt::<TargetAccount>()? else {
        return Err(StepError::retry("order", "PRE-S1 has left no receipt"));
    };
    let Some(recipient) = cx.target().recipient(&account.object_id).await? else {
        if account.is_recipient() {
            return Outcome::wait("the new mail user to appear");
        }
        return Outcome::not_applicable(
            "the matched account has no mail attributes, and a cloud-only tenant cannot \
             mail-enable it; its licence will make the mailbox",
        );
    };
    let kind = &recipient.recipient_type_details;
    if kind.is_mailbox() {
        let addresses = recipient.email_addresses.iter().map(ToString::to_string).collect();
        let note = "already a mailbox".to_owned();
        let identity = recipient.identity();
        let receipt = TargetRecipient { identity, already_a_mailbox: true, addresses };
        return Outcome::done_with(&receipt, vec![note]);
    }
    if *kind == RecipientTypeDetails::GuestMailUser {
        return Outcome::not_applicable("the account is a guest until its first sync");
    }
    if !kind.is_mail_user() {
        return Outcome::not_applicable(format!("the target object is a {kind}"));
    }
    let Some(recipient) = cx.target().mail_user(&recipient.identity()).await? else {
        return Outcome::wait("the new mail user to appear");
    };
    let wanted = wanted_addresses(cx, &account, &recipient)?;
    for address in wanted.iter().filter(|address| !recipient.has_address(address)) {
        refuse_if_taken(cx, address, &recipient).await?;
    }
    RecipientEdit::of(&recipient)
        .external(&source_route(cx)?)
        .addresses(&wanted)
        .apply(cx.target())
        .await?;
    let receipt = TargetRecipient {
        identity: recipient.identity(),
        already_a_mailbox: false,
        addresses: wanted.iter().map(ToString::to_string).collect(),
    };
    Outcome::done(&receipt)
}

/// The mapped addresses in the target's domains, one of them primary, and what is not mail.
fn wanted_addresses(
    cx: &StepContext<'_>,
    account: &TargetAccount,
    recipient: &Recipient,
) -> Result<Vec<ProxyAddress>, StepError> {
    let bad = |error: tenant::exchange::ProxyAddressError| {
        StepError::park("bad_address", error.to_string(), "correct it in the mapping script")
    };
    let domains = &cx.project().target.domains;
    let ours =
        |address: &ProxyAddress| address.domain().is_some_and(|domain| domains.contains(&domain));
    let mut wanted: Vec<ProxyAddress> = Vec::new();
    let mut mail: Vec<ProxyAddress> = Vec::new();
    for text in &account.proxy_addresses {
        let address = ProxyAddress::parse(text).map_err(bad)?;
        match address.kind() {
            AddressKind::Smtp if !ours(&address) => {
                return Err(StepError::park(
                    "foreign_domain",
                    format!("the mapping gives {text}, whose domain the target has not verified"),
                    format!("use one of {} in the mapping", domains.join(", ")),
                ));
            }
            AddressKind::Smtp => mail.push(address),
            _ => wanted.push(address),
        }
    }
    let primary = mail
        .iter()
        .find(|address| address.is_primary())
        .map_or(account.user_principal_name.as_str(), |address| address.value())
        .to_owned();
    wanted.push(ProxyAddress::primary(&primary).map_err(bad)?);
    let mut others: Vec<String> = mail.iter().map(|address| address.value().to_owned()).collect();
    others.push(account.user_principal_name.clone());
    if let Some((local, _)) = account.user_principal_name.split_once('@') {
        others.push(format!("{local}@{}", cx.project().target.initial_domain));
    }
    for other in others {
        let other = ProxyAddress::secondary(&other).map_err(bad)?;
        if ours(&other) && !wanted.iter().any(|held| held.is_same_address(&other)) {
            wanted.push(other);
        }
    }
    // Addresses of other kinds that the account has already stay with it.
    let kept = recipient.email_addresses.iter().filter(|held| *held.kind() != AddressKind::Smtp);
    for held in kept {
        if !wanted.iter().any(|address| address.is_same_address(held)) {
            wanted.push(held.clone());
        }
    }
    Ok(wanted)
}

async fn refuse_if_taken(
    cx: &StepContext<'_>,
    address: &ProxyAddress,
    recipient: &Recipient,
) -> Result<(), StepError> {
    let search = format!(
        "{}:{}",
        if *address.kind() == AddressKind::Smtp { "smtp" } else { "x500" },
        address.value()
    );
    let holders = cx.target().holders_of(&search).await?;
    let Some(other) = holders.iter().find(|holder| holder.guid != recipient.guid) else {
        return Ok(());
    };
    Err(StepError::park(
        "address_taken",
        format!(
            "{} is held by {} {} <{}>",
            address.value(),
            other.recipient_type_details,
            other.display_name,
            other.primary_smtp_address.as_deref().unwrap_or(&other.name)
        ),
        "remove the address from that object, or map another one, then prepare again",
    ))
}
