//! `POST /$batch` (A2 fills this).

use http::StatusCode;

use super::{GraphError, GraphResult};
use crate::{call::Call, world::World};

pub(crate) fn answer(_world: &mut World, _call: &Call) -> GraphResult {
    Err(GraphError::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", "No batches yet."))
}
