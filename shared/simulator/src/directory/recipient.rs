//! What has an address in Exchange: mailboxes, mail users, contacts, distribution groups.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Attributes, Proxy, ProxyKind};

/// `RecipientTypeDetails`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecipientKind {
    UserMailbox,
    SharedMailbox,
    MailUser,
    GuestMailUser,
    MailContact,
    MailUniversalDistributionGroup,
    MailUniversalSecurityGroup,
    GroupMailbox,
}

impl RecipientKind {
    /// `RecipientTypeDetails` as Exchange writes it.
    pub(crate) fn details(self) -> &'static str {
        match self {
            Self::UserMailbox => "UserMailbox",
            Self::SharedMailbox => "SharedMailbox",
            Self::MailUser => "MailUser",
            Self::GuestMailUser => "GuestMailUser",
            Self::MailContact => "MailContact",
            Self::MailUniversalDistributionGroup => "MailUniversalDistributionGroup",
            Self::MailUniversalSecurityGroup => "MailUniversalSecurityGroup",
            Self::GroupMailbox => "GroupMailbox",
        }
    }

    /// `RecipientType` as Exchange writes it.
    pub(crate) fn coarse(self) -> &'static str {
        match self {
            Self::UserMailbox | Self::SharedMailbox => "UserMailbox",
            Self::MailUser | Self::GuestMailUser => "MailUser",
            Self::MailContact => "MailContact",
            Self::MailUniversalDistributionGroup | Self::GroupMailbox => {
                "MailUniversalDistributionGroup"
            }
            Self::MailUniversalSecurityGroup => "MailUniversalSecurityGroup",
        }
    }

    pub(crate) fn is_mailbox(self) -> bool {
        matches!(self, Self::UserMailbox | Self::SharedMailbox)
    }

    pub(crate) fn is_mail_user(self) -> bool {
        matches!(self, Self::MailUser | Self::GuestMailUser)
    }

    pub(crate) fn is_group(self) -> bool {
        matches!(
            self,
            Self::MailUniversalDistributionGroup
                | Self::MailUniversalSecurityGroup
                | Self::GroupMailbox
        )
    }

    /// Whether it can hold rights on mailboxes and folders.
    pub(crate) fn is_security_principal(self) -> bool {
        self.is_mailbox() || self.is_mail_user() || self == Self::MailUniversalSecurityGroup
    }
}

/// Who holds a right: somebody of the tenant, or what is left of somebody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Principal {
    /// A recipient's guid.
    Recipient(Uuid),
    /// A SID that resolves to nobody any more.
    Orphan(String),
    /// `Default`, `Anonymous`, `NT AUTHORITY\SELF`.
    WellKnown(String),
}

/// A right on a whole mailbox (Full Access and the like).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MailboxRight {
    pub(crate) who: Principal,
    pub(crate) rights: Vec<String>,
    pub(crate) inherited: bool,
    pub(crate) deny: bool,
}

/// A right on one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FolderRight {
    pub(crate) who: Principal,
    pub(crate) rights: Vec<String>,
    pub(crate) flags: Option<String>,
}

/// `Get-MailboxRegionalConfiguration`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Regional {
    pub(crate) language: Option<String>,
    pub(crate) time_zone: Option<String>,
    pub(crate) date_format: Option<String>,
    pub(crate) time_format: Option<String>,
}

/// `Get-MailboxAutoReplyConfiguration`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AutoReply {
    pub(crate) state: Option<String>,
    pub(crate) internal: Option<String>,
    pub(crate) external: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) start: Option<String>,
    pub(crate) end: Option<String>,
}

/// Where mail for a mailbox goes besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Forwarding {
    /// `ForwardingAddress`: a recipient of the tenant. It beats the SMTP address.
    pub(crate) recipient: Option<Uuid>,
    /// `ForwardingSmtpAddress`, without `smtp:`.
    pub(crate) smtp: Option<String>,
    /// `DeliverToMailboxAndForward`.
    pub(crate) keep_copy: bool,
}

/// A recipient.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recipient {
    /// Exchange's `Guid`.
    pub(crate) guid: Uuid,
    pub(crate) kind: RecipientKind,
    /// The account behind it, or the Entra group; a contact has its own object id.
    pub(crate) directory_id: Uuid,
    /// The CN, at most 64 characters, unique in the tenant.
    pub(crate) name: String,
    pub(crate) alias: String,
    pub(crate) display_name: String,
    /// The account's UPN; empty for contacts and groups.
    pub(crate) upn: String,
    pub(crate) proxies: Vec<Proxy>,
    /// `ExternalEmailAddress`, without `SMTP:`.
    pub(crate) external: Option<String>,
    /// `WindowsEmailAddress` when it was written on its own.
    pub(crate) shown_mail: Option<String>,
    pub(crate) legacy_dn: String,
    pub(crate) hidden: bool,
    pub(crate) forwarding: Forwarding,
    /// `ExchangeGuid`: the mailbox here, or, on a mail user, elsewhere.
    pub(crate) mailbox: Option<Uuid>,
    /// `ArchiveGuid`.
    pub(crate) archive: Option<Uuid>,
    pub(crate) litigation_hold: bool,
    pub(crate) send_on_behalf: Vec<Uuid>,
    pub(crate) rights: Vec<MailboxRight>,
    pub(crate) send_as: Vec<Principal>,
    pub(crate) attributes: Attributes,
    /// `ExtensionCustomAttribute1` to `5`.
    pub(crate) multi_attributes: BTreeMap<String, Vec<String>>,
    pub(crate) members: Vec<Uuid>,
    pub(crate) regional: Regional,
    pub(crate) auto_reply: AutoReply,
    pub(crate) synced: bool,
    pub(crate) cloud_managed: bool,
    pub(crate) created: Timestamp,
    pub(crate) changed: Timestamp,
    /// When the mailbox's store answers.
    pub(crate) open: Timestamp,
}

impl Recipient {
    /// The primary SMTP address; empty when there is none.
    pub(crate) fn primary(&self) -> &str {
        self.proxies
            .iter()
            .find(|proxy| proxy.kind == ProxyKind::Primary)
            .map_or("", |proxy| proxy.value.as_str())
    }

    /// Whether one of its addresses is this one.
    pub(crate) fn has_address(&self, key: &str) -> bool {
        self.proxies.iter().any(|proxy| proxy.may_be(key) && proxy.key() == key)
    }
}
