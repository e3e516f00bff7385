//! What a licence does after a while.

use jiff::Timestamp;
use uuid::Uuid;

use crate::world::World;

/// A licence with Exchange takes effect on a user.
pub(crate) fn provision_mailbox(_world: &mut World, _tenant: Uuid, _user: Uuid, _now: Timestamp) {}
