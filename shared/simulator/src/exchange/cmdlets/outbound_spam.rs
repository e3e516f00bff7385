//! The outbound spam policy: whether mail may be forwarded outside by itself.

use super::{Cmdlet, cmdlet};
use crate::{
    call::Call,
    directory::{OutboundRule, OutboundSpam},
    exchange::{Failure, Outcome, Output, Parameters, Record},
    world::World,
};

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet("Get-HostedOutboundSpamFilterPolicy", &["Identity"], get_policy),
    cmdlet("New-HostedOutboundSpamFilterPolicy", &["Name", "AutoForwardingMode"], new_policy),
    cmdlet("Set-HostedOutboundSpamFilterPolicy", &["Identity", "AutoForwardingMode"], set_policy),
    cmdlet("Get-HostedOutboundSpamFilterRule", &["Identity", "State"], get_rule),
    cmdlet(
        "New-HostedOutboundSpamFilterRule",
        &[
            "Name",
            "HostedOutboundSpamFilterPolicy",
            "From",
            "FromMemberOf",
            "SenderDomainIs",
            "Priority",
            "Enabled",
        ],
        new_rule,
    ),
];

fn mode(parameters: &Parameters) -> Result<Option<String>, Failure> {
    let Some(text) = parameters.text("AutoForwardingMode")?.value() else { return Ok(None) };
    let known =
        ["Automatic", "On", "Off"].into_iter().find(|mode| mode.eq_ignore_ascii_case(&text));
    known.map(|mode| Some(mode.to_owned())).ok_or_else(|| {
        Failure::binding(format!("Cannot convert value \"{text}\" to type \"AutoForwardingMode\"."))
    })
}

fn policy_record(policy: &OutboundSpam) -> Record {
    Record::new()
        .text("Identity", policy.name.clone())
        .text("Name", policy.name.clone())
        .text("AutoForwardingMode", policy.auto_forwarding_mode.clone())
        .flag("IsDefault", policy.name == "Default")
        .flag("Enabled", true)
        .flag("IsValid", true)
}

fn get_policy(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let wanted = parameters.text("Identity")?.value();
    let policies = &world.tenant_of(call)?.policies.outbound_spam;
    let records: Vec<Record> = policies
        .iter()
        .filter(|found| wanted.as_deref().is_none_or(|name| found.name.eq_ignore_ascii_case(name)))
        .map(policy_record)
        .collect();
    match (records.is_empty(), wanted) {
        (true, Some(name)) => Err(Failure::not_found(&name, call.view)),
        _ => Ok(Output::of(records)),
    }
}

fn new_policy(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let name = parameters.need("Name")?;
    let mode = mode(parameters)?.unwrap_or_else(|| "Automatic".to_owned());
    let held = &mut world.tenant_mut(call)?.policies.outbound_spam;
    if held.iter().any(|found| found.name.eq_ignore_ascii_case(&name)) {
        return Err(Failure::name_exists(&name));
    }
    let policy = OutboundSpam { name, auto_forwarding_mode: mode };
    let record = policy_record(&policy);
    held.push(policy);
    Ok(Output::of(vec![record]))
}

fn set_policy(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let name = parameters.need("Identity")?;
    let mode = mode(parameters)?;
    let held = &mut world.tenant_mut(call)?.policies.outbound_spam;
    let Some(found) = held.iter_mut().find(|found| found.name.eq_ignore_ascii_case(&name)) else {
        return Err(Failure::not_found(&name, call.view));
    };
    if let Some(mode) = mode {
        found.auto_forwarding_mode = mode;
    }
    Ok(Output::nothing())
}

fn rule_record(rule: &OutboundRule) -> Record {
    Record::new()
        .text("Identity", rule.name.clone())
        .text("Name", rule.name.clone())
        .text("HostedOutboundSpamFilterPolicy", rule.policy.clone())
        .list("From", rule.from.clone())
        .list("FromMemberOf", rule.from_member_of.clone())
        .list("SenderDomainIs", rule.sender_domains.clone())
        .number("Priority", u64::from(rule.priority))
        .text("State", if rule.enabled { "Enabled" } else { "Disabled" })
        .flag("IsValid", true)
}

fn get_rule(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let wanted = parameters.text("Identity")?.value();
    let rules = &world.tenant_of(call)?.policies.outbound_rules;
    let records: Vec<Record> = rules
        .iter()
        .filter(|found| wanted.as_deref().is_none_or(|name| found.name.eq_ignore_ascii_case(name)))
        .map(rule_record)
        .collect();
    match (records.is_empty(), wanted) {
        (true, Some(name)) => Err(Failure::not_found(&name, call.view)),
        _ => Ok(Output::of(records)),
    }
}

fn new_rule(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let name = parameters.need("Name")?;
    let policy = parameters.need("HostedOutboundSpamFilterPolicy")?;
    let from = parameters.list("From")?.value().unwrap_or_default();
    let from_member_of = parameters.list("FromMemberOf")?.value().unwrap_or_default();
    let sender_domains = parameters.list("SenderDomainIs")?.value().unwrap_or_default();
    let enabled = parameters.flag("Enabled")?.unwrap_or(true);
    let policies = &mut world.tenant_mut(call)?.policies;
    if !policies.outbound_spam.iter().any(|found| found.name.eq_ignore_ascii_case(&policy)) {
        return Err(Failure::not_found(&policy, call.view));
    }
    let rules = &mut policies.outbound_rules;
    if rules.iter().any(|found| found.name.eq_ignore_ascii_case(&name)) {
        return Err(Failure::name_exists(&name));
    }
    let priority = u32::try_from(rules.len()).unwrap_or(u32::MAX);
    let rule =
        OutboundRule { name, policy, from, from_member_of, sender_domains, priority, enabled };
    let record = rule_record(&rule);
    rules.push(rule);
    Ok(Output::of(vec![record]))
}
