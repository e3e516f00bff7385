//! Licences: what a user has, what the tenant has free, assigning.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{AssignedLicense, Graph, nullable};
use crate::{Lane, Operation, TenantError};

const READ: &[&str] = &[
    "LicenseAssignment.ReadWrite.All",
    "LicenseAssignment.Read.All",
    "Organization.Read.All",
    "Directory.Read.All",
    "User.Read.All",
    "User.ReadWrite.All",
];
const LICENCE_DETAILS: Operation = Operation::new("list licences of user", READ);
const SUBSCRIBED_SKUS: Operation = Operation::new("list licences of tenant", READ);
const ASSIGN: Operation = Operation::new(
    "assign licences",
    &["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
);
const PAGES_MAX: usize = 100;

/// A service inside a product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicePlan {
    /// The service, a GUID.
    #[serde(deserialize_with = "nullable")]
    pub service_plan_id: String,
    /// Its name, for instance `EXCHANGE_S_ENTERPRISE`.
    #[serde(deserialize_with = "nullable")]
    pub service_plan_name: String,
    /// `Success`, `PendingProvisioning`, `Disabled`…
    pub provisioning_status: Option<String>,
    /// `User` or `Company`.
    pub applies_to: Option<String>,
}

/// A product that a user has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LicenseDetails {
    /// The product, a GUID.
    #[serde(deserialize_with = "nullable")]
    pub sku_id: String,
    /// Its name, for instance `ENTERPRISEPACK`.
    #[serde(deserialize_with = "nullable")]
    pub sku_part_number: String,
    /// Its services.
    #[serde(deserialize_with = "nullable")]
    pub service_plans: Vec<ServicePlan>,
}

/// Seats that were bought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PrepaidUnits {
    /// In use or free.
    pub enabled: i64,
    /// Suspended.
    pub suspended: i64,
    /// In the grace period.
    pub warning: i64,
}

/// A product of the tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SubscribedSku {
    /// The product, a GUID.
    #[serde(deserialize_with = "nullable")]
    pub sku_id: String,
    /// Its name, for instance `ENTERPRISEPACK`.
    #[serde(deserialize_with = "nullable")]
    pub sku_part_number: String,
    /// `Enabled`, `Suspended`…
    pub capability_status: Option<String>,
    /// `User` or `Company`.
    pub applies_to: Option<String>,
    /// Seats that are taken.
    #[serde(deserialize_with = "nullable")]
    pub consumed_units: i64,
    /// Seats that were bought.
    #[serde(deserialize_with = "nullable")]
    pub prepaid_units: PrepaidUnits,
    /// Its services.
    #[serde(deserialize_with = "nullable")]
    pub service_plans: Vec<ServicePlan>,
}

impl SubscribedSku {
    /// Seats that can still be given, never below 0 (an expired product has fewer than it uses).
    pub fn free_seats(&self) -> u64 {
        let free = self.prepaid_units.enabled.saturating_sub(self.consumed_units);
        u64::try_from(free).unwrap_or(0)
    }

    /// Whether one of its services has this name.
    pub fn has_service(&self, service_plan_name: &str) -> bool {
        self.service_plans
            .iter()
            .any(|plan| plan.service_plan_name.eq_ignore_ascii_case(service_plan_name))
    }
}

impl Graph {
    /// The products that a user has.
    pub async fn license_details(&self, user: &str) -> Result<Vec<LicenseDetails>, TenantError> {
        self.get(LICENCE_DETAILS, &["users", user, "licenseDetails"]).pages(PAGES_MAX).await
    }

    /// The products of the tenant, with their free seats.
    pub async fn subscribed_skus(&self) -> Result<Vec<SubscribedSku>, TenantError> {
        let call = self.get(SUBSCRIBED_SKUS, &["subscribedSkus"]);
        let skus: Vec<SubscribedSku> =
            call.lane(Lane::Directory { units: 3 }).pages(PAGES_MAX).await?;
        // SharePoint's budget grows with the licences that hold it.
        let with_files = |sku: &&SubscribedSku| {
            sku.service_plans.iter().any(|plan| plan.service_plan_name.contains("SHAREPOINT"))
        };
        let bought = skus.iter().filter(with_files).map(|sku| sku.prepaid_units.enabled.max(0));
        let bought = u32::try_from(bought.sum::<i64>()).unwrap_or(u32::MAX);
        self.wire.limits.licences(&self.wire.config.tenant, bought);
        Ok(skus)
    }

    /// Gives and takes products, in one step. The usage location must be set before; no free seat
    /// is [`crate::Class::QuotaExceeded`].
    pub async fn assign_license(
        &self,
        user: &str,
        add: &[AssignedLicense],
        remove_sku_ids: &[String],
    ) -> Result<(), TenantError> {
        // Both lists are required, also when empty.
        let body = json!({ "addLicenses": add, "removeLicenses": remove_sku_ids });
        self.post(ASSIGN, &["users", user, "assignLicense"]).json(&body).done().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_seats_are_never_negative() {
        let sku = |enabled, consumed_units| SubscribedSku {
            prepaid_units: PrepaidUnits { enabled, ..PrepaidUnits::default() },
            consumed_units,
            ..SubscribedSku::default()
        };
        assert_eq!(sku(25, 20).free_seats(), 5);
        assert_eq!(sku(0, 20).free_seats(), 0);
    }
}
