//! Looking in from outside.

use http::StatusCode;

use crate::{call::Call, reply::Reply, world::World};

pub(crate) fn answer(_world: &mut World, _call: &Call) -> Reply {
    Reply::empty(StatusCode::NOT_FOUND)
}
