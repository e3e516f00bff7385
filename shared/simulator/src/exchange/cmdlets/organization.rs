//! The organization: domains, configuration, relationships, availability.

use super::{Cmdlet, cmdlet};
use crate::{
    call::Call,
    directory::{AddressSpace, Relationship},
    exchange::{Failure, Outcome, Output, Parameters, Record, change},
    world::World,
};

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet("Get-AcceptedDomain", &["Identity"], domains),
    cmdlet("Get-OrganizationConfig", &[], configuration),
    cmdlet("Get-RemoteDomain", &["Identity"], remote_domain),
    cmdlet("Set-RemoteDomain", &["Identity", "AutoForwardEnabled"], set_remote_domain),
    cmdlet("Get-OrganizationRelationship", &["Identity"], relationships),
    cmdlet(
        "New-OrganizationRelationship",
        &[
            "Name",
            "DomainNames",
            "FreeBusyAccessEnabled",
            "FreeBusyAccessLevel",
            "FreeBusyAccessScope",
            "TargetApplicationUri",
            "TargetAutodiscoverEpr",
            "Enabled",
            "MailTipsAccessEnabled",
            "MailTipsAccessLevel",
        ],
        new_relationship,
    ),
    cmdlet(
        "Set-OrganizationRelationship",
        &["Identity", "DomainNames", "FreeBusyAccessEnabled", "Enabled"],
        set_relationship,
    ),
    cmdlet("Get-AvailabilityConfig", &["Identity"], availability),
    cmdlet("New-AvailabilityConfig", &["AllowedTenantIds", "OrgWideAccount"], new_availability),
    cmdlet("Get-AvailabilityAddressSpace", &["Identity"], address_spaces),
    cmdlet(
        "Add-AvailabilityAddressSpace",
        &[
            "ForestName",
            "AccessMethod",
            "TargetTenantId",
            "TargetServiceEpr",
            "TargetAutodiscoverEpr",
        ],
        add_address_space,
    ),
];

fn domains(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let tenant = world.tenant_of(call)?;
    let wanted = parameters.text("Identity")?.value();
    let records: Vec<Record> = tenant
        .domains
        .iter()
        .filter(|domain| domain.verified)
        .filter(|domain| {
            wanted.as_deref().is_none_or(|name| domain.name.eq_ignore_ascii_case(name))
        })
        .map(|domain| {
            Record::new()
                .text("Identity", domain.name.clone())
                .text("Name", domain.name.clone())
                .text("DomainName", domain.name.clone())
                .text("DomainType", "Authoritative")
                .flag("Default", domain.default)
                .flag("InitialDomain", domain.initial)
                .flag("IsValid", true)
        })
        .collect();
    match (records.is_empty(), wanted) {
        (true, Some(name)) => Err(Failure::not_found(&name, call.view)),
        _ => Ok(Output::of(records)),
    }
}

fn configuration(world: &mut World, call: &Call, _parameters: &Parameters) -> Outcome {
    let tenant = world.tenant_of(call)?;
    let record = Record::new()
        .text("Identity", tenant.initial_domain())
        .text("Name", tenant.initial_domain())
        .text("DisplayName", tenant.name.clone())
        .guid("Guid", tenant.id)
        .flag("IsDehydrated", false)
        .maybe("EwsEnabled", Option::<String>::None)
        .flag("IsValid", true);
    Ok(Output::of(vec![record]))
}

fn remote_domain(world: &mut World, call: &Call, _parameters: &Parameters) -> Outcome {
    let tenant = world.tenant_of(call)?;
    let record = Record::new()
        .text("Identity", "Default")
        .text("Name", "Default")
        .text("DomainName", "*")
        .flag("AutoForwardEnabled", !tenant.policies.remote_domain_blocks_forwarding)
        .flag("IsValid", true);
    Ok(Output::of(vec![record]))
}

fn set_remote_domain(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let enabled = parameters.flag("AutoForwardEnabled")?;
    let policies = &mut world.tenant_mut(call)?.policies;
    if let Some(enabled) = enabled {
        policies.remote_domain_blocks_forwarding = !enabled;
    }
    Ok(Output::nothing())
}

fn relationship_record(relationship: &Relationship) -> Record {
    Record::new()
        .text("Identity", relationship.name.clone())
        .text("Name", relationship.name.clone())
        .list("DomainNames", relationship.domains.clone())
        .flag("FreeBusyAccessEnabled", relationship.free_busy)
        .text("FreeBusyAccessLevel", relationship.level.clone())
        .flag("Enabled", relationship.enabled)
        .text("TargetApplicationUri", "outlook.com")
        .flag("IsValid", true)
}

