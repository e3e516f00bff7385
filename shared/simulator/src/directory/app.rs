//! What else a tenant has: apps with their consents, licences to give, policies.

use std::collections::BTreeMap;

use uuid::Uuid;

/// An app registration with its consents in this tenant.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) client_id: Uuid,
    pub(crate) name: String,
    pub(crate) secret: Option<String>,
    /// Secrets that it had, and whose time is over.
    pub(crate) expired_secrets: Vec<String>,
    pub(crate) certificate: Option<Certificate>,
    /// Federated identity credentials: outside identities that may speak for the app.
    pub(crate) trusts: Vec<Outsider>,
    /// Application permissions by resource, for instance `https://graph.microsoft.com`.
    pub(crate) roles: BTreeMap<String, Vec<String>>,
    /// `Exchange Administrator` and the like.
    pub(crate) directory_roles: Vec<String>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl App {
    /// A migration app with every consent that a migration needs, Exchange's, and the role
    /// Exchange Administrator.
    pub(crate) fn migration(client_id: Uuid, secret: &str) -> Self {
        const GRAPH: [&str; 27] = [
            "User.ReadWrite.All",
            "User.Read.All",
            "User.Invite.All",
            "LicenseAssignment.ReadWrite.All",
            "GroupMember.ReadWrite.All",
            "Group.ReadWrite.All",
            "TeamMember.ReadWrite.All",
            "TeamMember.ReadWriteNonOwnerRole.All",
            "OrgContact.Read.All",
            "Organization.Read.All",
            "Domain.Read.All",
            "Directory.Read.All",
            "MailboxFolder.Read.All",
            "MailboxFolder.ReadWrite.All",
            "MailboxItem.Read.All",
            "MailboxItem.Export.All",
            "MailboxItem.ImportExport.All",
            "MailboxItem.ReadWrite.All",
            "MailboxSettings.ReadWrite",
            "Calendars.ReadWrite",
            "Mail.ReadWrite",
            "Mail.Send",
            "Files.ReadWrite.All",
            "Sites.ReadWrite.All",
            "Sites.FullControl.All",
            "User.DeleteRestore.All",
            "User-PasswordProfile.ReadWrite.All",
        ];
        let words = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let mut roles = BTreeMap::new();
        roles.insert("https://graph.microsoft.com".to_owned(), words(&GRAPH));
        roles.insert(
            "https://outlook.office365.com".to_owned(),
            words(&["Exchange.ManageAsApp", "Exchange.ManageAsAppV2"]),
        );
        Self {
            client_id,
            name: "Crosswave".to_owned(),
            secret: Some(secret.to_owned()),
            expired_secrets: Vec::new(),
            certificate: None,
            trusts: Vec::new(),
            roles,
            directory_roles: words(&["Exchange Administrator", "SharePoint Administrator"]),
        }
    }
}

/// A certificate that an app signs its assertions with.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    /// `x5t#S256`: base64url of the SHA-256 of the DER form.
    pub(crate) thumbprint: String,
    /// The public key as PEM; without one the signature is not checked.
    pub(crate) public_key_pem: Option<String>,
}

/// An identity of an outside issuer that an app trusts, for the one audience that Entra knows.
#[derive(Clone, Debug)]
pub(crate) struct Outsider {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    /// The issuer's public key as PEM: what Entra would fetch from the issuer.
    pub(crate) public_key_pem: String,
}

/// A licence product with its seats.
#[derive(Clone, Debug)]
pub(crate) struct Sku {
    pub(crate) id: Uuid,
    pub(crate) part_number: String,
    pub(crate) seats: u32,
    pub(crate) plans: Vec<ServicePlan>,
}

/// A service plan of a product.
#[derive(Clone, Debug)]
pub(crate) struct ServicePlan {
    pub(crate) id: Uuid,
    pub(crate) name: String,
}

/// Policies and relations of the tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policies {
    /// Outbound spam policies by name; `Default` is always there.
    pub(crate) outbound_spam: Vec<OutboundSpam>,
    pub(crate) outbound_rules: Vec<OutboundRule>,
    /// `Get-RemoteDomain Default`, `AutoForwardEnabled`.
    pub(crate) remote_domain_blocks_forwarding: bool,
    pub(crate) relationships: Vec<Relationship>,
    /// Tenant ids of `Get-AvailabilityConfig`.
    pub(crate) availability_tenants: Vec<String>,
    pub(crate) address_spaces: Vec<AddressSpace>,
}

impl Policies {
    /// What Microsoft sets up: forwarding outside is blocked.
    pub(crate) fn of_a_new_tenant() -> Self {
        let default = OutboundSpam {
            name: "Default".to_owned(),
            auto_forwarding_mode: "Automatic".to_owned(),
        };
        Self { outbound_spam: vec![default], ..Self::default() }
    }
}

/// `HostedOutboundSpamFilterPolicy`.
#[derive(Clone, Debug)]
pub(crate) struct OutboundSpam {
    pub(crate) name: String,
    /// `Automatic` (which means Off), `Off`, `On`.
    pub(crate) auto_forwarding_mode: String,
}

/// `HostedOutboundSpamFilterRule`: which policy is for whom.
#[derive(Clone, Debug)]
pub(crate) struct OutboundRule {
    pub(crate) name: String,
    pub(crate) policy: String,
    pub(crate) from: Vec<String>,
    pub(crate) from_member_of: Vec<String>,
    pub(crate) sender_domains: Vec<String>,
    pub(crate) priority: u32,
    pub(crate) enabled: bool,
}

/// `OrganizationRelationship`.
#[derive(Clone, Debug)]
pub(crate) struct Relationship {
    pub(crate) name: String,
    pub(crate) domains: Vec<String>,
    pub(crate) free_busy: bool,
    pub(crate) level: String,
    pub(crate) enabled: bool,
}

/// `AvailabilityAddressSpace`.
#[derive(Clone, Debug)]
pub(crate) struct AddressSpace {
    pub(crate) forest: String,
    pub(crate) target_tenant: Option<String>,
}
