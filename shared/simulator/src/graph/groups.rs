//! `/groups`: list, get, members and owners.

use http::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    Backend, GraphError, GraphResult, Select, filter, page, require, select,
    user_write::reference,
    users::{tenant, tenant_mut, typed},
};
use crate::{
    call::Call,
    directory::{Group, Tenant},
    reply::Reply,
    world::World,
};

const READ: [&str; 6] = [
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

/// Members or owners.
#[derive(Clone, Copy)]
enum List {
    Members,
    Owners,
}

impl List {
    fn parse(segment: &str) -> Option<Self> {
        match segment {
            "members" => Some(Self::Members),
            "owners" => Some(Self::Owners),
            _ => None,
        }
    }

    fn of(self, group: &Group) -> &[Uuid] {
        match self {
            Self::Members => &group.members,
            Self::Owners => &group.owners,
        }
    }

    fn of_mut(self, group: &mut Group) -> &mut Vec<Uuid> {
        match self {
            Self::Members => &mut group.members,
            Self::Owners => &mut group.owners,
        }
    }
}

pub(super) fn route(world: &mut World, call: &Call) -> Option<GraphResult> {
    let get = call.method == Method::GET;
    Some(match call.parts().as_slice() {
        ["groups"] if get => list(world, call),
        ["groups", id] if get => one(world, call, id),
        ["groups", id, part] if get => members(world, call, id, List::parse(part)?),
        ["groups", id, part, "$ref"] if call.method == Method::POST => {
            add(world, call, id, List::parse(part)?)
        }
        ["groups", id, part, member, "$ref"] if call.method == Method::DELETE => {
            remove(world, call, id, List::parse(part)?, member)
        }
        _ => return None,
    })
}

/// The group as a reply shows it.
pub(super) fn shown(group: &Group, select: &Select) -> Value {
    let types: Vec<&str> = if group.unified { vec!["Unified"] } else { Vec::new() };
    let options: Vec<&str> = if group.team { vec!["Team"] } else { Vec::new() };
    let proxies: Vec<String> = group.mail.iter().map(|mail| format!("SMTP:{mail}")).collect();
    let all = json!({
        "id": group.id.to_string(),
        "displayName": group.display_name,
        "mailNickname": group.mail_nickname,
        "mail": group.mail,
        "mailEnabled": group.mail_enabled,
        "securityEnabled": group.security_enabled,
        "groupTypes": types,
        "resourceProvisioningOptions": options,
        "proxyAddresses": proxies,
        "onPremisesSyncEnabled": if group.synced { json!(true) } else { Value::Null },
        "createdDateTime": group.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    });
    let Some(names) = select else { return all };
    let map: Map<String, Value> = match all {
        Value::Object(map) => map
            .into_iter()
            .filter(|(key, _)| {
                key == "id" || names.iter().any(|name| name.eq_ignore_ascii_case(key))
            })
            .collect(),
        _ => Map::new(),
    };
    Value::Object(map)
}

fn find<'a>(tenant: &'a Tenant, call: &Call, id: &str) -> Result<&'a Group, GraphError> {
    Uuid::parse_str(id)
        .ok()
        .and_then(|id| tenant.groups.seen(id, call.view, call.now))
        .ok_or_else(|| GraphError::no_resource(id))
}

fn list(world: &mut World, call: &Call) -> GraphResult {
    require(call, &READ, Backend::Directory)?;
    let filter = filter(call)?;
    let select = select(call);
    let tenant = tenant(world, call)?;
    let groups: Vec<&Group> = tenant
        .groups
        .all_seen(call.view, call.now)
        .filter(|group| filter.as_ref().is_none_or(|filter| filter.passes(&shown(group, &None))))
        .collect();
    let page = page(call, groups, 100, 999, |group| shown(group, &select))?;
    Ok(Reply::ok(&page.body(call)))
}

fn one(world: &mut World, call: &Call, id: &str) -> GraphResult {
    require(call, &READ, Backend::Directory)?;
    Ok(Reply::ok(&shown(find(tenant(world, call)?, call, id)?, &select(call))))
}

fn members(world: &mut World, call: &Call, id: &str, list: List) -> GraphResult {
    require(call, &READ, Backend::Directory)?;
    let select = select(call);
    let tenant = tenant(world, call)?;
    let group = find(tenant, call, id)?;
    let objects: Vec<Value> =
        list.of(group).iter().filter_map(|id| object(tenant, call, *id, &select)).collect();
    let page = page(call, objects, 100, 999, |object| object)?;
    Ok(Reply::ok(&page.body(call)))
}

/// A member: a user, a group or an organizational contact.
fn object(tenant: &Tenant, call: &Call, id: Uuid, select: &Select) -> Option<Value> {
    if let Some(user) = tenant.users.seen(id, call.view, call.now) {
        return Some(typed(super::user_form::shown(user, select), "#microsoft.graph.user"));
    }
    let group = tenant.groups.seen(id, call.view, call.now)?;
    Some(typed(shown(group, select), "#microsoft.graph.group"))
}

fn may_write(call: &Call, list: List) -> Result<(), GraphError> {
    let wide = ["Group.ReadWrite.All", "Directory.ReadWrite.All", "GroupMember.ReadWrite.All"];
    let needed = match list {
        List::Members => wide.as_slice(),
        List::Owners => wide.split_last().map_or(&[][..], |(_, owners)| owners),
    };
    require(call, needed, Backend::Directory)
}

fn writable(group: &Group) -> Result<(), GraphError> {
    if group.synced {
        return Err(GraphError::bad_request(
            "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.",
        ));
    }
    // Distribution lists and mail-enabled security groups belong to Exchange.
    if group.mail_enabled && !group.unified {
        return Err(GraphError::bad_request(
            "Cannot Update a mail-enabled security groups and or distribution list.",
        ));
    }
    Ok(())
}

fn add(world: &mut World, call: &Call, id: &str, list: List) -> GraphResult {
    may_write(call, list)?;
    let member = reference(&call.json()?)?;
    let tenant = tenant(world, call)?;
    let mut group = find(tenant, call, id)?.clone();
    writable(&group)?;
    let member = Uuid::parse_str(&member)
        .ok()
        .filter(|id| tenant.users.get(*id).is_some() || tenant.groups.get(*id).is_some())
        .ok_or_else(|| GraphError::no_resource(&member))?;
    if list.of(&group).contains(&member) {
        return Err(GraphError::bad_request(
            "One or more added object references already exist for the following modified properties: 'members'.",
        ));
    }
    list.of_mut(&mut group).push(member);
    store(world, call, group)
}

fn remove(world: &mut World, call: &Call, id: &str, list: List, member: &str) -> GraphResult {
    may_write(call, list)?;
    let tenant = tenant(world, call)?;
    let mut group = find(tenant, call, id)?.clone();
    writable(&group)?;
    let parsed = Uuid::parse_str(member).ok();
    let held = parsed.filter(|id| list.of(&group).contains(id));
    let held = held.ok_or_else(|| GraphError::no_resource(member))?;
    if matches!(list, List::Owners) && group.owners.len() == 1 && group.unified {
        return Err(GraphError::bad_request(
            "The group must have at least one owner, hence this owner cannot be removed.",
        ));
    }
    list.of_mut(&mut group).retain(|id| *id != held);
    store(world, call, group)
}

fn store(world: &mut World, call: &Call, group: Group) -> GraphResult {
    let stamp = world.stamp(call.view, call.now);
    tenant_mut(world, call)?.groups.put(group.id, group, stamp);
    Ok(Reply::no_content())
}
