//! The outbound spam policy: automatic forwarding outside is blocked unless a policy allows it.

use crate::directory::{OutboundRule, Recipient, Tenant};

/// The text of the bounce.
pub(super) const BLOCKED: &str = "550 5.7.520 Access denied, Your organization does not allow external forwarding. Please contact your administrator for further assistance. AS(7555)";

/// Whether a mailbox may forward outside by itself: the strictest of policy and remote domain.
pub(super) fn may_forward(tenant: &Tenant, sender: &Recipient) -> bool {
    if tenant.policies.remote_domain_blocks_forwarding {
        return false;
    }
    let mut rules: Vec<&OutboundRule> = tenant
        .policies
        .outbound_rules
        .iter()
        .filter(|rule| rule.enabled && covers(tenant, rule, sender))
        .collect();
    rules.sort_by_key(|rule| rule.priority);
    let policy = rules.first().map_or("Default", |rule| rule.policy.as_str());
    tenant
        .policies
        .outbound_spam
        .iter()
        .find(|found| found.name.eq_ignore_ascii_case(policy))
        .is_some_and(|found| found.auto_forwarding_mode == "On")
}

fn covers(tenant: &Tenant, rule: &OutboundRule, sender: &Recipient) -> bool {
    let named = |text: &String| names(sender, text);
    let member = |text: &String| {
        let group =
            tenant.recipients.all().find(|found| found.kind.is_group() && names(found, text));
        group.is_some_and(|group| group.members.contains(&sender.guid))
    };
    let domain = |text: &String| {
        sender
            .proxies
            .iter()
            .any(|proxy| proxy.domain().is_some_and(|d| d.eq_ignore_ascii_case(text)))
    };
    rule.from.iter().any(named)
        || rule.from_member_of.iter().any(member)
        || rule.sender_domains.iter().any(domain)
}

fn names(recipient: &Recipient, text: &str) -> bool {
    let key = crate::directory::Proxy::parse(text).key();
    recipient.has_address(&key)
        || recipient.guid.to_string().eq_ignore_ascii_case(text)
        || recipient.directory_id.to_string().eq_ignore_ascii_case(text)
        || recipient.name.eq_ignore_ascii_case(text)
        || recipient.alias.eq_ignore_ascii_case(text)
        || recipient.display_name.eq_ignore_ascii_case(text)
}
