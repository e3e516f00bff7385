//! What Set- cmdlets have in common: addresses, attributes, the refusals, the no-op warning.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Failure, Given, ListChange, Outcome, Output, Parameters,
    lookup::{self, holder_name},
    show::{MULTI, PLAIN},
};
use crate::{
    call::Call,
    directory::{Attributes, Proxy, ProxyKind, Recipient, Tenant, bare},
    world::World,
};

/// Longest CN.
const MOST_NAME: usize = 64;

/// Parameters that stay writable on a directory-synced object.
const CLOUD_OWNED: [&str; 12] = [
    "ForwardingSmtpAddress",
    "DeliverToMailboxAndForward",
    "IsExchangeCloudManaged",
    "LitigationHoldEnabled",
    "Archive",
    "Type",
    "Force",
    "PermanentlyClearPreviousMailboxInfo",
    "MaxSendSize",
    "MaxReceiveSize",
    "ProhibitSendQuota",
    "RetentionPolicy",
];

/// Refuses a write to a synced attribute, in the words of the service.
pub(super) fn refuse_synced(
    tenant: &Tenant,
    recipient: &Recipient,
    parameters: &Parameters,
) -> Result<(), Failure> {
    if !recipient.synced || recipient.cloud_managed {
        return Ok(());
    }
    let written = parameters.written();
    match written.iter().find(|name| !CLOUD_OWNED.contains(name)) {
        None => Ok(()),
        Some(parameter) => {
            let object = lookup::distinguished(tenant, &recipient.name);
            let object = object.rsplit('/').next().unwrap_or_default().to_owned();
            Err(Failure::synced(&parameters.cmdlet, parameter, &object))
        }
    }
}

/// Writes a changed recipient; a change of nothing is a warning.
pub(super) fn write(
    world: &mut World,
    call: &Call,
    before: &Recipient,
    after: Recipient,
) -> Outcome {
    if *before == after {
        return Ok(Output::warning(format!(
            "The command completed successfully but no settings of '{}' have been modified.",
            before.name
        )));
    }
    let stamp = world.stamp(call.view, call.now);
    world.tenant_mut(call)?.put_recipient(after, stamp);
    Ok(Output::nothing())
}

/// Checks that nobody stands in the way of an address.
pub(super) fn free(
    tenant: &Tenant,
    proxy: &Proxy,
    holder: Uuid,
    call: &Call,
) -> Result<(), Failure> {
    let Some(other) = tenant.claims.conflict(proxy, holder, call.now) else { return Ok(()) };
    let softly_deleted = tenant.recipients.get(other).is_none() && tenant.claimant(other).is_some();
    if softly_deleted {
        return Err(Failure::held_by_deleted());
    }
    Err(Failure::proxy_exists(&proxy.to_string(), &holder_name(tenant, other)))
}

/// Checks a CN: length and uniqueness.
pub(super) fn free_name(
    tenant: &Tenant,
    name: &str,
    holder: Uuid,
    call: &Call,
) -> Result<(), Failure> {
    let length = name.chars().count();
    if length > MOST_NAME {
        return Err(Failure::bad(
            "Ex2F0B6D",
            "Microsoft.Exchange.Data.DataValidationException",
            format!(
                "The property value you entered is too long. The maximum length is {MOST_NAME} and the length of the value provided is {length}. Property: Name"
            ),
        ));
    }
    let key = crate::directory::Claims::name_key(name);
    match tenant.claims.taken_by_other(&key, holder, call.now) {
        Some(_other) => Err(Failure::name_exists(name)),
        None => Ok(()),
    }
}

/// Reads an SMTP address, with or without its prefix.
pub(super) fn smtp(text: &str) -> Result<String, Failure> {
    let address = bare(text);
    let mut parts = address.split('@');
    let (local, domain, more) = (parts.next(), parts.next(), parts.next());
    let fine = more.is_none()
        && local.is_some_and(|local| !local.is_empty())
        && domain.is_some_and(|domain| domain.contains('.') && !domain.starts_with('.'))
        && !address.contains(char::is_whitespace)
        && !address.contains(':');
    if fine { Ok(address.to_owned()) } else { Err(Failure::not_smtp(text)) }
}

