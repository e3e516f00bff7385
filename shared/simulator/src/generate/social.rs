//! What binds people together: groups, teams, delegates, shared mailboxes, guests.

use uuid::Uuid;

use super::{
    names::DEPARTMENTS,
    people::{Person, Wanted, add_person},
    population::Population,
};
use crate::{
    directory::{
        FolderRight, Group, MailboxRight, Principal, Proxy, Recipient, RecipientKind, Stamp,
        Tenant, User,
    },
    exchange::{default_folder_rights, new_recipient},
    world::World,
};

/// Adds everything that needs the people first.
pub(super) fn weave(
    world: &mut World,
    tenant: Uuid,
    population: &Population,
    people: &[Person],
    stamp: Stamp,
) {
    departments(world, tenant, people, stamp);
    lists(world, tenant, people, stamp);
    managers(world, tenant, people, stamp);
    shared_mailboxes(world, tenant, population, people, stamp);
    guests(world, tenant, population, stamp);
    delegates(world, tenant, people, stamp);
}

fn domain(world: &World, tenant: Uuid) -> String {
    world.tenants.get(&tenant).map(|t| t.default_domain().to_owned()).unwrap_or_default()
}

/// One Microsoft 365 group per department; every second has a team.
fn departments(world: &mut World, tenant_id: Uuid, people: &[Person], stamp: Stamp) {
    let domain = domain(world, tenant_id);
    for (number, department) in DEPARTMENTS.iter().enumerate() {
        let members: Vec<Uuid> = people
            .iter()
            .filter(|person| person.department == *department)
            .map(|person| person.user)
            .collect();
        let id = world.random.guid();
        let Some(tenant) = world.tenants.get_mut(&tenant_id) else { return };
        let nickname = format!("dept{number}");
        let group = Group {
            id,
            display_name: (*department).to_owned(),
            mail: Some(format!("{nickname}@{domain}")),
            mail_nickname: nickname,
            unified: true,
            mail_enabled: true,
            security_enabled: false,
            owners: members.iter().take(2).copied().collect(),
            members,
            team: number % 2 == 0,
            synced: false,
            created: stamp.now,
        };
        tenant.groups.put(id, group, stamp);
    }
}

/// A distribution list of everybody, and a mail-enabled security group of every third.
fn lists(world: &mut World, tenant_id: Uuid, people: &[Person], stamp: Stamp) {
    let domain = domain(world, tenant_id);
    let everybody: Vec<Uuid> = people.iter().map(|person| person.recipient).collect();
    let some: Vec<Uuid> = people.iter().step_by(3).map(|person| person.recipient).collect();
    for (name, alias, kind, members) in [
        ("Everybody", "everybody", RecipientKind::MailUniversalDistributionGroup, everybody),
        ("Vault readers", "vault", RecipientKind::MailUniversalSecurityGroup, some),
    ] {
        let list = group_recipient(world, name, alias, &domain, kind, members, stamp);
        if let Some(tenant) = world.tenants.get_mut(&tenant_id) {
            let group = entra_group(&list, tenant, stamp);
            tenant.groups.put(group.id, group, stamp);
            tenant.put_recipient(list, stamp);
        }
    }
}

pub(crate) fn group_recipient(
    world: &mut World,
    name: &str,
    alias: &str,
    domain: &str,
    kind: RecipientKind,
    members: Vec<Uuid>,
    stamp: Stamp,
) -> Recipient {
    let (guid, object, hex) = (world.random.guid(), world.random.guid(), world.random.hex(16));
    let mut list = new_recipient(guid, object, kind, stamp.now);
    name.clone_into(&mut list.name);
    name.clone_into(&mut list.display_name);
    alias.clone_into(&mut list.alias);
    list.legacy_dn = Tenant::legacy_dn(&hex, alias);
    list.proxies = vec![Proxy::primary(&format!("{alias}@{domain}"))];
    list.members = members;
    list
}

/// The directory's side of a list.
pub(crate) fn entra_group(list: &Recipient, tenant: &Tenant, stamp: Stamp) -> Group {
    let members = list.members.iter().filter_map(|guid| tenant.recipients.get(*guid));
    Group {
        id: list.directory_id,
        display_name: list.display_name.clone(),
        mail_nickname: list.alias.clone(),
        mail: Some(list.primary().to_owned()),
        unified: false,
        mail_enabled: true,
        security_enabled: list.kind == RecipientKind::MailUniversalSecurityGroup,
        members: members.map(|member| member.directory_id).collect(),
        owners: Vec::new(),
        team: false,
        synced: false,
        created: stamp.now,
    }
}

/// The first person of a department manages the others.
fn managers(world: &mut World, tenant_id: Uuid, people: &[Person], stamp: Stamp) {
    let Some(tenant) = world.tenants.get_mut(&tenant_id) else { return };
    for department in DEPARTMENTS {
        let mut team = people.iter().filter(|person| person.department == department);
        let Some(head) = team.next() else { continue };
        for person in team {
            if let Some(mut user) = tenant.users.get(person.user).cloned() {
                user.manager = Some(head.user);
                tenant.put_user(user, stamp);
            }
        }
    }
}

