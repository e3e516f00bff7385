//! What is set once per tenant: domains, forwarding policy, free/busy with the other tenant.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Anchor, Exchange, Parameters, record::Record};
use crate::TenantError;

/// A domain whose mail the tenant accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AcceptedDomain {
    /// The domain, in lower case.
    pub domain_name: String,
    /// `Authoritative` or `InternalRelay`.
    pub domain_type: String,
    /// New addresses get it.
    pub is_default: bool,
    /// It is the tenant's initial (onmicrosoft) domain.
    pub initial_domain: bool,
}

/// How mail to other organizations' domains is treated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RemoteDomain {
    /// The name.
    pub name: String,
    /// The domain, `*` for all others.
    pub domain_name: String,
    /// Automatic forwarding to it is allowed.
    pub auto_forward_enabled: bool,
}

/// What an outbound spam policy says of forwarding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutboundSpamPolicy {
    /// The name.
    pub name: String,
    /// The tenant's default policy.
    pub is_default: bool,
    /// `On` allows forwarding to outside; `Off` forbids it, and so does `Automatic`.
    pub auto_forwarding_mode: String,
}

impl OutboundSpamPolicy {
    /// Whether mailboxes under this policy may forward to other organizations.
    pub fn allows_forwarding(&self) -> bool {
        self.auto_forwarding_mode.eq_ignore_ascii_case("On")
    }
}

/// To whom an outbound spam policy applies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutboundSpamRule {
    /// The name.
    pub name: String,
    /// The policy's name.
    pub policy: String,
    /// `Enabled` or `Disabled`.
    pub state: String,
    /// The smallest number wins.
    pub priority: Option<u64>,
    /// Senders.
    pub from: Vec<String>,
    /// Groups of senders.
    pub from_member_of: Vec<String>,
    /// Domains of senders.
    pub sender_domain_is: Vec<String>,
}

/// Trust in another organization for free/busy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OrganizationRelationship {
    /// The name.
    pub name: String,
    /// The other organization's domains.
    pub domain_names: Vec<String>,
    /// It is in force.
    pub enabled: bool,
    /// The other side may see free/busy.
    pub free_busy_access_enabled: bool,
    /// `None`, `AvailabilityOnly`, `LimitedDetails`.
    pub free_busy_access_level: String,
}

/// Which tenants may ask this one for free/busy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AvailabilityConfig {
    /// Their GUIDs; at most 25.
    pub allowed_tenant_ids: Vec<Uuid>,
}

/// Where this tenant asks for the free/busy of a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AvailabilityAddressSpace {
    /// The domain.
    pub forest_name: String,
    /// `OrgWideFBToken`, `OrgWideFB`…
    pub access_method: String,
    /// The tenant that is asked.
    pub target_tenant_id: Option<Uuid>,
}

impl Exchange {
    /// The domains whose mail the tenant accepts.
    pub async fn accepted_domains(&self) -> Result<Vec<AcceptedDomain>, TenantError> {
        self.rows("Get-AcceptedDomain", |record| AcceptedDomain {
            domain_name: record.words("DomainName").to_lowercase(),
            domain_type: record.words("DomainType"),
            is_default: record.flag("Default"),
            initial_domain: record.flag("InitialDomain"),
        })
        .await
    }

    /// How mail to other domains is treated.
    pub async fn remote_domains(&self) -> Result<Vec<RemoteDomain>, TenantError> {
        self.rows("Get-RemoteDomain", |record| RemoteDomain {
            name: record.words("Name"),
            domain_name: record.words("DomainName"),
            auto_forward_enabled: record.flag("AutoForwardEnabled"),
        })
        .await
    }

    /// The outbound spam policies. Forwarding to the other tenant bounces unless one allows it
    /// (`550 5.7.520`), and no other call tells.
    pub async fn outbound_spam_policies(&self) -> Result<Vec<OutboundSpamPolicy>, TenantError> {
        self.rows("Get-HostedOutboundSpamFilterPolicy", |record| OutboundSpamPolicy {
            name: record.words("Name"),
            is_default: record.flag("IsDefault"),
            auto_forwarding_mode: record.words("AutoForwardingMode"),
        })
        .await
    }

    /// To whom the outbound spam policies apply.
    pub async fn outbound_spam_rules(&self) -> Result<Vec<OutboundSpamRule>, TenantError> {
        self.rows("Get-HostedOutboundSpamFilterRule", |record| OutboundSpamRule {
            name: record.words("Name"),
            policy: record.words("HostedOutboundSpamFilterPolicy"),
            state: record.words("State"),
            priority: record.number("Priority"),
            from: record.texts("From"),
            from_member_of: record.texts("FromMemberOf"),
            sender_domain_is: record.texts("SenderDomainIs"),
        })
        .await
    }