fn relationships(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let tenant = world.tenant_of(call)?;
    let wanted = parameters.text("Identity")?.value();
    let records: Vec<Record> = tenant
        .policies
        .relationships
        .iter()
        .filter(|found| wanted.as_deref().is_none_or(|name| found.name.eq_ignore_ascii_case(name)))
        .map(relationship_record)
        .collect();
    match (records.is_empty(), wanted) {
        (true, Some(name)) => Err(Failure::not_found(&name, call.view)),
        _ => Ok(Output::of(records)),
    }
}

fn new_relationship(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let name = parameters.need("Name")?;
    let domains = parameters.list("DomainNames")?.value().unwrap_or_default();
    let relationship = Relationship {
        domains: split(&domains),
        free_busy: parameters.flag("FreeBusyAccessEnabled")?.unwrap_or(false),
        level: parameters.text("FreeBusyAccessLevel")?.value().unwrap_or_else(|| "None".to_owned()),
        enabled: parameters.flag("Enabled")?.unwrap_or(true),
        name: name.clone(),
    };
    let held = &mut world.tenant_mut(call)?.policies.relationships;
    let taken = held.iter().any(|found| {
        found.name.eq_ignore_ascii_case(&name)
            || found.domains.iter().any(|domain| relationship.domains.contains(domain))
    });
    if taken {
        return Err(Failure::name_exists(&name));
    }
    let record = relationship_record(&relationship);
    held.push(relationship);
    Ok(Output::of(vec![record]))
}

fn set_relationship(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let name = parameters.need("Identity")?;
    let domains = parameters.change("DomainNames")?;
    let (free_busy, enabled) =
        (parameters.flag("FreeBusyAccessEnabled")?, parameters.flag("Enabled")?);
    let held = &mut world.tenant_mut(call)?.policies.relationships;
    let Some(found) = held.iter_mut().find(|found| found.name.eq_ignore_ascii_case(&name)) else {
        return Err(Failure::not_found(&name, call.view));
    };
    if let Some(domains) = domains {
        change::modify(&mut found.domains, domains);
    }
    found.free_busy = free_busy.unwrap_or(found.free_busy);
    found.enabled = enabled.unwrap_or(found.enabled);
    Ok(Output::nothing())
}

fn split(values: &[String]) -> Vec<String> {
    values
        .iter()
        .flat_map(|value| value.split(','))
        .map(|part| part.trim().to_lowercase())
        .collect()
}

fn availability(world: &mut World, call: &Call, _parameters: &Parameters) -> Outcome {
    let tenants = &world.tenant_of(call)?.policies.availability_tenants;
    if tenants.is_empty() {
        return Ok(Output::nothing());
    }
    let record = Record::new()
        .text("Identity", "Availability Configuration")
        .list("AllowedTenantIds", tenants.clone())
        .flag("IsValid", true);
    Ok(Output::of(vec![record]))
}

fn new_availability(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let tenants = split(&parameters.list("AllowedTenantIds")?.value().unwrap_or_default());
    if tenants.is_empty() || tenants.len() > 25 {
        return Err(Failure::binding("AllowedTenantIds takes 1 to 25 tenant ids."));
    }
    let policies = &mut world.tenant_mut(call)?.policies;
    if !policies.availability_tenants.is_empty() {
        return Err(Failure::name_exists("Availability Configuration"));
    }
    policies.availability_tenants = tenants;
    availability(world, call, parameters)
}

fn space_record(space: &AddressSpace) -> Record {
    Record::new()
        .text("Identity", space.forest.clone())
        .text("Name", space.forest.clone())
        .text("ForestName", space.forest.clone())
        .text("AccessMethod", "OrgWideFBToken")
        .maybe("TargetTenantId", space.target_tenant.clone())
        .flag("IsValid", true)
}

fn address_spaces(world: &mut World, call: &Call, _parameters: &Parameters) -> Outcome {
    let spaces = &world.tenant_of(call)?.policies.address_spaces;
    Ok(Output::of(spaces.iter().map(space_record).collect()))
}

fn add_address_space(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let forest = parameters.need("ForestName")?.to_lowercase();
    let target_tenant = parameters.text("TargetTenantId")?.value();
    parameters.need("AccessMethod")?;
    let policies = &mut world.tenant_mut(call)?.policies;
    if policies.address_spaces.iter().any(|space| space.forest == forest) {
        return Err(Failure::name_exists(&forest));
    }
    let space = AddressSpace { forest, target_tenant };
    let record = space_record(&space);
    policies.address_spaces.push(space);
    Ok(Output::of(vec![record]))
}