fn shared_mailboxes(
    world: &mut World,
    tenant_id: Uuid,
    population: &Population,
    people: &[Person],
    stamp: Stamp,
) {
    let domain = domain(world, tenant_id);
    let count = population.people.checked_div(population.shared_mailboxes).map_or(0, |n| n + 1);
    for number in 0..count {
        let alias = format!("shared{number}");
        let wanted = Wanted {
            upn: format!("{alias}@{domain}"),
            alias,
            display_name: format!("Shared mailbox {number}"),
            mailbox: true,
            shared: true,
            ..Wanted::default()
        };
        let (_, guid) = add_person(world, tenant_id, &wanted, stamp);
        let Some(tenant) = world.tenants.get_mut(&tenant_id) else { return };
        for person in people.iter().skip(number).step_by(count.max(2)).take(5) {
            let right = full_access(Principal::Recipient(person.recipient));
            tenant.recipients.amend(guid, |shared| {
                shared.rights.push(right);
                shared.send_as.push(Principal::Recipient(person.recipient));
            });
        }
    }
}

fn full_access(who: Principal) -> MailboxRight {
    MailboxRight { who, rights: vec!["FullAccess".to_owned()], inherited: false, deny: false }
}

fn guests(world: &mut World, tenant_id: Uuid, population: &Population, stamp: Stamp) {
    let count = population.people.checked_div(population.guests).unwrap_or(0);
    for number in 0..count {
        let (id, guid, hex) = (world.random.guid(), world.random.guid(), world.random.hex(16));
        let Some(tenant) = world.tenants.get_mut(&tenant_id) else { return };
        let address = format!("guest{number}@partner.example");
        let alias = format!("guest{number}_partner.example#EXT#");
        let mut guest = new_recipient(guid, id, RecipientKind::GuestMailUser, stamp.now);
        guest.name.clone_from(&alias);
        guest.display_name = format!("Guest {number}");
        guest.upn = format!("{alias}@{}", tenant.initial_domain());
        guest.alias = alias;
        guest.hidden = true;
        guest.legacy_dn = Tenant::legacy_dn(&hex, &format!("guest{number}"));
        guest.proxies = vec![Proxy::primary(&address)];
        guest.external = Some(address.clone());
        let user = User {
            id,
            upn: guest.upn.clone(),
            display_name: guest.display_name.clone(),
            mail_nickname: guest.alias.clone(),
            enabled: true,
            user_type: "Guest".to_owned(),
            external_state: Some("Accepted".to_owned()),
            usage_location: None,
            synced: false,
            licences: Vec::new(),
            mail: Some(address),
            proxies: Vec::new(),
            manager: None,
            attributes: guest.attributes.clone(),
            created: stamp.now,
            revision: 0,
            former_mailbox: None,
        };
        tenant.put_user(user, stamp);
        tenant.put_recipient(guest, stamp);
    }
}

/// Every fourth person has the next one as delegate; a few rights have lost their holder.
fn delegates(world: &mut World, tenant_id: Uuid, people: &[Person], stamp: Stamp) {
    let pairs = people.iter().zip(people.iter().cycle().skip(1));
    for (index, (owner, delegate)) in pairs.enumerate().filter(|(index, _)| index % 4 == 0) {
        let sid = format!("S-1-5-21-{}-{index}", world.random.below(4_000_000_000));
        let Some(tenant) = world.tenants.get_mut(&tenant_id) else { return };
        let Some(mut mailbox) = tenant.recipients.get(owner.recipient).cloned() else { continue };
        let who = Principal::Recipient(delegate.recipient);
        mailbox.send_on_behalf.push(delegate.recipient);
        if index % 8 == 0 {
            mailbox.rights.push(full_access(who.clone()));
            mailbox.send_as.push(who.clone());
            mailbox.rights.push(full_access(Principal::Orphan(sid.clone())));
        }
        folder_rights(tenant, &mailbox, &who, &Principal::Orphan(sid));
        tenant.put_recipient(mailbox, stamp);
    }
}

fn folder_rights(
    tenant: &mut Tenant,
    mailbox: &Recipient,
    delegate: &Principal,
    orphan: &Principal,
) {
    let Some(id) = mailbox.mailbox else { return };
    let folders =
        tenant.mailboxes.get(&id).map(crate::mailbox::Mailbox::folders).unwrap_or_default();
    for folder in folders {
        let calendar = folder.folder_type == "Calendar";
        let (right, flags) = match folder.folder_type.as_str() {
            "Calendar" => ("Editor", Some("Delegate,CanViewPrivateItems".to_owned())),
            "Inbox" => ("Reviewer", None),
            _ => continue,
        };
        let mut rights = default_folder_rights(calendar);
        if calendar && let Some(default) = rights.first_mut() {
            default.rights = vec!["LimitedDetails".to_owned()];
        }
        let row = |who: &Principal, right: &str, flags| FolderRight {
            who: who.clone(),
            rights: vec![right.to_owned()],
            flags,
        };
        rights.push(row(delegate, right, flags));
        rights.push(row(orphan, "Reviewer", None));
        tenant.folder_rights.insert((id, folder.id), rights);
    }
}
