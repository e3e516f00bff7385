//! Distribution groups and mail-enabled security groups.

use super::{Cmdlet, cmdlet, recipients::list};
use crate::{
    call::Call,
    directory::{Recipient, RecipientKind, Tenant},
    exchange::{Failure, Outcome, Output, Parameters, Record, change, lookup, show},
    world::World,
};

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet("Get-DistributionGroup", &["Identity", "Filter", "ManagedBy"], get),
    cmdlet("Get-DistributionGroupMember", &["Identity"], members),
    cmdlet("Get-DynamicDistributionGroupMember", &["Identity"], members),
    cmdlet(
        "Add-DistributionGroupMember",
        &["Identity", "Member", "BypassSecurityGroupManagerCheck"],
        add,
    ),
    cmdlet(
        "Remove-DistributionGroupMember",
        &["Identity", "Member", "BypassSecurityGroupManagerCheck"],
        remove,
    ),
];

fn is_list(kind: RecipientKind) -> bool {
    kind.is_group() && kind != RecipientKind::GroupMailbox
}

fn form(tenant: &Tenant, group: &Recipient) -> Record {
    let security = group.kind == RecipientKind::MailUniversalSecurityGroup;
    let kind = if security { "Universal, SecurityEnabled" } else { "Universal" };
    show::contact(tenant, group)
        .text("GroupType", kind)
        .list("ManagedBy", Vec::<String>::new())
        .list("GrantSendOnBehalfTo", show::names(tenant, &group.send_on_behalf))
}

fn get(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    list(world, call, parameters, is_list, form)
}

fn found(world: &World, call: &Call, parameters: &Parameters) -> Result<Recipient, Failure> {
    let identity = parameters.need("Identity")?;
    let tenant = world.tenant_of(call)?;
    let seen = lookup::recipient(tenant, call, &identity, is_list)?;
    super::contacts::current(tenant, seen.guid, &identity, call)
}

fn members(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let group = found(world, call, parameters)?;
    let tenant = world.tenant_of(call)?;
    let records = group
        .members
        .iter()
        .filter_map(|&member| tenant.recipients.seen(member, call.view, call.now))
        .map(|member| show::recipient(tenant, member));
    Ok(Output::of(records.collect()))
}

fn member(world: &World, call: &Call, parameters: &Parameters) -> Result<Recipient, Failure> {
    let tenant = world.tenant_of(call)?;
    lookup::recipient(tenant, call, &parameters.need("Member")?, |_kind| true).cloned()
}

fn add(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let before = found(world, call, parameters)?;
    change::refuse_synced(world.tenant_of(call)?, &before, parameters)?;
    let member = member(world, call, parameters)?;
    if before.members.contains(&member.guid) {
        return Err(Failure::bad(
            "ExC87D1F",
            "Microsoft.Exchange.Management.Tasks.MemberAlreadyExistsException",
            format!(
                "The recipient \"{}\" is already a member of the group \"{}\".",
                member.name, before.name
            ),
        ));
    }
    let mut after = before.clone();
    after.members.push(member.guid);
    write(world, call, &before, after)
}

fn remove(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let before = found(world, call, parameters)?;
    change::refuse_synced(world.tenant_of(call)?, &before, parameters)?;
    let member = member(world, call, parameters)?;
    let mut after = before.clone();
    after.members.retain(|&held| held != member.guid);
    if after == before {
        return Err(Failure::bad(
            "Ex5F7DC6",
            "Microsoft.Exchange.Management.Tasks.MemberNotFoundException",
            format!(
                "The recipient \"{}\" isn't a member of the group \"{}\".",
                member.name, before.name
            ),
        ));
    }
    write(world, call, &before, after)
}

/// Writes the list, and what the directory shows of it.
fn write(world: &mut World, call: &Call, before: &Recipient, after: Recipient) -> Outcome {
    let (id, guids) = (after.directory_id, after.members.clone());
    let output = change::write(world, call, before, after)?;
    let stamp = world.stamp(call.view, call.now);
    let tenant = world.tenant_mut(call)?;
    if let Some(mut group) = tenant.groups.get(id).cloned() {
        let members = guids.iter().filter_map(|guid| tenant.recipients.get(*guid));
        group.members = members.map(|member| member.directory_id).collect();
        tenant.groups.put(id, group, stamp);
    }
    Ok(output)
}
