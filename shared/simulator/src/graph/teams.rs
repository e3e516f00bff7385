//! `/teams/{id}/members`. A membership id is opaque and is not the user's id.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Backend, GraphError, GraphResult, page, require,
    users::{tenant, tenant_mut},
};
use crate::{
    call::Call,
    directory::{Group, Tenant},
    reply::Reply,
    world::World,
};

pub(super) fn route(world: &mut World, call: &Call) -> Option<GraphResult> {
    Some(match call.parts().as_slice() {
        ["teams", id, "members"] if call.method == Method::GET => members(world, call, id),
        ["teams", id, "members"] if call.method == Method::POST => add(world, call, id),
        ["teams", id, "members", membership] if call.method == Method::DELETE => {
            remove(world, call, id, membership)
        }
        ["users", id, "joinedTeams"] if call.method == Method::GET => joined(world, call, id),
        _ => return None,
    })
}

fn find<'a>(tenant: &'a Tenant, call: &Call, id: &str) -> Result<&'a Group, GraphError> {
    Uuid::parse_str(id)
        .ok()
        .and_then(|id| tenant.groups.seen(id, call.view, call.now))
        .filter(|group| group.team)
        .ok_or_else(|| {
            let text = format!("No team found with Group Id {id}");
            GraphError::new(StatusCode::NOT_FOUND, "NotFound", &text)
        })
}

fn membership(tenant: Uuid, team: Uuid, user: Uuid) -> String {
    STANDARD.encode(format!("MCMjMSMj{tenant}##{team}##{user}"))
}

fn shown(tenant: &Tenant, team: &Group, id: Uuid) -> Option<Value> {
    let user = tenant.users.get(id)?;
    let roles: Vec<&str> = if team.owners.contains(&id) {
        vec!["owner"]
    } else if user.user_type == "Guest" {
        vec!["guest"]
    } else {
        Vec::new()
    };
    Some(json!({
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "id": membership(tenant.id, team.id, id),
        "roles": roles,
        "displayName": user.display_name,
        "userId": id.to_string(),
        "email": user.mail,
        "tenantId": tenant.id.to_string(),
    }))
}

fn everyone(team: &Group) -> Vec<Uuid> {
    let mut all = team.members.clone();
    all.extend(team.owners.iter().filter(|id| !team.members.contains(id)));
    all
}

fn members(world: &mut World, call: &Call, id: &str) -> GraphResult {
    require(
        call,
        &[
            "TeamMember.Read.All",
            "TeamMember.ReadWrite.All",
            "TeamMember.ReadWriteNonOwnerRole.All",
        ],
        Backend::Teams,
    )?;
    let tenant = tenant(world, call)?;
    let team = find(tenant, call, id)?;
    let values: Vec<Value> =
        everyone(team).into_iter().filter_map(|id| shown(tenant, team, id)).collect();
    let page = page(call, values, 100, 999, |value| value)?;
    Ok(Reply::ok(&page.body(call)))
}

fn may_write(call: &Call, owner: bool) -> Result<(), GraphError> {
    let both = ["TeamMember.ReadWrite.All", "TeamMember.ReadWriteNonOwnerRole.All"];
    let needed = if owner { both.split_at(1).0 } else { &both };
    require(call, needed, Backend::Teams)
}

fn add(world: &mut World, call: &Call, id: &str) -> GraphResult {
    let body = call.json()?;
    let owner = body
        .get("roles")
        .and_then(Value::as_array)
        .is_some_and(|roles| roles.iter().any(|role| role == "owner"));
    may_write(call, owner)?;
    let user = body
        .get("user@odata.bind")
        .and_then(Value::as_str)
        .and_then(|link| link.rsplit("users").next())
        .map(|id| id.trim_matches(|c: char| "/()'".contains(c)).to_owned())
        .ok_or_else(|| GraphError::bad_request("The member must hold 'user@odata.bind'."))?;
    let tenant = tenant(world, call)?;
    let mut team = find(tenant, call, id)?.clone();
    let user = super::users::find(tenant, call, &user)?.id;
    if !team.members.contains(&user) {
        team.members.push(user);
    }
    if owner && !team.owners.contains(&user) {
        team.owners.push(user);
    }
    let body = shown(tenant, &team, user).unwrap_or_default();
    let stamp = world.stamp(call.view, call.now);
    tenant_mut(world, call)?.groups.put(team.id, team, stamp);
    Ok(Reply::json(StatusCode::CREATED, &body))
}

fn remove(world: &mut World, call: &Call, id: &str, wanted: &str) -> GraphResult {
    let tenant = tenant(world, call)?;
    let mut team = find(tenant, call, id)?.clone();
    let held = everyone(&team)
        .into_iter()
        .find(|user| membership(tenant.id, team.id, *user) == wanted)
        .ok_or_else(|| {
            GraphError::new(StatusCode::NOT_FOUND, "NotFound", "The membership does not exist.")
        })?;
    let owner = team.owners.contains(&held);
    may_write(call, owner)?;
    if owner && team.owners.len() == 1 {
        let text = "The last owner of a team cannot be removed.";
        return Err(GraphError::new(StatusCode::BAD_REQUEST, "BadRequest", text));
    }
    team.members.retain(|id| *id != held);
    team.owners.retain(|id| *id != held);
    let stamp = world.stamp(call.view, call.now);
    tenant_mut(world, call)?.groups.put(team.id, team, stamp);
    Ok(Reply::no_content())
}

fn joined(world: &mut World, call: &Call, id: &str) -> GraphResult {
    require(
        call,
        &[
            "Team.ReadBasic.All",
            "TeamSettings.Read.All",
            "TeamSettings.ReadWrite.All",
            "User.Read.All",
            "User.ReadWrite.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ],
        Backend::Teams,
    )?;
    let tenant = tenant(world, call)?;
    let user = super::users::find(tenant, call, id)?.id;
    let value: Vec<Value> = tenant
        .groups
        .all_seen(call.view, call.now)
        .filter(|group| group.team && everyone(group).contains(&user))
        .map(|group| json!({ "id": group.id.to_string(), "displayName": group.display_name }))
        .collect();
    Ok(Reply::ok(&json!({ "value": value })))
}
