//! Get-User and Set-User: the directory part of accounts.

use super::{Cmdlet, cmdlet};
use crate::{
    call::Call,
    exchange::{Outcome, Output, Parameters, change, filter::Filter, lookup, show},
    world::World,
};

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet("Get-User", &["Identity", "Filter", "RecipientTypeDetails", "PublicFolder"], get),
    cmdlet(
        "Set-User",
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
            "PermanentlyClearPreviousMailboxInfo",
            "Force",
        ],
        set,
    ),
];

fn get(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let tenant = world.tenant_of(call)?;
    if let Some(identity) = parameters.text("Identity")?.value() {
        let user = lookup::user(tenant, call, &identity)?;
        return Ok(Output::of(vec![show::user(tenant, user)]));
    }
    let filter = match parameters.text("Filter")?.value() {
        Some(text) => Some(Filter::parse(&text)?),
        None => None,
    };
    let records = tenant
        .users
        .all_seen(call.view, call.now)
        .map(|user| show::user(tenant, user))
        .filter(|record| filter.as_ref().is_none_or(|filter| filter.passes(record)));
    Ok(Output::of(records.collect()))
}

fn set(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let identity = parameters.need("Identity")?;
    let tenant = world.tenant_of(call)?;
    let seen = lookup::user(tenant, call, &identity)?;
    if let Some(recipient) = tenant.recipient_of(seen.id) {
        change::refuse_synced(tenant, recipient, parameters)?;
    }
    let Some(before) = tenant.users.get(seen.id).cloned() else {
        return Err(crate::exchange::Failure::not_found(&identity, call.view));
    };
    let mut after = before.clone();
    change::person(tenant, &mut after.attributes, parameters, call)?;
    if let Some(manager) = after.attributes.remove("manager") {
        let guid = manager.as_str().and_then(|text| uuid::Uuid::parse_str(text).ok());
        let holder = guid.and_then(|guid| tenant.recipients.get(guid));
        after.manager = holder.map(|holder| holder.directory_id);
    }
    if let Some(name) = parameters.text("DisplayName")?.value() {
        after.display_name = name;
    }
    if parameters.flag("PermanentlyClearPreviousMailboxInfo")? == Some(true) {
        after.former_mailbox = None;
    }
    let same = before.attributes == after.attributes
        && before.display_name == after.display_name
        && before.manager == after.manager
        && before.former_mailbox == after.former_mailbox;
    if same {
        return Ok(Output::warning(format!(
            "The command completed successfully but no settings of '{identity}' have been modified."
        )));
    }
    let stamp = world.stamp(call.view, call.now);
    world.tenant_mut(call)?.put_user(after, stamp);
    Ok(Output::nothing())
}
