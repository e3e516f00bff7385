//! The application permissions that a migration asks consent for, for the pre-flight
//! ([`crate::TenantClient::missing_roles`]).

/// Graph permissions in both tenants.
pub const GRAPH_BOTH: &[&str] = &[
    "User.ReadWrite.All",
    "GroupMember.ReadWrite.All",
    "Group.ReadWrite.All",
    "TeamMember.ReadWrite.All",
    "Organization.Read.All",
    "Domain.Read.All",
    "MailboxFolder.ReadWrite.All",
    "MailboxItem.Read.All",
    "MailboxSettings.ReadWrite",
    "Files.ReadWrite.All",
    "Mail.Send",
];

/// Graph permissions that only the source needs: it exports.
pub const GRAPH_SOURCE: &[&str] = &["MailboxItem.Export.All"];

/// Graph permissions that only the target needs: it imports, licenses and invites.
pub const GRAPH_TARGET: &[&str] = &[
    "MailboxItem.ImportExport.All",
    "LicenseAssignment.ReadWrite.All",
    "User.Invite.All",
    "Sites.ReadWrite.All",
];

/// Exchange's permission, in both tenants. A directory role (Exchange Administrator, or Exchange
/// Recipient Administrator) comes on top; [`crate::Exchange::capabilities`] shows what it allows.
pub const EXCHANGE: &[&str] = &["Exchange.ManageAsApp"];
