//! A person's account: the Entra side.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

/// Plain attributes by their Graph name (`jobTitle`, `extensionAttribute3`); absent means null.
pub(crate) type Attributes = BTreeMap<String, Value>;

/// A licence that is assigned to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AssignedLicence {
    pub(crate) sku: Uuid,
    pub(crate) disabled_plans: Vec<Uuid>,
}

/// A user account.
#[derive(Clone, Debug)]
pub(crate) struct User {
    /// The object id.
    pub(crate) id: Uuid,
    pub(crate) upn: String,
    pub(crate) display_name: String,
    pub(crate) mail_nickname: String,
    pub(crate) enabled: bool,
    /// `Member` or `Guest`.
    pub(crate) user_type: String,
    /// `PendingAcceptance` or `Accepted`, for guests only.
    pub(crate) external_state: Option<String>,
    pub(crate) usage_location: Option<String>,
    /// Mastered in an on-premises directory.
    pub(crate) synced: bool,
    pub(crate) licences: Vec<AssignedLicence>,
    /// The primary SMTP address, or what was written on a plain user.
    pub(crate) mail: Option<String>,
    /// As text, `SMTP:...`; mirrored from Exchange.
    pub(crate) proxies: Vec<String>,
    pub(crate) manager: Option<Uuid>,
    /// Every other attribute.
    pub(crate) attributes: Attributes,
    pub(crate) created: Timestamp,
    /// Counts the writes, for delta.
    pub(crate) revision: u64,
    /// A mailbox that the account had before its licence was taken.
    pub(crate) former_mailbox: Option<Uuid>,
}

/// A security group or a Microsoft 365 group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) id: Uuid,
    pub(crate) display_name: String,
    pub(crate) mail_nickname: String,
    pub(crate) mail: Option<String>,
    /// A Microsoft 365 group.
    pub(crate) unified: bool,
    pub(crate) mail_enabled: bool,
    pub(crate) security_enabled: bool,
    pub(crate) members: Vec<Uuid>,
    pub(crate) owners: Vec<Uuid>,
    /// Has a team.
    pub(crate) team: bool,
    pub(crate) synced: bool,
    pub(crate) created: Timestamp,
}
