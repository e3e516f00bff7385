//! Exchange Online through the admin endpoint that its PowerShell module uses.
//!
//! [`Exchange::invoke`] runs one cmdlet; the typed operations of this module's files are made of
//! it. Cmdlet and parameter names are Exchange's own.

mod invoke;
mod parameters;

use std::sync::Arc;

pub use self::{
    invoke::{Anchor, CmdletReply},
    parameters::Parameters,
};
use crate::wire::Wire;

/// Exchange Online of one tenant. Cheap to clone.
#[derive(Clone)]
pub struct Exchange {
    wire: Arc<Wire>,
}

impl Exchange {
    pub(crate) fn new(wire: Arc<Wire>) -> Self {
        Self { wire }
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("tenant", &self.wire.config.tenant).finish_non_exhaustive()
    }
}
