//! `/users`: list, create, get, update, delete, manager, memberOf, restore.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Backend, GraphError, GraphResult, filter, page, require, select,
    user_form::{check_select, partial, shown, whole},
    user_write::{self, apply},
};
use crate::{
    call::Call,
    directory::{Tenant, User},
    reply::Reply,
    world::World,
};

pub(super) const READ: [&str; 5] = [
    "User.Read.All",
    "User.ReadWrite.All",
    "User.ReadBasic.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
pub(super) const WRITE: [&str; 2] = ["User.ReadWrite.All", "Directory.ReadWrite.All"];

pub(super) fn route(world: &mut World, call: &Call) -> Option<GraphResult> {
    let parts = call.parts();
    let method = &call.method;
    Some(match parts.as_slice() {
        ["users"] if method == Method::GET => list(world, call),
        ["users"] if method == Method::POST => create(world, call),
        ["users", "delta"] => return None,
        ["users", id] if method == Method::GET => get(world, call, id),
        ["users", id] if method == Method::PATCH => update(world, call, id),
        ["users", id] if method == Method::DELETE => delete(world, call, id),
        ["users"] | ["users", _] => Err(GraphError::method()),
        ["users", id, "manager"] if method == Method::GET => manager(world, call, id),
        ["users", id, "manager", "$ref"] => set_manager(world, call, id),
        ["users", id, "memberOf" | "transitiveMemberOf"] => member_of(world, call, id),
        ["directory", "deletedItems", id, "restore"] if method == Method::POST => {
            restore(world, call, id)
        }
        _ => return None,
    })
}

/// The caller's tenant.
pub(super) fn tenant<'a>(world: &'a World, call: &Call) -> Result<&'a Tenant, GraphError> {
    world.tenants.get(&call.tenant()).ok_or_else(|| GraphError::no_resource("tenant"))
}

/// The caller's tenant, to write to.
pub(super) fn tenant_mut<'a>(
    world: &'a mut World,
    call: &Call,
) -> Result<&'a mut Tenant, GraphError> {
    world.tenants.get_mut(&call.tenant()).ok_or_else(|| GraphError::no_resource("tenant"))
}

/// A user by id or UPN, as the call's server sees it.
pub(crate) fn find<'a>(
    tenant: &'a Tenant,
    call: &Call,
    name: &str,
) -> Result<&'a User, GraphError> {
    let seen = match Uuid::parse_str(name) {
        Ok(id) => tenant.users.seen(id, call.view, call.now),
        Err(_) => tenant
            .users
            .all_seen(call.view, call.now)
            .find(|user| user.upn.eq_ignore_ascii_case(name)),
    };
    seen.ok_or_else(|| GraphError::no_resource(name))
}

/// The user as it is, for a write.
pub(super) fn current(tenant: &Tenant, call: &Call, name: &str) -> Result<User, GraphError> {
    let id = find(tenant, call, name)?.id;
    tenant.users.get(id).cloned().ok_or_else(|| GraphError::no_resource(name))
}

fn list(world: &mut World, call: &Call) -> GraphResult {
    require(call, &READ, Backend::Directory)?;
    let filter = filter(call)?;
    let select = select(call);
    let default = usize::from(world.config.rules.graph_page);
    let tenant = tenant(world, call)?;
    if let Some(any) = tenant.users.all().next() {
        check_select(&select, &whole(any))?;
    }
    let names = filter.as_ref().map(|filter| filter.names()).unwrap_or_default();
    let users: Vec<&User> = tenant
        .users
        .all_seen(call.view, call.now)
        .filter(|user| {
            filter.as_ref().is_none_or(|filter| {
                filter.passes(&Value::Object(partial(user, |name| names.contains(name))))
            })
        })
        .collect();
    let page = page(call, users, default, 999, |user| shown(user, &select))?;
    Ok(Reply::ok(&page.body(call)))
}

fn get(world: &mut World, call: &Call, id: &str) -> GraphResult {
    require(call, &READ, Backend::Directory)?;
    let select = select(call);
    let user = find(tenant(world, call)?, call, id)?;
    check_select(&select, &whole(user))?;
    Ok(Reply::ok(&shown(user, &select)))
}

fn create(world: &mut World, call: &Call) -> GraphResult {
    require(call, &WRITE, Backend::Directory)?;
    let body = call.json()?;
    for name in
        ["accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile"]
    {
        if body.get(name).is_none_or(Value::is_null) {
            let text = format!("A value is required for property '{name}' of resource 'User'.");
            return Err(GraphError::bad_request(&text));
        }
    }
    if body.pointer("/passwordProfile/password").and_then(Value::as_str).is_none() {
        return Err(GraphError::bad_request(
            "The specified password does not comply with password complexity requirements. Please provide a different password.",
        ));
    }
    let mut user = empty(world.random.guid(), call);
    apply(tenant(world, call)?, &mut user, &body, call, true)?;
    let stamp = world.stamp(call.view, call.now);
    tenant_mut(world, call)?.put_user(user.clone(), stamp);
    Ok(Reply::json(StatusCode::CREATED, &shown(&user, &None)))
}

