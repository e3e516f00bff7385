//! The tenant itself: its name, its domains.

use serde::{Deserialize, Serialize};

use super::{Graph, nullable};
use crate::{Operation, TenantError};

const ORGANIZATION: Operation = Operation::new(
    "get organization",
    &["Organization.Read.All", "Directory.Read.All", "User.Read.All"],
);
const DOMAINS: Operation = Operation::new(
    "list domains",
    &["Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All"],
);
const PAGES_MAX: usize = 100;

/// The tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Organization {
    /// The tenant's GUID.
    pub id: String,
    /// Its name.
    pub display_name: Option<String>,
    /// Whether a directory on premises is synchronized.
    pub on_premises_sync_enabled: Option<bool>,
    /// Its domains.
    #[serde(deserialize_with = "nullable")]
    pub verified_domains: Vec<VerifiedDomain>,
}

impl Organization {
    /// The initial domain (`contoso.onmicrosoft.com`), which every tenant keeps.
    pub fn initial_domain(&self) -> Option<&str> {
        let initial = self.verified_domains.iter().find(|domain| domain.is_initial);
        initial.map(|domain| domain.name.as_str())
    }
}

/// A domain as the organization lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VerifiedDomain {
    /// The name.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// New users get it.
    #[serde(deserialize_with = "nullable")]
    pub is_default: bool,
    /// It is the initial one.
    #[serde(deserialize_with = "nullable")]
    pub is_initial: bool,
}

/// A domain of the tenant, verified or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Domain {
    /// The name.
    pub id: String,
    /// It is the initial one.
    pub is_initial: bool,
    /// New users get it.
    pub is_default: bool,
    /// It is proven to be the tenant's.
    pub is_verified: bool,
    /// `Managed` or `Federated`.
    pub authentication_type: String,
    /// `Email`, `OfficeCommunicationsOnline`…
    #[serde(deserialize_with = "nullable")]
    pub supported_services: Vec<String>,
}

impl Graph {
    /// The tenant; `None` if the reply lists none, which does not happen.
    pub async fn organization(&self) -> Result<Option<Organization>, TenantError> {
        let all: Vec<_> = self.get(ORGANIZATION, &["organization"]).pages(PAGES_MAX).await?;
        Ok(all.into_iter().next())
    }

    /// The domains of the tenant.
    pub async fn domains(&self) -> Result<Vec<Domain>, TenantError> {
        self.get(DOMAINS, &["domains"]).pages(PAGES_MAX).await
    }
}
