//! OneDrive (A2 fills this).

use http::StatusCode;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{call::Call, graph::GraphResult, reply::Reply, world::World};

/// A user's drive.
#[derive(Clone, Debug)]
pub(crate) struct Drive {}

/// Graph requests about drives; `None` for what is not.
pub(crate) fn route(_world: &mut World, _call: &Call) -> Option<GraphResult> {
    None
}

/// Requests to a SharePoint host (`call.service` holds its first label): upload and download URLs,
/// and CSOM on the `-admin` host.
pub(crate) fn sharepoint(_world: &mut World, _call: &Call) -> Reply {
    Reply::empty(StatusCode::NOT_FOUND)
}

/// Makes the drive of a user, if there is none.
pub(crate) fn provision(world: &mut World, tenant: Uuid, user: Uuid, _now: Timestamp) {
    if let Some(tenant) = world.tenants.get_mut(&tenant) {
        tenant.drives.entry(user).or_insert(Drive {});
    }
}