    /// Makes a policy that allows forwarding to outside.
    pub async fn new_forwarding_policy(&self, name: &str) -> Result<(), TenantError> {
        let parameters = Parameters::new().set("Name", name).set("AutoForwardingMode", "On");
        self.run("New-HostedOutboundSpamFilterPolicy", parameters).await
    }

    /// Applies a policy to the members of a group.
    pub async fn new_forwarding_rule(
        &self,
        name: &str,
        policy: &str,
        group: &str,
    ) -> Result<(), TenantError> {
        let parameters = Parameters::new()
            .set("Name", name)
            .set("HostedOutboundSpamFilterPolicy", policy)
            .set("FromMemberOf", vec![group]);
        self.run("New-HostedOutboundSpamFilterRule", parameters).await
    }

    /// Trust in other organizations for free/busy.
    pub async fn organization_relationships(
        &self,
    ) -> Result<Vec<OrganizationRelationship>, TenantError> {
        self.rows("Get-OrganizationRelationship", |record| OrganizationRelationship {
            name: record.words("Name"),
            domain_names: record.texts("DomainNames"),
            enabled: record.flag("Enabled"),
            free_busy_access_enabled: record.flag("FreeBusyAccessEnabled"),
            free_busy_access_level: record.words("FreeBusyAccessLevel"),
        })
        .await
    }

    /// Lets the tenant of these domains see free/busy times, and asks it for them.
    pub async fn new_organization_relationship(
        &self,
        name: &str,
        domain_names: &[String],
    ) -> Result<(), TenantError> {
        let autodiscover =
            "https://autodiscover.outlook.com/autodiscover/autodiscover.svc/WSSecurity";
        let parameters = Parameters::new()
            .set("Name", name)
            .set("DomainNames", domain_names.to_vec())
            .set("FreeBusyAccessEnabled", true)
            .set("FreeBusyAccessLevel", "AvailabilityOnly")
            .set("TargetApplicationUri", "outlook.com")
            .set("TargetAutodiscoverEpr", autodiscover);
        self.run("New-OrganizationRelationship", parameters).await
    }

    /// Which tenants may ask for free/busy.
    pub async fn availability_configs(&self) -> Result<Vec<AvailabilityConfig>, TenantError> {
        self.rows("Get-AvailabilityConfig", |record| {
            let ids = record.texts("AllowedTenantIds");
            let ids = ids.iter().filter_map(|id| Uuid::try_parse(id).ok());
            AvailabilityConfig { allowed_tenant_ids: ids.collect() }
        })
        .await
    }

    /// Lets tenants ask for free/busy.
    pub async fn new_availability_config(&self, tenants: &[Uuid]) -> Result<(), TenantError> {
        let tenants: Vec<String> = tenants.iter().map(|id| id.hyphenated().to_string()).collect();
        let parameters = Parameters::new().set("AllowedTenantIds", tenants);
        self.run("New-AvailabilityConfig", parameters).await
    }

    /// Where free/busy of other domains is asked for.
    pub async fn availability_address_spaces(
        &self,
    ) -> Result<Vec<AvailabilityAddressSpace>, TenantError> {
        self.rows("Get-AvailabilityAddressSpace", |record| AvailabilityAddressSpace {
            forest_name: record.words("ForestName"),
            access_method: record.words("AccessMethod"),
            target_tenant_id: record.guid("TargetTenantId"),
        })
        .await
    }

    /// Asks a tenant for the free/busy of one of its domains.
    pub async fn add_availability_address_space(
        &self,
        domain: &str,
        tenant: Uuid,
    ) -> Result<(), TenantError> {
        let parameters = Parameters::new()
            .set("ForestName", domain)
            .set("AccessMethod", "OrgWideFBToken")
            .set("TargetTenantId", tenant.hyphenated().to_string())
            .set("TargetServiceEpr", "outlook.office.com");
        self.run("Add-AvailabilityAddressSpace", parameters).await
    }

    async fn rows<T>(
        &self,
        cmdlet: &'static str,
        row: impl Fn(Record<'_>) -> T,
    ) -> Result<Vec<T>, TenantError> {
        let values: Vec<Value> = self.read(cmdlet, Parameters::new(), &Anchor::Tenant).await?;
        Ok(values.iter().map(|value| row(Record(value))).collect())
    }
}
