//! Import URLs (A2 fills this).

use http::StatusCode;

use crate::{call::Call, reply::Reply, world::World};

/// Answers a request to `/api/gv1.0/...`; `call.path` is what follows.
pub(crate) fn answer(_world: &mut World, _call: &Call) -> Reply {
    Reply::empty(StatusCode::NOT_FOUND)
}
