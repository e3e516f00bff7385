//! What a tenant has before its people: licences to give, and what an administrator sets up once
//! for a migration.

use uuid::{Uuid, uuid};

use super::people::{Wanted, add_person};
use crate::{
    directory::{
        MailboxRight, OutboundRule, OutboundSpam, Principal, RecipientKind, Relationship,
        ServicePlan, Sku, Stamp, Tenant,
    },
    world::World,
};

/// Gives a tenant its licence products; the first is the one that people get.
pub(crate) fn supply(tenant: &mut Tenant, seats: u32) {
    let plan = |id: Uuid, name: &str| ServicePlan { id, name: name.to_owned() };
    tenant.skus = vec![
        Sku {
            id: uuid!("05e9a617-0261-4cee-bb44-138d3ef5d965"),
            part_number: "SPE_E3".to_owned(),
            seats,
            plans: vec![
                plan(uuid!("efb87545-963c-4e0d-99df-69c6916d9eb0"), "EXCHANGE_S_ENTERPRISE"),
                plan(uuid!("5dbe027f-2339-4123-9542-606e4d348a72"), "SHAREPOINTENTERPRISE"),
                plan(uuid!("57ff2da0-773e-42df-b2af-ffb7a2317929"), "TEAMS1"),
            ],
        },
        Sku {
            id: uuid!("ee02fd1b-340e-4a4b-b355-4a514e4c8943"),
            part_number: "EXCHANGEARCHIVE_ADDON".to_owned(),
            seats,
            plans: vec![plan(
                uuid!("176a09a6-7ec5-4039-ac02-b2791c6ba793"),
                "EXCHANGE_S_ARCHIVE_ADDON",
            )],
        },
    ];
}

/// What an administrator sets up once in both tenants: automatic forwarding allowed, free/busy
/// between the two, and a mailbox to send notifications from.
pub(crate) fn prepare_pair(world: &mut World, one: Uuid, other: Uuid, stamp: Stamp) {
    for (here, there) in [(one, other), (other, one)] {
        let domains: Vec<String> = world
            .tenants
            .get(&there)
            .map(|tenant| tenant.domains.iter().map(|domain| domain.name.clone()).collect())
            .unwrap_or_default();
        let partner = world.tenants.get(&there).map(|t| t.name.clone()).unwrap_or_default();
        let Some(tenant) = world.tenants.get_mut(&here) else { continue };
        let own: Vec<String> = tenant.domains.iter().map(|domain| domain.name.clone()).collect();
        let policies = &mut tenant.policies;
        policies.outbound_spam.push(OutboundSpam {
            name: "Migration".to_owned(),
            auto_forwarding_mode: "On".to_owned(),
        });
        policies.outbound_rules.push(OutboundRule {
            name: "Migration".to_owned(),
            policy: "Migration".to_owned(),
            from: Vec::new(),
            from_member_of: Vec::new(),
            sender_domains: own,
            priority: 0,
            enabled: true,
        });
        policies.relationships.push(Relationship {
            name: partner,
            domains,
            free_busy: true,
            level: "LimitedDetails".to_owned(),
            enabled: true,
        });
        let domain = tenant.default_domain().to_owned();
        let sender = Wanted {
            upn: format!("notifications@{domain}"),
            alias: "notifications".to_owned(),
            display_name: "IT notifications".to_owned(),
            mailbox: true,
            shared: true,
            ..Wanted::default()
        };
        add_person(world, here, &sender, stamp);
    }
}

/// Adds the account that a migration tool works with: a member of every group and team, with Full
/// Access to every mailbox of the tenant. Gives its sign-in name.
pub(crate) fn add_service_account(world: &mut World, tenant_id: Uuid, stamp: Stamp) -> String {
    let domain =
        world.tenants.get(&tenant_id).map(|t| t.initial_domain().to_owned()).unwrap_or_default();
    let account = Wanted {
        upn: format!("migration@{domain}"),
        alias: "migration".to_owned(),
        display_name: "Migration service".to_owned(),
        mailbox: true,
        shared: true,
        ..Wanted::default()
    };
    let upn = account.upn.clone();
    let (user, guid) = add_person(world, tenant_id, &account, stamp);
    let Some(tenant) = world.tenants.get_mut(&tenant_id) else { return upn };
    tenant.recipients.amend(guid, |recipient| recipient.hidden = true);
    let mailboxes: Vec<Uuid> = tenant
        .recipients
        .all()
        .filter(|recipient| recipient.kind == RecipientKind::UserMailbox)
        .map(|recipient| recipient.guid)
        .collect();
    for mailbox in mailboxes {
        let who = Principal::Recipient(guid);
        let rights = vec!["FullAccess".to_owned()];
        tenant.recipients.amend(mailbox, |recipient| {
            recipient.rights.push(MailboxRight { who, rights, inherited: false, deny: false });
        });
    }
    let groups: Vec<Uuid> = tenant.groups.all().map(|group| group.id).collect();
    for group in groups {
        tenant.groups.amend(group, |group| group.members.push(user));
    }
    let lists: Vec<Uuid> = tenant
        .recipients
        .all()
        .filter(|recipient| recipient.kind.is_group() && !recipient.members.is_empty())
        .map(|recipient| recipient.guid)
        .collect();
    for list in lists {
        tenant.recipients.amend(list, |list| list.members.push(guid));
    }
    upn
}
