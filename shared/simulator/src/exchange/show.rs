//! Recipients as each family of cmdlets shows them.

use serde_json::Value;
use uuid::Uuid;

use super::{Record, lookup::distinguished};
use crate::directory::{Proxy, Recipient, Tenant, User};

/// Exchange parameter, Graph attribute: the plain attributes of users and contacts that have one
/// text each.
pub(crate) const PLAIN: [(&str, &str); 24] = [
    ("FirstName", "givenName"),
    ("LastName", "surname"),
    ("Title", "jobTitle"),
    ("Department", "department"),
    ("Company", "companyName"),
    ("Office", "officeLocation"),
    ("StreetAddress", "streetAddress"),
    ("City", "city"),
    ("StateOrProvince", "state"),
    ("PostalCode", "postalCode"),
    ("CountryOrRegion", "country"),
    ("Phone", "businessPhones"),
    ("MobilePhone", "mobilePhone"),
    ("Fax", "faxNumber"),
    ("Initials", "Initials"),
    ("HomePhone", "HomePhone"),
    ("Pager", "Pager"),
    ("WebPage", "WebPage"),
    ("Notes", "Notes"),
    ("AssistantName", "AssistantName"),
    ("PhoneticDisplayName", "PhoneticDisplayName"),
    ("SimpleDisplayName", "SimpleDisplayName"),
    ("SeniorityIndex", "SeniorityIndex"),
    ("Manager", "manager"),
];

/// Attributes with several texts.
pub(crate) const MULTI: [&str; 2] = ["OtherTelephone", "PostOfficeBox"];

/// What every directory object has.
fn object(tenant: &Tenant, recipient: &Recipient) -> Record {
    let organization = tenant.initial_domain();
    let dn = format!(
        "CN={},OU={organization},OU=Microsoft Exchange Hosted Organizations,DC=CANPR01A012,DC=PROD,DC=OUTLOOK,DC=COM",
        recipient.name
    );
    Record::new()
        .text("Identity", recipient.name.clone())
        .text("Id", recipient.name.clone())
        .text("Name", recipient.name.clone())
        .guid("Guid", recipient.guid)
        .guid("ExchangeObjectId", recipient.guid)
        .text("ExternalDirectoryObjectId", recipient.directory_id.to_string())
        .text("DistinguishedName", dn)
        .text("OrganizationId", distinguished(tenant, "Configuration"))
        .date("WhenCreatedUTC", recipient.created)
        .date("WhenChanged", recipient.changed)
        .date("WhenChangedUTC", recipient.changed)
        .list("ObjectClass", ["top", "person"])
        .flag("IsValid", true)
}

/// What every recipient has.
fn addressed(tenant: &Tenant, recipient: &Recipient) -> Record {
    let mut record = object(tenant, recipient)
        .text("Alias", recipient.alias.clone())
        .text("DisplayName", recipient.display_name.clone())
        .list("EmailAddresses", recipient.proxies.iter().map(Proxy::to_string))
        .text("PrimarySmtpAddress", recipient.primary())
        .text(
            "WindowsEmailAddress",
            recipient.shown_mail.as_deref().unwrap_or_else(|| recipient.primary()),
        )
        .text("LegacyExchangeDN", recipient.legacy_dn.clone())
        .flag("HiddenFromAddressListsEnabled", recipient.hidden)
        .text("RecipientType", recipient.kind.coarse())
        .text("RecipientTypeDetails", recipient.kind.details())
        .maybe("ExternalEmailAddress", recipient.external.as_ref().map(|a| format!("SMTP:{a}")))
        .flag("IsDirSynced", recipient.synced)
        .flag("IsExchangeCloudManaged", recipient.cloud_managed);
    for number in 1..=15 {
        let value = recipient.attributes.get(&format!("extensionAttribute{number}"));
        let text = value.and_then(Value::as_str).unwrap_or_default();
        record = record.text(&format!("CustomAttribute{number}"), text);
    }
    for number in 1..=5 {
        let name = format!("ExtensionCustomAttribute{number}");
        let values = recipient.multi_attributes.get(&name).cloned().unwrap_or_default();
        record = record.list(&name, values);
    }
    record
}

/// Get-Recipient.
pub(crate) fn recipient(tenant: &Tenant, recipient: &Recipient) -> Record {
    let record = addressed(tenant, recipient)
        .guid("ExchangeGuid", recipient.mailbox.unwrap_or(Uuid::nil()))
        .guid("ArchiveGuid", recipient.archive.unwrap_or(Uuid::nil()));
    let record = if recipient.upn.is_empty() {
        record
    } else {
        record.text("WindowsLiveID", recipient.upn.clone())
    };
    person(record, tenant, &recipient.attributes)
}

/// Get-MailContact.
pub(crate) fn contact(tenant: &Tenant, recipient: &Recipient) -> Record {
    addressed(tenant, recipient)
}

