//! Get-Recipient, and how every Get- cmdlet of recipients lists.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Cmdlet, cmdlet};
use crate::{
    call::Call,
    directory::{AutoReply, Forwarding, Recipient, RecipientKind, Regional, Tenant},
    exchange::{Failure, Outcome, Output, Parameters, Record, filter::Filter, lookup, show},
    world::World,
};

pub(super) const CMDLETS: &[Cmdlet] = &[cmdlet(
    "Get-Recipient",
    &[
        "Identity",
        "Filter",
        "RecipientTypeDetails",
        "RecipientType",
        "IncludeSoftDeletedRecipients",
        "Properties",
        "Anr",
    ],
    get,
)];

/// A recipient with nothing in it yet.
pub(crate) fn new_recipient(
    guid: Uuid,
    directory_id: Uuid,
    kind: RecipientKind,
    now: Timestamp,
) -> Recipient {
    Recipient {
        guid,
        kind,
        directory_id,
        name: String::new(),
        alias: String::new(),
        display_name: String::new(),
        upn: String::new(),
        proxies: Vec::new(),
        external: None,
        shown_mail: None,
        legacy_dn: String::new(),
        hidden: false,
        forwarding: Forwarding::default(),
        mailbox: None,
        archive: None,
        litigation_hold: false,
        send_on_behalf: Vec::new(),
        rights: Vec::new(),
        send_as: Vec::new(),
        attributes: std::collections::BTreeMap::new(),
        multi_attributes: std::collections::BTreeMap::new(),
        members: Vec::new(),
        regional: Regional::default(),
        auto_reply: AutoReply::default(),
        synced: false,
        cloud_managed: false,
        created: now,
        changed: now,
        open: now,
    }
}

/// One recipient by `Identity`, or all that pass `Filter`.
pub(super) fn list(
    world: &World,
    call: &Call,
    parameters: &Parameters,
    fits: fn(RecipientKind) -> bool,
    form: fn(&Tenant, &Recipient) -> Record,
) -> Outcome {
    let tenant = world.tenant_of(call)?;
    if let Some(identity) = parameters.text("Identity")?.value() {
        let found = lookup::recipient(tenant, call, &identity, fits)?;
        return Ok(Output::of(vec![form(tenant, found)]));
    }
    let filter = match parameters.text("Filter")?.value() {
        Some(text) => Some(Filter::parse(&text)?),
        None => None,
    };
    // Forms are large: none is made of recipients that a look at their addresses rules out.
    let address = filter.as_ref().and_then(Filter::address);
    let may_pass = |recipient: &&Recipient| {
        address.is_none_or(|text| recipient.proxies.iter().any(|proxy| proxy.may_be(text)))
    };
    let records = tenant
        .recipients
        .all_seen(call.view, call.now)
        .filter(|recipient| fits(recipient.kind))
        .filter(may_pass)
        .map(|recipient| form(tenant, recipient))
        .filter(|record| filter.as_ref().is_none_or(|filter| filter.passes(record)));
    Ok(Output::of(records.collect()))
}

fn get(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let mut output = match list(world, call, parameters, |_kind| true, show::recipient) {
        Err(failure) if parameters.flag("IncludeSoftDeletedRecipients")? == Some(true) => {
            let identity = parameters.text("Identity")?.value();
            let deleted = deleted(world, call, identity.as_deref())?;
            if deleted.is_empty() {
                return Err(failure);
            }
            return Ok(Output::of(deleted));
        }
        other => other?,
    };
    if parameters.flag("IncludeSoftDeletedRecipients")? == Some(true) && !parameters.has("Identity")
    {
        let filter = parameters.text("Filter")?.value().map(|text| Filter::parse(&text));
        let filter = filter.transpose()?;
        let more = deleted(world, call, None)?.into_iter();
        output.records.extend(
            more.filter(|record| filter.as_ref().is_none_or(|filter| filter.passes(record))),
        );
    }
    for property in ["RecipientTypeDetails", "RecipientType"] {
        if let Some(kinds) = parameters.list(property)?.value() {
            output.records.retain(|record| {
                let value = record.property(property).and_then(serde_json::Value::as_str);
                kinds
                    .iter()
                    .flat_map(|kinds| kinds.split(','))
                    .any(|kind| value.is_some_and(|value| kind.trim().eq_ignore_ascii_case(value)))
            });
        }
    }
    Ok(output)
}

/// Softly deleted recipients: all, or those that an identity names.
fn deleted(world: &World, call: &Call, identity: Option<&str>) -> Result<Vec<Record>, Failure> {
    let tenant = world.tenant_of(call)?;
    let named = |recipient: &Recipient| {
        let Some(identity) = identity else { return true };
        let lower = identity.to_lowercase();
        let key = crate::directory::Proxy::parse(identity).key();
        recipient.has_address(&key)
            || recipient.name.to_lowercase() == lower
            || recipient.alias.to_lowercase() == lower
            || recipient.upn.to_lowercase() == lower
            || recipient.guid.to_string() == lower
            || recipient.directory_id.to_string() == lower
    };
    Ok(tenant
        .deleted
        .values()
        .filter_map(|deleted| deleted.recipient.as_ref())
        .filter(|recipient| named(recipient))
        .map(|recipient| show::recipient(tenant, recipient).flag("IsSoftDeletedByRemove", true))
        .collect())
}
