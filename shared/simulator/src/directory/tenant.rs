//! One tenant: everything that it holds.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{App, Claims, FolderRight, Group, Objects, Policies, Recipient, Sku, User};
use crate::{drive::Drive, mailbox::Mailbox};

/// A domain of the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Domain {
    pub(crate) name: String,
    pub(crate) initial: bool,
    pub(crate) default: bool,
    pub(crate) verified: bool,
}

/// What is left of a deleted recipient or user, restorable for thirty days.
#[derive(Clone, Debug)]
pub(crate) struct SoftDeleted {
    pub(crate) user: Option<User>,
    pub(crate) recipient: Option<Recipient>,
}

/// A tenant.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) domains: Vec<Domain>,
    pub(crate) users: Objects<User>,
    pub(crate) groups: Objects<Group>,
    pub(crate) recipients: Objects<Recipient>,
    /// Who holds which address.
    pub(crate) claims: Claims,
    pub(crate) deleted: BTreeMap<Uuid, SoftDeleted>,
    pub(crate) skus: Vec<Sku>,
    pub(crate) apps: BTreeMap<Uuid, App>,
    pub(crate) policies: Policies,
    /// Mailboxes and archives by `ExchangeGuid` or `ArchiveGuid`.
    pub(crate) mailboxes: BTreeMap<Uuid, Mailbox>,
    /// Drives by the owner's object id.
    pub(crate) drives: BTreeMap<Uuid, Drive>,
    /// Rights on folders, by mailbox guid and folder id; a folder without a row has the defaults.
    pub(crate) folder_rights: BTreeMap<(Uuid, String), Vec<FolderRight>>,
    /// Counts directory writes, for delta.
    pub(crate) revision: u64,
    /// Ids of users that were deleted, with the revision of their deletion.
    pub(crate) tombstones: BTreeMap<Uuid, u64>,
}

impl Tenant {
    /// An empty tenant with its initial domain and one verified default domain.
    pub(crate) fn new(id: Uuid, name: &str, initial: &str, vanity: &str) -> Self {
        let domain = |name: &str, initial| Domain {
            name: name.to_owned(),
            initial,
            default: !initial,
            verified: true,
        };
        Self {
            id,
            name: name.to_owned(),
            domains: vec![domain(vanity, false), domain(initial, true)],
            users: Objects::default(),
            groups: Objects::default(),
            recipients: Objects::default(),
            claims: Claims::default(),
            deleted: BTreeMap::new(),
            skus: Vec::new(),
            apps: BTreeMap::new(),
            policies: Policies::of_a_new_tenant(),
            mailboxes: BTreeMap::new(),
            drives: BTreeMap::new(),
            folder_rights: BTreeMap::new(),
            revision: 0,
            tombstones: BTreeMap::new(),
        }
    }

    /// The `...onmicrosoft.com` domain.
    pub(crate) fn initial_domain(&self) -> &str {
        self.domains.iter().find(|domain| domain.initial).map_or("", |domain| &domain.name)
    }

    /// The domain of new people.
    pub(crate) fn default_domain(&self) -> &str {
        self.domains
            .iter()
            .find(|domain| domain.default)
            .map_or_else(|| self.initial_domain(), |domain| &domain.name)
    }

    /// Whether the tenant accepts mail for a domain.
    pub(crate) fn accepts(&self, domain: &str) -> bool {
        self.domains.iter().any(|known| known.verified && known.name.eq_ignore_ascii_case(domain))
    }

    /// The recipient of an account or of an Entra group, as it is.
    pub(crate) fn recipient_of(&self, directory_id: Uuid) -> Option<&Recipient> {
        self.claims
            .holder(&Claims::directory_key(directory_id))
            .and_then(|guid| self.recipients.get(guid))
    }

    /// A user by id or UPN, as it is.
    pub(crate) fn user_by_name(&self, name: &str) -> Option<&User> {
        match Uuid::parse_str(name) {
            Ok(id) => self.users.get(id),
            Err(_) => self.users.all().find(|user| user.upn.eq_ignore_ascii_case(name)),
        }
    }

    /// Whose mailbox (or archive) it is.
    pub(crate) fn owner_of(&self, mailbox: Uuid) -> Option<&Recipient> {
        let guid = self.claims.holder(&Claims::mailbox_key(mailbox))?;
        self.recipients.get(guid).filter(|recipient| recipient.kind.is_mailbox())
    }
}
