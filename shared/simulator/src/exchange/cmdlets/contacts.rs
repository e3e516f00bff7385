//! Mail contacts: Get-, New-, Set-, Remove-MailContact and Get-, Set-Contact.

use uuid::Uuid;

use super::{Cmdlet, cmdlet};
use crate::{
    call::Call,
    directory::{Proxy, Recipient, RecipientKind, Tenant},
    exchange::{Failure, Given, Outcome, Output, Parameters, change, lookup, show},
    world::World,
};

use super::recipients::{list, new_recipient};

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet("Get-MailContact", &["Identity", "Filter", "Anr"], get),
    cmdlet(
        "New-MailContact",
        &[
            "Name",
            "ExternalEmailAddress",
            "Alias",
            "DisplayName",
            "FirstName",
            "LastName",
            "Initials",
            "OrganizationalUnit",
        ],
        new,
    ),
    cmdlet(
        "Set-MailContact",
        &[
            "Identity",
            "EmailAddresses",
            "ExternalEmailAddress",
            "HiddenFromAddressListsEnabled",
            "Name",
            "Alias",
            "DisplayName",
            "WindowsEmailAddress",
            "GrantSendOnBehalfTo",
            "CustomAttributes",
            "MailTip",
            "ForceUpgrade",
        ],
        set,
    ),
    cmdlet("Remove-MailContact", &["Identity"], remove),
    cmdlet("Get-Contact", &["Identity", "Filter"], get_person),
    cmdlet(
        "Set-Contact",
        &[
            "Identity",
            "FirstName",
            "LastName",
            "Initials",
            "Title",
            "Department",
            "Company",
            "Office",
            "StreetAddress",
            "City",
            "StateOrProvince",
            "PostalCode",
            "CountryOrRegion",
            "Phone",
            "MobilePhone",
            "Fax",
            "HomePhone",
            "Pager",
            "WebPage",
            "Notes",
            "AssistantName",
            "PhoneticDisplayName",
            "SimpleDisplayName",
            "SeniorityIndex",
            "Manager",
            "OtherTelephone",
            "PostOfficeBox",
            "DisplayName",
            "Name",
            "WindowsEmailAddress",
        ],
        set_person,
    ),
];

fn is_contact(kind: RecipientKind) -> bool {
    kind == RecipientKind::MailContact
}

fn get(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    list(world, call, parameters, is_contact, show::contact)
}

fn get_person(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    list(world, call, parameters, is_contact, show::contact_person)
}

fn new(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let name = parameters.need("Name")?;
    let address = change::smtp(&parameters.need("ExternalEmailAddress")?)?;
    let (guid, object, hex) = (world.random.guid(), world.random.guid(), world.random.hex(16));
    let tenant = world.tenant_of(call)?;
    change::free_name(tenant, &name, guid, call)?;
    let proxy = Proxy::primary(&address);
    let own = proxy.domain().is_some_and(|domain| tenant.accepts(domain));
    if own && world.config.rules.contact_in_accepted_domain_refused {
        return Err(Failure::not_accepted_domain(&address, true));
    }
    change::free(tenant, &proxy, guid, call)?;
    let alias = match parameters.text("Alias")? {
        Given::Value(alias) => alias,
        _ => alias_of(&name),
    };
    let mut contact = new_recipient(guid, object, RecipientKind::MailContact, call.now);
    contact.legacy_dn = Tenant::legacy_dn(&hex, &alias);
    contact.display_name = parameters.text("DisplayName")?.value().unwrap_or_else(|| name.clone());
    contact.name = name;
    contact.alias = alias;
    contact.proxies = vec![proxy];
    contact.external = Some(address);
    change::person(tenant, &mut contact.attributes, parameters, call)?;
    let record = show::contact(tenant, &contact);
    let stamp = world.stamp(call.view, call.now);
    world.tenant_mut(call)?.put_recipient(contact, stamp);
    Ok(Output::of(vec![record]))
}

/// An alias of a name: letters, digits and a few signs, the rest left out.
pub(super) fn alias_of(name: &str) -> String {
    let alias: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).take(64).collect();
    if alias.is_empty() { "contact".to_owned() } else { alias }
}

fn found(world: &World, call: &Call, parameters: &Parameters) -> Result<Recipient, Failure> {
    let identity = parameters.need("Identity")?;
    let tenant = world.tenant_of(call)?;
    let seen = lookup::recipient(tenant, call, &identity, is_contact)?;
    change::refuse_synced(tenant, seen, parameters)?;
    current(tenant, seen.guid, &identity, call)
}

/// The object as it is, for a write: one that is gone on the master answers NotFound.
pub(super) fn current(
    tenant: &Tenant,
    guid: Uuid,
    identity: &str,
    call: &Call,
) -> Result<Recipient, Failure> {
    tenant.recipients.get(guid).cloned().ok_or_else(|| Failure::not_found(identity, call.view))
}

fn set(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let before = found(world, call, parameters)?;
    let mut after = before.clone();
    change::common(world, &mut after, parameters, call)?;
    if let Some(text) = parameters.text("ExternalEmailAddress")?.value() {
        change::external(world, world.tenant_of(call)?, &mut after, &text, call)?;
    }
    change::write(world, call, &before, after)
}

fn set_person(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let before = found(world, call, parameters)?;
    let mut after = before.clone();
    change::common(world, &mut after, parameters, call)?;
    change::person(world.tenant_of(call)?, &mut after.attributes, parameters, call)?;
    change::write(world, call, &before, after)
}

fn remove(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let contact = found(world, call, parameters)?;
    let stamp = world.stamp(call.view, call.now);
    world.tenant_mut(call)?.remove_recipient(contact.guid, stamp);
    Ok(Output::nothing())
}
