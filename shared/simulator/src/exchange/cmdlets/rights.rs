//! Rights on whole mailboxes (Full Access) and Send As.

use super::{Cmdlet, cmdlet, mailboxes::found};
use crate::{
    call::Call,
    directory::{MailboxRight, Principal, Recipient, Tenant},
    exchange::{Failure, Outcome, Output, Parameters, Record, change, lookup, show},
    world::World,
};

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet(
        "Get-MailboxPermission",
        &[
            "Identity",
            "User",
            "Owner",
            "IncludeUnresolvedPermissions",
            "IncludeSoftDeletedUserPermissions",
            "IncludeUserWithDisplayName",
        ],
        get,
    ),
    cmdlet(
        "Add-MailboxPermission",
        &["Identity", "User", "AccessRights", "InheritanceType", "AutoMapping", "Deny"],
        add,
    ),
    cmdlet(
        "Remove-MailboxPermission",
        &["Identity", "User", "AccessRights", "InheritanceType", "Deny", "BypassMasterAccountSid"],
        remove,
    ),
    cmdlet(
        "Get-RecipientPermission",
        &["Identity", "Trustee", "AccessRights", "IncludeTrusteeWithPrimarySmtpAddress"],
        get_send_as,
    ),
    cmdlet("Add-RecipientPermission", &["Identity", "Trustee", "AccessRights"], add_send_as),
    cmdlet("Remove-RecipientPermission", &["Identity", "Trustee", "AccessRights"], remove_send_as),
];

/// Rights that a mailbox can give.
const RIGHTS: [&str; 6] = [
    "ChangeOwner",
    "ChangePermission",
    "DeleteItem",
    "ExternalAccount",
    "FullAccess",
    "ReadPermission",
];

/// The name under which a holder of rights is shown: for a person the sign-in name or address.
fn shown(tenant: &Tenant, who: &Principal) -> String {
    match who {
        Principal::Recipient(guid) => {
            let Some(holder) = tenant.recipients.get(*guid) else {
                return format!("S-1-5-21-{guid}");
            };
            if holder.upn.is_empty() { holder.primary().to_owned() } else { holder.upn.clone() }
        }
        Principal::Orphan(sid) => sid.clone(),
        Principal::WellKnown(name) => name.clone(),
    }
}

fn rights(parameters: &Parameters) -> Result<Vec<String>, Failure> {
    let given = parameters.list("AccessRights")?.value().unwrap_or_default();
    given
        .iter()
        .flat_map(|rights| rights.split(','))
        .map(|right| {
            let known = RIGHTS.iter().find(|known| known.eq_ignore_ascii_case(right.trim()));
            known.map(|known| (*known).to_owned()).ok_or_else(|| {
                Failure::binding(format!(
                    "Cannot convert value \"{right}\" to type \"Microsoft.Exchange.Management.RecipientTasks.MailboxRights[]\"."
                ))
            })
        })
        .collect()
}

fn get(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let mailbox = found(world, call, parameters)?;
    let tenant = world.tenant_of(call)?;
    let wanted = match parameters.text("User")?.value() {
        Some(name) => Some(lookup::recipient(tenant, call, &name, |_kind| true)?.guid),
        None => None,
    };
    let own = MailboxRight {
        who: Principal::WellKnown("NT AUTHORITY\\SELF".to_owned()),
        rights: vec!["FullAccess".to_owned(), "ReadPermission".to_owned()],
        inherited: false,
        deny: false,
    };
    let records = std::iter::once(&own)
        .chain(&mailbox.rights)
        .filter(|right| wanted.is_none_or(|guid| right.who == Principal::Recipient(guid)))
        .map(|right| {
            Record::new()
                .text("Identity", mailbox.name.clone())
                .text("User", shown(tenant, &right.who))
                .list("AccessRights", right.rights.clone())
                .flag("IsInherited", right.inherited)
                .flag("Deny", right.deny)
                .text("InheritanceType", "All")
                .flag("IsValid", true)
        });
    Ok(Output::of(records.collect()))
}

fn add(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let before = found(world, call, parameters)?;
    let tenant = world.tenant_of(call)?;
    let who = Principal::Recipient(change::principal(tenant, call, &parameters.need("User")?)?);
    let rights = rights(parameters)?;
    let deny = parameters.flag("Deny")? == Some(true);
    parameters.flag("AutoMapping")?;
    let mut after = before.clone();
    let held = after.rights.iter_mut().find(|right| right.who == who && right.deny == deny);
    let names = shown(tenant, &who);
    if let Some(held) = held {
        let new: Vec<String> =
            rights.iter().filter(|right| !held.rights.contains(right)).cloned().collect();
        if new.is_empty() {
            return Ok(Output::warning(format!(
                "The appropriate access control entry is already present on the object \"{}\" for account \"{names}\".",
                before.name
            )));
        }
        held.rights.extend(new);
    } else {
        after.rights.push(MailboxRight { who, rights: rights.clone(), inherited: false, deny });
    }
    change::write(world, call, &before, after)?;
    let record = Record::new()
        .text("Identity", before.name)
        .text("User", names)
        .list("AccessRights", rights)
        .flag("IsInherited", false)
        .flag("Deny", deny);
    Ok(Output::of(vec![record]))
}

