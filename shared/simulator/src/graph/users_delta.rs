use super::GraphResult;
use crate::{call::Call, world::World};

pub(super) fn route(_world: &mut World, _call: &Call) -> Option<GraphResult> {
    None
}
