//! Mailboxes: Get-, Set-, Enable-Mailbox.

use super::{Cmdlet, cmdlet, contacts::current, mail_users::sign_in, recipients::list};
use crate::{
    call::Call,
    directory::{Recipient, RecipientKind},
    exchange::{Failure, Given, Outcome, Output, Parameters, Record, change, lookup, show},
    mailbox::Mailbox,
    world::World,
};

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet(
        "Get-Mailbox",
        &[
            "Identity",
            "Filter",
            "SoftDeletedMailbox",
            "InactiveMailboxOnly",
            "Archive",
            "RecipientTypeDetails",
            "IncludeGrantSendOnBehalfToWithDisplayNames",
        ],
        get,
    ),
    cmdlet(
        "Set-Mailbox",
        &[
            "Identity",
            "EmailAddresses",
            "HiddenFromAddressListsEnabled",
            "ForwardingAddress",
            "ForwardingSmtpAddress",
            "DeliverToMailboxAndForward",
            "GrantSendOnBehalfTo",
            "CustomAttributes",
            "Name",
            "Alias",
            "DisplayName",
            "WindowsEmailAddress",
            "MicrosoftOnlineServicesID",
            "LitigationHoldEnabled",
            "Type",
            "IsExchangeCloudManaged",
            "MaxSendSize",
            "MaxReceiveSize",
            "ProhibitSendQuota",
            "RetentionPolicy",
            "Force",
        ],
        set,
    ),
    cmdlet("Enable-Mailbox", &["Identity", "Archive", "AutoExpandingArchive"], enable),
];

fn get(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    if parameters.flag("SoftDeletedMailbox")? == Some(true) {
        return soft_deleted(world, call, parameters);
    }
    let mut output = list(world, call, parameters, RecipientKind::is_mailbox, show::mailbox)?;
    if let Some(kinds) = parameters.list("RecipientTypeDetails")?.value() {
        output.records.retain(|record| {
            let value = record.property("RecipientTypeDetails").and_then(serde_json::Value::as_str);
            let mut wanted = kinds.iter().flat_map(|kinds| kinds.split(','));
            wanted.any(|kind| value.is_some_and(|value| kind.trim().eq_ignore_ascii_case(value)))
        });
    }
    Ok(output)
}

fn soft_deleted(world: &World, call: &Call, parameters: &Parameters) -> Outcome {
    let tenant = world.tenant_of(call)?;
    let wanted = parameters.text("Identity")?.value();
    let records: Vec<Record> = tenant
        .deleted
        .values()
        .filter_map(|deleted| deleted.recipient.as_ref())
        .filter(|recipient| recipient.kind.is_mailbox())
        .filter(|recipient| {
            wanted.as_deref().is_none_or(|wanted| {
                recipient.upn.eq_ignore_ascii_case(wanted)
                    || recipient.primary().eq_ignore_ascii_case(wanted)
                    || recipient.alias.eq_ignore_ascii_case(wanted)
            })
        })
        .map(|recipient| show::mailbox(tenant, recipient))
        .collect();
    match (records.is_empty(), wanted) {
        (true, Some(identity)) => Err(Failure::not_found(&identity, call.view)),
        _ => Ok(Output::of(records)),
    }
}

/// The mailbox of `Identity`, as it is, after the refusals.
pub(super) fn found(
    world: &World,
    call: &Call,
    parameters: &Parameters,
) -> Result<Recipient, Failure> {
    let identity = parameters.need("Identity")?;
    let tenant = world.tenant_of(call)?;
    let seen = lookup::recipient(tenant, call, &identity, RecipientKind::is_mailbox)?;
    current(tenant, seen.guid, &identity, call)
}

fn set(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    if call.version() == crate::call::Version::V2
        && let Some(other) =
            parameters.written().iter().find(|name| **name != "GrantSendOnBehalfTo")
    {
        return Err(Failure::access_denied("Set-Mailbox", other));
    }
    let before = found(world, call, parameters)?;
    let mut after = before.clone();
    if let Some(managed) = parameters.flag("IsExchangeCloudManaged")? {
        after.cloud_managed = managed;
    }
    change::refuse_synced(world.tenant_of(call)?, &after, parameters)?;
    change::common(world, &mut after, parameters, call)?;
    forwarding(world, call, parameters, &mut after)?;
    if let Some(hold) = parameters.flag("LitigationHoldEnabled")? {
        after.litigation_hold = hold;
    }
    match parameters.text("Type")?.value().map(|kind| kind.to_lowercase()).as_deref() {
        Some("shared") => after.kind = RecipientKind::SharedMailbox,
        Some("regular") => after.kind = RecipientKind::UserMailbox,
        _ => {}
    }
    if let Some(upn) = parameters.text("MicrosoftOnlineServicesID")?.value() {
        sign_in(world, call, &mut after, &upn)?;
    }
    change::write(world, call, &before, after)
}

fn forwarding(
    world: &World,
    call: &Call,
    parameters: &Parameters,
    recipient: &mut Recipient,
) -> Result<(), Failure> {
    match parameters.text("ForwardingAddress")? {
        Given::Absent => {}
        Given::Clear => recipient.forwarding.recipient = None,
        Given::Value(identity) => {
            let tenant = world.tenant_of(call)?;
            let target = lookup::recipient(tenant, call, &identity, |_kind| true)?;
            recipient.forwarding.recipient = Some(target.guid);
        }
    }
    match parameters.text("ForwardingSmtpAddress")? {
        Given::Absent => {}
        Given::Clear => recipient.forwarding.smtp = None,
        Given::Value(text) => recipient.forwarding.smtp = Some(change::smtp(&text)?),
    }
    if let Some(keep) = parameters.flag("DeliverToMailboxAndForward")? {
        recipient.forwarding.keep_copy = keep;
    }
    Ok(())
}

fn enable(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let before = found(world, call, parameters)?;
    if parameters.flag("Archive")? != Some(true) {
        return Err(Failure::binding("Enable-Mailbox only enables archives here: use -Archive."));
    }
    if before.archive.is_some() {
        return Err(Failure::bad(
            "Ex52F4A9",
            "Microsoft.Exchange.Configuration.Tasks.RecipientTaskException",
            format!("The mailbox \"{}\" already has an archive.", before.name),
        ));
    }
    let id = world.random.guid();
    let archive = Mailbox::new(id, &mut world.random, call.now);
    let mut after = before.clone();
    after.archive = Some(id);
    world.tenant_mut(call)?.mailboxes.insert(id, archive);
    change::write(world, call, &before, after.clone())?;
    Ok(Output::of(vec![show::mailbox(world.tenant_of(call)?, &after)]))
}
