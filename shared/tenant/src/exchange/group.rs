//! Distribution lists and mail-enabled security groups, which Graph cannot change.

use super::{Exchange, Parameters, Recipient, filter_literal};
use crate::{TenantError, error::already_is_fine};

impl Exchange {
    /// The groups that a recipient is directly in, by the path of the recipient
    /// ([`Recipient::distinguished_name`]).
    pub async fn distribution_groups_of(
        &self,
        distinguished_name: &str,
    ) -> Result<Vec<Recipient>, TenantError> {
        let filter = format!("Members -eq {}", filter_literal(distinguished_name));
        self.list_recipients(Some(&filter)).await
    }

    /// The members of a group.
    pub async fn distribution_group_members(
        &self,
        group: &str,
    ) -> Result<Vec<Recipient>, TenantError> {
        self.recipients("Get-DistributionGroupMember", Parameters::identity(group)).await
    }

    /// Adds a member. One who is in already is no error.
    pub async fn add_distribution_group_member(
        &self,
        group: &str,
        member: &str,
    ) -> Result<(), TenantError> {
        let parameters = Parameters::identity(group)
            .set("Member", member)
            .switch("BypassSecurityGroupManagerCheck");
        already_is_fine(self.run("Add-DistributionGroupMember", parameters).await)
    }

    /// Takes a member out. One who is not in is no error.
    pub async fn remove_distribution_group_member(
        &self,
        group: &str,
        member: &str,
    ) -> Result<(), TenantError> {
        let parameters = Parameters::identity(group)
            .set("Member", member)
            .switch("BypassSecurityGroupManagerCheck")
            .confirmed();
        already_is_fine(self.run("Remove-DistributionGroupMember", parameters).await)
    }
}
