//! OneDrive: drives under Graph, the addresses that Graph hands out, and the site that is asked for.

mod address;
mod csom;
mod delta;
mod download;
mod error;
mod files;
mod form;
mod items;
mod names;
mod permissions;
mod store;
#[cfg(test)]
mod tests;
mod upload;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

pub(crate) use permissions::{Grant, Grantee};
pub(crate) use store::{Drive, Entry, File, Kind, ROOT};

use crate::{
    call::Call,
    directory::Tenant,
    graph::{Backend, GraphError, GraphResult, require},
    reply::Reply,
    world::World,
};

const READ: [&str; 5] = [
    "Files.Read.All",
    "Files.ReadWrite.All",
    "Sites.Read.All",
    "Sites.ReadWrite.All",
    "Sites.FullControl.All",
];
const WRITE: [&str; 3] = ["Files.ReadWrite.All", "Sites.ReadWrite.All", "Sites.FullControl.All"];
/// Upload sessions need more than other writes.
const UPLOAD: [&str; 2] = ["Sites.ReadWrite.All", "Sites.FullControl.All"];

/// Graph requests about drives; `None` for what is not.
pub(crate) fn route(world: &mut World, call: &Call) -> Option<GraphResult> {
    let path = call.parts();
    let answer = match path.as_slice() {
        ["users", user, "drive", rest @ ..] => {
            of_user(world, call, user).and_then(|owner| in_drive(world, call, owner, rest))
        }
        ["users", user, "drives"] => of_user(world, call, user).and_then(|owner| {
            let drive = in_drive(world, call, owner, &[])?;
            let drive: serde_json::Value = serde_json::from_slice(&drive.body).unwrap_or_default();
            Ok(Reply::ok(&json!({ "value": [drive] })))
        }),
        ["drives", id, rest @ ..] => match store::owner_of(call.tenant(), id) {
            Some(owner) => in_drive(world, call, owner, rest),
            None => Err(error::not_found()),
        },
        _ => return None,
    };
    Some(answer)
}

fn tenant<'a>(world: &'a World, call: &Call) -> Result<&'a Tenant, GraphError> {
    world.tenants.get(&call.tenant()).ok_or_else(error::not_found)
}

/// The owner of a person's drive, if there is one.
fn of_user(world: &World, call: &Call, user: &str) -> Result<Uuid, GraphError> {
    require(call, &READ, Backend::Files)?;
    let tenant = tenant(world, call)?;
    let user = tenant.user_by_name(user).ok_or_else(|| GraphError::no_resource(user))?;
    if !tenant.drives.contains_key(&user.id) {
        return Err(error::no_site());
    }
    Ok(user.id)
}

fn in_drive(world: &mut World, call: &Call, owner: Uuid, rest: &[&str]) -> GraphResult {
    let uploads = rest.last() == Some(&"createUploadSession");
    let allowed: &[&str] = match call.method {
        Method::GET => &READ,
        _ if uploads => &UPLOAD,
        _ => &WRITE,
    };
    require(call, allowed, Backend::Files)?;
    if rest.is_empty() {
        let tenant = tenant(world, call)?;
        let drive = tenant.drives.get(&owner).ok_or_else(error::not_found)?;
        let user = tenant.users.get(owner).ok_or_else(error::not_found)?;
        return Ok(Reply::ok(&form::drive(drive, user, &world.config.content, call)));
    }
    items::answer(world, call, owner, rest)
}

/// Requests to a SharePoint host (`call.service` holds its first label): upload and download URLs,
/// and CSOM on the `-admin` host.
pub(crate) fn sharepoint(world: &mut World, call: &Call) -> Reply {
    let path = call.parts();
    if let ["personal", owner, ..] = path.as_slice() {
        let owner = Uuid::try_parse(owner).unwrap_or_default();
        let World { tenants, budgets, config, .. } = &mut *world;
        let tenant = tenants.values().find(|tenant| tenant.drives.contains_key(&owner));
        let tenant = tenant.map_or(Uuid::nil(), |tenant| tenant.id);
        match budgets.spend_transfer(&config.throttling, call, tenant) {
            Ok(headroom) => return headroom.tell(transfer(world, call)),
            Err(reply) => return reply,
        }
    }
    transfer(world, call)
}

fn transfer(world: &mut World, call: &Call) -> Reply {
    let path = call.parts();
    let answer = match path.as_slice() {
        ["_vti_bin", "client.svc", "ProcessQuery"] => csom::answer(world, call),
        ["personal", _, "_layouts", "15", "download.aspx"] => download::answer(world, call),
        ["personal", owner, "_api", "v2.0", "drives", _, "uploadSession"] => {
            let owner = (*owner).to_owned();
            upload::answer(world, call, &owner)
        }
        _ => return Reply::text(StatusCode::NOT_FOUND, "404 FILE NOT FOUND"),
    };
    answer.unwrap_or_else(Reply::from)
}

/// Makes the drive of a user, if there is none.
pub(crate) fn provision(world: &mut World, tenant: Uuid, user: Uuid, now: Timestamp) {
    if let Some(tenant) = world.tenants.get_mut(&tenant) {
        let name = tenant.initial_domain().split('.').next().unwrap_or_default();
        let host = format!("{name}-my");
        let id = tenant.id;
        tenant.drives.entry(user).or_insert_with(|| Drive::new(id, user, &host, now));
    }
}
