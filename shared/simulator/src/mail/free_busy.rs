//! Free/busy look-ups across tenants: one hop, and only where it was set up.

use serde::Serialize;
use uuid::Uuid;

use crate::{
    directory::{Proxy, RecipientKind, Tenant, domain_of},
    world::World,
};

/// What a look-up of somebody's free/busy gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum FreeBusy {
    /// The mailbox answered.
    Answered {
        /// The tenant of the mailbox.
        tenant: Uuid,
        /// The mailbox's primary address.
        address: String,
    },
    /// Nobody in the asking tenant holds the address.
    Unknown,
    /// The domain of the external address is not configured for look-ups, on one side or the other.
    NotConfigured {
        /// The domain.
        domain: String,
    },
    /// The address leads to somebody who lives elsewhere again; a second redirect is not followed.
    SecondRedirect {
        /// The address that was asked.
        address: String,
    },
}

/// Asks as a user of a tenant for the free/busy of an address.
pub(crate) fn look_up(world: &World, asker: Uuid, address: &str) -> FreeBusy {
    let Some(tenant) = world.tenants.get(&asker) else { return FreeBusy::Unknown };
    let holder = tenant.claims.holder(&Proxy::smtp(address).key());
    let Some(recipient) = holder.and_then(|guid| tenant.recipients.get(guid)) else {
        return FreeBusy::Unknown;
    };
    if recipient.kind.is_mailbox() {
        let address = recipient.primary().to_owned();
        return FreeBusy::Answered { tenant: asker, address };
    }
    let routed = recipient.kind.is_mail_user() || recipient.kind == RecipientKind::MailContact;
    let Some(external) = recipient.external.as_deref().filter(|_| routed) else {
        return FreeBusy::Unknown;
    };
    let domain = domain_of(external).unwrap_or_default().to_lowercase();
    let other = world.tenants.values().find(|other| other.accepts(&domain));
    let Some(other) = other.filter(|other| configured(tenant, other, &domain)) else {
        return FreeBusy::NotConfigured { domain };
    };
    let holder = other.claims.holder(&Proxy::smtp(external).key());
    match holder.and_then(|guid| other.recipients.get(guid)) {
        Some(found) if found.kind.is_mailbox() => {
            FreeBusy::Answered { tenant: other.id, address: found.primary().to_owned() }
        }
        Some(_) => FreeBusy::SecondRedirect { address: external.to_owned() },
        None => FreeBusy::Unknown,
    }
}

/// An organization relationship on both sides, or an address space here with the other side's
/// consent.
fn configured(asking: &Tenant, answering: &Tenant, domain: &str) -> bool {
    let names = |tenant: &Tenant, domain: &str| {
        tenant.policies.relationships.iter().any(|found| {
            found.enabled
                && found.free_busy
                && found.level != "None"
                && found.domains.iter().any(|name| name.eq_ignore_ascii_case(domain))
        })
    };
    let related =
        names(asking, domain) && asking.domains.iter().any(|own| names(answering, &own.name));
    let allowed =
        answering.policies.availability_tenants.iter().any(|id| *id == asking.id.to_string());
    let space = asking
        .policies
        .address_spaces
        .iter()
        .any(|space| space.forest.eq_ignore_ascii_case(domain));
    related || (allowed && space)
}
