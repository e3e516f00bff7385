//! Exchange Online through the admin endpoint that its PowerShell module uses.
//!
//! [`Exchange::invoke`] runs one cmdlet; the typed operations of this module's files are made of
//! it. Cmdlet and parameter names are Exchange's own.

mod batch;
mod capabilities;
mod contact;
mod folder;
mod group;
mod invoke;
mod mail_user;
mod mailbox;
mod organization;
mod parameters;
mod permission;
mod proxy_address;
mod recipient;
mod record;

use std::sync::Arc;

use serde_json::Value;

pub use self::{
    batch::{CMDLET_BATCH_MAX, CmdletCall, CmdletOutcome},
    capabilities::Capabilities,
    contact::NewMailContact,
    folder::{FolderGrant, FolderPermission, FolderStatistics, folder_identity},
    invoke::{Anchor, CmdletReply},
    mail_user::NewMailUser,
    mailbox::{
        AutoReplyConfiguration, Copies, ForwardTo, MailboxStatistics, RegionalConfiguration,
    },
    organization::{
        AcceptedDomain, AvailabilityAddressSpace, AvailabilityConfig, OrganizationRelationship,
        OutboundSpamPolicy, OutboundSpamRule, RemoteDomain,
    },
    parameters::Parameters,
    permission::{AutoMapping, MailboxPermission, MailboxRights, RecipientPermission},
    proxy_address::{AddressKind, ProxyAddress, ProxyAddressError},
    recipient::{Recipient, RecipientTypeDetails, filter_literal},
};
use crate::{TenantError, wire::Wire};

/// Exchange Online of one tenant. Cheap to clone.
#[derive(Clone)]
pub struct Exchange {
    wire: Arc<Wire>,
}

impl Exchange {
    pub(crate) fn new(wire: Arc<Wire>) -> Self {
        Self { wire }
    }

    /// Runs a cmdlet on the directory for its effect.
    async fn run(&self, cmdlet: &'static str, parameters: Parameters) -> Result<(), TenantError> {
        self.invoke(cmdlet, parameters, &Anchor::Tenant).await.map(|_reply| ())
    }

    /// Runs a cmdlet for its objects.
    async fn read(
        &self,
        cmdlet: &'static str,
        parameters: Parameters,
        anchor: &Anchor,
    ) -> Result<Vec<Value>, TenantError> {
        self.invoke(cmdlet, parameters, anchor).await.map(|reply| reply.values)
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("tenant", &self.wire.config.tenant).finish_non_exhaustive()
    }
}
