//! The state of a tenant: Graph and Exchange are two views over it.

mod app;
mod claims;
mod proxy;
mod recipient;
mod replicated;
mod tenant;
mod user;
mod write;

pub(crate) use app::{
    AddressSpace, App, Certificate, OutboundRule, OutboundSpam, Outsider, Policies, Relationship,
    ServicePlan, Sku,
};
pub(crate) use claims::Claims;
pub(crate) use proxy::{Proxy, ProxyKind, bare, domain_of};
pub(crate) use recipient::{
    AutoReply, FolderRight, Forwarding, MailboxRight, Principal, Recipient, RecipientKind, Regional,
};
pub(crate) use replicated::{Objects, Side, Stamp, View};
pub(crate) use tenant::{SoftDeleted, Tenant};
pub(crate) use user::{AssignedLicence, Attributes, Group, User};
