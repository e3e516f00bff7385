//! CUT-T6: remove the LegacyExchangeDN value of the mail contact.
//!
//! The next step stamps this value, and removing it is the only way to lose it: so it is remembered
//! first. In the cloud no cmdlet writes the value, so the contact goes as a whole; a rerun finds the
//! value remembered and the contact gone.

use catalogue::Step;
use engine::{Effect, Outcome, Receipt, StepContext, StepResult, Write, change, find_contact};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tenant::exchange::{AddressKind, Parameters, Recipient};

use super::contact::{Sight, look};

/// The name under which the contact's former addresses are remembered.
pub(crate) const REMEMBERED: &str = "contact_addresses";

/// What the contact answered to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ContactAddresses {
    /// LegacyExchangeDN and X500 addresses, without prefix.
    pub(crate) legacy_dns: Vec<String>,
    /// The contact, for an undo.
    pub(crate) contact: Value,
}

/// The receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ContactCleared {
    legacy_dns: Vec<String>,
}

impl Receipt for ContactCleared {
    const STEP: Step = Step::ClearContactLegacyDn;
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let remembered = cx.remembered::<ContactAddresses>(REMEMBERED)?;
    let contact = match (look(cx).await?, &remembered) {
        (Sight::There(contact), _) => contact,
        (Sight::NotYet, _) => return Outcome::wait("the contact to show"),
        (Sight::Gone, Some(known)) => {
            return Outcome::done(&ContactCleared { legacy_dns: known.legacy_dns.clone() });
        }
        (Sight::Gone, None) => {
            return Outcome::not_applicable("there is no contact, and none was seen before");
        }
    };
    let mut addresses = addresses_of(&contact);
    // A contact of an earlier, undone cutover: what it answered to counts too.
    for dn in remembered.map(|known| known.legacy_dns).unwrap_or_default() {
        if !addresses.legacy_dns.contains(&dn) {
            addresses.legacy_dns.push(dn);
        }
    }
    cx.remember(REMEMBERED, &addresses).await?;
    let write = Write {
        object: contact.display_name.clone(),
        changes: vec![change("LegacyExchangeDN", json!(contact.legacy_exchange_dn), Value::Null)],
        effect: Effect::cmdlet(
            "Remove-MailContact",
            Parameters::identity(&contact.identity()).confirmed(),
        ),
    };
    cx.target().write_tolerant(write, tenant::TenantError::is_not_found).await?;
    if find_contact(cx, cx.target()).await?.is_some() {
        return Outcome::wait("the contact to be gone");
    }
    Outcome::done(&ContactCleared { legacy_dns: addresses.legacy_dns })
}

fn addresses_of(contact: &Recipient) -> ContactAddresses {
    let mut legacy_dns: Vec<String> = contact.legacy_exchange_dn.iter().cloned().collect();
    for address in &contact.email_addresses {
        let value = address.value().to_owned();
        if *address.kind() == AddressKind::X500 && !legacy_dns.contains(&value) {
            legacy_dns.push(value);
        }
    }
    let contact = serde_json::to_value(contact).unwrap_or_default();
    ContactAddresses { legacy_dns, contact }
}