/// An account with nothing in it yet.
pub(crate) fn empty(id: Uuid, call: &Call) -> User {
    User {
        id,
        upn: String::new(),
        display_name: String::new(),
        mail_nickname: String::new(),
        enabled: true,
        user_type: "Member".to_owned(),
        external_state: None,
        usage_location: None,
        synced: false,
        licences: Vec::new(),
        mail: None,
        proxies: Vec::new(),
        manager: None,
        attributes: BTreeMap::new(),
        created: call.now,
        revision: 0,
        former_mailbox: None,
    }
}

fn update(world: &mut World, call: &Call, id: &str) -> GraphResult {
    require(call, &WRITE, Backend::Directory)?;
    let body = call.json()?;
    let mut user = current(tenant(world, call)?, call, id)?;
    apply(tenant(world, call)?, &mut user, &body, call, false)?;
    let mail = body.get("mail").and_then(Value::as_str).map(str::to_owned);
    let stamp = world.stamp(call.view, call.now);
    let tenant = tenant_mut(world, call)?;
    if let Some(mail) = mail {
        user_write::add_mail(tenant, &user, &mail, stamp)?;
        if let Some(recipient) = tenant.recipient_of(user.id) {
            user.proxies = recipient.proxies.iter().map(ToString::to_string).collect();
            user.mail = Some(mail);
        }
    }
    tenant.put_user(user, stamp);
    Ok(Reply::no_content())
}

fn delete(world: &mut World, call: &Call, id: &str) -> GraphResult {
    require(call, &["User.ReadWrite.All", "User.DeleteRestore.All"], Backend::Directory)?;
    let id = find(tenant(world, call)?, call, id)?.id;
    let stamp = world.stamp(call.view, call.now);
    tenant_mut(world, call)?.delete_user(id, stamp);
    Ok(Reply::no_content())
}

fn restore(world: &mut World, call: &Call, id: &str) -> GraphResult {
    require(call, &["User.ReadWrite.All", "User.DeleteRestore.All"], Backend::Directory)?;
    let stamp = world.stamp(call.view, call.now);
    let missing = || GraphError::no_resource(id);
    let parsed = Uuid::parse_str(id).map_err(|_fault| missing())?;
    let user = tenant_mut(world, call)?.restore_user(parsed, stamp).ok_or_else(missing)?;
    Ok(Reply::ok(&typed(shown(&user, &None), "#microsoft.graph.user")))
}

/// An object with its type, for polymorphic collections.
pub(super) fn typed(mut object: Value, name: &str) -> Value {
    if let Some(map) = object.as_object_mut() {
        map.insert("@odata.type".to_owned(), json!(name));
    }
    object
}

fn manager(world: &mut World, call: &Call, id: &str) -> GraphResult {
    require(call, &READ, Backend::Directory)?;
    let tenant = tenant(world, call)?;
    let user = find(tenant, call, id)?;
    let manager = user
        .manager
        .and_then(|id| tenant.users.seen(id, call.view, call.now))
        .ok_or_else(|| GraphError::no_resource("manager"))?;
    Ok(Reply::ok(&typed(shown(manager, &select(call)), "#microsoft.graph.user")))
}

fn set_manager(world: &mut World, call: &Call, id: &str) -> GraphResult {
    require(call, &WRITE, Backend::Directory)?;
    let tenant = tenant(world, call)?;
    let mut user = current(tenant, call, id)?;
    match call.method {
        Method::PUT => {
            let manager = user_write::reference(&call.json()?)?;
            user.manager = Some(find(tenant, call, &manager)?.id);
        }
        Method::DELETE => {
            if user.manager.take().is_none() {
                return Err(GraphError::no_resource("manager"));
            }
        }
        _ => return Err(GraphError::method()),
    }
    let stamp = world.stamp(call.view, call.now);
    tenant_mut(world, call)?.put_user(user, stamp);
    Ok(Reply::no_content())
}

fn member_of(world: &mut World, call: &Call, id: &str) -> GraphResult {
    require(
        call,
        &[
            "Directory.Read.All",
            "Directory.ReadWrite.All",
            "GroupMember.Read.All",
            "Group.Read.All",
        ],
        Backend::Directory,
    )?;
    let tenant = tenant(world, call)?;
    let id = find(tenant, call, id)?.id;
    let groups: Vec<_> = tenant.groups.all().filter(|group| group.members.contains(&id)).collect();
    let select = select(call);
    let page = page(call, groups, 100, 999, |group| {
        typed(super::groups::shown(group, &select), "#microsoft.graph.group")
    })?;
    Ok(Reply::ok(&page.body(call)))
}