fn remove(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let before = found(world, call, parameters)?;
    let tenant = world.tenant_of(call)?;
    let who = holder(tenant, call, &parameters.need("User")?)?;
    let rights = rights(parameters)?;
    let mut after = before.clone();
    for held in after.rights.iter_mut().filter(|held| held.who == who) {
        held.rights.retain(|right| !rights.contains(right));
    }
    after.rights.retain(|held| !held.rights.is_empty());
    if after == before {
        return Ok(Output::warning(format!(
            "An ACE on object \"{}\" can't be removed because it doesn't exist for account \"{}\".",
            before.name,
            shown(tenant, &who)
        )));
    }
    change::write(world, call, &before, after)
}

fn holder(tenant: &Tenant, call: &Call, name: &str) -> Result<Principal, Failure> {
    if name.starts_with("S-1-5-") {
        return Ok(Principal::Orphan(name.to_owned()));
    }
    lookup::recipient(tenant, call, name, |_kind| true)
        .map(|recipient| Principal::Recipient(recipient.guid))
}

/// Any recipient: Send As is a right on contacts, mail users and groups too.
fn any(world: &World, call: &Call, parameters: &Parameters) -> Result<Recipient, Failure> {
    let identity = parameters.need("Identity")?;
    let tenant = world.tenant_of(call)?;
    let seen = lookup::recipient(tenant, call, &identity, |_kind| true)?;
    super::contacts::current(tenant, seen.guid, &identity, call)
}

fn send_as_record(tenant: &Tenant, recipient: &Recipient, who: &Principal, smtp: bool) -> Record {
    let trustee = match who {
        Principal::Recipient(guid) => match tenant.recipients.get(*guid) {
            Some(holder) if smtp => holder.primary().to_owned(),
            // Without the switch the trustee is shown by name.
            Some(_) => show::name(tenant, *guid),
            None => format!("S-1-5-21-{guid}"),
        },
        other => shown(tenant, other),
    };
    Record::new()
        .text("Identity", recipient.name.clone())
        .text("Trustee", trustee)
        .list("AccessRights", ["SendAs"])
        .text("AccessControlType", "Allow")
        .flag("IsInherited", false)
        .text("InheritanceType", "None")
        .flag("IsValid", true)
}

fn get_send_as(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let recipient = any(world, call, parameters)?;
    let tenant = world.tenant_of(call)?;
    let smtp = parameters.flag("IncludeTrusteeWithPrimarySmtpAddress")? == Some(true);
    let own = Principal::WellKnown("NT AUTHORITY\\SELF".to_owned());
    let wanted = match parameters.text("Trustee")?.value() {
        Some(name) => Some(holder(tenant, call, &name)?),
        None => None,
    };
    let records = std::iter::once(&own)
        .chain(&recipient.send_as)
        .filter(|who| wanted.as_ref().is_none_or(|wanted| wanted == *who))
        .map(|who| send_as_record(tenant, &recipient, who, smtp));
    Ok(Output::of(records.collect()))
}

fn add_send_as(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let before = any(world, call, parameters)?;
    only_send_as(parameters)?;
    let tenant = world.tenant_of(call)?;
    let who = Principal::Recipient(change::principal(tenant, call, &parameters.need("Trustee")?)?);
    let record = send_as_record(tenant, &before, &who, false);
    if before.send_as.contains(&who) {
        return Ok(Output::warning(format!(
            "The appropriate access control entry is already present on the object \"{}\" for account \"{}\".",
            before.name,
            shown(tenant, &who)
        )));
    }
    let mut after = before.clone();
    after.send_as.push(who);
    change::write(world, call, &before, after)?;
    Ok(Output::of(vec![record]))
}

fn remove_send_as(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let before = any(world, call, parameters)?;
    only_send_as(parameters)?;
    let tenant = world.tenant_of(call)?;
    let who = holder(tenant, call, &parameters.need("Trustee")?)?;
    let mut after = before.clone();
    after.send_as.retain(|held| *held != who);
    if after == before {
        return Ok(Output::warning(format!(
            "An ACE on object \"{}\" can't be removed because it doesn't exist for account \"{}\".",
            before.name,
            shown(tenant, &who)
        )));
    }
    change::write(world, call, &before, after)
}

fn only_send_as(parameters: &Parameters) -> Result<(), Failure> {
    let rights = parameters.list("AccessRights")?.value().unwrap_or_default();
    if rights.iter().all(|right| right.eq_ignore_ascii_case("SendAs")) && !rights.is_empty() {
        return Ok(());
    }
    Err(Failure::binding("The only access right of a recipient permission is SendAs."))
}