/// Applies `-EmailAddresses`: uniqueness, one primary, and the domains that the kind allows.
pub(super) fn addresses(
    tenant: &Tenant,
    recipient: &mut Recipient,
    change: &ListChange,
    call: &Call,
) -> Result<(), Failure> {
    let mut list = match change {
        ListChange::Replace(values) => values.iter().map(|text| Proxy::parse(text)).collect(),
        ListChange::Modify { add, remove } => {
            let gone: Vec<String> = remove.iter().map(|text| Proxy::parse(text).key()).collect();
            let mut list: Vec<Proxy> = recipient
                .proxies
                .iter()
                .filter(|proxy| !gone.contains(&proxy.key()))
                .cloned()
                .collect();
            for proxy in add.iter().map(|text| Proxy::parse(text)) {
                if proxy.kind == ProxyKind::Primary {
                    demote(&mut list);
                }
                if !list.iter().any(|held| held.key() == proxy.key()) {
                    list.push(proxy);
                } else if proxy.kind == ProxyKind::Primary {
                    list.retain(|held| held.key() != proxy.key());
                    list.push(proxy);
                }
            }
            list
        }
    };
    let primaries = list.iter().filter(|proxy| proxy.kind == ProxyKind::Primary).count();
    if primaries > 1 {
        return Err(Failure::bad(
            "ExD17B42",
            "Microsoft.Exchange.Data.DataValidationException",
            "There are multiple primary SMTP addresses. Only one is allowed.",
        ));
    }
    if primaries == 0
        && let Some(first) = list.iter_mut().find(|proxy| proxy.is_smtp())
    {
        first.kind = ProxyKind::Primary;
    }
    for proxy in &list {
        if proxy.is_smtp() {
            smtp(&proxy.value)?;
        }
        let own = proxy.domain().is_none_or(|domain| tenant.accepts(domain));
        if recipient.kind.is_mailbox() && !own {
            return Err(Failure::not_accepted_domain(&proxy.value, false));
        }
        free(tenant, proxy, recipient.guid, call)?;
    }
    recipient.proxies = list;
    Ok(())
}

fn demote(list: &mut [Proxy]) {
    for proxy in list.iter_mut().filter(|proxy| proxy.kind == ProxyKind::Primary) {
        proxy.kind = ProxyKind::Smtp;
    }
}

/// Applies `-ExternalEmailAddress`: the old one is not kept as a proxy, the new one takes its
/// place where it was in the list.
pub(super) fn external(
    world: &World,
    tenant: &Tenant,
    recipient: &mut Recipient,
    text: &str,
    call: &Call,
) -> Result<(), Failure> {
    let address = smtp(text)?;
    let own = crate::directory::domain_of(&address).is_some_and(|domain| tenant.accepts(domain));
    let contact = recipient.kind == crate::directory::RecipientKind::MailContact;
    if contact && own && world.config.rules.contact_in_accepted_domain_refused {
        return Err(Failure::not_accepted_domain(&address, true));
    }
    let old = recipient.external.as_deref().map(|old| Proxy::smtp(old).key());
    let new = Proxy::smtp(&address);
    if let Some(held) = recipient.proxies.iter_mut().find(|proxy| Some(proxy.key()) == old) {
        free(tenant, &new, recipient.guid, call)?;
        held.value.clone_from(&address);
    }
    recipient.external = Some(address);
    Ok(())
}

