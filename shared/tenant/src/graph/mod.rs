//! Microsoft Graph, by hand and only what the migration uses.
//!
//! [`Graph::get`] and its siblings start a [`GraphCall`] on a path of segments; the typed
//! operations of this module's files are made of them. Property names are Graph's own.

mod batch;
mod call;
pub mod drive;
mod group;
mod licence;
mod mail;
pub mod mailbox_content;
mod mailbox_settings;
mod mend;
mod organization;
mod side_data;
mod user;

use std::sync::Arc;

use http::Method;
use serde::{Deserialize, Deserializer};
use url::Url;

pub use self::{
    batch::{BATCH_MAX, BatchOrder, BatchOutcome},
    call::{GraphCall, Page},
    group::{DirectoryObject, GraphGroup, TeamMember},
    licence::{LicenseDetails, PrepaidUnits, ServicePlan, SubscribedSku},
    mail::{Invitation, InvitedUser, Mail, MailAttachment, MailBody, NewInvitation},
    mailbox_settings::{Locale, MailboxSettings},
    organization::{Domain, Organization, VerifiedDomain},
    side_data::{OutlookCategory, SideData},
    user::{AssignedLicense, GraphUser, UserQuery, quoted},
};
use crate::{
    Lane, Operation, TenantError,
    wire::{Effect, Wire},
};

/// Microsoft Graph of one tenant. Cheap to clone.
#[derive(Clone)]
pub struct Graph {
    wire: Arc<Wire>,
}

impl Graph {
    pub(crate) fn new(wire: Arc<Wire>) -> Self {
        Self { wire }
    }

    /// A read of `/v1.0/{path}`. Each element of the path is one segment and is escaped.
    pub fn get(&self, operation: Operation, path: &[&str]) -> GraphCall {
        self.call(operation, Method::GET, path, Effect::Read)
    }

    /// A POST to `/v1.0/{path}`, taken for a write; [`GraphCall::read_only`] says otherwise.
    pub fn post(&self, operation: Operation, path: &[&str]) -> GraphCall {
        self.call(operation, Method::POST, path, Effect::Write)
    }

    /// A PATCH of `/v1.0/{path}`.
    pub fn patch(&self, operation: Operation, path: &[&str]) -> GraphCall {
        self.call(operation, Method::PATCH, path, Effect::Write)
    }

    /// A PUT to `/v1.0/{path}`.
    pub fn put(&self, operation: Operation, path: &[&str]) -> GraphCall {
        self.call(operation, Method::PUT, path, Effect::Write)
    }

    /// A DELETE of `/v1.0/{path}`.
    pub fn delete(&self, operation: Operation, path: &[&str]) -> GraphCall {
        self.call(operation, Method::DELETE, path, Effect::Write)
    }

    /// A read of a link that Graph sent (`@odata.nextLink`, `@odata.deltaLink`), verbatim. A link
    /// that leaves Graph's address is refused: it would be sent the token.
    pub fn follow(&self, operation: Operation, link: &str) -> GraphCall {
        GraphCall::follow(Arc::clone(&self.wire), operation, link)
    }

    /// A call to a pre-authenticated address that Graph handed out (import, upload, download). It
    /// carries no token, and must not: some of them refuse one. PUT, POST and DELETE are taken for
    /// writes.
    pub fn opaque(&self, operation: Operation, method: Method, url: &str) -> GraphCall {
        GraphCall::opaque(Arc::clone(&self.wire), operation, method, url)
    }

    /// The full address of an object below `/v1.0`, as references in bodies (`@odata.id`) want it;
    /// `None` if a segment is empty or a dot.
    pub fn address(&self, path: &[&str]) -> Option<Url> {
        call::address(&self.wire.config.endpoints.graph, call::V1, path)
    }

    /// [`Graph::address`], or the refusal of an operation that needs it.
    fn reference(&self, operation: Operation, path: &[&str]) -> Result<String, TenantError> {
        let address = self.address(path).map(String::from);
        address.ok_or_else(|| TenantError::refused(operation.name, "an object id is empty"))
    }

    fn call(
        &self,
        operation: Operation,
        method: Method,
        path: &[&str],
        effect: Effect,
    ) -> GraphCall {
        let wire = Arc::clone(&self.wire);
        let call = GraphCall::new(wire, operation, method, path, effect);
        call.lane(Lane::Directory { units: 1 })
    }
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph").field("tenant", &self.wire.config.tenant).finish_non_exhaustive()
    }
}

/// Reads a property that Graph may send as `null` although it has an empty value.
fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}
