//! What an administrator sets up once per tenant: domains, forwarding, free/busy.

use catalogue::Side;
use model::TenantFacts;

use super::{Look, Preflight, Severity};
use crate::patience::patiently;

/// Looks at the tenant's own settings.
pub(super) async fn look(look: &Look<'_>, found: &mut Preflight) {
    domains(look, found).await;
    if look.routes_mail() {
        forwarding(look, found).await;
        free_busy(look, found).await;
    }
}

fn facts<'a>(look: &Look<'a>) -> (&'a TenantFacts, &'a TenantFacts) {
    match look.side {
        Side::Source => (&look.project.source, &look.project.target),
        Side::Target | Side::Both => (&look.project.target, &look.project.source),
    }
}

async fn domains(look: &Look<'_>, found: &mut Preflight) {
    let (own, _) = facts(look);
    let exchange = look.client.exchange();
    let accepted = match patiently(look.host, || exchange.accepted_domains()).await {
        Ok(accepted) => accepted,
        Err(error) => return found.refused(look.side, "accepted domains", &error),
    };
    let has =
        |domain: &str| accepted.iter().any(|held| held.domain_name.eq_ignore_ascii_case(domain));
    let missing: Vec<&str> =
        own.domains.iter().map(String::as_str).filter(|domain| !has(domain)).collect();
    if missing.is_empty() {
        found.good(look.side, format!("accepts mail for {}", own.domains.join(", ")));
        return;
    }
    let all: Vec<&str> = accepted.iter().map(|domain| domain.domain_name.as_str()).collect();
    let severity = if missing.contains(&look.project.target_domain.as_str()) {
        Severity::Blocks
    } else {
        Severity::Hinders
    };
    found.find(
        severity,
        look.side,
        "accepted domains",
        format!("{} is not accepted; the tenant has {}", missing.join(", "), all.join(", ")),
        "verify the domain in the tenant, or correct `domains` in the project file",
    );
}

/// SYN-I3 forwards target to source, CUT-S4 source to target: both leave their tenant.
async fn forwarding(look: &Look<'_>, found: &mut Preflight) {
    let (_, other) = facts(look);
    let exchange = look.client.exchange();
    let policies = patiently(look.host, || exchange.outbound_spam_policies()).await;
    let rules = patiently(look.host, || exchange.outbound_spam_rules()).await;
    match (policies, rules) {
        (Ok(policies), Ok(rules)) => {
            let by_default = policies.iter().any(|p| p.is_default && p.allows_forwarding());
            let ruled = rules.iter().any(|rule| {
                let named = policies.iter().find(|policy| policy.name == rule.policy);
                rule.state.eq_ignore_ascii_case("Enabled")
                    && named.is_some_and(tenant::exchange::OutboundSpamPolicy::allows_forwarding)
            });
            if by_default || ruled {
                let scope = if by_default { "" } else { " for the senders of a rule" };
                found.good(look.side, format!("may forward mail outside{scope}"));
            } else {
                found.find(
                    Severity::Blocks,
                    look.side,
                    "outbound spam policy",
                    "automatic forwarding outside is off: forwarded mail would bounce (5.7.520)",
                    "make an outbound spam policy with AutoForwardingMode On, and a rule for the \
                     people who move; New-HostedOutboundSpamFilterPolicy and -Rule do it",
                );
            }
        }
        (Err(error), _) | (_, Err(error)) => {
            found.refused(look.side, "outbound spam policy", &error);
        }
    }
    match patiently(look.host, || exchange.remote_domains()).await {
        Ok(remote) => {
            let named =
                |domain: &str| remote.iter().find(|r| r.domain_name.eq_ignore_ascii_case(domain));
            let forbidden = other.domains.iter().find(|domain| {
                named(domain).or_else(|| named("*")).is_some_and(|r| !r.auto_forward_enabled)
            });
            if let Some(domain) = forbidden {
                found.find(
                    Severity::Blocks,
                    look.side,
                    "remote domain",
                    format!("automatic forwarding to {domain} is not allowed"),
                    format!("allow it: New-RemoteDomain for {domain} with AutoForwardEnabled true"),
                );
            }
        }
        Err(error) => found.refused(look.side, "remote domain", &error),
    }
}

/// The contacts of PRE-S4 and CUT-S5 lead free/busy look-ups to the other tenant.
async fn free_busy(look: &Look<'_>, found: &mut Preflight) {
    let (_, other) = facts(look);
    let exchange = look.client.exchange();
    let relationships = patiently(look.host, || exchange.organization_relationships()).await;
    let spaces = patiently(look.host, || exchange.availability_address_spaces()).await;
    let (relationships, spaces) = match (relationships, spaces) {
        (Ok(relationships), Ok(spaces)) => (relationships, spaces),
        (Err(error), _) | (_, Err(error)) => {
            return found.refused(look.side, "free/busy", &error);
        }
    };
    let covered = |domain: &String| {
        relationships.iter().any(|held| {
            held.enabled
                && held.free_busy_access_enabled
                && held.domain_names.iter().any(|name| name.eq_ignore_ascii_case(domain))
        }) || spaces.iter().any(|space| space.forest_name.eq_ignore_ascii_case(domain))
    };
    let missing: Vec<&str> =
        other.domains.iter().filter(|domain| !covered(domain)).map(String::as_str).collect();
    if missing.is_empty() {
        found.good(look.side, "may see free/busy of the other tenant");
    } else {
        found.find(
            Severity::Hinders,
            look.side,
            "free/busy",
            format!("no organization relationship covers {}", missing.join(", ")),
            "make one with New-OrganizationRelationship, initial domain included; mail works \
             without it, look-ups of calendars do not",
        );
    }
}