/// Applies what Set-Mailbox, Set-MailUser and Set-MailContact share.
pub(super) fn common(
    world: &World,
    recipient: &mut Recipient,
    parameters: &Parameters,
    call: &Call,
) -> Result<(), Failure> {
    let tenant = world.tenant_of(call)?;
    if let Some(hidden) = parameters.flag("HiddenFromAddressListsEnabled")? {
        recipient.hidden = hidden;
    }
    if let Some(name) = parameters.text("Name")?.value() {
        free_name(tenant, &name, recipient.guid, call)?;
        recipient.name = name;
    }
    if let Some(alias) = parameters.text("Alias")?.value() {
        recipient.alias = alias;
    }
    if let Some(display_name) = parameters.text("DisplayName")?.value() {
        recipient.display_name = display_name;
    }
    if let Some(change) = parameters.change("EmailAddresses")? {
        addresses(tenant, recipient, &change, call)?;
    }
    match parameters.text("WindowsEmailAddress")? {
        Given::Absent => {}
        Given::Clear => recipient.shown_mail = None,
        Given::Value(text) => recipient.shown_mail = Some(smtp(&text)?),
    }
    for number in 1..=15 {
        let given = parameters.text(&format!("CustomAttribute{number}"))?;
        set(&mut recipient.attributes, &format!("extensionAttribute{number}"), given);
    }
    for number in 1..=5 {
        let name = format!("ExtensionCustomAttribute{number}");
        if let Some(change) = parameters.change(&name)? {
            let list = recipient.multi_attributes.entry(name).or_default();
            modify(list, change);
        }
    }
    if let Some(change) = parameters.change("GrantSendOnBehalfTo")? {
        let resolve = |names: &[String]| -> Result<Vec<Uuid>, Failure> {
            names.iter().map(|name| principal(tenant, call, name)).collect()
        };
        match change {
            ListChange::Replace(names) => recipient.send_on_behalf = resolve(&names)?,
            ListChange::Modify { add, remove } => {
                let gone = resolve(&remove)?;
                recipient.send_on_behalf.retain(|held| !gone.contains(held));
                for new in resolve(&add)? {
                    if !recipient.send_on_behalf.contains(&new) {
                        recipient.send_on_behalf.push(new);
                    }
                }
            }
        }
    }
    Ok(())
}

/// A recipient that can hold rights.
pub(super) fn principal(tenant: &Tenant, call: &Call, identity: &str) -> Result<Uuid, Failure> {
    let found = lookup::recipient(tenant, call, identity, |_kind| true)?;
    if found.kind.is_security_principal() {
        return Ok(found.guid);
    }
    Err(Failure::bad(
        "Ex5B6F0C",
        "Microsoft.Exchange.Management.RecipientTasks.UserIsNotSecurityPrincipalException",
        format!("The user \"{}\" isn't a valid security principal.", found.name),
    ))
}

/// Applies a list change to a list of texts.
pub(super) fn modify(list: &mut Vec<String>, change: ListChange) {
    match change {
        ListChange::Replace(values) => *list = values,
        ListChange::Modify { add, remove } => {
            list.retain(|held| !remove.iter().any(|gone| gone.eq_ignore_ascii_case(held)));
            for value in add {
                if !list.contains(&value) {
                    list.push(value);
                }
            }
        }
    }
}

/// Applies the attributes of Set-User and Set-Contact.
pub(super) fn person(
    tenant: &Tenant,
    attributes: &mut Attributes,
    parameters: &Parameters,
    call: &Call,
) -> Result<(), Failure> {
    for (parameter, attribute) in PLAIN {
        let given = parameters.text(parameter)?;
        if parameter == "Manager" {
            if let Given::Value(name) = &given {
                let manager = lookup::recipient(tenant, call, name, |_kind| true)?.guid;
                attributes.insert(attribute.to_owned(), json!(manager.to_string()));
            } else {
                set(attributes, attribute, given);
            }
        } else if parameter == "Phone" {
            if let Given::Value(number) = &given {
                attributes.insert(attribute.to_owned(), json!([number]));
            } else {
                set(attributes, attribute, given);
            }
        } else {
            set(attributes, attribute, given);
        }
    }
    for parameter in MULTI {
        if let Some(change) = parameters.change(parameter)? {
            let held = attributes.get(parameter).and_then(Value::as_array);
            let mut list: Vec<String> =
                held.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            modify(&mut list, change);
            attributes.insert(parameter.to_owned(), json!(list));
        }
    }
    Ok(())
}

fn set(attributes: &mut Attributes, name: &str, given: Given<String>) {
    match given {
        Given::Absent => {}
        Given::Clear => {
            attributes.remove(name);
        }
        Given::Value(text) => {
            attributes.insert(name.to_owned(), Value::String(text));
        }
    }
}