/// Get-MailUser.
pub(crate) fn mail_user(tenant: &Tenant, recipient: &Recipient) -> Record {
    addressed(tenant, recipient)
        .guid("ExchangeGuid", recipient.mailbox.unwrap_or(Uuid::nil()))
        .guid("ArchiveGuid", recipient.archive.unwrap_or(Uuid::nil()))
        .text("UserPrincipalName", recipient.upn.clone())
        .text("MicrosoftOnlineServicesID", recipient.upn.clone())
        .text("WindowsLiveID", recipient.upn.clone())
        .list("GrantSendOnBehalfTo", names(tenant, &recipient.send_on_behalf))
}

/// Get-Mailbox.
pub(crate) fn mailbox(tenant: &Tenant, recipient: &Recipient) -> Record {
    let forwarding = &recipient.forwarding;
    let target = forwarding.recipient.map(|guid| name(tenant, guid));
    let status = if recipient.archive.is_some() { "Active" } else { "None" };
    mail_user(tenant, recipient)
        .maybe("ForwardingAddress", target)
        .maybe("ForwardingSmtpAddress", forwarding.smtp.as_ref().map(|a| format!("smtp:{a}")))
        .flag("DeliverToMailboxAndForward", forwarding.keep_copy)
        .flag("LitigationHoldEnabled", recipient.litigation_hold)
        .list("InPlaceHolds", Vec::<String>::new())
        .text("ArchiveStatus", status)
        .text("ArchiveState", if recipient.archive.is_some() { "Local" } else { "None" })
        .flag("IsMailboxEnabled", true)
        .flag("IsInactiveMailbox", false)
        .text("ServerName", "yqbpr01mb0012")
        .text("Database", "CANPR01DG012-db045")
}

/// Get-User.
pub(crate) fn user(tenant: &Tenant, user: &User) -> Record {
    let recipient = tenant.recipient_of(user.id);
    let (coarse, details) =
        recipient.map_or(("User", "User"), |found| (found.kind.coarse(), found.kind.details()));
    let name = recipient.map_or_else(|| user.display_name.clone(), |found| found.name.clone());
    let former = if user.former_mailbox.is_some() { "UserMailbox" } else { "None" };
    let record = Record::new()
        .text("Identity", name.clone())
        .text("Id", name.clone())
        .text("Name", name)
        .guid("Guid", recipient.map_or(user.id, |found| found.guid))
        .text("ExternalDirectoryObjectId", user.id.to_string())
        .text("DisplayName", user.display_name.clone())
        .text("UserPrincipalName", user.upn.clone())
        .text("WindowsLiveID", user.upn.clone())
        .text("MicrosoftOnlineServicesID", user.upn.clone())
        .text("RecipientType", coarse)
        .text("RecipientTypeDetails", details)
        .text("PreviousRecipientTypeDetails", former)
        .flag("AccountDisabled", !user.enabled)
        .flag("IsDirSynced", user.synced)
        .text("WindowsEmailAddress", user.mail.clone().unwrap_or_default())
        .flag("IsValid", true);
    let manager = user.manager.and_then(|id| tenant.users.get(id));
    person(record, tenant, &user.attributes)
        .maybe("Manager", manager.map(|manager| manager.display_name.clone()))
}

/// Get-Contact.
pub(crate) fn contact_person(tenant: &Tenant, recipient: &Recipient) -> Record {
    let record = object(tenant, recipient)
        .text("DisplayName", recipient.display_name.clone())
        .text("WindowsEmailAddress", recipient.primary())
        .text("RecipientType", recipient.kind.coarse())
        .text("RecipientTypeDetails", recipient.kind.details());
    person(record, tenant, &recipient.attributes)
}

fn person(
    mut record: Record,
    tenant: &Tenant,
    attributes: &crate::directory::Attributes,
) -> Record {
    for (parameter, attribute) in PLAIN {
        let text = match attributes.get(attribute) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(values)) => {
                values.first().and_then(Value::as_str).unwrap_or_default().to_owned()
            }
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let shown = match Uuid::parse_str(&text) {
            Ok(id) if parameter == "Manager" => name(tenant, id),
            _ => text,
        };
        record = record.text(parameter, shown);
    }
    for parameter in MULTI {
        let values = attributes.get(parameter).and_then(Value::as_array);
        let texts = values.into_iter().flatten().filter_map(Value::as_str);
        record = record.list(parameter, texts);
    }
    record
}

/// The names of recipients.
pub(crate) fn names(tenant: &Tenant, guids: &[Uuid]) -> Vec<String> {
    guids.iter().map(|&guid| name(tenant, guid)).collect()
}

/// The CN of a recipient.
pub(crate) fn name(tenant: &Tenant, guid: Uuid) -> String {
    tenant.recipients.get(guid).map_or_else(|| guid.to_string(), |found| found.name.clone())
}
